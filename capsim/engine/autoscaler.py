"""What Python writes into the event log, and the numbers of new nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler.status import LoopStatus
from capsim.controllers.cluster_autoscaler.view import View
from capsim.state.eventlog import LOG_NOT_TRIGGER_SCALE_UP, LOG_TRIGGERED_SCALE_UP
from capsim.state.tables import EVENTS_LEFT, G_LAST

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

EVENTS_PER_CLASS = 16
"""TriggeredScaleUp events logged per class and scale-up."""
SIZES = 1_000_000
"""TriggeredScaleUp carries ``before * SIZES + after``."""


def next_ordinal(sim: Simulation, g: int) -> int:
    """Number of the next node of group ``g``."""
    sim.state.groups.size[g, G_LAST] += 1
    return int(sim.state.groups.size[g, G_LAST])


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


def tell_triggered(sim: Simulation, status: LoopStatus, view: View) -> None:
    """TriggeredScaleUp on the pods that a scale-up helps, the first of each class."""
    up = status.scale_up
    if up.result != "Successful" or up.triggered is None or not up.growths:
        return
    growth = up.growths[0]
    kinds = view.pods.kind[up.triggered]
    for c in np.unique(kinds).tolist():
        for p in up.triggered[kinds == c][:EVENTS_PER_CLASS].tolist():
            w, ordinal = int(sim.state.pods.workload[p]), int(sim.state.pods.ordinal[p])
            sizes = growth.before * SIZES + growth.after
            log(sim, sim.now_ms, LOG_TRIGGERED_SCALE_UP, w, ordinal, growth.group, sizes)


def tell_not_triggered(sim: Simulation, status: LoopStatus, told: set[int]) -> set[int]:
    """NotTriggerScaleUp on the first pod of each class that no group helps; once as long as that stays so.

    ``told`` are uids of pods that were told; returns those of now.
    """
    now = set()
    for group in status.scale_up.remaining:
        p = int(group.pods[0])
        uid = int(sim.state.pods.uid[p])
        now.add(uid)
        if uid not in told:
            w, ordinal = int(sim.state.pods.workload[p]), int(sim.state.pods.ordinal[p])
            log(sim, sim.now_ms, LOG_NOT_TRIGGER_SCALE_UP, w, ordinal, 0, 0)
    return now
