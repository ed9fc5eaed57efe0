"""Size and thresholds of the nodes' filesystems.

What the system's own files take is what is reserved for them (kubeReserved, systemReserved), so that nodefs.available
is below its threshold when images and pods hold more than is allocatable. Nodes whose evictionHard has no threshold
for it, and Node objects that do not state their disk, never run short of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capsim.engine.faults.disk_parts import RESOURCE
from capsim.scenario.cluster import NodeGroup
from capsim.scenario.kubernetes.node import NodeObject
from capsim.state.tables import EPHEMERAL, F64, I64

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

DEFAULT_THRESHOLD = 0.1
"""nodefs.available of kubelets of which only the Node object is known."""


class Filesystems(NamedTuple):
    """By node, bytes: [N]."""

    capacity: F64
    threshold: F64
    """nodefs.available below which pods are evicted, inf: there is none."""
    most: F64
    """What images and pods may hold until it is met, inf: never."""

    def available(self, n: int, used: float) -> int:
        """nodefs.available of a node whose images and pods hold ``used``."""
        return max(0, int(self.most[n] + self.threshold[n] - used))


def of_group(group: NodeGroup) -> tuple[float, float]:
    """Capacity and threshold of the nodes of a group; inf: there is none."""
    capacity = float(group.instance.ephemeral_storage_bytes)
    return capacity, float(group.eviction_hard.get(RESOURCE, np.inf))


def of_object(node: NodeObject) -> tuple[float, float]:
    """The same of a Node object, whose threshold is in what is not allocatable."""
    capacity = node.capacity.get(RESOURCE)
    if capacity is None or RESOURCE not in node.allocatable:
        return np.inf, np.inf
    return float(capacity), min(DEFAULT_THRESHOLD * capacity, float(capacity - node.allocatable[RESOURCE]))


def filesystems(sim: Simulation) -> Filesystems:
    """Those of all node slots."""
    nodes, scenario = sim.state.nodes, sim.scenario
    rows = np.array([*(of_group(group) for group in scenario.node_groups), (np.inf, np.inf)])
    found = rows[np.where(nodes.group >= 0, nodes.group, len(rows) - 1)]
    if scenario.objects.nodes:
        known = {node.name: node for node in scenario.objects.nodes}
        for n in np.flatnonzero(nodes.uid >= 0).tolist():
            uid = int(nodes.uid[n])
            if uid not in sim.disks.objects:
                node = known.get(sim.names.node(int(nodes.group[n]), int(nodes.ordinal[n])))
                sim.disks.objects[uid] = tuple(found[n].tolist()) if node is None else of_object(node)
            found[n] = sim.disks.objects[uid]
    return with_bounds(found[:, 0], found[:, 1], nodes.allocatable[:, EPHEMERAL])


def new_filesystems(sim: Simulation) -> Filesystems:
    """Those of a node to be of each group, the last one (Node objects) left out: [G]."""
    groups = sim.scenario.node_groups
    rows = np.array([of_group(group) for group in groups]).reshape(len(groups), 2)
    return with_bounds(rows[:, 0], rows[:, 1], sim.state.groups.template[: len(groups), EPHEMERAL])


def with_bounds(capacity: F64, threshold: F64, allocatable: I64) -> Filesystems:
    """Adds what may be held."""
    return Filesystems(capacity, threshold, np.where(np.isinf(threshold), np.inf, allocatable))
