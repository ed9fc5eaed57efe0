"""Tables by address: what kernels read and write is what Python's named tuples hold."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from capsim.jit import entry, kernel

# As if they were declared in the package: other packages' tuples are left alone.
Inner = namedtuple("Inner", "counts weights", module="capsim")
Outer = namedtuple("Outer", "inner grid", module="capsim")
Mixed = namedtuple("Mixed", "counts factor", module="capsim")
Theirs = namedtuple("Theirs", "counts weights")


@kernel
def raise_count(inner, grid, i):
    inner.counts[i] += grid[i, 1]
    return inner.counts[i] + inner.weights.shape[0]


@entry
def step(outer, i):
    total = 0
    for _ in range(3):
        total = raise_count(outer.inner, outer.grid, i)
    return total


@entry
def scaled(mixed):
    return mixed.counts[0] * mixed.factor


def table(start, rows=4):
    grid = np.arange(2 * rows, dtype=np.int64).reshape(rows, 2)
    return Outer(Inner(np.full(rows, start, np.int64), np.zeros(7)), grid)


def test_arrays_are_read_and_written_where_they_are():
    outer = table(10)
    assert step(outer, 2) == 10 + 3 * 5 + 7
    assert outer.inner.counts.tolist() == [10, 10, 25, 10]


def test_each_call_sees_the_table_that_it_is_given():
    """Loads from a table may be moved and joined within a call, never beyond it."""
    small, large = table(0), table(100, rows=9)
    for _ in range(50):
        before = (int(small.inner.counts[1]), int(large.inner.counts[8]))
        assert step(small, 1) == before[0] + 3 * 3 + 7
        assert step(large, 8) == before[1] + 3 * 17 + 7
        small = small._replace(inner=small.inner._replace(counts=small.inner.counts.copy()))


def test_another_layout_is_another_version():
    outer = table(1)
    step(outer, 0)
    known = len(step.signatures)
    turned = outer._replace(grid=np.asfortranarray(outer.grid))
    assert step(turned, 3) == 1 + 3 * 7 + 7
    assert len(step.signatures) == known + 1


def test_tuples_with_numbers_stay_tuples():
    assert scaled(Mixed(np.array([6]), 7)) == 42


def test_tuples_of_other_packages_stay_what_numba_makes_of_them():
    """A program that imports capsim may have kernels of its own, which unpack their tuples."""

    @entry
    def unpacked(theirs):
        counts, weights = theirs
        return counts[0] + theirs[1][1] + len(theirs) + weights[0]

    assert unpacked(Theirs(np.array([5]), np.array([1, 7]))) == 5 + 7 + 2 + 1
