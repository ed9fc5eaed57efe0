"""CronJobs: what happens when one is due.

Source: kubernetes v1.36 pkg/controller/cronjob/cronjob_controllerv2.go (syncCronJob). A Job starts at its time; what
falls into an outage of the control plane is caught up with afterwards. History limits have no effect: finished pods
hold nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.engine.actions import ACT_SCALE
from capsim.engine.autoscaler import log
from capsim.state.eventlog import LOG_CRON_SKIPPED, LOG_CRON_STARTED
from capsim.state.tables import FROZEN_UNTIL, NEVER, P_SCALE_TO_POD
from capsim.state.tables_jobs import J_STARTED_MS, J_STATE, JOB_RUNNING, JOB_STOPPED

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

FORBIDDEN, TOO_MANY, MISSED = 0, 1, 2
"""Why a Job did not start."""


class CronJobs:
    """When CronJobs are due; ``position`` is the next time."""

    def __init__(self, due: list[tuple[int, int]]) -> None:
        self.due = due
        self.position = 0

    def next_ms(self, sim: Simulation) -> int:
        """When the next one is due, or the controller is back to see to it."""
        if self.position >= len(self.due):
            return NEVER
        return max(self.due[self.position][0], int(sim.state.clock.values[FROZEN_UNTIL]))

    def happen(self, sim: Simulation) -> None:
        """Start every Job that is due and may start; of those that were missed the last of each CronJob."""
        if int(sim.state.clock.values[FROZEN_UNTIL]) > sim.now_ms:
            return
        last: dict[int, int] = {}
        while self.position < len(self.due) and self.due[self.position][0] <= sim.now_ms:
            at_ms, w = self.due[self.position]
            last[w] = at_ms
            self.position += 1
        for w, at_ms in last.items():
            start_job(sim, w, at_ms)


def start_job(sim: Simulation, w: int, at_ms: int) -> None:
    """A Job of CronJob ``w`` is due since ``at_ms``."""
    cron = sim.scenario.objects.workloads[w].cron
    assert cron is not None
    if cron.starting_deadline_s is not None and sim.now_ms - at_ms > cron.starting_deadline_s * 1000:
        log(sim, sim.now_ms, LOG_CRON_SKIPPED, w, MISSED, 0, 0)
        return
    rows = sim.names.members[w]
    setting = sim.state.jobs.setting
    running = [row for row in rows if setting[row, J_STATE] == JOB_RUNNING]
    if running and cron.concurrency == "Forbid":
        log(sim, sim.now_ms, LOG_CRON_SKIPPED, w, FORBIDDEN, 0, 0)
        return
    if cron.concurrency == "Replace":
        for row in running:
            setting[row, J_STATE] = JOB_STOPPED
            wake(sim, row, 1)
    free = [row for row in rows if setting[row, J_STATE] not in (JOB_RUNNING, JOB_STOPPED)]
    if not free:
        log(sim, sim.now_ms, LOG_CRON_SKIPPED, w, TOO_MANY, 0, 0)
        return
    begin(sim, free[0], at_ms)
    log(sim, sim.now_ms, LOG_CRON_STARTED, w, free[0], int(sim.state.workloads.next_ordinal[free[0]]), 0)


def begin(sim: Simulation, row: int, at_ms: int) -> None:
    """The Job in ``row`` starts anew; its pods and those of its last run are told apart by their ordinals."""
    jobs = sim.state.jobs
    jobs.setting[row, J_STATE:] = 0
    jobs.setting[row, [J_STATE, J_STARTED_MS]] = JOB_RUNNING, sim.now_ms
    jobs.indexes[jobs.index_start[row] : jobs.index_start[row + 1]] = 0
    minutes = int(sim.scenario.start.timestamp() * 1000 + at_ms) // 60_000
    sim.names.job_runs.setdefault(row, []).append((int(sim.state.workloads.next_ordinal[row]), minutes))
    wake(sim, row, max(1, int(sim.state.clock.params[P_SCALE_TO_POD])))


def wake(sim: Simulation, row: int, delay_ms: int) -> None:
    """The Job controller looks at ``row`` soon."""
    sim.act(ACT_SCALE, row, int(sim.state.workloads.desired[row]), sim.now_ms + delay_ms)
