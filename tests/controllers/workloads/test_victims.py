"""Which pods of a ReplicaSet go first: upstream's ranking, rule by rule, and quickselect against sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.controllers.workloads.victims import age_bucket, kth_smallest, sort_key
from capsim.engine.build.cluster import empty_scan
from capsim.engine.build.tables import empty_pods
from capsim.engine.drive import Simulation
from capsim.jit import entry
from capsim.scenario import Crash, Distribution, Scale, TimedEvent
from capsim.state import tables as t
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, deployment, group

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


def scaled_down(costs, replicas=6, left=3, **more):
    """Costs of the pods that are left when a Deployment is scaled down."""
    one = deployment(replicas=replicas)
    spec = behaviour(pod_deletion_costs=costs, startup_time=Distribution.constant(1000))
    scale = TimedEvent(at_ms=MINUTE_MS, scale=Scale(target=one.key, replicas=left))
    sim = Simulation(cluster([one], [group(count=2)], workloads={one.key: spec}, events=[scale], **more))
    sim.advance(2 * MINUTE_MS)
    ordinals = sim.state.pods.ordinal[sim.state.pods.uid >= 0]
    return sorted(([*costs, *[0] * replicas][:replicas])[n - 1] for n in ordinals.tolist())


@pytest.mark.parametrize(
    ("costs", "left"),
    [
        ([5, 4, 3, 2, 1, 0], [3, 4, 5]),
        ([-10, 100, -10, 100, -10, 7], [7, 100, 100]),
        ([2**31 - 1, -(2**31)], [0, 0, 2**31 - 1]),
        ([1], [0, 0, 1]),
    ],
)
def test_the_lower_pod_deletion_cost_goes_first(costs, left):
    """controller.kubernetes.io/pod-deletion-cost; pods without have 0."""
    assert scaled_down(costs) == left


def test_a_pod_that_is_not_ready_goes_before_a_cheaper_one():
    """Costs are compared after assigned, Pending and Ready."""
    one = deployment(replicas=2)
    spec = behaviour(pod_deletion_costs=[1, 2, 99], startup_time=Distribution.constant(200_000))
    events = [
        TimedEvent(at_ms=MINUTE_MS, scale=Scale(target=one.key, replicas=3)),
        TimedEvent(at_ms=2 * MINUTE_MS, scale=Scale(target=one.key, replicas=2)),
    ]
    sim = Simulation(cluster([one], workloads={one.key: spec}, events=events))
    sim.advance(3 * MINUTE_MS)
    assert sim.state.pods.ordinal[sim.state.pods.uid >= 0].tolist() == [1, 2]


def test_it_comes_before_siblings_and_age():
    recorded = {"initial_state": "recorded", "placement": {"default/Deployment/a": {"n-1": 3, "n-2": 1}}}
    assert scaled_down([9, 9, 9, 1], replicas=4, left=3, **recorded) == [9, 9, 9]
    assert scaled_down([9, 9, 9, 9], replicas=4, left=3, **recorded) == [9, 9, 9]


def test_more_restarts_go_before_chance():
    """ActivePodsWithRanks: after the age."""
    crash = TimedEvent(at_ms=30_000, crash=Crash(target="default/Deployment/a", pods=2))
    one = deployment(replicas=6)
    spec = behaviour(startup_time=Distribution.constant(1000))
    scale = TimedEvent(at_ms=200_000, scale=Scale(target=one.key, replicas=4))
    for seed in range(5):
        sim = Simulation(
            cluster([one], workloads={one.key: spec}, events=[crash, scale], seed=seed, initial_state="empty")
        )
        sim.advance(5 * MINUTE_MS)
        assert (sim.state.pods.restarts[sim.state.pods.uid >= 0] == 0).all()
