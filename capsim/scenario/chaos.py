"""Events that break things, or take nodes out of service: failures, outages, reclaims, drains, upgrades."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core.core_schema import CoreSchema

from capsim.scenario.model import AtLeastOne, Milliseconds, Model, Switch, Text, WholeNumber, problem, with_short_form

Silence = Literal["unreachable", "partition"]


class NodeTarget(Model):
    """One node, by name, or by group and index (nodes of a group are `<group>-1`, `<group>-2`, …)."""

    node: Text | None = Field(None, description="Name of the node.")
    group: Text | None = Field(None, description="Name of its node group, with index.")
    index: AtLeastOne | None = Field(None, description="Number of the node in its group, from 1.")

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


class Fail(NodeTarget):
    """A node fails."""

    mode: Literal["gone", "terminated", "unreachable", "partition"] = Field(
        "gone",
        description="`gone`: node and pods are gone at once. `terminated`: the machine is gone, the control plane "
        "finds out. `unreachable`: it does not answer, and reboots after `duration`. `partition`: nobody reaches it, "
        "its containers run on.",
    )
    duration_ms: Milliseconds | None = Field(
        None, gt=0, alias="duration", description="How long it does not answer; missing: for ever."
    )

    @model_validator(mode="after")
    def _comes_back_at_all(self) -> Self:
        if self.duration_ms is not None and self.mode in ("gone", "terminated"):
            raise problem("a machine that is gone does not come back", "mode: unreachable or partition", key="duration")
        return self


class Drain(NodeTarget):
    """`kubectl drain`: cordon, then evict through the eviction API, again every five seconds where budgets refuse."""

    timeout_ms: Milliseconds = Field(0, alias="timeout", description="When it gives up; 0: never (kubectl --timeout).")
    disable_eviction: Switch = Field(
        False, alias="disableEviction", description="Delete pods instead of evicting them: budgets are not asked."
    )


class ZoneOutage(Model):
    """No node of a zone answers, and no new one comes up there."""

    zone: Text = Field(description="Name of the zone.")
    duration_ms: Milliseconds | None = Field(
        None, gt=0, alias="duration", description="How long it lasts; missing: to the end."
    )
    mode: Silence = Field("unreachable", description="Whether the nodes reboot (`unreachable`) or were cut off.")


class SpotReclaim(Model):
    """The cloud takes machines back, with a notice."""

    node: Text | None = Field(None, description="Name of the node.")
    group: Text | None = Field(None, description="Node group of which `count` nodes go.")
    count: AtLeastOne = Field(1, description="How many nodes of the group; drawn from the seed.")
    notice_ms: Milliseconds = Field(
        120_000, alias="notice", description="Time from the notice until the machine is gone (EC2: two minutes)."
    )
    drain: Switch = Field(
        True, description="Whether a termination handler drains the node at the notice; budgets are asked."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, data: Any) -> Any:
        return {"node": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.node is None) == (self.group is None):
            raise problem("not one of node and group", "{node: name} or {group: name, count: 1}")
        if self.node is not None and self.count != 1:
            raise problem("count belongs to a group", "{group: name, count: 2}", key="count")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return with_short_form(schema, handler, {"type": "string"})


class Upgrade(Model):
    """All nodes of a group are replaced or rebooted, one after the other, behind PodDisruptionBudgets."""

    group: Text = Field(description="Name of the node group.")
    mode: Literal["replace", "reboot"] = Field(
        "replace", description="`replace`: another machine each; `reboot`: a new kernel on the same one."
    )
    max_unavailable: WholeNumber = Field(1, alias="maxUnavailable", description="Nodes that may be drained at a time.")
    max_surge: WholeNumber = Field(
        0, alias="maxSurge", description="New nodes that may stand beside the old ones (`replace` only)."
    )
    reboot_time_ms: Milliseconds = Field(
        120_000, gt=0, alias="rebootTime", description="How long a reboot takes (an assumption)."
    )
    drain_timeout_ms: Milliseconds = Field(
        3_600_000,
        alias="drainTimeout",
        description="After it the pods that are left are deleted (GKE: one hour); 0: wait for ever.",
    )

    @model_validator(mode="after")
    def _makes_progress(self) -> Self:
        if self.max_unavailable + self.max_surge < 1:
            raise problem("no node may ever be taken", "maxUnavailable or maxSurge of at least 1", key="maxUnavailable")
        if self.mode == "reboot" and self.max_surge:
            raise problem(
                "a rebooted machine needs no other beside it", "maxSurge: 0 with mode: reboot", key="maxSurge"
            )
        return self


class Crash(Model):
    """Containers of a workload exit, once or again and again; the kubelet starts them anew, with its back-off."""

    target: Text = Field(description="The workload: `name`, `namespace/name` or `namespace/Kind/name`.")
    pods: AtLeastOne | None = Field(None, description="How many of its pods, the oldest; missing: all.")
    after_ms: Milliseconds = Field(
        1_000, alias="after", description="How long after a start the containers exit, while the fault lasts."
    )
    duration_ms: Milliseconds | None = Field(
        None, gt=0, alias="duration", description="How long the fault lasts; missing: they exit once."
    )


class Hang(Model):
    """Ready pods of a workload stop answering; a liveness probe finds out, and the kubelet restarts them."""

    target: Text = Field(description="The workload: `name`, `namespace/name` or `namespace/Kind/name`.")
    pods: AtLeastOne | None = Field(None, description="How many of its Ready pods, the oldest; missing: all.")
    duration_ms: Milliseconds | None = Field(
        None, gt=0, alias="duration", description="When they answer again by themselves; missing: never."
    )


class ControlPlaneOutage(Model):
    """Control-plane nodes fail: with too few left for a quorum nobody decides anything, while pods keep serving."""

    nodes: AtLeastOne = Field(1, description="How many fail at once, the leader's first.")
    duration_ms: Milliseconds = Field(gt=0, alias="duration", description="How long they are gone.")


class Failures(Model):
    """Random failures of the nodes of a group: exponential times between and of them, drawn from the seed."""

    mtbf_ms: Milliseconds = Field(gt=0, alias="mtbf", description="Mean time between failures of one node.")
    mttr_ms: Milliseconds = Field(
        600_000, gt=0, alias="mttr", description="Mean time for which a node does not answer (modes that come back)."
    )
    mode: Literal["gone", "terminated", "unreachable", "partition"] = Field(
        "unreachable", description="What happens, as in the event `fail`."
    )


class LeaderElection(Model):
    """Leases of the controllers' leaders (kube-controller-manager and kube-scheduler flags `--leader-elect-*`)."""

    lease_duration_ms: Milliseconds = Field(
        15_000, gt=0, alias="leaseDuration", description="How long others wait for a leader that does not renew."
    )
    renew_deadline_ms: Milliseconds = Field(
        10_000, gt=0, alias="renewDeadline", description="A leader that cannot renew for that long gives up."
    )
    retry_period_ms: Milliseconds = Field(
        2_000, gt=0, alias="retryPeriod", description="Time between two attempts to become, or stay, the leader."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.lease_duration_ms > self.renew_deadline_ms > self.retry_period_ms:
            raise problem("not leaseDuration > renewDeadline > retryPeriod", "as upstream asks", key="leaseDuration")
        return self
