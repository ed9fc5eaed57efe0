"""A report that also keeps how far off the times are, by kind of event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from capsim.conformance import Report

if TYPE_CHECKING:
    from capsim.conformance.end_to_end_chance import Removals

TOLERANCE_S = 1.5
"""Largest difference of times that counts as equal."""


@dataclass
class TimedReport(Report):
    """Outcome of the suite end_to_end; ``errors_s``: differences (simulated - recorded, s) by kind of event."""

    errors_s: dict[str, list[float]] = field(default_factory=dict)

    chance: list[Removals] = field(default_factory=list)
    """What chance decides in a run, over seeds."""

    def time(self, kind: str, recorded_s: float, simulated_s: float) -> float:
        """Keep one difference; returns it."""
        error = simulated_s - recorded_s
        self.errors_s.setdefault(kind, []).append(error)
        return error

    def times(
        self, case: str, kind: str, recorded_s: list[float], simulated_s: list[float], within_s: float = TOLERANCE_S
    ) -> None:
        """Compare two sorted lists of times: as many, and each within the tolerance. One decision a time."""
        self.decisions += max(len(recorded_s), len(simulated_s))
        self.compare(case, f"{kind}: number of events", len(recorded_s), len(simulated_s))
        for a, b in zip(recorded_s, simulated_s, strict=False):
            if abs(self.time(kind, a, b)) > within_s:
                self.compare(case, f"{kind} at {a:.3f} s", f"within {within_s:g} s", f"{b:.3f} s")

    def not_supported(self, reason: str, count: int = 1) -> None:
        """Decisions that cannot be compared, and why."""
        if count > 0:
            self.decisions += count
            self.unsupported[reason] += count

    def errors(self) -> dict[str, dict[str, float]]:
        """By kind: how many, the largest and the mean difference of times (absolute, s)."""
        found = {}
        for kind, errors in self.errors_s.items():
            sizes = [abs(error) for error in errors]
            mean = sum(sizes) / len(sizes)
            found[kind] = {"count": len(sizes), "largest_s": round(max(sizes), 3), "mean_s": round(mean, 3)}
        return found

    def text(self) -> str:
        """The report for people."""
        head, *rest = super().text().split("\n")
        lines = [f"{head}, {sum(self.unsupported.values())} unsupported", *rest]
        for kind, error in self.errors().items():
            lines.append(
                f"  {kind}: {error['count']} times, off by {error['largest_s']:.3f} s at most, "
                f"{error['mean_s']:.3f} s on average"
            )
        return "\n".join([*lines, *(one.text() for one in self.chance)])

    def as_dict(self) -> dict[str, Any]:
        """The report for machines."""
        chance = [one.as_dict() for one in self.chance]
        return {**super().as_dict(), "time_errors": self.errors(), "chance": chance}
