"""Carrying out what the Cluster Autoscaler decides: Python's turn in the loop when pods are unschedulable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.controllers.cluster_autoscaler.scale_up import Decision, decide
from capsim.state.eventlog import LOG_NOT_TRIGGER_SCALE_UP, LOG_TRIGGERED_SCALE_UP
from capsim.state.tables import (
    C_NODES_GONE,
    CA_SEEN_CAPACITY,
    CA_SEEN_PENDING,
    EVENTS_LEFT,
    G_DELETING,
    G_EXIST,
    G_TARGET,
    NEXT_CA,
    PENDING_VERSION,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

EVENTS_PER_CLASS = 16
"""TriggeredScaleUp events logged per class and scale-up."""


def ask(sim: Simulation, now_ms: int) -> tuple[Decision | None, bool]:
    """What the autoscaler would do now."""
    ca = sim.scenario.cluster_autoscaler
    assert ca is not None
    s = sim.state
    return decide(s.clock, s.nodes, s.groups, s.classes, s.pods, s.links, ca.expander, ca.max_nodes_per_scaleup, now_ms)


def scale_up(sim: Simulation) -> None:
    """One scale-up decision; without one, the loop goes on to scale down."""
    v = sim.state.clock.values
    now = sim.now_ms
    decision, wait = ask(sim, now)
    if decision is None:
        if not wait:
            tell_not_triggered(sim, now)
        looked(sim)
        if wait:
            v[CA_SEEN_CAPACITY] = -1
        v[NEXT_CA] = now if not wait else v[NEXT_CA]
        return
    before = size_of(sim, decision.group)
    for _ in range(decision.nodes):
        sim.add_node(decision.group, next_ordinal(sim, decision.group), boots=True)
    sim.state.groups.size[decision.group, G_TARGET] += decision.nodes
    tell_triggered(sim, decision, before, now)
    # Other pods may need another group: the next loop asks again, unless what is on its way will hold them all.
    sim.state.clock.values[CA_SEEN_PENDING] = -1


def looked(sim: Simulation) -> None:
    """Remember what the decision was based on."""
    clock = sim.state.clock
    clock.values[CA_SEEN_PENDING] = clock.values[PENDING_VERSION]
    clock.values[CA_SEEN_CAPACITY] = clock.counters[C_NODES_GONE]


def next_ordinal(sim: Simulation, g: int) -> int:
    """Number of the next node of group ``g``."""
    sim.state.groups.size[g, 3] += 1
    return int(sim.state.groups.size[g, 3])


def size_of(sim: Simulation, g: int) -> int:
    """Nodes of group ``g`` that are not being deleted."""
    return int(sim.state.groups.count[g, G_EXIST] - sim.state.groups.count[g, G_DELETING])


def log(sim: Simulation, at_ms: int, kind: int, subject: int, a: int, b: int, c: int) -> None:
    """Append an event from Python."""
    s = sim.state
    if s.clock.values[EVENTS_LEFT] <= 0:
        return
    sim.ensure_log("events", 0, 1)
    s = sim.state
    s.clock.values[EVENTS_LEFT] -= 1
    s.log.events[int(s.log.count[0])] = (at_ms, kind, subject, a, b, c)
    s.log.count[0] += 1


def tell_triggered(sim: Simulation, decision: Decision, before: int, now: int) -> None:
    """TriggeredScaleUp on the pods that were helped, the first of each class."""
    s = sim.state
    sizes = before * 1_000_000 + before + decision.nodes
    for c, helped in zip(decision.classes, decision.helped, strict=True):
        p = int(s.classes.queue_head[c])
        for _ in range(min(helped, EVENTS_PER_CLASS)):
            if p < 0:
                break
            log(
                sim, now, LOG_TRIGGERED_SCALE_UP, int(s.pods.workload[p]), int(s.pods.ordinal[p]), decision.group, sizes
            )
            p = int(s.links.queue_next[p])


def tell_not_triggered(sim: Simulation, now: int) -> None:
    """NotTriggerScaleUp on the first pod of each class that no group helps."""
    s = sim.state
    for c in s.classes.queue_count.nonzero()[0].tolist():
        p = int(s.classes.queue_head[c])
        log(sim, now, LOG_NOT_TRIGGER_SCALE_UP, int(s.pods.workload[p]), int(s.pods.ordinal[p]), 0, 0)
