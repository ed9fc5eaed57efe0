"""Pods that come and go as recorded: at the recorded instant, the recorded pod, whatever happens to it meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.build.assemble import SMALLEST
from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import Fail, NodeTarget, ResourceQuota, TimedEvent
from capsim.scenario.lifetimes import Lifetimes
from capsim.scenario.series.packed import Numbers
from tests.engine.clusters import behaviour, cluster, deployment, group
from tests.properties.checks import check
from tests.properties.frames import assert_same, outcome

pytestmark = pytest.mark.plain
KEY = "default/ReplicaSet/a"


def record(created, deleted, nodes=()):
    return Lifetimes(
        created_ms=Numbers(np.array(created, float)), deleted_ms=Numbers(np.array(deleted, float)), nodes=list(nodes)
    )


def recorded(lifetimes, nodes=2, state="settled", **more):
    alive = int((lifetimes.created_ms.values < 0).sum())
    a = deployment("a", alive, kind="ReplicaSet", cpu_milli=more.pop("cpu_milli", 100), **more.pop("template", {}))
    return cluster(
        [a], [group(count=nodes)], workloads={KEY: behaviour()}, lifetimes={KEY: lifetimes}, initial_state=state, **more
    )


def ran(scenario, until_ms=None, **how):
    sim = Simulation(scenario, **how)
    sim.advance(scenario.duration_ms if until_ms is None else until_ms)
    check(sim)
    return sim


def lives(sim):
    """(created, deleted) of every pod, in ms; deletions that never came are -1."""
    frame = collect(sim).pods
    return sorted(zip(frame["created_ms"].tolist(), frame["deleted_ms"].fillna(-1).tolist(), strict=True))


def test_pods_are_created_and_deleted_at_their_instants():
    sim = ran(recorded(record([-1, -1, 1000, 1000, 2001], [500, -1, 60_000, 1000, -1])))
    start = lives(sim)[0][0]
    assert lives(sim) == [(start, -1), (start, 500), (1000, 1000), (1000, 60_000), (2001, -1)]


def test_the_recorded_pod_goes_not_the_one_that_a_replica_set_would_choose():
    """A ReplicaSet would delete the youngest."""
    sim = ran(recorded(record([1000, 2000, 400_000], [400_500, -1, -1])), 410_000)
    assert lives(sim) == [(1000, 400_500), (2000, -1), (400_000, -1)]


def test_a_lost_pod_is_replaced_and_its_deletion_takes_one_away():
    fail = TimedEvent(at_ms=60_000, fail=Fail(node=NodeTarget(node="n-1").node))
    lifetimes = record([-1, -1, -1], [300_000, -1, -1], ["n-1", "n-2", "n-2"])
    scenario = recorded(lifetimes, state="recorded", placement={KEY: {"n-1": 1, "n-2": 2}}, events=[fail])
    sim = Simulation(scenario)
    sim.advance(200_000)
    assert sim.state.workloads.desired.tolist() == [3]
    assert len([at for at, gone in lives(sim) if gone == -1]) == 3, "the ReplicaSet replaced it"
    sim.advance(scenario.duration_ms)
    assert sim.state.workloads.desired.tolist() == [2]
    assert len([at for at, gone in lives(sim) if gone == -1]) == 2


def test_pods_of_the_start_are_where_they_were():
    lifetimes = record([-1, -1, -1], [60_000, -1, -1], ["n-2", "n-1", "n-1"])
    sim = ran(recorded(lifetimes, state="recorded", placement={KEY: {"n-1": 2, "n-2": 1}}))
    pods = collect(sim).pods
    assert pods[pods["deleted_ms"].notna()]["node"].tolist() == ["n-2"]
    assert pods[pods["deleted_ms"].isna()]["node"].tolist() == ["n-1", "n-1"]


def test_an_empty_start_creates_the_pods_of_the_start_at_once():
    sim = ran(recorded(record([-1, 5000, -1], [5000, -1, -1]), state="empty"))
    assert lives(sim) == [(0, -1), (0, 5000), (5000, -1)]


def test_a_pod_that_never_found_a_node_is_deleted_as_recorded():
    sim = ran(recorded(record([1000, 1000, 1000], [-1, 200_000, 120_000]), nodes=1, cpu_milli=2000))
    pods = collect(sim).pods
    assert pods["deleted_ms"].fillna(-1).tolist() == [-1, 200_000, 120_000]
    assert pods["scheduled_ms"].isna().tolist() == [False, False, True]


def test_a_quota_refuses_recorded_pods_and_their_replica_set_tries_again():
    found = record([-1, 1000, 1000], [60_000, -1, 400_000])
    scenario = recorded(found)
    quota = ResourceQuota(namespace="default", name="team", hard={"pods": 2})
    scenario = scenario.model_copy(update={"objects": scenario.objects.model_copy(update={"quotas": [quota]})})
    sim = Simulation(scenario)
    sim.advance(50_000)
    assert len(lives(sim)) == 2
    assert (collect(sim).events["reason"] == "FailedCreate").any()
    sim.advance(380_000)
    assert len([at for at, gone in lives(sim) if gone == -1]) == 2, "there was room when the first had gone"
    sim.advance(scenario.duration_ms)
    check(sim)
    assert len([at for at, gone in lives(sim) if gone == -1]) == 1


LIMIT = {
    "maxSkew": 2, "minDomains": 2**31 - 1, "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "a"}},
}  # fmt: skip


def test_a_limit_of_two_on_a_node_holds_on_every_node_even_when_all_have_some():
    """Without minDomains a skew of 2 would allow 2 more than on the emptiest node."""
    found = record([1000 * i for i in range(9)], [-1] * 9)
    sim = Simulation(recorded(found, nodes=3, template={"topology_spread": [LIMIT]}))
    sim.advance(300_000)
    pods = collect(sim).pods
    assert pods["node"].value_counts().tolist() == [2, 2, 2]
    assert pods["node"].isna().sum() == 3


lifetimes = st.lists(
    st.tuples(st.integers(-1, 400_000), st.one_of(st.just(-1), st.integers(0, 300_000))), min_size=1, max_size=25
).map(lambda rows: record([a for a, _ in rows], [-1 if b < 0 else max(a, 0) + b for a, b in rows]))


@given(lifetimes, st.sampled_from(["settled", "empty"]), st.lists(st.integers(0, 600_000), min_size=6, max_size=6))
@settings(max_examples=25)
def test_as_many_pods_as_recorded_at_any_moment(found, state, looks):
    sim = Simulation(recorded(found, state=state))
    created, deleted = found.created_ms.values, found.deleted_ms.values
    for now_ms in sorted(looks):
        sim.advance(now_ms)
        check(sim)
        alive = int(((created <= now_ms) & ((deleted < 0) | (deleted > now_ms))).sum())
        assert sim.state.workloads.desired.tolist() == [alive]
        assert int(sim.state.workloads.count[0, [1, 2, 3, 5]].sum()) == alive


@given(lifetimes)
@settings(max_examples=10)
def test_growth_and_the_way_through_a_snapshot_change_nothing(found):
    scenario = recorded(found)
    whole = outcome(ran(scenario))
    assert_same(outcome(ran(scenario, capacity=SMALLEST)), whole)
    sim = ran(scenario, 200_000)
    before = sim.snapshot()
    sim.advance(scenario.duration_ms)
    sim.restore(before)
    sim.advance(scenario.duration_ms)
    assert_same(outcome(sim), whole)
