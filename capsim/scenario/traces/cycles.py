"""The day and the week in a series: mean by hour, mean by weekday, and how much of the variation repeats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.scenario.series.stepwise import Samples, means_between

F64 = NDArray[np.float64]
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
THURSDAY = 3
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Cycle:
    """Means of each part of a cycle (NaN: the trace does not reach it).

    `repeats_ratio`: the share of the variance of hourly means that the mean cycle explains, 0 to 1; None where the
    trace is shorter than two cycles.
    """

    means: F64
    repeats_ratio: float | None


@dataclass(frozen=True)
class Cycles:
    """The mean day (24 hours), that of weekdays and of weekends, and the mean week (7 days, Monday first)."""

    day: Cycle
    weekday_hours: F64
    weekend_hours: F64
    week: Cycle


def cycles(samples: Samples, start_ms: int) -> Cycles | None:
    """Cycles of samples whose time 0 is `start_ms` (ms since 1970); None for less than a day of hours."""
    hourly = _hourly(samples, start_ms)
    if hourly is None:
        return None
    first, values = hourly
    at = first + np.arange(len(values))
    hour, weekday = at % 24, (at // 24 + THURSDAY) % 7
    weekend = weekday >= 5
    days = len(values) / 24
    week_hour = weekday * 24 + hour
    return Cycles(
        day=Cycle(_means(values, hour, 24), _explained(values, hour, 24) if days >= 2 else None),
        weekday_hours=_means(values[~weekend], hour[~weekend], 24),
        weekend_hours=_means(values[weekend], hour[weekend], 24),
        week=Cycle(_means(values, weekday, 7), _explained(values, week_hour, 168) if days >= 14 else None),
    )


def _hourly(samples: Samples, start_ms: int) -> tuple[int, F64] | None:
    """Means of whole clock hours, and the number of the first hour since 1970."""
    first = -(-start_ms // HOUR_MS)
    last = (start_ms + samples.end_ms) // HOUR_MS
    if last - first < 24:
        return None
    edges = np.arange(first, last + 1, dtype=np.int64) * HOUR_MS - start_ms
    return first, means_between(samples, edges)


def _means(values: F64, group: NDArray[np.int64], count: int) -> F64:
    number = np.bincount(group, minlength=count)
    total = np.bincount(group, values, minlength=count)
    means: F64 = np.divide(total, number, out=np.full(count, np.nan), where=number > 0)
    return means


def _explained(values: F64, group: NDArray[np.int64], count: int) -> float:
    variance = float(values.var())
    left = float((values - _means(values, group, count)[group]).var())
    return max(0.0, 1 - left / variance) if variance > 0 else 0.0
