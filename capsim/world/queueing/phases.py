"""Durations known by mean and variation, as mixtures of two Erlang distributions.

Source: H. C. Tijms, Stochastic Models: An Algorithmic Approach (1994), appendix B. A squared coefficient of variation
(scv) below 1 gives a mixture of Erlang-(k-1) and Erlang-k with one rate, 1 gives the exponential distribution, above 1
a hyperexponential with balanced means. Two moments are matched; the third, and with it the far tail, is that of the
family.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from capsim.state.tables import F64

LEAST_SCV = 1.0 / 256.0
"""Below this a duration is taken for Erlang-256: its percentiles lie within 15 % of its mean."""


QUANTILE_POINTS = 400
"""Points between which the distribution function is inverted linearly."""


@dataclass(frozen=True)
class Phases:
    """With ``chance[i]`` the sum of ``stages[i]`` exponential stages of ``rate[i]`` per second, i = 0, 1."""

    chance: tuple[float, float]
    stages: tuple[int, int]
    rate: tuple[float, float]

    def moment(self, order: int) -> float:
        """The raw moment of that order, seconds to that power."""
        return sum(
            p * math.prod(k + i for i in range(order)) / r**order
            for p, k, r in zip(self.chance, self.stages, self.rate, strict=True)
        )

    def cdf(self, t: F64) -> F64:
        """Probability of at most ``t`` seconds; float64 of any shape, 0 for negative times."""
        positive = np.maximum(t, 0.0)
        total = np.zeros_like(positive)
        for p, k, r in zip(self.chance, self.stages, self.rate, strict=True):
            if p > 0.0:
                total += p * erlang_cdf(k, r * positive)
        return total

    def quantiles(self, probabilities: F64) -> F64:
        """Times that are not exceeded with the given probabilities (below 1 - 1e-6), seconds, to 0.1 %."""
        slowest = min(self.rate[i] for i in (0, 1) if self.chance[i] > 0.0)
        mean = self.moment(1)
        most = mean + 30.0 * max(1.0, math.sqrt(max(self.stages))) / slowest
        t = np.concatenate([[0.0], np.geomspace(mean * 1e-5, most, QUANTILE_POINTS)])
        result: F64 = np.interp(probabilities, self.cdf(t), t)
        return result


def erlang_cdf(stages: int, x: F64) -> F64:
    """Probability that ``stages`` exponential stages of mean 1 take at most ``x``."""
    with np.errstate(under="ignore"):
        term = np.exp(-x)
        left = term.copy()
        for j in range(1, stages):
            term = term * x / j
            left += term
    return np.clip(1.0 - left, 0.0, 1.0)


def fit(mean: float, scv: float) -> Phases:
    """The member of the family with this mean (seconds) and squared coefficient of variation."""
    if scv > 1.0 + 1e-9:
        p = 0.5 * (1.0 + math.sqrt((scv - 1.0) / (scv + 1.0)))
        return Phases((p, 1.0 - p), (1, 1), (2.0 * p / mean, 2.0 * (1.0 - p) / mean))
    scv = max(scv, LEAST_SCV)
    k = max(1, math.ceil(1.0 / scv - 1e-9))
    if k == 1:
        return Phases((1.0, 0.0), (1, 1), (1.0 / mean, 1.0 / mean))
    root = math.sqrt(max(0.0, k * (1.0 + scv) - k * k * scv))
    p = min(1.0, max(0.0, (k * scv - root) / (1.0 + scv)))
    rate = (k - p) / mean
    return Phases((p, 1.0 - p), (k - 1, k), (rate, rate))
