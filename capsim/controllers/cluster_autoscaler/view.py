"""What the Cluster Autoscaler learns at the start of a loop, and what it can do: the API server and the cloud.

The engine and the replay of recordings each implement ``World``; the autoscaler knows no other way to the cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from capsim.controllers.cluster_autoscaler.options import GroupOptions, Options
from capsim.controllers.cluster_autoscaler.tables import Kinds, NodeTable, PodTable
from capsim.state.tables import I64, NEVER


def among(values: I64, members: Container[int]) -> np.ndarray:
    """Which ``values`` are among ``members``, a set or dict: np.isin sorts both first."""
    return np.fromiter((value in members for value in values.tolist()), np.bool_, len(values))


@dataclass(frozen=True)
class NodeTemplate:
    """A node to be; arrays are [R] and int64."""

    shape: int
    allocatable: I64
    capacity: I64
    daemons: I64
    """Kinds of the DaemonSet (and mirror) pods that it will run."""
    traits: I64
    """[1 + keys]: shape, then the domain of each topology key (the hostname's is not used)."""

    @classmethod
    def of(cls, shape_domain: I64, shape: int, allocatable: I64, capacity: I64, daemons: I64) -> NodeTemplate:
        """A template of a shape, whose domains are in ``shape_domain`` [S, keys]."""
        traits = np.concatenate([[shape], shape_domain[shape]]).astype(np.int64)
        return cls(shape, allocatable, capacity, daemons, traits)

    def requested(self, kinds: Kinds) -> I64:
        """Requests of its DaemonSet pods, [R]."""
        total: I64 = kinds.request[self.daemons].sum(axis=0)
        return total


@dataclass(frozen=True)
class Instance:
    """A machine as the cloud lists it."""

    slot: int
    name: str
    deleting: bool = False
    error: tuple[str, str] | None = None
    """Class and code of a creation error."""
    uid: int = -1
    """Tells machines apart that used the same slot, -1: their names do."""


@dataclass
class Budgets:
    """PodDisruptionBudgets."""

    matches: I64
    """[B, K]: 1 where the budget covers pods of a kind."""
    allowed: I64
    """[B] status.disruptionsAllowed"""


@dataclass
class View:
    """The cluster as the API server and the cloud show it at one loop."""

    now_ms: int
    options: Options
    kinds: Kinds
    nodes: NodeTable
    listed: I64
    """Slots of the Node objects in list order."""
    pods: PodTable
    bound: I64
    """Slots of the bound pods in list order."""
    pending: I64
    """Slots of the pods that the scheduler called unschedulable, in list order."""
    group_names: list[str]
    group_options: list[GroupOptions]
    minimum: I64
    """[G] smallest size."""
    maximum: I64
    """[G] largest size."""
    price: list[float]
    """[G] price of a node per hour."""
    budgets: Budgets
    template: Callable[[int], NodeTemplate]
    """The group's own template, its DaemonSets included."""
    shape_domain: I64
    """[S, keys] topology domain of each shape, -1: the label is missing."""
    shape_gpu: list[str | None]
    """[S] value of the GPU label."""
    shape_labels: list[dict[str, str]]
    """[S] labels of the shape, without the hostname."""
    gpu: int = -1
    """Resource column of GPUs, -1: the cluster has none."""
    owners: int = 0
    """Number of controllers (rows that ``Kinds.owner`` points to)."""
    unseen: int = 0
    """Last columns of resources of which nothing is known before a node is there (volumes that it can attach)."""
    starting: I64 = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def groups(self) -> int:
        """Number of node groups."""
        return len(self.group_names)

    def pods_on(self, slot: int) -> I64:
        """Slots of the pods bound to a node, in list order."""
        return self.bound[self.pods.node[self.bound] == slot]

    def node_template(self, shape: int, allocatable: I64, capacity: I64, daemons: I64) -> NodeTemplate:
        """A template of that shape; ``allocatable`` may be written to."""
        if self.unseen:
            allocatable[-self.unseen :] = NEVER
        return NodeTemplate.of(self.shape_domain, shape, allocatable, capacity, daemons)

    def group_option(self, group: int, name: str) -> float:
        """A setting of a group, or the flag that stands behind it."""
        own = getattr(self.group_options[group], name)
        return (
            getattr(self.options, name if name != "provision_ms" else "max_node_provision_ms") if own is None else own
        )


class World(Protocol):
    """What the autoscaler can ask and do between and during its loops."""

    def target(self, group: int) -> int:
        """Size that the cloud aims at."""

    def instances(self, group: int) -> list[Instance]:
        """Machines of a group, in the cloud's order."""

    def increase(self, group: int, count: int) -> str:
        """Ask for ``count`` more nodes; returns an error text, empty when the cloud agreed."""

    def decrease_target(self, group: int, count: int) -> None:
        """Lower the target without deleting a machine."""

    def delete_nodes(self, group: int, slots: list[int]) -> str:
        """Delete machines; returns an error text, empty when the cloud agreed."""

    def taint(self, slot: int, key: str, on: bool, cordon: bool) -> None:
        """Set or remove one of the autoscaler's two taints on a node, and (un)cordon it."""

    def evict(self, pod: int, uid: int, grace_sec: int) -> str:
        """Evict a pod; returns an error text, empty when it goes or is already gone."""

    def still_on(self, pod: int, uid: int, slot: int) -> bool:
        """Whether the pod still runs on the node."""

    def zero_or_max(self, group: int) -> bool:
        """Whether the group has no nodes or its most."""

    def node_name(self, slot: int) -> str:
        """Name of a node or machine."""

    def pod_name(self, pod: int) -> str:
        """namespace/name of a pod."""

    def group_name(self, group: int) -> str:
        """Name of a group."""

    def draw(self, count: int) -> int:
        """Chance: a number below ``count``."""

    def refresh(self, now_ms: int) -> View:
        """The cluster as the API shows it now, for an actuator that works between loops."""
