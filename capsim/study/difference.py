"""Differences of measures between two sets of runs, and whether they exceed the noise of the seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev, variance

from capsim.study.measures import Measures, unit_of

CONFIDENCE = 0.95
# Student's t, two-sided 95 %, for 1, 2, … 30 degrees of freedom (any table of the distribution).
T_95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
ROUNDING = 1e-9  # relative; sums of floats in another order are no difference


@dataclass(frozen=True)
class Difference:
    """One measure on both sides; None where a side does not have it."""

    measure: str
    unit: str
    a: float | None
    b: float | None
    noise: float | None
    """Half-width of the 95 % confidence interval of the difference; None with fewer than two runs on a side."""

    @property
    def difference(self) -> float | None:
        """b - a."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def change_ratio(self) -> float | None:
        """(b - a) / \\|a\\|; None when a is 0 or a side is missing."""
        return None if self.difference is None or not self.a else self.difference / abs(self.a)

    @property
    def equal(self) -> bool:
        """No difference, rounding apart."""
        if self.a is None or self.b is None:
            return False
        return abs(self.b - self.a) <= ROUNDING * max(abs(self.a), abs(self.b))

    @property
    def beyond_noise(self) -> bool | None:
        """True: more than the seeds explain; None: unknown, because there is one run on a side."""
        if self.noise is None or self.difference is None:
            return None
        return not self.equal and abs(self.difference) > self.noise


def differences(a: Mapping[int, Measures], b: Mapping[int, Measures]) -> list[Difference]:
    """Every measure that a run on either side has, in the order of the summaries; keys of ``a`` and ``b`` are seeds."""
    names = dict.fromkeys(key for side in (a, b) for measures in side.values() for key in measures)
    return [_difference(name, _values(a, name), _values(b, name)) for name in names]


def _values(side: Mapping[int, Measures], name: str) -> dict[int, float]:
    return {seed: measures[name] for seed, measures in side.items() if name in measures}


def _difference(name: str, a: dict[int, float], b: dict[int, float]) -> Difference:
    mean_a, mean_b = (fmean(side.values()) if side else None for side in (a, b))
    return Difference(name, unit_of(name), mean_a, mean_b, noise(a, b))


def noise(a: Mapping[int, float], b: Mapping[int, float]) -> float | None:
    """Half-width of the 95 % confidence interval of mean(b) - mean(a); None with fewer than two runs on a side.

    The same seeds on both sides are pairs (capsim gives the same noise to what two scenarios have in common): the
    interval is that of the mean of their differences. Other seeds: Welch's interval.
    """
    if min(len(a), len(b)) < 2:
        return None
    if set(a) == set(b):
        return _paired([b[seed] - a[seed] for seed in a])
    return _welch(list(a.values()), list(b.values()))


def _paired(changes: Sequence[float]) -> float:
    return student_t(len(changes) - 1) * stdev(changes) / math.sqrt(len(changes))


def _welch(a: Sequence[float], b: Sequence[float]) -> float:
    parts = [(variance(side) / len(side), len(side) - 1) for side in (a, b)]
    total = sum(part for part, _ in parts)
    if total == 0.0:
        return 0.0
    freedom = 1.0 / sum((part / total) ** 2 / degrees for part, degrees in parts)
    return student_t(freedom) * math.sqrt(total)


def student_t(freedom: float) -> float:
    """Two-sided 95 % quantile; between whole degrees of freedom that of the lower one.

    >>> student_t(1), student_t(4.9), student_t(1e9)
    (12.706, 2.776, 1.96)
    """
    whole = int(freedom)
    return T_95[max(whole, 1) - 1] if whole <= len(T_95) else round(1.96 + 2.4 / freedom, 6)
