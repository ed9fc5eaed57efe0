"""Nodes that were found unremovable, and whether the check that follows five minutes later can be foreseen.

A check that failed (no place for the pods, or one that may not move), in a loop that found no node for any pod and
leaned on no hint, depends on the cluster alone: while that stays as it is, the next check fails like it, and only its
time has to be kept. What budgets allow follows from readiness and wanted replicas, whose changes count too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler
from capsim.state import tables as t

if TYPE_CHECKING:
    from capsim.controllers.cluster_autoscaler.view import View
    from capsim.engine.drive import Simulation


@dataclass
class Rechecks:
    """What failed checks depended on."""

    foreseen: bool
    """Whether loops keep to the scan interval, so that the times of those that were not executed are known."""
    failed: dict[int, int] = field(default_factory=dict)
    """Uid of a node -> state of the cluster (``work_done``) at its last check."""

    def note(self, scaler: Autoscaler, view: View, work: int) -> None:
        """Take in the checks of the loop that was just executed."""
        unremovable = scaler.planner.unremovable
        self.failed = {uid: seen for uid, seen in self.failed.items() if uid in unremovable.until_ms}
        depends = not self.foreseen or scaler.found > 0 or uses_hints(scaler)
        for slot in unremovable.reasons:
            uid = int(view.nodes.uid[slot])
            if uid in unremovable.until_ms:
                self.failed[uid] = -1 if depends else work

    def will_fail(self, scaler: Autoscaler, view: View, work: int) -> bool:
        """Whether every check to come is known to fail while the cluster stays as it is."""
        if not self.foreseen or scaler.planner.unneeded or len(view.pending) or scaler.found or uses_hints(scaler):
            return False
        return all(self.failed.get(uid) == work for uid in scaler.planner.unremovable.until_ms)


def uses_hints(scaler: Autoscaler) -> bool:
    """Whether the last scale-down simulation renewed or made a hint."""
    hints = scaler.planner.hints
    return bool(((hints.generation == hints.now[0] - 1) & (hints.pod >= 0)).any())


def pass_over(scaler: Autoscaler, passed: int, last_ms: int, period_ms: int) -> None:
    """The times of checks that failed in ``passed`` loops that were not executed, the last of them at ``last_ms``."""
    if passed <= 0:
        return
    first_ms = last_ms - (passed - 1) * period_ms
    times = scaler.planner.unremovable.until_ms
    for uid, until_ms in times.items():
        while until_ms <= last_ms:
            loops = max(0, -((first_ms - until_ms) // period_ms))
            until_ms = first_ms + loops * period_ms + scaler.options.recheck_ms
        times[uid] = until_ms


def state_of(sim: Simulation) -> int:
    """``scan.work_done``: changes whenever pods or nodes did."""
    v, k = sim.state.clock.values, sim.state.clock.counters
    return int(
        k[t.C_BINDS]
        + k[t.C_PODS_GONE]
        + k[t.C_NODES_ADDED]
        + k[t.C_NODES_GONE]
        + v[t.CAPACITY_VERSION]
        + v[t.PENDING_VERSION]
    )
