"""What is odd about the rows of a trace: order, doubles, holes, values that are no rates."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
FIRST = 5
GAP = 1.5
"""A hole is a distance of more than so many usual ones."""


@dataclass(frozen=True)
class Rows:
    """Some rows: how many, and the first few, counted from 0 in the file."""

    count: int = 0
    first: tuple[int, ...] = ()


@dataclass(frozen=True)
class Spacing:
    """The usual time from row to row; `even` when more than half of the rows keep it. 0: there is only one row."""

    interval_ms: int
    even: bool


@dataclass(frozen=True)
class Findings:
    """What was found in one series; `order` is that of the rows by time, where they are not sorted."""

    spacing: Spacing
    unsorted: Rows = Rows()
    duplicates: Rows = Rows()
    gaps: Rows = Rows()
    longest_gap_ms: int = 0
    missing: Rows = Rows()
    negative: Rows = Rows()
    not_finite: Rows = Rows()
    order: I64 | None = field(default=None, repr=False)


def find(times_ms: I64, values: F64, interval_ms: int | None) -> Findings:
    """Looks at one series in the order of its file; `interval_ms` is what the user says it to be."""
    steps = np.diff(times_ms)
    unsorted, order = _rows(steps < 0, 1), None
    if unsorted.count:
        order = np.argsort(times_ms, kind="stable")
        steps = np.diff(times_ms[order])
    spacing = Spacing(interval_ms, True) if interval_ms else usual_spacing(steps)
    gaps = _rows(steps > GAP * spacing.interval_ms, 1, order) if spacing.even else Rows()
    return Findings(
        spacing=spacing,
        unsorted=unsorted,
        duplicates=_rows(steps == 0, 1, order),
        gaps=gaps,
        longest_gap_ms=int(steps.max()) if gaps.count else 0,
        missing=_rows(np.isnan(values)),
        negative=_rows(values < 0),
        not_finite=_rows(np.isinf(values)),
        order=order,
    )


def usual_spacing(steps: I64) -> Spacing:
    """The median distance of rows that differ in time, and whether more than half of them are equal to it."""
    positive = steps[steps > 0] if len(steps) and steps.min() <= 0 else steps
    if not len(positive):
        return Spacing(0, False)
    middle = len(positive) // 2
    first = int(positive[0])
    equal = int(np.count_nonzero(positive == first))
    if 2 * equal > len(positive):
        return Spacing(first, True)
    median = int(np.partition(positive, middle)[middle])
    return Spacing(median, 2 * int(np.count_nonzero(positive == median)) > len(positive))


def _rows(mask: NDArray[np.bool_], shift: int = 0, order: I64 | None = None) -> Rows:
    count = int(np.count_nonzero(mask))
    if not count:
        return Rows()
    first = np.flatnonzero(mask)[:FIRST] + shift if count < len(mask) // 8 else _first_of(mask) + shift
    rows = first if order is None else order[first]
    return Rows(count, tuple(int(row) for row in rows))


def _first_of(mask: NDArray[np.bool_]) -> I64:
    """The first few, without an array of all of them."""
    found: list[int] = []
    while len(found) < FIRST:
        start = found[-1] + 1 if found else 0
        step = int(mask[start:].argmax()) if start < len(mask) else -1
        if step < 0 or not mask[start + step]:
            break
        found.append(start + step)
    return np.array(found, np.int64)
