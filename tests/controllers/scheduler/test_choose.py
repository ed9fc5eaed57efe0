"""Score trees against the plain scan, over random placements and removals, and scores against upstream's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.controllers.scheduler.choose import scan_best, tree_best
from capsim.controllers.scheduler.scores import score
from capsim.engine.build.cluster import empty_nodes
from capsim.engine.build.tables import empty_queue, empty_trees
from capsim.jit import entry
from capsim.state import tables as t
from capsim.state.transitions import node_changed

pytestmark = [pytest.mark.plain]
MI = 2**20


@entry
def both(clock, classes, nodes, queue, trees, c, event):
    a = scan_best(clock, classes, nodes, queue, c, 1, event)
    b = tree_best(clock, classes, nodes, trees, c, 1, event)
    return a, b


@entry
def changed(trees, nodes, n):
    node_changed(trees, nodes, n)


@entry
def score_of(classes, nodes, c, n):
    return score(classes, nodes, c, n)


def cluster(capacities, requests):
    nodes = empty_nodes(len(capacities), 4)
    for n, (cpu, memory) in enumerate(capacities):
        nodes.allocatable[n] = (cpu, memory, 2**40, 110)
        nodes.state[n] = t.NODE_READY
    count = len(requests)
    request = np.array([(cpu, memory, 0, 1) for cpu, memory in requests], np.int64).reshape(count, 4)
    zero = np.zeros(count, np.int64)
    classes = t.Classes(
        request=request, nonzero=request[:, :2].copy(), workload=zero, priority=zero, tolerates=zero,
        shape_reason=np.full((count, 1), -1, np.int64), queue_head=zero - 1, queue_tail=zero - 1, queue_count=zero,
        diagnosis=zero - 1, tried_ms=zero, signature=np.arange(count), drain=zero,
    )  # fmt: skip
    params = np.zeros(t.PARAM_COLUMNS, np.int64)
    params[[t.P_SEED, t.P_TIE_RANDOM]] = 5, 1
    values = np.zeros(t.CLOCK_COLUMNS, np.int64)
    values[t.NODE_TOP] = len(capacities)
    clock = t.Clock(values, np.zeros(t.COUNTER_COLUMNS, np.int64), params)
    trees = empty_trees(count, len(capacities))
    return clock, classes, nodes, empty_queue(4, len(capacities), 1, 1), trees


@given(
    st.lists(st.tuples(st.integers(500, 4000), st.integers(512, 8192)), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 1500)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 1000)), min_size=1, max_size=60),
)
@settings(max_examples=40, deadline=None)
def test_tree_equals_scan(capacities, requests, steps):
    sizes = [(cpu, memory * MI) for cpu, memory in capacities]
    clock, classes, nodes, queue, trees = cluster(sizes, [(cpu, memory * MI) for cpu, memory in requests])
    placed: list[tuple[int, int]] = []
    for event, (c, remove, pick) in enumerate(steps):
        c %= len(requests)
        if remove and placed:
            c, n = placed.pop(pick % len(placed))
            sign = -1
        else:
            scanned, chosen = both(clock, classes, nodes, queue, trees, c, event)
            assert scanned == chosen
            if chosen < 0:
                continue
            placed.append((c, chosen))
            n, sign = chosen, 1
        nodes.requested[n] += sign * classes.request[c]
        nodes.nonzero[n] += sign * classes.nonzero[c]
        changed(trees, nodes, n)


@pytest.mark.parametrize(
    ("cpu", "memory", "used_cpu", "used_memory", "expected"),
    [
        # least: ((4000-1000)*100/4000 + (8Gi-2Gi)*100/8Gi)/2 = (75+75)/2; balanced: 100 * (1 - 0)
        (1000, 2048, 0, 0, 75 + 100),
        # (4000-3000)*100/4000 = 25, (8-2.5)*100/8 = 68.75 -> 68, mean 46.5 -> 46; |0.75-0.3125|/2 -> 78.125 -> 78
        (1000, 2048, 2000, 512, 46 + 78),
        # a pod that requests nothing of either is not balanced
        (0, 0, 1000, 1024, (75 + 87) // 2 + 0),
    ],
)
def test_scores_are_upstreams(cpu, memory, used_cpu, used_memory, expected):
    _, classes, nodes, _, _ = cluster([(4000, 8192 * MI)], [(cpu, memory * MI)])
    nodes.requested[0, :2] = used_cpu, used_memory * MI
    nodes.nonzero[0] = used_cpu, used_memory * MI
    assert score_of(classes, nodes, 0, 0) == expected
