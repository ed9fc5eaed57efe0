"""Packed numbers come back exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.scenario.series.packed import LISTED, Numbers, pack, unpack


@given(st.lists(st.floats(0, allow_nan=False, allow_infinity=False), max_size=200))
def test_floats_come_back(values):
    assert unpack(pack(np.array(values, np.float64))).tolist() == values


@given(st.lists(st.integers(0, 2**53 - 1), max_size=200))
def test_integers_come_back(values):
    assert unpack(pack(np.array(values, np.float64))).tolist() == values


def test_counts_are_small():
    counts = np.random.default_rng(1).poisson(50, 100_000).astype(np.float64)
    assert len(pack(counts)) < 100_000 * 1.2


def test_few_numbers_are_written_as_a_list():
    assert Numbers(np.arange(3.0)).written() == [0.0, 1.0, 2.0]
    many = Numbers(np.arange(LISTED + 1.0))
    assert many.written().startswith("u1.zlib:")
    assert Numbers(text=many.written()) == many
    assert hash(Numbers(text=many.written())) == hash(many)


@pytest.mark.parametrize("text", ["", "u1.zlib:", "u3.zlib:eJwDAAAAAAE=", "f8.zlib:abc", "u2.zlib:eJxjAAAAAQAB"])
def test_damaged_texts(text):
    with pytest.raises(ValueError, match="packed text"):
        unpack(text)
