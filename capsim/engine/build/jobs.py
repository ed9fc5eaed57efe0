"""Jobs and CronJobs: rows for the Jobs that can run at the same time, and when each CronJob starts one.

A schedule is known when a run is built; which Job may start is decided when it is due (``engine/cron.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from capsim.engine.build.cluster import distribution_row
from capsim.rng import name_hash
from capsim.scenario.cron_jobs import times_ms
from capsim.scenario.distribution import Distribution
from capsim.scenario.kubernetes.job import JobSettings
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.workload import WorkloadSpec
from capsim.state import tables_jobs as j
from capsim.state.tables import I64, NEVER, Workloads

MOST_AT_ONCE = 16
"""Jobs of a CronJob with concurrencyPolicy Allow that can run at the same time; a further one is left out, and told."""
ACTIONS = {"Count": j.COUNT, "Ignore": j.IGNORE, "FailJob": j.FAIL_JOB, "FailIndex": j.FAIL_INDEX}
SLOTS = {"Forbid": 1, "Replace": 2}
"""A Job that is replaced still has pods that terminate."""
DEFAULT_RUN = Distribution.constant(60_000)


@dataclass
class CronPlan:
    """Rows of Jobs for each CronJob, and when it starts one."""

    slots: dict[int, list[int]] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)
    due: list[tuple[int, int]] = field(default_factory=list)
    """(ms, row of the CronJob), in order of time."""


def with_job_rows(scenario: Scenario) -> tuple[Scenario, CronPlan]:
    """The scenario with rows for the Jobs of its CronJobs behind all others; as it is without any."""
    plan = CronPlan()
    crons = [(w, one) for w, one in enumerate(scenario.objects.workloads) if one.cron is not None]
    if not crons:
        return scenario, plan
    workloads, behaviours = list(scenario.objects.workloads), dict(scenario.workloads)
    for w, one in crons:
        assert one.cron is not None
        due = [] if one.cron.suspend else times_ms(
            one.cron.schedule, one.cron.time_zone, scenario.start, scenario.duration_ms
        )  # fmt: skip
        plan.due += [(at_ms, w) for at_ms in due]
        plan.slots[w] = []
        for slot in range(SLOTS.get(one.cron.concurrency, min(max(1, len(due)), MOST_AT_ONCE))):
            row = len(workloads)
            made = one.model_copy(update={"kind": "Job", "name": f"{one.name}#{slot}", "cron": None})
            workloads.append(made)
            behaviours[made.key] = behaviours.get(one.key, WorkloadSpec())
            plan.slots[w].append(row)
            plan.owners[row] = w
    plan.due.sort()
    objects = scenario.objects.model_copy(update={"workloads": workloads})
    return scenario.model_copy(update={"objects": objects, "workloads": behaviours}), plan


def slot_hashes(scenario: Scenario, plan: CronPlan) -> dict[int, int]:
    """Hash of each Job row of a CronJob."""
    return {row: name_hash(scenario.objects.workloads[row].key) for row in plan.owners}


def build_jobs(scenario: Scenario, plan: CronPlan, workloads: Workloads) -> j.Jobs:
    """Settings of all Jobs; those that are not suspended and not of a CronJob start with the run."""
    listed = scenario.objects.workloads
    rows = len(listed) if any(one.job is not None for one in listed) else 0
    setting = np.zeros((rows, j.JOB_COLUMNS), np.int64)
    runs = [distribution_row(DEFAULT_RUN) for _ in range(rows)]
    counts = [0] * rows
    for w, one in enumerate(listed):
        if one.kind != "Job" or one.job is None:
            continue
        spec = scenario.workloads.get(one.key, WorkloadSpec())
        setting[w] = setting_row(one.job, spec, one.template.containers[0].name)
        setting[w, j.J_STATE] = j.JOB_IDLE if w in plan.owners or one.job.suspend else j.JOB_RUNNING
        runs[w] = distribution_row(spec.run_time or DEFAULT_RUN)
        counts[w] = (one.job.completions or 0) if one.job.indexed else 0
        workloads.deployment[w] = plan.owners.get(w, w)
    for w, slots in plan.slots.items():
        for row, after in zip([w, *slots], [*slots, -1], strict=True):
            workloads.next_revision[row] = after
    start = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    rule_start, rule, span = success_rules(listed if rows else [])
    return j.Jobs(
        setting=setting,
        run=np.array(runs, np.float64).reshape(rows, 5),
        index_start=start,
        indexes=np.zeros((max(1, int(start[-1])), j.INDEX_COLUMNS), np.int64),
        rule_start=rule_start,
        rule=rule,
        span=span,
    )


def success_rules(listed: list[Workload]) -> tuple[I64, I64, I64]:
    """``Jobs.rule_start``, ``rule`` and ``span``; empty without a successPolicy."""
    starts: list[int] = [0]
    rules: list[list[int]] = []
    spans: list[tuple[int, int]] = []
    for one in listed:
        job = one.job if one.kind == "Job" and one.job is not None else JobSettings()
        for rule in job.success:
            rules.append([rule.needed(job.completions or 0), len(spans)])
            spans += rule.ranges(job.completions or 0)
        starts.append(len(rules))
    rules.append([0, len(spans)])
    kept = starts if len(rules) > 1 else [0]
    return np.array(kept, np.int64), np.array(rules, np.int64), np.array(spans, np.int64).reshape(-1, 2)


def setting_row(job: JobSettings, spec: WorkloadSpec, container: str) -> list[int]:
    """The row of ``Jobs.setting`` of a Job that has not started; its first ``container`` is the one that fails."""
    row = [0] * j.JOB_COLUMNS
    completions = -1 if job.completions is None else job.completions
    deadline_ms = NEVER // 2 if job.active_deadline_s is None else job.active_deadline_s * 1000
    row[: j.J_STATE] = [
        job.parallelism, completions, int(job.indexed), job.backoff_limit, deadline_ms,
        round(spec.failure_ratio * 1_000_000),
        -1 if job.backoff_limit_per_index is None else job.backoff_limit_per_index,
        NEVER if job.max_failed_indexes is None else job.max_failed_indexes,
        ACTIONS[job.on_failure(spec.exit_code, container)[0]], ACTIONS[job.on_disruption()[0]],
        int(job.replaces_late), int(job.restarts),
    ]  # fmt: skip
    return row
