"""Conversions as Go does them on amd64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.controllers.hpa import arithmetic
from capsim.controllers.hpa.arithmetic import INT32_MAX, INT32_MIN, INT64_MIN
from capsim.jit import entry


@entry
def ceil32(x):
    return arithmetic.ceil_int32(x)


@entry
def trunc32(x):
    return arithmetic.trunc_int32(x)


@entry
def ceil64(x):
    return arithmetic.ceil_int64(x)


@entry
def quotient(a, b):
    return arithmetic.quotient(a, b)


@entry
def wrap(x):
    return arithmetic.wrap_int32(x)


@pytest.mark.plain
@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan, 2147483648.0, 1e300, -2147483650.0])
def test_what_does_not_fit_is_the_smallest_integer(x):
    assert ceil32(x) == trunc32(x) == INT32_MIN


@pytest.mark.plain
def test_ends_of_the_range():
    assert ceil32(2147483647.0) == INT32_MAX
    assert ceil32(2147483646.5) == INT32_MAX
    assert trunc32(2147483647.9) == INT32_MAX
    assert ceil32(-2147483648.9) == INT32_MIN
    assert ceil64(math.inf) == ceil64(math.nan) == ceil64(9223372036854775808.0) == INT64_MIN
    assert ceil64(9.2e18) == 9200000000000000000


@given(st.floats(-1e9, 1e9))
def test_ceil_and_cut(x):
    assert ceil32(x) == math.ceil(x)
    assert trunc32(x) == int(x)


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**9))
def test_quotient_cuts_towards_zero(a, b):
    assert quotient(a, b) == math.trunc(a / b) if abs(a) < 2**52 else True
    assert quotient(a, b) * b + int(math.fmod(a, b)) == a


@given(st.integers(-(2**62), 2**62))
def test_wrap_keeps_the_low_32_bits(x):
    assert wrap(x) == int(np.int64(x).astype(np.int32))
