"""Differences and the noise of seeds, against what they claim."""

from __future__ import annotations

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.study.difference import Difference, differences, noise, student_t

NUMBER = st.floats(-1e9, 1e9, allow_nan=False)
SIDE = st.dictionaries(st.integers(1, 9), NUMBER, min_size=1, max_size=6)


@given(SIDE, SIDE)
def test_both_ways_are_mirror_images(a, b):
    (there,) = differences({seed: {"x_s": value} for seed, value in a.items()}, {s: {"x_s": v} for s, v in b.items()})
    (back,) = differences({seed: {"x_s": value} for seed, value in b.items()}, {s: {"x_s": v} for s, v in a.items()})
    assert there.difference == pytest.approx(-back.difference)
    assert there.beyond_noise == back.beyond_noise
    assert (there.noise is None) == (min(len(a), len(b)) < 2)


@given(SIDE)
def test_a_side_does_not_differ_from_itself(a):
    (found,) = differences({seed: {"x": value} for seed, value in a.items()}, {s: {"x": v} for s, v in a.items()})
    assert found.equal
    assert found.beyond_noise is (None if len(a) < 2 else False)


def test_measures_of_one_side_only():
    only_a, only_b = differences({1: {"x": 1.0}}, {1: {"y": 2.0}})
    assert (only_a.a, only_a.b, only_a.difference, only_a.beyond_noise) == (1.0, None, None, None)
    assert (only_b.a, only_b.b, only_b.equal) == (None, 2.0, False)


def test_change_in_percent_has_the_sign_of_the_difference():
    assert Difference("x", "", -4.0, -2.0, None).change_ratio == 0.5
    assert Difference("x", "", 0.0, 2.0, None).change_ratio is None


def test_shifts_that_every_seed_shows_are_beyond_noise_however_much_seeds_differ():
    a = {seed: 1000.0 * seed for seed in range(1, 6)}
    b = {seed: value + 1.0 for seed, value in a.items()}
    assert noise(a, b) == pytest.approx(0.0)
    other_seeds = {seed + 10: value for seed, value in b.items()}
    assert noise(a, other_seeds) > 1000


@pytest.mark.parametrize("paired", [True, False])
def test_one_in_twenty_is_marked_without_any_difference(paired):
    draw, marked, rounds = random.Random(7), 0, 4000
    for _ in range(rounds):
        a = {seed: draw.gauss(100, 5) for seed in range(5)}
        b = {seed + (0 if paired else 10): draw.gauss(100, 5) for seed in range(5)}
        marked += abs(fmean(b.values()) - fmean(a.values())) > noise(a, b)
    assert 0.03 < marked / rounds < 0.065


def test_student_t_falls_to_the_normal_quantile():
    values = [student_t(freedom) for freedom in range(1, 2000)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(1.96, abs=0.002)
    assert student_t(60) == pytest.approx(2.000, abs=0.001)  # any table
    assert student_t(0.5) == student_t(1)
