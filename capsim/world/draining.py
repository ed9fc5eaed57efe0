"""A queue that drains from a height: its free motion, reflected at 0.

Reflected Brownian motion (J. M. Harrison, Brownian Motion and Stochastic Flow Systems, 1985) with the skewness of
``waves.py`` and, for what has settled, the stationary distribution in place of the exponential one.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.tables_calls import (
    BINS,
    K_SCV,
    KNOTS,
    TOP_RATIO,
    Y_EXCESS,
    Y_FREE_MEAN,
    Y_FREE_VARIANCE,
    Y_VARIANCE,
    Serving,
)
from capsim.world.response_curves import add_table, at_bin, at_knot, position
from capsim.world.waves import at_most, skewness, wave_s, wave_variance

SUBSTEPS = 24


@inline_kernel
def mills(z):
    """Mills ratio of the normal distribution: upper tail over density, for ``z`` from -5 on."""
    if z > 6.0:
        w = 1.0 / (z * z)
        return (1.0 - w * (1.0 - 3.0 * w * (1.0 - 5.0 * w))) / z
    return 0.5 * math.erfc(z / math.sqrt(2.0)) * math.sqrt(2.0 * math.pi) * math.exp(0.5 * z * z)


@kernel
def reflected(mean, variance, goal):
    """(mean, variance) of a draining queue whose free motion is normal with that mean and variance.

    P(Q <= y) = Phi((y - mean) / s) - exp(-y / goal) Phi(-(y + mean) / s), with the stationary mean ``goal``.
    """
    s = math.sqrt(variance)
    at = mean / s
    density = math.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
    below = 0.5 * math.erfc(at / math.sqrt(2.0))
    z = at + s / goal
    ratio = mills(z) if z > -5.0 else 0.0
    tail = goal * (below - density * ratio)
    first = s * density + mean * (1.0 - below) + tail
    second = (mean * mean + variance) * (1.0 - below) + mean * s * density
    second += 2.0 * goal * (tail + density * s * (z * ratio - 1.0))
    return first, max(second - first * first, 0.0)


@inline_kernel
def noise_ratio(serving: Serving, r, a, b, part):
    """How much less a queue varies than one pod's by itself, by its stationary mean in heavy traffic: pods that are
    balanced by their load move together."""
    alone = 0.5 * (1.0 + serving.constant[r, K_SCV]) * TOP_RATIO * TOP_RATIO / (1.0 - TOP_RATIO)
    return min(1.0, at_knot(serving.excess, a, b, part, KNOTS - 1.0) / alone)


@inline_kernel
def noise_of(serving: Serving, r, a, b, part, arrivals, capacity):
    """Variance per second of what comes less what busy pods answer."""
    return (arrivals + capacity * serving.constant[r, K_SCV]) * noise_ratio(serving, r, a, b, part)


@kernel
def add_drain(serving: Serving, r, a, b, part, x, mean, variance, capacity, requests):
    """``requests`` met a draining queue whose free motion has that mean and variance, reflected at 0 (``reflected``),
    with the stationary distribution at position ``x`` in place of the exponential one."""
    in_s2 = wave_variance(serving, r, mean, variance, capacity)
    deviation = math.sqrt(in_s2)
    skew = skewness(serving, r, in_s2, capacity)
    least = wave_s(serving, r, 0.0, capacity)
    middle = mean / capacity
    settled = at_most(-middle / deviation, skew)
    if settled > 1.0 - 1e-6:
        add_table(serving, r, a, b, part, x, requests)
        return
    k = min(int(x), KNOTS - 2)
    for i in range(BINS):
        y = max(serving.edges_s[i] - least, 0.0)
        late = 1.0 - at_bin(serving, a, b, part, k, x - k, i)
        below = at_most((y - middle) / deviation, skew) - late * at_most((-y - middle) / deviation, skew)
        serving.histogram[r, i] += requests * max(0.0, below)
    serving.histogram[r, BINS] += requests


@kernel
def drain(serving: Serving, r, a, b, part, arrivals, capacity, span_s, requests):
    """A queue that was far from empty drains for ``span_s`` and answers ``requests`` on the way."""
    x = position(arrivals / capacity)
    goal = max(at_knot(serving.excess, a, b, part, x), 1e-6)
    noise = noise_of(serving, r, a, b, part, arrivals, capacity)
    each = requests / SUBSTEPS
    for i in range(SUBSTEPS):
        at_s = (i + 0.5) * span_s / SUBSTEPS
        mean = serving.state[r, Y_FREE_MEAN] + (arrivals - capacity) * at_s
        variance = serving.state[r, Y_FREE_VARIANCE] + noise * at_s
        add_drain(serving, r, a, b, part, x, mean, variance, capacity, each)
    serving.state[r, Y_FREE_MEAN] += (arrivals - capacity) * span_s
    serving.state[r, Y_FREE_VARIANCE] += noise * span_s
    m, v = reflected(serving.state[r, Y_FREE_MEAN], serving.state[r, Y_FREE_VARIANCE], goal)
    serving.state[r, Y_EXCESS] = m
    serving.state[r, Y_VARIANCE] = v
