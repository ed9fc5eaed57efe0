"""Replays recorded decisions of the real controllers through capsim's own, and counts where they differ.

One module per suite, each with ``run(paths) -> Report``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Mismatch:
    """One decision that differs: where, what upstream decided, what capsim decides."""

    case: str
    field: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.case}: {self.field}: expected {self.expected!r}, got {self.got!r}"


@dataclass
class Report:
    """Outcome of one suite."""

    suite: str
    cases: int = 0
    decisions: int = 0
    mismatches: int = 0
    first: list[Mismatch] = field(default_factory=list)
    unsupported: Counter[str] = field(default_factory=Counter)
    shown: int = 20

    @property
    def clean(self) -> bool:
        """No mismatch and nothing unsupported."""
        return self.mismatches == 0 and not self.unsupported

    def compare(self, case: str, what: str, expected: Any, got: Any) -> bool:
        """Count one difference unless the two are equal."""
        if expected == got:
            return True
        self.mismatches += 1
        if len(self.first) < self.shown:
            self.first.append(Mismatch(case, what, expected, got))
        return False

    def add(self, other: Report) -> None:
        """Add another report of the same suite."""
        self.cases += other.cases
        self.decisions += other.decisions
        self.mismatches += other.mismatches
        self.first.extend(other.first[: max(self.shown - len(self.first), 0)])
        self.unsupported.update(other.unsupported)

    def text(self) -> str:
        """The report for people."""
        lines = [f"{self.suite}: {self.cases} cases, {self.decisions} decisions, {self.mismatches} mismatches"]
        lines.extend(f"  {mismatch}" for mismatch in self.first)
        if self.unsupported:
            lines.append(f"  {sum(self.unsupported.values())} unsupported")
            lines.extend(f"  {count} × {reason}" for reason, count in self.unsupported.most_common())
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "suite": self.suite,
            "cases": self.cases,
            "decisions": self.decisions,
            "mismatches": self.mismatches,
            "unsupported": dict(self.unsupported),
            "first_mismatches": [
                {"case": m.case, "field": m.field, "expected": m.expected, "got": m.got} for m in self.first
            ],
        }
