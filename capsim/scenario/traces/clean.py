"""Rows to samples: refuses what the scenario does not allow, mends what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capsim.errors import Problem, ScenarioError
from capsim.scenario.series.stepwise import Samples
from capsim.scenario.traces.findings import Findings, Rows, find
from capsim.scenario.traces.where import Where
from capsim.units import format_duration

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Mending:
    """What may be mended, and how."""

    gaps: Literal["refuse", "hold", "zero", "linear"] = "refuse"
    duplicates: Literal["refuse", "first", "last", "mean", "max", "sum"] = "refuse"
    sort: bool = False


@dataclass(frozen=True)
class Cleaned:
    """Samples whose time 0 is the first row, which is at `start_ms` in the file's own time."""

    samples: Samples
    start_ms: int
    interval_ms: int
    even: bool


def cleaned(
    times_ms: I64, values: F64, lines: I64 | int, interval_ms: int | None, mending: Mending, where: Where
) -> Cleaned:
    """Samples of one series. `lines`: of each row, or of the first. Raises ScenarioError with every problem."""
    findings = find(times_ms, values, interval_ms)
    problems = _problems(findings, lines, mending, where, len(times_ms))
    if problems:
        raise ScenarioError(problems)
    if findings.order is not None:
        times_ms, values = times_ms[findings.order], values[findings.order]
    if findings.duplicates.count:
        times_ms, values = _single(times_ms, values, mending.duplicates)
    if findings.missing.count:
        times_ms, values = _filled(times_ms, values, mending.gaps)
    step = findings.spacing.interval_ms
    if findings.gaps.count and mending.gaps in ("zero", "linear"):
        times_ms, values = _bridged(times_ms, values, step, mending.gaps == "linear")
    start = int(times_ms[0])
    samples = Samples(times_ms - start, values, int(times_ms[-1]) - start + step)
    return Cleaned(samples, start, step, findings.spacing.even)


def _problems(findings: Findings, lines: I64 | int, mending: Mending, where: Where, rows: int) -> list[Problem]:
    problems: list[Problem] = []

    def add(kind: Rows, message: str, found: str, allowed: str) -> None:
        numbers = [int(lines[row]) if isinstance(lines, np.ndarray) else lines + row for row in kind.first]
        if len(numbers) > 1:
            found = f"{found}, lines {', '.join(map(str, numbers))}{' …' if kind.count > len(numbers) else ''}"
        problems.append(where.in_trace(message, numbers[0], found, allowed))

    if findings.unsorted.count and not mending.sort:
        add(findings.unsorted, "rows that go back in time", f"{findings.unsorted.count}", "rising times, or sort: true")
    if findings.duplicates.count and mending.duplicates == "refuse":
        allowed = "one row for each time, or duplicates: first, last, mean, max, sum"
        add(findings.duplicates, "times that come twice", f"{findings.duplicates.count}", allowed)
    if findings.gaps.count and mending.gaps == "refuse":
        longest, usual = format_duration(findings.longest_gap_ms), format_duration(findings.spacing.interval_ms)
        found = f"{findings.gaps.count}, the longest {longest}"
        add(findings.gaps, "missing rows", found, f"a row every {usual}, or gaps: hold, zero, linear")
    if findings.missing.count == rows:
        problems.append(where.in_trace("no values at all", found=f"{rows} empty cells", allowed="numbers"))
    elif findings.missing.count and mending.gaps == "refuse":
        add(findings.missing, "empty values", f"{findings.missing.count}", "numbers, or gaps: hold, zero, linear")
    if findings.negative.count:
        add(findings.negative, "negative values", f"{findings.negative.count}", "numbers of 0 or more")
    if findings.not_finite.count:
        add(findings.not_finite, "infinite values", f"{findings.not_finite.count}", "finite numbers")
    if not findings.spacing.interval_ms:
        found = f"{rows} row{'s' * (rows > 1)} of one time"
        problems.append(where.in_trace("its interval cannot be told", found=found, allowed="interval: 1m, say"))
    return problems


def _single(times_ms: I64, values: F64, how: str) -> tuple[I64, F64]:
    """One row for each time."""
    first = np.flatnonzero(np.append(True, np.diff(times_ms) > 0))
    if how == "first":
        kept = values[first]
    elif how == "last":
        kept = values[np.append(first[1:], len(values)) - 1]
    elif how == "max":
        kept = np.maximum.reduceat(values, first)
    else:
        kept = np.add.reduceat(values, first)
        if how == "mean":
            kept = kept / np.diff(np.append(first, len(values)))
    return times_ms[first], kept


def _filled(times_ms: I64, values: F64, how: str) -> tuple[I64, F64]:
    """Empty values replaced: by the one before (the first ones by the first there is), 0, or on a straight line."""
    there = ~np.isnan(values)
    if how == "zero":
        return times_ms, np.where(there, values, 0.0)
    if how == "linear":
        return times_ms, np.interp(times_ms, times_ms[there], values[there])
    before = np.maximum.accumulate(np.where(there, np.arange(len(values)), -1))
    return times_ms, values[np.where(before < 0, int(there.argmax()), before)]


def _bridged(times_ms: I64, values: F64, step_ms: int, linear: bool) -> tuple[I64, F64]:
    """Rows put into gaps: one that begins a stretch of 0, or one every `step_ms` on a straight line."""
    holes = np.flatnonzero(np.diff(times_ms) > 1.5 * step_ms)
    if linear:
        new = np.concatenate([np.arange(times_ms[i] + step_ms, times_ms[i + 1], step_ms) for i in holes])
        filled = np.interp(new, times_ms, values)
    else:
        new, filled = times_ms[holes] + step_ms, np.zeros(len(holes))
    order = np.argsort(np.concatenate([times_ms, new]), kind="stable")
    return np.concatenate([times_ms, new])[order], np.concatenate([values, filled])[order]
