"""Response times in an overload: a line far longer than a stationary one.

A request that meets m others is answered when these and itself are: (m + the rest of those in service) / capacity, and
its own service. The number m varies, and so does the time that m services take. All work that comes is a compound
Poisson process, whose cumulants grow like the moments of the service time: the third is the second times
E[S^3] / E[S^2]. With its own service that gives three cumulants, and so a gamma distribution, shifted; for many short
services it is normal. Decision 0006 says what was tried before.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.tables_calls import BINS, K_BASE, K_SCV, K_SERVICE, K_SLOTS, K_THIRD, Y_FRESH, Serving

LEAST_SCV = 1e-4
"""Least squared coefficient of variation of a service time here: times are never certain."""


@inline_kernel
def at_most(z, skew):
    """Distribution function of a gamma distribution of mean 0, variance 1 and that skewness (0 to 2), by the cube root
    of E. B. Wilson and M. M. Hilferty (1931)."""
    base = 1.0 + 0.5 * skew * z
    if base <= 0.0:
        return 0.0
    x = 6.0 / skew * (base ** (1.0 / 3.0) - 1.0) + skew / 6.0
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@inline_kernel
def skewness(serving: Serving, r, variance, capacity):
    """Skewness of the time of a request, whose ``variance`` (s²) is that of its own service and of those before it."""
    scv = serving.constant[r, K_SCV]
    service = serving.constant[r, K_SERVICE]
    third = serving.constant[r, K_THIRD]
    own = max((1.0 + scv) * (third - 3.0) + 2.0, 0.0) * service**3
    deviation = math.sqrt(variance)
    before = third / (capacity * deviation) * max(1.0 - scv * service * service / variance, 0.0)
    return min(max(own / (variance * deviation) + before, 0.02), 2.0)


@inline_kernel
def wave_s(serving: Serving, r, m, capacity):
    """Mean time of a request that meets ``m`` others: theirs, and in a line the rest of those in service."""
    rest = 0.5 * (1.0 + serving.constant[r, K_SCV]) if serving.constant[r, K_SLOTS] > 0.0 else 0.0
    return serving.constant[r, K_BASE] + (m - gone_early(serving, r, m) + rest) / capacity


@inline_kernel
def gone_early(serving: Serving, r, m):
    """Of an excess ``m``, the requests that servers which were idle before the overload have answered on top.

    A server that begins afresh answers (scv - 1) / 2 requests more than one met at a random time, in the long run
    (D. R. Cox, Renewal Theory, 1962, 4.2); at the beginning none.
    """
    fresh = serving.state[r, Y_FRESH]
    if fresh == 0.0:
        return 0.0
    return fresh * (1.0 - math.exp(-m / abs(fresh)))


@inline_kernel
def wave_variance(serving: Serving, r, m, v, capacity):
    """Variance (s²) of the time of a request that meets ``m`` others, give or take ``v``: in a line also of how long
    these take, the rest of those in service among them."""
    service = serving.constant[r, K_SERVICE]
    scv = serving.constant[r, K_SCV]
    found = v
    if serving.constant[r, K_SLOTS] > 0.0:
        rest = (1.0 + scv) * (serving.constant[r, K_THIRD] / 3.0 - 0.25 * (1.0 + scv))
        found = max(v + scv * m + rest * service * capacity, 0.0)
    return found / (capacity * capacity) + max(scv, LEAST_SCV) * service * service


@kernel
def add_wave(serving: Serving, r, mean, variance, capacity, requests):
    """``requests`` were answered after a time of that mean (s) and variance (s²), skewed as sums of services are."""
    deviation = math.sqrt(max(variance, 1e-6 * mean * mean))
    skew = skewness(serving, r, deviation * deviation, capacity)
    for i in range(BINS):
        serving.histogram[r, i] += requests * at_most((serving.edges_s[i] - mean) / deviation, skew)
    serving.histogram[r, BINS] += requests
