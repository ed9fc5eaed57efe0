"""A what-if: a scenario and the same with a change, run with the same seeds, compared, and judged in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from capsim.result.summary.model import Limit, Summary
from capsim.study.changes import Changed
from capsim.study.difference import CONFIDENCE, Difference, differences
from capsim.study.executors import Executor
from capsim.study.measures import measures_of
from capsim.study.trials import Told, summaries
from capsim.study.verdict import verdict

SHOWN = (
    ("pending.pods", "Pods that waited"),
    ("pending.pod_seconds", "Waiting, pod-seconds"),
    ("pending.longest_s", "Longest wait"),
    ("still_pending", "Waiting at the end"),
    ("peaks.pods", "Peak pods"),
    ("peaks.nodes", "Peak nodes"),
    ("peaks.nodes_at_end", "Nodes at the end"),
    ("cpu.requested_ratio", "CPU requested"),
    ("cpu.peak_requested_ratio", "CPU requested, peak"),
    ("cpu.used_ratio", "CPU used"),
    ("memory.requested_ratio", "Memory requested"),
    ("traffic.lost_ratio", "Requests lost"),
    ("cost.node_hours", "Node-hours"),
    ("cost.month_usd", "Cost per month"),
)
"""Measures of the short table, and what they are called."""


@dataclass(frozen=True)
class WhatIf:
    """Both sides, by seed."""

    change: Changed
    baseline: list[Summary]
    variant: list[Summary]
    wait_s: float = 0.0
    """Pods may wait so long for a node that boots."""

    @cached_property
    def differences(self) -> list[Difference]:
        """Every measure."""
        return differences(*({s.seed: _measures(s) for s in side} for side in (self.baseline, self.variant)))

    @cached_property
    def shown(self) -> list[tuple[str, Difference]]:
        """The measures of the short table, with their labels."""
        found = {difference.measure: difference for difference in self.differences}
        return [(label, found[key]) for key, label in SHOWN if key in found]

    def mean(self, side: list[Summary], measure: str) -> float:
        """Mean over the seeds of a measure; 0 where it does not exist."""
        return fmean(_measures(summary).get(measure, 0.0) for summary in side)

    def none_to_some(self, measure: str) -> bool:
        """Whether no seed has any of it without the change, and every seed has some with it."""
        sides = ([_measures(s).get(measure, 0.0) for s in side] for side in (self.baseline, self.variant))
        before, after = sides
        return not any(before) and all(after)

    @property
    def first_limit(self) -> Limit | None:
        """What the variant runs into first and the baseline does not; else what it runs into first."""
        known = {(limit.kind, limit.object) for summary in self.baseline for limit in summary.limits}
        found = [limit for summary in self.variant for limit in summary.limits]
        new = [limit for limit in found if (limit.kind, limit.object) not in known]
        return min(new or found, key=lambda limit: limit.at_ms, default=None)

    def to_json(self) -> dict[str, Any]:
        """All of it, as plain values."""
        limit = self.first_limit
        return {
            "change": self.change.title,
            "notes": self.change.notes,
            "seeds": [summary.seed for summary in self.baseline],
            "confidence": CONFIDENCE,
            "verdict": verdict(self),
            "first_limit": None if limit is None else limit.model_dump(),
            "measures": [
                {
                    "measure": item.measure, "unit": item.unit, "baseline": item.a, "variant": item.b,
                    "difference": item.difference, "noise": item.noise, "beyond_noise": item.beyond_noise,
                }
                for item in self.differences
            ],
        }  # fmt: skip


def _measures(summary: Summary) -> dict[str, float]:
    waiting = sum(workload.still_pending for workload in summary.pending.workloads)
    return {**measures_of(summary.model_dump()), "still_pending": float(waiting)}


def whatif(
    change: Changed,
    seeds: int = 3,
    jobs: int | None = None,
    progress: Told | None = None,
    wait_s: float = 0.0,
    executor: Executor | None = None,
) -> WhatIf:
    """Run both sides with the same seeds, all with `executor` if there is one; pods may wait `wait_s` for a node.

    Raises RunError when a run fails."""
    baseline, variant = summaries([change.baseline, change.scenario], seeds, jobs, progress, executor)
    return WhatIf(change, baseline, variant, wait_s)
