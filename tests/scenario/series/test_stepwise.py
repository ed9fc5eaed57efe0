"""Arithmetic of step functions, as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.scenario.series.stepwise import (
    Samples,
    combined,
    cropped,
    held,
    means_between,
    placed,
    repeated,
    resampled,
    sloped,
    stretched,
    united,
)


@st.composite
def samples(draw, longest=20):
    gaps = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=longest))
    values = draw(st.lists(st.floats(0, 1e6), min_size=len(gaps), max_size=len(gaps)))
    times = np.cumsum([0, *gaps], dtype=np.int64)
    return Samples(times[:-1], np.array(values), int(times[-1]))


def volume(one):
    return float((one.values * np.diff(one.times_ms, append=one.end_ms)).sum())


def at_every_ms(points, end_ms):
    return held(points, np.arange(end_ms))


@given(samples(), st.integers(1, 9000))
def test_resampling_by_the_mean_conserves_the_volume(one, step_ms):
    coarse = resampled(one, step_ms)
    assert volume(coarse) == pytest.approx(volume(one), rel=1e-9, abs=1e-6)
    assert coarse.end_ms == one.end_ms
    assert (np.diff(coarse.times_ms) == step_ms).all()


@given(samples(), st.integers(1, 9000))
def test_resampling_by_the_maximum_keeps_the_peak_and_never_lies_below(one, step_ms):
    coarse = resampled(one, step_ms, "max")
    assert coarse.values.max() == one.values.max()
    every = np.union1d(one.times_ms, coarse.times_ms)
    assert (held(coarse[:2], every) >= held(one[:2], every)).all()


@given(samples())
def test_resampling_to_its_own_grid_changes_nothing(one):
    even = resampled(one, 100)
    again = resampled(even, 100)
    assert again.values.tolist() == even.values.tolist()


@given(samples(6), samples(6), st.sampled_from([np.add, np.multiply]))
def test_combinations_are_pointwise(first, second, operation):
    end_ms = min(first.end_ms, second.end_ms)
    times, values = combined([first[:2], second[:2]], operation)
    assert (np.diff(times) > 0).all()
    expected = operation(at_every_ms(first[:2], end_ms), at_every_ms(second[:2], end_ms))
    assert at_every_ms((times, values), end_ms).tolist() == expected.tolist()


@given(st.lists(st.integers(0, 60), min_size=1), st.lists(st.integers(0, 60), min_size=1))
def test_united(first, second):
    a, b = np.unique(first).astype(np.int64), np.unique(second).astype(np.int64)
    assert united(a, b).tolist() == np.union1d(a, b).tolist()


@given(samples(6), st.data())
def test_a_crop_is_the_part(one, data):
    from_ms = data.draw(st.integers(0, one.end_ms - 1))
    to_ms = data.draw(st.integers(from_ms + 1, one.end_ms))
    part = cropped(one, from_ms, to_ms)
    assert part.times_ms[0] == 0
    assert part.end_ms == to_ms - from_ms
    assert at_every_ms(part[:2], part.end_ms).tolist() == at_every_ms(one[:2], one.end_ms)[from_ms:to_ms].tolist()


@given(samples(4), st.integers(1, 30_000))
def test_repetition(one, duration_ms):
    whole = repeated(one, duration_ms)
    assert whole.end_ms >= duration_ms
    expected = np.tile(at_every_ms(one[:2], one.end_ms), whole.end_ms // one.end_ms)
    assert at_every_ms(whole[:2], whole.end_ms).tolist() == expected.tolist()


@given(samples(4), st.integers(0, 5000), st.integers(1, 20_000))
def test_placed_samples_are_zero_outside_of_the_trace(one, offset_ms, duration_ms):
    times, values = placed(one, offset_ms, duration_ms)
    assert times[0] == 0
    assert (np.diff(times) > 0).all()
    assert times[-1] < duration_ms
    assert (values[1:] != values[:-1]).all()
    inside = at_every_ms(one[:2], one.end_ms)
    expected = np.concatenate([np.zeros(offset_ms), inside, np.zeros(duration_ms)])[:duration_ms]
    assert at_every_ms((times, values), duration_ms).tolist() == expected.tolist()


@given(samples(6), st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0]))
def test_stretching_keeps_the_order_and_the_length(one, factor):
    other = stretched(one, factor)
    assert (np.diff(other.times_ms) > 0).all()
    assert other.end_ms > other.times_ms[-1]
    assert other.end_ms == pytest.approx(one.end_ms * factor, abs=2)


@given(samples(6), st.integers(1, 3000))
def test_slopes_pass_through_the_samples_and_stay_between_them(one, step_ms):
    slope = sloped(one, step_ms)
    assert held(slope[:2], one.times_ms).tolist() == one.values.tolist()
    assert slope.values.max() == one.values.max()
    assert slope.values.min() == one.values.min()


def test_means_between_edges():
    one = Samples(np.array([0, 10]), np.array([1.0, 3.0]), 20)
    assert means_between(one, np.array([0, 20])).tolist() == [2.0]
    assert means_between(one, np.array([5, 15, 20])).tolist() == [2.0, 3.0]
