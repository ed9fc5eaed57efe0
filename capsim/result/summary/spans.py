"""Time spans from the per-pod and per-node tables: how many at once, when most, for how long."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Times = npt.NDArray[np.int64]
FOREVER_MS = np.int64(2**62)


def times_ms(column: pd.Series, missing: int | np.int64 = FOREVER_MS) -> Times:
    """A nullable column of ms as int64: ``missing`` where there is no value, 0 for what was there before the start."""
    times: Times = np.maximum(column.fillna(missing).to_numpy(dtype=np.int64), 0)
    return times


def peak(starts_ms: Times, ends_ms: Times) -> tuple[int, int]:
    """(largest number of spans [start, end) at one moment, when that was first reached in ms); (0, 0) without spans."""
    if not len(starts_ms):
        return 0, 0
    times = np.concatenate([starts_ms, ends_ms])
    steps = np.concatenate([np.ones(len(starts_ms), np.int64), -np.ones(len(ends_ms), np.int64)])
    order = np.lexsort((steps, times))  # at one moment, what ends goes before what starts
    count = np.cumsum(steps[order])
    best = int(np.argmax(count))
    return int(count[best]), int(times[order][best])


def union(starts_ms: Times, ends_ms: Times) -> tuple[Times, Times]:
    """The spans without overlaps and seams: starts and ends, in order."""
    order = np.argsort(starts_ms, kind="stable")
    starts, reach = starts_ms[order], np.maximum.accumulate(ends_ms[order])
    opens = np.concatenate([[True], starts[1:] > reach[:-1]]) if len(starts) else np.zeros(0, bool)
    closes = np.append(opens[1:], True) if len(starts) else opens
    return starts[opens], reach[closes]


def weights_s(frame: pd.DataFrame, interval_ms: int, end_ms: int) -> npt.NDArray[np.float64]:
    """Seconds that each row of a series stands for: the sample interval, cut at the end of the run."""
    starts = frame["time_ms"].to_numpy(np.int64)
    held_s: npt.NDArray[np.float64] = np.clip(end_ms - starts, 0, interval_ms) / 1000.0
    return held_s


def weighted_mean(values: pd.Series, weights: npt.NDArray[np.float64]) -> float:
    """Time-weighted mean; 0 without rows."""
    total = float(weights.sum())
    return float(np.dot(values.to_numpy(np.float64), weights)) / total if total else 0.0
