"""Looking at nodes and pods of a run by uid and name, and telling what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.autoscaler import log
from capsim.state.eventlog import LOG_NOTE
from capsim.state.marks import PODS_CHANGED, touch
from capsim.state.tables import (
    NODE_DELETING,
    NODE_FREE,
    NODE_READY,
    NODE_REGISTERED,
    NODE_TOP,
    POD_TERMINATING,
    T_READY,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.cluster import NodeGroup

TOUCH: Callable[..., None] = getattr(touch, "py_func", touch)
"""The Python function of the kernel, which calls no other."""


def slot_of_uid(sim: Simulation, uid: int) -> int:
    """Slot of a node, -1: it is gone."""
    found = np.flatnonzero(sim.state.nodes.uid == uid)
    return int(found[0]) if len(found) else -1


def node_named(sim: Simulation, name: str) -> int:
    """Slot of the node called ``name`` that is, or was, Ready and is not being deleted; -1: there is none."""
    nodes = sim.state.nodes
    for n in range(int(sim.state.clock.values[NODE_TOP])):
        known = nodes.state[n] in (NODE_READY, NODE_REGISTERED) and nodes.times[n, T_READY] != -1
        if known and sim.names.node(int(nodes.group[n]), int(nodes.ordinal[n])) == name:
            return n
    return -1


def name_of(sim: Simulation, n: int) -> str:
    """Name of the node in slot ``n``."""
    return sim.names.node(int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n]))


def zone_of(sim: Simulation, n: int) -> str:
    """Zone of the node in slot ``n``, empty where it has none."""
    return sim.names.shapes[int(sim.state.nodes.shape[n])].zone


def group_of(sim: Simulation, n: int) -> NodeGroup | None:
    """Its node group, None for Node objects."""
    g = int(sim.state.nodes.group[n])
    return sim.scenario.node_groups[g] if g < len(sim.scenario.node_groups) else None


def nodes_there(sim: Simulation) -> list[int]:
    """Slots of all machines that are not being deleted, in the order in which they were asked for."""
    nodes = sim.state.nodes
    slots = np.flatnonzero((nodes.state != NODE_FREE) & (nodes.state != NODE_DELETING))
    found: list[int] = slots[np.argsort(nodes.uid[slots])].tolist()
    return found


def pods_on(sim: Simulation, n: int) -> Iterator[int]:
    """Pods of node ``n`` that are not leaving, as they are now."""
    s = sim.state
    listed, p = [], int(s.nodes.first_pod[n])
    while p >= 0:
        if s.pods.state[p] != POD_TERMINATING:
            listed.append(p)
        p = int(s.links.node_next[p])
    return iter(listed)


def pods_bound(sim: Simulation, n: int) -> int:
    """Pods of node ``n``, those that leave included: rows that a step may add to the heap."""
    return int(sim.state.nodes.requested[n, 3])


def note_pods(sim: Simulation, w: int) -> None:
    """Pods of ``w`` changed their state: HPA, Deployment and recorder look at them."""
    TOUCH(sim.state.marks, w, PODS_CHANGED)


def tell(sim: Simulation, text: str) -> None:
    """An event in capsim's own words."""
    sim.sink.notes.append(text)
    log(sim, sim.now_ms, LOG_NOTE, 0, len(sim.sink.notes) - 1, 0, 0)
