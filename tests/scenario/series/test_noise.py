"""Noise: its moments, and that it depends on nothing but the seed, the name and the step."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from capsim.scenario.series import ConstantSeries, NoiseSeries, Origin, Point, StepsSeries, SumSeries
from capsim.scenario.series.draws import lognormal_noise, poisson_noise

HOUR_MS = 3_600_000


def noise(value=100.0, **options):
    options = {"cv": 0.2, **options} if options.get("kind") != "poisson" else options
    return NoiseSeries(of=ConstantSeries(value=value), **options)


def values(series, name="default/app", seed=1, duration_ms=100 * HOUR_MS):
    return series.points(duration_ms, Origin(name, seed))[1]


def test_lognormal_noise_has_the_stated_mean_and_variation():
    drawn = values(noise(cv=0.5, step_ms=1000))
    assert drawn.mean() == pytest.approx(100, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("rate", [0.05, 2, 25, 31, 400, 1e6])
def test_poisson_noise_has_its_mean_as_variance_and_whole_requests(rate):
    drawn = values(noise(rate, kind="poisson", step_ms=1000))
    assert drawn.mean() == pytest.approx(rate, rel=0.02)
    assert drawn.var() == pytest.approx(rate, rel=0.02)
    assert (drawn == np.rint(drawn)).all()


def test_poisson_noise_counts_requests_of_a_step():
    drawn = values(noise(2, kind="poisson", step_ms=10_000))
    assert drawn.var() == pytest.approx(0.2, rel=0.05)
    assert np.rint(drawn * 10) == pytest.approx(drawn * 10)


@pytest.mark.parametrize("mean", [31.0, 100.0, 5000.0])
def test_the_expansion_gives_the_exact_quantiles(mean):
    # Giles' expansion, from its text, against the sums of the Poisson distribution.
    counts = np.arange(int(mean + 12 * math.sqrt(mean)))
    logs = counts * math.log(mean) - mean - np.array([math.lgamma(k + 1) for k in counts])
    cumulative = np.cumsum(np.exp(logs))
    wrong = 0
    for u in np.linspace(0.0005, 0.9995, 2000):
        w = NormalDist().inv_cdf(u)
        quantile = mean + math.sqrt(mean) * w + (2 + w * w) / 6 - (w / 36 + w**3 / 72) / math.sqrt(mean)
        quantile += (-8 / 405 + 7 * w * w / 810 + w**4 / 270) / mean
        wrong += math.floor(quantile) != int(np.searchsorted(cumulative, u, side="right"))
    assert wrong <= 2


@given(st.integers(0, 2**31), st.text(max_size=10), st.text(max_size=10))
def test_noise_of_a_service_does_not_depend_on_others(seed, name, other):
    alone = values(noise(), f"default/{name}", seed, HOUR_MS)
    values(noise(), f"default/{other}", seed, HOUR_MS)
    assert values(noise(), f"default/{name}", seed, HOUR_MS).tolist() == alone.tolist()
    if name != other:
        assert values(noise(), f"default/{other}", seed, HOUR_MS).tolist() != alone.tolist()


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_longer_run_has_the_same_beginning(short, long):
    first, second = sorted((short, long))
    whole = values(noise(), duration_ms=second * 60_000)
    assert values(noise(), duration_ms=first * 60_000).tolist() == whole[:first].tolist()


def test_seeds_and_places_differ_and_keys_are_shared():
    first = values(noise())
    assert values(noise(), seed=2).tolist() != first.tolist()
    shared = noise(key="the weather")
    assert values(shared, "default/a").tolist() == values(shared, "default/b").tolist()
    both = SumSeries(terms=[noise(), noise()])
    correlation = np.corrcoef(values(noise(), "x#0"), values(noise(), "x#1"))[0, 1]
    assert abs(correlation) < 0.05
    assert values(both, "x").tolist() == (values(noise(), "x#0") + values(noise(), "x#1")).tolist()


def test_noise_follows_the_mean_of_each_step():
    steps = StepsSeries(steps=[Point(at_ms=0, value=0), Point(at_ms=90_000, value=10)])
    still = NoiseSeries(of=steps, cv=1e-9)
    times, drawn = still.points(180_000)
    assert times.tolist() == [0, 60_000, 120_000]
    assert drawn == pytest.approx([0, 5, 10])


@pytest.mark.parametrize("options", [{"cv": None}, {"kind": "poisson", "cv": 0.1}, {"cv": 0}, {"step_ms": 0}])
def test_bad_noise(options):
    with pytest.raises(ValidationError):
        NoiseSeries(of=ConstantSeries(value=1), **{"cv": 0.1, **options})


@pytest.mark.plain
@pytest.mark.bounds
def test_compiled_and_plain_noise_agree():
    means, out = np.array([0.0, 1.0, 30.0, 31.0, 500.0]), np.empty(5)
    poisson_noise(7, 11, means, out)
    assert out.tolist() == [0.0, 1.0, 31.0, 20.0, 514.0]
    lognormal_noise(7, 11, 0.2, means, out)
    assert out == pytest.approx([0.0, 1.0905666, 25.3589110, 20.2741200, 556.9718238], rel=1e-7)
