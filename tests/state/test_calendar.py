"""Heap and tournament tree against the obvious: heapq and min."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.jit import entry
from capsim.state.calendar import encode, entity_of, generation_of, kind_of, pop, push, tree_first, tree_set
from capsim.state.tables import NEVER, Heap

pytestmark = [pytest.mark.plain]


@entry
def heap_push(heap, time_ms, code):
    push(heap, time_ms, code)


@entry
def heap_pop(heap):
    return pop(heap)


@entry
def set_and_first(tree, leaf, time_ms):
    tree_set(tree, leaf, time_ms)
    return tree_first(tree)


@entry
def coded(kind, entity, generation):
    code = encode(kind, entity, generation)
    return kind_of(code), entity_of(code), generation_of(code)


def empty_heap(rows: int) -> Heap:
    return Heap(np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros(1, np.int64))


@given(st.lists(st.tuples(st.integers(-5, 20), st.integers(0, 50)), max_size=60), st.data())
@settings(max_examples=60, deadline=None)
def test_heap_equals_heapq(events, data):
    heap, plain = empty_heap(64), []
    for time_ms, code in events:
        heap_push(heap, time_ms, code)
        heapq.heappush(plain, (time_ms, code))
        if plain and data.draw(st.booleans()):
            assert heap_pop(heap) == heapq.heappop(plain)[1]
    while plain:
        assert heap.time_ms[0] == plain[0][0]
        assert heap_pop(heap) == heapq.heappop(plain)[1]
    assert heap.count[0] == 0


@given(st.integers(2, 9), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30)), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_tree_equals_min(count, changes):
    leaves = 1 << (count - 1).bit_length()
    tree = np.full(2 * leaves, NEVER, np.int64)
    plain = [NEVER] * leaves
    for leaf, time_ms in changes:
        leaf %= count
        plain[leaf] = time_ms
        first = set_and_first(tree, leaf, time_ms)
        assert tree[1] == min(plain)
        assert first == plain.index(min(plain)), "the lowest index of the earliest wins"


@given(st.integers(0, 100), st.integers(0, 2**32 - 1), st.integers(0, 2**24 - 1))
@settings(max_examples=30, deadline=None)
def test_codes_round_trip(kind, entity, generation):
    assert coded(kind, entity, generation) == (kind, entity, generation)
