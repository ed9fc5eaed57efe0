"""The baseline file, and the verdict on each benchmark."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ALLOWED = 0.15
"""A ratio may worsen by this much, and by the noise of both measurements."""
MOST_NOISE = 0.10
"""More noise than this is not excused: a slowdown of 30 % always shows."""


@dataclass(frozen=True)
class Figure:
    """What is known of one benchmark; see ``measure.figures``."""

    rate: float
    unit: str
    target: float | None
    lower_is_better: bool
    ratio: float
    noise: float
    needs_data: bool = False

    @property
    def meets_target(self) -> bool | None:
        """Whether the rate is on the right side of the target; None without a target."""
        if self.target is None:
            return None
        return self.rate <= self.target if self.lower_is_better else self.rate >= self.target


Figures = dict[str, Figure]


@dataclass(frozen=True)
class Verdict:
    """``worse`` and ``missing`` fail; ``better``, ``same``, ``new`` and ``no data`` do not."""

    name: str
    kind: str
    change: float = 0.0
    allowed: float = 0.0

    @property
    def fails(self) -> bool:
        """Whether the comparison fails because of it."""
        return self.kind in ("worse", "missing")


def read_report(report: dict[str, Any]) -> Figures:
    """The figures of a report of pytest-benchmark (``--benchmark-json``)."""
    fields = Figure.__dataclass_fields__
    return {
        entry["fullname"]: Figure(**{key: value for key, value in entry["extra_info"].items() if key in fields})
        for entry in report["benchmarks"]
        if "ratio" in entry["extra_info"]
    }


def read_baseline(path: Path) -> Figures:
    """The committed figures."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: Figure(**entry) for name, entry in content["benchmarks"].items()}


def write_baseline(path: Path, found: Figures, machine: dict[str, str]) -> None:
    """Replace the file."""
    entries = {name: {key: rounded(value) for key, value in asdict(found[name]).items()} for name in sorted(found)}
    path.write_text(json.dumps({"machine": machine, "benchmarks": entries}, indent=1) + "\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Four digits are more than a measurement has."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def merged(runs: list[Figures]) -> Figures:
    """Medians over several runs of the suite; the noise is the larger of that within and that between them."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: _merged([run[name] for run in runs if name in run]) for name in names}


def _merged(same: list[Figure]) -> Figure:
    ratios = [figure.ratio for figure in same]
    middle = statistics.median(ratios)
    between = (max(ratios) - min(ratios)) / 2 / middle
    return Figure(
        rate=statistics.median(figure.rate for figure in same),
        unit=same[-1].unit,
        target=same[-1].target,
        lower_is_better=same[-1].lower_is_better,
        ratio=middle,
        noise=max(between, statistics.median(figure.noise for figure in same)),
        needs_data=same[-1].needs_data,
    )


def judge(before: Figures, now: Figures, whole: bool = True) -> list[Verdict]:
    """A verdict on every benchmark. ``whole``: all were meant to run, so one that did not is missing."""
    verdicts = [_compared(name, before.get(name), figure) for name, figure in now.items()]
    if whole:
        absent = [name for name in before if name not in now]
        verdicts += [Verdict(name, "no data" if before[name].needs_data else "missing") for name in absent]
    return verdicts


def _compared(name: str, before: Figure | None, now: Figure) -> Verdict:
    if before is None:
        return Verdict(name, "new")
    change = now.ratio / before.ratio - 1
    allowed = ALLOWED + min(MOST_NOISE, (before.noise**2 + now.noise**2) ** 0.5)
    kind = "worse" if change > allowed else "better" if change < -allowed else "same"
    return Verdict(name, kind, change, allowed)
