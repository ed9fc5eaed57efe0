"""Durations drawn from a distribution: constant, uniform, normal or log-normal, cut to [min, max]."""

from __future__ import annotations

import math

from capsim.jit import kernel
from capsim.rng import normal, uniform

CONSTANT, UNIFORM, NORMAL, LOGNORMAL = 0, 1, 2, 3
KINDS = {"constant": CONSTANT, "uniform": UNIFORM, "normal": NORMAL, "lognormal": LOGNORMAL}


@kernel
def duration_ms(table, row, seed, stream, entity, event):
    """A duration in whole ms, at least 1; ``table`` rows are kind, mean, standard deviation, min, max (all ms).

    Log-normal: parameters from mean and standard deviation by the method of moments.
    """
    kind = int(table[row, 0])
    mean = table[row, 1]
    deviation = table[row, 2]
    low = table[row, 3]
    high = table[row, 4]
    value = mean
    if kind == UNIFORM:
        value = low + (high - low) * uniform(seed, stream, entity, event)
    elif kind == NORMAL:
        value = mean + deviation * normal(seed, stream, entity, event)
    elif kind == LOGNORMAL and mean > 0.0:
        variance = math.log(1.0 + (deviation / mean) ** 2)
        value = math.exp(math.log(mean) - 0.5 * variance + math.sqrt(variance) * normal(seed, stream, entity, event))
    value = min(max(value, low), high)
    return max(1, int(value + 0.5))
