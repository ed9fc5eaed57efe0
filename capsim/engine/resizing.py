"""Somebody sets the size of a node group, by hand or by the clock.

New nodes are ordered like any others. Which nodes go when there are too many: those that are not Ready yet, then the
oldest (an assumption: clouds have several termination policies). They are cordoned, their pods evicted, the machines
deleted; what still runs when a machine is gone (deleteDelay) is cut off. Not modelled: hooks that wait longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.actions import ACT_CORDON, ACT_DELETE_NODE, ACT_EVICT
from capsim.engine.addresses import cancel
from capsim.engine.autoscaler import next_ordinal
from capsim.state import tables as t

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.scheduled_size import Resize


def resize(sim: Simulation, event: Resize) -> None:
    """Set min, max and target of the group; order what is missing, delete what is too much."""
    g = sim.names.groups.index(event.group)
    size = sim.state.groups.size[g]
    if event.min is not None:
        size[t.G_MIN] = event.min
    if event.max is not None:
        size[t.G_MAX] = event.max
    low, high = int(size[t.G_MIN]), int(size[t.G_MAX])
    wanted = min(max(int(size[t.G_TARGET]) if event.size is None else event.size, low), max(low, high))
    change = wanted - int(size[t.G_TARGET])
    for _ in range(change):
        sim.add_node(g, next_ordinal(sim, g), boots=True)
        sim.state.groups.size[g, t.G_TARGET] += 1
    for n in oldest(sim, g)[: cancel(sim, g, max(0, -change))]:
        remove(sim, n)


def oldest(sim: Simulation, g: int) -> list[int]:
    """Slots of the group's nodes that are not being deleted: not Ready first, then by age."""
    nodes = sim.state.nodes
    slots = np.flatnonzero((nodes.group == g) & (nodes.state != t.NODE_FREE) & (nodes.state != t.NODE_DELETING))
    ready = (nodes.state[slots] == t.NODE_READY).astype(np.int64)
    order: list[int] = slots[np.lexsort((nodes.uid[slots], ready))].tolist()
    return order


def remove(sim: Simulation, n: int) -> None:
    """Cordon node ``n``, evict its pods and delete its machine."""
    sim.make_room(heap=2 * int(sim.state.nodes.requested[n, t.PODS]) + 8)
    sim.state.nodes.times[n, t.T_DELETING] = sim.now_ms
    sim.act(ACT_CORDON, n)
    sim.act(ACT_EVICT, n)
    sim.act(ACT_DELETE_NODE, n)
