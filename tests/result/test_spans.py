"""Counting spans, against a plain second-by-second count."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from capsim.result.summary.spans import peak, union

SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), min_size=1, max_size=30)


def _arrays(spans):
    starts = np.array([start for start, _ in spans], np.int64)
    return starts, starts + np.array([length for _, length in spans], np.int64)


def _counts(spans):
    return [sum(start <= moment < start + length for start, length in spans) for moment in range(80)]


@given(SPANS)
def test_peak_is_the_largest_count_and_when_it_was_first_reached(spans):
    counts = _counts(spans)
    assert peak(*_arrays(spans)) == (max(counts), counts.index(max(counts)))


@given(SPANS)
def test_union_covers_the_same_moments_without_overlap(spans):
    starts, ends = union(*_arrays(spans))
    assert (starts[1:] > ends[:-1]).all()
    covered = [any(start <= moment < end for start, end in zip(starts, ends)) for moment in range(80)]
    assert covered == [count > 0 for count in _counts(spans)]


def test_nothing():
    none = np.zeros(0, np.int64)
    assert peak(none, none) == (0, 0)
    assert [len(side) for side in union(none, none)] == [0, 0]
