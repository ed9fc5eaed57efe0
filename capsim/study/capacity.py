"""How much traffic a scenario carries: the largest multiple of it at which no pod waits, and what gives way first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from capsim.result.summary.model import Limit, Summary
from capsim.scenario import Scenario
from capsim.study.changes import with_traffic
from capsim.study.trials import summaries

Until = Literal["pending", "lost"]
LOST_RATIO = 0.001
"""More lost requests than this are too many, where lost requests count."""
SMALLEST = 1 / 64
Told = Callable[[float, bool], None]
"""Told each multiple that was tried, and whether it held."""


@dataclass(frozen=True)
class Try:
    """One multiple, run with every seed."""

    multiple: float
    holds: bool
    waits: bool
    """A pod waits longer than it may."""
    pending_pods: int
    """The most of any seed."""
    lost_ratio: float
    """The most of any seed."""
    limits: list[Limit]
    """Of the seed that did worst, in order of time."""


@dataclass(frozen=True)
class Capacity:
    """What was found. `largest` is None when not even the smallest multiple holds, `first_failing` when all hold."""

    until: Until
    largest: float | None
    first_failing: float | None
    tries: list[Try] = field(default_factory=list)

    @property
    def bottleneck(self) -> Limit | None:
        """What the smallest multiple that does not hold runs into first, and what holds does not."""
        failing = next((t for t in self.tries if t.multiple == self.first_failing), None)
        if failing is None:
            return None
        holding = next((t for t in self.tries if t.multiple == self.largest), None)
        known = {(limit.kind, limit.object) for limit in holding.limits} if holding else set()
        new = [limit for limit in failing.limits if (limit.kind, limit.object) not in known]
        # Pods that wait too long are a matter of the scheduler; lost requests are one of everything else.
        wanted = [limit for limit in new or failing.limits if (limit.kind == "scheduling") == failing.waits]
        return min(wanted or new or failing.limits, key=lambda limit: limit.at_ms, default=None)

    @property
    def held_by(self) -> Limit | None:
        """What the largest multiple runs into first; where no multiple fails, that is why."""
        holding = next((t for t in self.tries if t.multiple == self.largest), None)
        return holding.limits[0] if holding and holding.limits else None

    @property
    def losing_from(self) -> float | None:
        """The smallest multiple that was tried and loses requests."""
        return min((t.multiple for t in self.tries if t.lost_ratio > LOST_RATIO), default=None)

    def to_json(self) -> dict[str, Any]:
        """All of it, as plain values."""
        limit = self.bottleneck
        return {
            "until": self.until,
            "largest_multiple": self.largest,
            "first_failing_multiple": self.first_failing,
            "bottleneck": None if limit is None else limit.model_dump(),
            "tries": [
                {
                    "multiple": t.multiple, "holds": t.holds, "pending_pods": t.pending_pods,
                    "lost_ratio": t.lost_ratio,
                }
                for t in sorted(self.tries, key=lambda t: t.multiple)
            ],
        }  # fmt: skip


def capacity(
    scenario: Scenario, *, until: Until = "pending", wait_s: float = 0.0, most: float = 64.0,
    precision_ratio: float = 0.02, seeds: int = 1, jobs: int | None = None, progress: Told | None = None,
) -> Capacity:  # fmt: skip
    """Double the traffic until it does not hold (or halve it until it does), then bisect to `precision_ratio`.

    A multiple holds when in no seed a pod waits for a node longer than `wait_s` (0: not at all), and, with
    `until="lost"`, no more than 0.1 % of the requests are lost. More traffic is taken to be never easier: the answer is
    the edge that the bisection finds. Raises ScenarioError when the scenario has no traffic, RunError when a run fails.
    """
    tries: dict[float, Try] = {}

    def holds(multiple: float) -> bool:
        if multiple not in tries:
            runs = summaries([with_traffic(scenario, multiple)], seeds, jobs)[0]
            tries[multiple] = _judged(multiple, runs, until, wait_s)
            if progress is not None:
                progress(multiple, tries[multiple].holds)
        return tries[multiple].holds

    low, high = _bracket(holds, most)
    if low is not None and high is not None:
        while high / low > 1 + precision_ratio:
            middle = (low * high) ** 0.5
            low, high = (middle, high) if holds(middle) else (low, middle)
    return Capacity(until, low, high, list(tries.values()))


def _bracket(holds: Callable[[float], bool], most: float) -> tuple[float | None, float | None]:
    """A multiple that holds and one, at most twice as large, that does not."""
    multiple = min(1.0, most)
    if holds(multiple):
        while multiple < most:
            following = min(2 * multiple, most)
            if not holds(following):
                return multiple, following
            multiple = following
        return multiple, None
    while multiple > SMALLEST:
        if holds(multiple / 2):
            return multiple / 2, multiple
        multiple /= 2
    return None, multiple


def _judged(multiple: float, runs: list[Summary], until: Until, wait_s: float) -> Try:
    worst = max(runs, key=lambda s: (s.pending.pods, s.traffic.lost_ratio))
    pending = max(run.pending.pods for run in runs)
    lost = max(run.traffic.lost_ratio for run in runs)
    waits = any(run.pending.pods and run.pending.longest_s > wait_s for run in runs)
    holds = not waits and (until == "pending" or lost <= LOST_RATIO)
    return Try(multiple, holds, waits, pending, lost, list(worst.limits))
