"""The highest samples of a series, far enough from each other to be peaks of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capsim.scenario.series.stepwise import Samples

I64 = NDArray[np.int64]


def highest(samples: Samples, count: int, apart_ms: int) -> list[int]:
    """Indices of the highest samples, highest first, none within `apart_ms` of a higher one."""
    values, times = samples.values, samples.times_ms
    found: list[int] = []
    free = np.ones(len(values), np.bool_)
    while len(found) < count and free.any():
        index = int(np.where(free, values, -1.0).argmax())
        found.append(index)
        first, last = np.searchsorted(times, [times[index] - apart_ms, times[index] + apart_ms + 1])
        free[first:last] = False
    return found
