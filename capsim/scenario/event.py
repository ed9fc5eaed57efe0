"""Timed actions: what somebody does, or what breaks, while the run goes on."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, PlainSerializer, SkipValidation, WithJsonSchema, model_validator
from pydantic_core.core_schema import SerializationInfo

from capsim.scenario.chaos import ControlPlaneOutage, Crash, Drain, Fail, Hang, SpotReclaim, Upgrade, ZoneOutage
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.resource_quota import ResourceQuota
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.model import AtLeastOne, Milliseconds, Model, Switch, Text, WholeNumber, problem
from capsim.scenario.rollout import PauseRollout, Rollback, Rollout
from capsim.scenario.scheduled_size import Resize


class Scale(Model):
    """`kubectl scale`: sets the replicas of a workload."""

    target: Text = Field(description="The workload: `name`, `namespace/name` or `namespace/Kind/name`.")
    replicas: WholeNumber = Field(description="Replicas from then on (an HPA may change them again).")


def _written_object(value: Hpa | Scale | Workload | ResourceQuota, info: SerializationInfo) -> Any:
    if not info.by_alias:
        return value.model_dump()
    if not isinstance(value, Scale):
        manifest = value.manifest()
        return {**manifest, "spec": {"$patch": "replace", **manifest["spec"]}}
    namespace, kind, name = value.target.split("/")
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": value.replicas},
    }


AppliedObject = Annotated[
    Hpa | Scale | Workload | ResourceQuota,
    SkipValidation,
    PlainSerializer(_written_object),
    WithJsonSchema(
        {"type": "object", "description": "A HorizontalPodAutoscaler, a workload or a ResourceQuota, as in a manifest."}
    ),
]


class Apply(Model):
    """`kubectl apply` of an object that exists; a changed template of a workload is rolled out."""

    object: AppliedObject = Field(description="The object; what it does not hold stays.")


class AddNodes(Model):
    """Somebody adds nodes to a group by hand."""

    group: Text = Field(description="Name of the node group.")
    count: AtLeastOne = Field(description="How many nodes.")
    immediately: Switch = Field(False, description="Ready at once instead of after the group's bootDelay.")


Fault = Drain | Fail | ZoneOutage | SpotReclaim | Upgrade | Crash | Hang | ControlPlaneOutage
Action = Scale | Apply | AddNodes | Resize | Fault | Rollout | Rollback | PauseRollout


class TimedEvent(Model):
    """One action at one time."""

    at_ms: Milliseconds = Field(alias="at", description="Time since the start of the run.")
    scale: Scale | None = Field(None, description="Set the replicas of a workload.")
    apply: Apply | None = Field(
        None, description="Apply a changed HorizontalPodAutoscaler, workload, ResourceQuota or replica count."
    )
    add_nodes: AddNodes | None = Field(None, description="Add nodes to a group; Ready after the group's bootDelay.")
    resize: Resize | None = Field(
        None, description="Set the size of a node group, or its min and max; the oldest nodes are drained and deleted."
    )
    drain: Drain | None = Field(None, description="Cordon a node and evict its pods, as budgets allow.")
    fail: Fail | None = Field(None, description="A node fails; without `mode` it is gone at once, with its pods.")
    zone_outage: ZoneOutage | None = Field(None, alias="zoneOutage", description="No node of a zone answers.")
    spot_reclaim: SpotReclaim | None = Field(None, alias="spotReclaim", description="The cloud takes machines back.")
    upgrade: Upgrade | None = Field(None, description="All nodes of a group are replaced or rebooted.")
    crash: Crash | None = Field(None, description="Containers of a workload exit.")
    hang: Hang | None = Field(None, description="Pods of a workload stop answering.")
    control_plane_outage: ControlPlaneOutage | None = Field(
        None, alias="controlPlaneOutage", description="Control-plane nodes fail."
    )
    rollout: Rollout | None = Field(
        None, description="Roll out a new version of a Deployment, StatefulSet or DaemonSet."
    )
    rollback: Rollback | None = Field(
        None, description="Roll a Deployment, StatefulSet or DaemonSet back to an earlier revision."
    )
    pause_rollout: PauseRollout | None = Field(None, description="Pause the rollouts of a Deployment.")
    resume_rollout: PauseRollout | None = Field(None, description="Resume the rollouts of a Deployment.")

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        if len(self._actions()) != 1:
            raise problem("an event holds exactly one action", ", ".join(self._action_keys()))
        return self

    @classmethod
    def _action_keys(cls) -> list[str]:
        return [field.alias or name for name, field in cls.model_fields.items() if name != "at_ms"]

    def _actions(self) -> list[str]:
        return [name for name in type(self).model_fields if name != "at_ms" and getattr(self, name) is not None]

    @property
    def kind(self) -> str:
        """Attribute name of the action, such as scale or add_nodes."""
        return self._actions()[0]

    @property
    def action(self) -> Action:
        """The action itself."""
        return getattr(self, self.kind)  # type: ignore[no-any-return]
