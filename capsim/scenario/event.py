"""Timed actions: what somebody does, or what breaks, while the run goes on."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, GetJsonSchemaHandler, PlainSerializer, SkipValidation, WithJsonSchema, model_validator
from pydantic_core.core_schema import CoreSchema, SerializationInfo

from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.model import Milliseconds, Model, Switch, Text, WholeNumber, problem, with_short_form
from capsim.scenario.rollout import PauseRollout, Rollback, Rollout
from capsim.scenario.scheduled_size import Resize


class Scale(Model):
    """`kubectl scale`: sets the replicas of a workload."""

    target: Text = Field(description="The workload: `name`, `namespace/name` or `namespace/Kind/name`.")
    replicas: WholeNumber = Field(description="Replicas from then on (an HPA may change them again).")


def _written_object(value: Hpa | Scale | Workload, info: SerializationInfo) -> Any:
    if not info.by_alias:
        return value.model_dump()
    if isinstance(value, Workload):
        manifest = value.manifest()
        return {**manifest, "spec": {"$patch": "replace", **manifest["spec"]}}
    if isinstance(value, Hpa):
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
    Hpa | Scale | Workload,
    SkipValidation,
    PlainSerializer(_written_object),
    WithJsonSchema({"type": "object", "description": "A HorizontalPodAutoscaler or a workload, as in a manifest."}),
]


class Apply(Model):
    """`kubectl apply` of an object that exists; a changed template of a Deployment is rolled out."""

    object: AppliedObject = Field(description="The object; what it does not hold stays.")


class AddNodes(Model):
    """Somebody adds nodes to a group by hand."""

    group: Text = Field(description="Name of the node group.")
    count: WholeNumber = Field(ge=1, description="How many nodes.")
    immediately: Switch = Field(False, description="Ready at once instead of after the group's bootDelay.")


class NodeTarget(Model):
    """One node, by name, or by group and index (nodes of a group are `<group>-1`, `<group>-2`, …)."""

    node: Text | None = Field(None, description="Name of the node.")
    group: Text | None = Field(None, description="Name of its node group, with index.")
    index: WholeNumber | None = Field(None, ge=1, description="Number of the node in its group, from 1.")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, data: Any) -> Any:
        return {"node": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.node is None) == (self.group is None) or (self.group is None) != (self.index is None):
            raise problem("not one node", "{node: name} or {group: name, index: 1}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return with_short_form(schema, handler, {"type": "string"})

    @property
    def node_name(self) -> str:
        """The node's name, whichever way it was given."""
        return self.node if self.node is not None else f"{self.group}-{self.index}"


class TimedEvent(Model):
    """One action at one time."""

    at_ms: Milliseconds = Field(alias="at", description="Time since the start of the run.")
    scale: Scale | None = Field(None, description="Set the replicas of a workload.")
    apply: Apply | None = Field(
        None, description="Apply a changed HorizontalPodAutoscaler, Deployment or replica count."
    )
    add_nodes: AddNodes | None = Field(None, description="Add nodes to a group; Ready after the group's bootDelay.")
    resize: Resize | None = Field(
        None, description="Set the size of a node group, or its min and max; the oldest nodes are drained and deleted."
    )
    drain: NodeTarget | None = Field(None, description="Cordon a node and evict its pods.")
    fail: NodeTarget | None = Field(None, description="The node is gone at once, with everything on it.")
    rollout: Rollout | None = Field(None, description="Roll out a new version of a Deployment.")
    rollback: Rollback | None = Field(None, description="Roll a Deployment back to an earlier revision.")
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
    def action(self) -> Scale | Apply | AddNodes | Resize | NodeTarget | Rollout | Rollback | PauseRollout:
        """The action itself."""
        return getattr(self, self.kind)  # type: ignore[no-any-return]
