"""Durations: mean and spread of every kind, and the cut."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.engine.build.cluster import distribution_row
from capsim.jit import entry
from capsim.scenario import Distribution
from capsim.world.distributions import duration_ms

pytestmark = pytest.mark.plain


@entry
def sample(table, drawn):
    for i in range(drawn.shape[0]):
        drawn[i] = duration_ms(table, 0, 1, 2, 3, i)


def draws(distribution, count=4000):
    drawn = np.zeros(count, np.int64)
    sample(np.array([distribution_row(distribution)]), drawn)
    return drawn


@pytest.mark.parametrize(
    ("distribution", "mean", "deviation"),
    [
        (Distribution.constant(60_000), 60_000, 0),
        (Distribution(kind="uniform", min_ms=40_000, max_ms=80_000), 60_000, 40_000 / 12**0.5),
        (Distribution(kind="normal", mean_ms=60_000, stddev_ms=5000), 60_000, 5000),
        (Distribution(kind="lognormal", mean_ms=60_000, stddev_ms=20_000), 60_000, 20_000),
    ],
)
def test_mean_and_spread(distribution, mean, deviation):
    drawn = draws(distribution)
    assert abs(drawn.mean() - mean) <= 4 * deviation / len(drawn) ** 0.5 + 0.5
    assert drawn.std() == pytest.approx(deviation, rel=0.08)


def test_draws_are_cut_and_never_below_a_millisecond():
    drawn = draws(Distribution(kind="normal", mean_ms=1000, stddev_ms=1000, min_ms=500, max_ms=1500))
    assert (drawn.min(), drawn.max()) == (500, 1500)
    assert draws(Distribution.constant(0), 3).tolist() == [1, 1, 1]
