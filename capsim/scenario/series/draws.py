"""Compiled noise: one draw for each step, a pure function of seed, series and step number."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from capsim.jit import entry, inline_kernel, kernel
from capsim.rng import STREAM_TRAFFIC, normal, uniform

F64 = NDArray[np.float64]
SEARCHED = 30.0
"""Poisson means up to this are drawn by an exact search, larger ones by expansion."""


@entry
def lognormal_noise(seed: int, entity: int, sigma: float, means: F64, out: F64) -> None:
    """`out[i]`: `means[i]` times a log-normal factor of mean 1, whose logarithm has standard deviation `sigma`."""
    half = 0.5 * sigma * sigma
    for i in range(means.shape[0]):
        out[i] = means[i] * math.exp(sigma * normal(seed, STREAM_TRAFFIC, entity, i) - half)


@entry
def poisson_noise(seed: int, entity: int, means: F64, out: F64) -> None:
    """`out[i]`: a Poisson draw of mean `means[i]`, as a float64."""
    for i in range(means.shape[0]):
        if means[i] <= SEARCHED:
            out[i] = poisson_search(means[i], uniform(seed, STREAM_TRAFFIC, entity, i))
        else:
            out[i] = poisson_expansion(means[i], normal(seed, STREAM_TRAFFIC, entity, i))


@inline_kernel
def poisson_search(mean: float, u: float) -> float:
    """The smallest k whose cumulative probability is above `u`."""
    k = 0.0
    term = math.exp(-mean)
    total = term
    while u >= total and k < 200.0:
        k += 1.0
        term *= mean / k
        total += term
    return k


@kernel
def poisson_expansion(mean: float, z: float) -> float:
    """The Poisson quantile at the normal deviate `z`, by expansion for large means.

    Source: M. B. Giles, "Algorithm 955: approximation of the inverse Poisson cumulative distribution function", ACM
    TOMS 42 (2016), equation for Q_N2.
    """
    root = math.sqrt(mean)
    z2 = z * z
    quantile = mean + root * z + (2.0 + z2) / 6.0
    quantile -= z * (2.0 + z2) / (72.0 * root)
    quantile += (-32.0 + 14.0 * z2 + 6.0 * z2 * z2) / (1620.0 * mean)
    return max(0.0, math.floor(quantile))
