"""Which pods of a ReplicaSet go first: upstream's ranking, rule by rule, and quickselect against sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.controllers.workloads.victims import age_bucket, kth_smallest, sort_key
from capsim.engine.build.cluster import empty_scan
from capsim.engine.build.tables import empty_pods
from capsim.jit import entry
from capsim.state import tables as t

pytestmark = [pytest.mark.plain]
NOW = 10_000_000


@entry
def select(keys, count, k):
    return kth_smallest(keys, count, k)


@entry
def bucket(age_ms):
    return age_bucket(age_ms)


@entry
def key_of(clock, pods, workloads, scan, p, now):
    return sort_key(clock, pods, workloads, scan, p, now)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=80), st.data())
@settings(max_examples=80, deadline=None)
def test_quickselect_equals_sorted(values, data):
    k = data.draw(st.integers(0, len(values) - 1))
    assert select(np.array(values, np.int64), len(values), k) == sorted(values)[k]


@pytest.mark.parametrize(("seconds", "next_bucket"), [(137, 37), (274, 38), (549, 39), (1099, 40)])
def test_age_buckets_have_the_recorded_borders(seconds, next_bucket):
    """Borders at 2**37 ns (137.4 s), 2**38 (274.9 s), 2**39 (549.8 s), 2**40 (1099.5 s)."""
    assert bucket(seconds * 1000) == next_bucket - 1
    assert bucket(seconds * 1000 + 1000) == next_bucket


def keys(pods):
    """Sort keys of pods given as (node, state, age in s, siblings on the node)."""
    table, _, _ = empty_pods(len(pods))
    scan = empty_scan(8, 1)
    for p, (node, state, age_s, siblings) in enumerate(pods):
        table.state[p], table.node[p], table.workload[p], table.ordinal[p] = state, node, 0, p
        table.created_ms[p] = table.ready_ms[p] = NOW - age_s * 1000
        if node >= 0:
            scan.mark[node] = siblings
    one = np.zeros(1, np.int64)
    names = t.Workloads._fields
    workloads = t.Workloads(*(np.zeros((1, 5), np.int64) if f in ("count", "start", "spread") else one for f in names))
    clock = t.Clock(
        np.zeros(t.CLOCK_COLUMNS, np.int64), np.zeros(t.COUNTER_COLUMNS, np.int64), np.zeros(t.PARAM_COLUMNS, np.int64)
    )
    return [key_of(clock, table, workloads, scan, p, NOW) for p in range(len(pods))]


def test_order_of_the_rules():
    in_order = keys(
        [
            (-1, t.POD_PENDING, 5000, 0),  # unassigned
            (0, t.POD_STARTING, 5000, 1),  # not Ready
            (1, t.POD_READY, 5000, 3),  # most siblings on its node
            (2, t.POD_READY, 5000, 2),
            (3, t.POD_READY, 100, 1),  # younger bucket
            (4, t.POD_READY, 5000, 1),
        ]
    )
    assert in_order == sorted(in_order)
    assert len(set(in_order)) == len(in_order)


def test_chance_decides_within_a_bucket():
    a, b = keys([(0, t.POD_READY, 300, 1), (1, t.POD_READY, 500, 1)])
    assert a >> 32 == b >> 32, "same bucket: the age does not matter"
    assert a != b
