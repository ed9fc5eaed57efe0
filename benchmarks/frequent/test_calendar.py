"""The heap of transitions and the tournament trees of periodic loops."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from capsim.engine.build.control import new_tree, set_leaf
from capsim.jit import entry
from capsim.rng import draw
from capsim.state.calendar import heap_time, pop, push, tree_first, tree_leaf, tree_set
from capsim.state.tables import Heap

STEPS = 100_000
CHECKED = 2_000


@entry
def churn(heap, steps):
    """Take the first event, put a later one in its place, ``steps`` times; returns a checksum."""
    total = 0
    for k in range(steps):
        time_ms = heap_time(heap)
        code = pop(heap)
        total = (total * 31 + time_ms + code) & 0xFFFFFFFF
        push(heap, time_ms + 1 + (code * 40503 + k * 2654435) % 60_000, code)
    return total


@entry
def turn(tree, steps):
    """Let the first loop that is due run and set it due again, ``steps`` times; returns a checksum."""
    total = 0
    for k in range(steps):
        leaf = tree_first(tree)
        due = tree_leaf(tree, leaf)
        total = (total * 31 + due + leaf) & 0xFFFFFFFF
        tree_set(tree, leaf, due + 15_000 + (leaf * 40503 + k) % 7)
    return total


def full_heap(count: int) -> Heap:
    """A heap of ``count`` events."""
    events = sorted((draw(1, 2, 3, k) % 60_000, k) for k in range(count))
    columns = np.array(events, np.int64).T
    return Heap(np.ascontiguousarray(columns[0]), np.ascontiguousarray(columns[1]), np.array([count]))


def churned(count: int, steps: int) -> int:
    """``churn`` with Python's own heap."""
    heap = full_heap(count)
    events = list(zip(heap.time_ms.tolist(), heap.code.tolist(), strict=True))
    total = 0
    for k in range(steps):
        time_ms, code = heapq.heappop(events)
        total = (total * 31 + time_ms + code) & 0xFFFFFFFF
        heapq.heappush(events, (time_ms + 1 + (code * 40503 + k * 2654435) % 60_000, code))
    return total


@pytest.mark.parametrize("count", [100, 10_000])
def test_heap(measure, count):
    assert churn(full_heap(count), CHECKED) == churned(count, CHECKED)
    measure(churn, prepare=lambda: (full_heap(count), STEPS), amount=STEPS, unit="events/s")


@pytest.mark.parametrize("count", [100, 1000])
def test_tree(measure, count):
    def fresh():
        tree = new_tree(count)
        for leaf in range(count):
            set_leaf(tree, leaf, leaf * 7)
        return tree, STEPS

    tree, _ = fresh()
    turn(tree, CHECKED)
    due = tree[tree.shape[0] >> 1 :][:count]
    assert tree[1] == due.min()
    assert due.max() - due.min() <= 15_000 + 7
    measure(turn, prepare=fresh, amount=STEPS, unit="syncs/s")
