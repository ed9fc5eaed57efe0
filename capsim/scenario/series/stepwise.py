"""Arithmetic of step functions: times in ms (int64, rising from 0), values (float64) that hold until the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
Points = tuple[I64, F64]
Keep = Literal["mean", "max"]


class Samples(NamedTuple):
    """A step function that ends: the last value holds until `end_ms`."""

    times_ms: I64
    values: F64
    end_ms: int


def held(points: Points, at_ms: I64) -> F64:
    """The values that hold at times `at_ms` (none before 0)."""
    times, values = points
    found: F64 = values[np.searchsorted(times, at_ms, side="right") - 1]
    return found


def grid(duration_ms: int, step_ms: int) -> I64:
    """Multiples of `step_ms` below `duration_ms`."""
    return np.arange(0, duration_ms, step_ms, dtype=np.int64)


def united(first: I64, second: I64) -> I64:
    """Both of two rising arrays as one, each value once."""
    if not len(first):
        return second
    place = np.searchsorted(first, second)
    new = first[np.minimum(place, len(first) - 1)] != second
    return np.insert(first, place[new], second[new])


def combined(parts: Sequence[Points], operation: Callable[[F64, F64], F64]) -> Points:
    """Step functions of one duration combined at every time, at which any of them changes."""
    first = parts[0][0]
    if all(np.array_equal(times, first) for times, _ in parts[1:]):
        return first, reduce(operation, (values for _, values in parts))
    times = reduce(united, (times for times, _ in parts))
    return times, reduce(operation, (held(part, times) for part in parts))


def resampled(samples: Samples, step_ms: int, keep: Keep = "mean") -> Samples:
    """Values on a grid of `step_ms`: the time-weighted mean of each step, which conserves volume, or its maximum."""
    edges = grid(samples.end_ms, step_ms)
    if np.array_equal(samples.times_ms, edges):
        return samples
    if keep == "max":
        cuts = united(samples.times_ms, edges)
        highest = np.maximum.reduceat(held(samples[:2], cuts), np.searchsorted(cuts, edges))
        return Samples(edges, highest, samples.end_ms)
    return Samples(edges, means_between(samples, np.append(edges, samples.end_ms)), samples.end_ms)


def means_between(samples: Samples, edges_ms: I64) -> F64:
    """Time-weighted means from each edge to the next; edges rise and lie within the samples."""
    inside = samples.times_ms[(samples.times_ms > edges_ms[0]) & (samples.times_ms < edges_ms[-1])]
    cuts = united(inside, edges_ms)
    volumes = held(samples[:2], cuts[:-1]) * np.diff(cuts)
    means: F64 = np.add.reduceat(volumes, np.searchsorted(cuts, edges_ms[:-1])) / np.diff(edges_ms)
    return means


def cropped(samples: Samples, from_ms: int, to_ms: int) -> Samples:
    """The part from `from_ms` (0 in the result) to `to_ms`; both within the samples."""
    first = int(np.searchsorted(samples.times_ms, from_ms, side="right")) - 1
    last = int(np.searchsorted(samples.times_ms, to_ms, side="left"))
    times = samples.times_ms[first:last] - from_ms
    times[0] = 0
    return Samples(times, samples.values[first:last], to_ms - from_ms)


def stretched(samples: Samples, factor: float) -> Samples:
    """Times multiplied by `factor` and rounded; of samples that fall together the first stays."""
    if factor == 1:
        return samples
    times, first = np.unique(np.rint(samples.times_ms * factor).astype(np.int64), return_index=True)
    return Samples(times, samples.values[first], max(int(times[-1]) + 1, round(samples.end_ms * factor)))


def sloped(samples: Samples, step_ms: int) -> Samples:
    """Straight lines between the samples instead of held values, sampled every `step_ms` and at the samples."""
    times = united(samples.times_ms, grid(int(samples.times_ms[-1]), step_ms))
    return Samples(times, np.interp(times, samples.times_ms, samples.values), samples.end_ms)


def repeated(samples: Samples, duration_ms: int) -> Samples:
    """The samples one after another until `duration_ms` at least."""
    rounds = max(1, -(-duration_ms // samples.end_ms))
    shifts = np.arange(rounds, dtype=np.int64) * samples.end_ms
    times = (shifts[:, None] + samples.times_ms[None, :]).ravel()
    return Samples(times, np.tile(samples.values, rounds), samples.end_ms * rounds)


def placed(samples: Samples, offset_ms: int, duration_ms: int) -> Points:
    """The samples from `offset_ms` on, 0 before and after them; only times below `duration_ms` and only changes."""
    times, values = samples.times_ms + offset_ms, samples.values
    if offset_ms > 0:
        times, values = np.append(0, times), np.append(0.0, values)
    if samples.end_ms + offset_ms < duration_ms:
        times, values = np.append(times, samples.end_ms + offset_ms), np.append(values, 0.0)
    count = int(np.searchsorted(times, duration_ms))
    times, values = times[:count], values[:count]
    changes = np.append(True, values[1:] != values[:-1])
    return (times, values) if changes.all() else (times[changes], values[changes])
