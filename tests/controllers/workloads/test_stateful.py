"""StatefulSets, rule by rule (upstream: pkg/controller/statefulset/stateful_set_control.go)."""

from __future__ import annotations

import itertools

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import Distribution, Drain, Fail, Rollback, Rollout, Scale, TimedEvent
from capsim.state.tables import POD_READY, POD_TERMINATING
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, deployment, group

pytestmark = [pytest.mark.plain]
AT = MINUTE_MS
KEY = "default/StatefulSet/db"


def scale(replicas, at_ms=AT):
    return TimedEvent(at_ms=at_ms, scale=Scale(target=KEY, replicas=replicas))


def rollout(at_ms=AT, **change):
    return TimedEvent(at_ms=at_ms, rollout=Rollout(target=KEY, image="db:2", **change))


def simulation(events=(), replicas=3, start_ms=5000, stop_ms=3000, cpu_milli=100, nodes=3, **settings):
    spec = deployment("db", replicas=replicas, kind="StatefulSet", cpu_milli=cpu_milli).model_copy(update=settings)
    behaviours = {KEY: behaviour(startup_time=Distribution.constant(start_ms), termination_time_ms=stop_ms)}
    return Simulation(cluster([spec], [group(count=nodes)], workloads=behaviours, events=list(events)))


def pods(sim):
    """Ordinal -> (state, revision) of all pods."""
    s = sim.state
    rows = {row: number for number, row in enumerate(sim.names.rows(0))}
    return {
        int(s.pods.ordinal[p]): (int(s.pods.state[p]), rows[int(s.pods.workload[p])])
        for p in (s.pods.uid >= 0).nonzero()[0].tolist()
    }


def told(sim, reason):
    events = collect(sim).events
    rows = events[events["reason"] == reason]
    return list(zip(rows["time_ms"].tolist(), rows["message"].tolist(), strict=True))


def test_pods_have_stable_names_from_zero_or_the_first_ordinal():
    names = collect(simulation()).pods["name"].tolist()
    assert names == ["db-0", "db-1", "db-2"]
    assert collect(simulation(first_ordinal=5)).pods["name"].tolist() == ["db-5", "db-6", "db-7"]


def test_ordered_pods_are_made_one_after_the_other_each_when_the_last_is_ready():
    sim = simulation([scale(6)])
    sim.advance(AT + 60_000)
    times = [at for at, _ in told(sim, "SuccessfulCreate")]
    assert [message for _, message in told(sim, "SuccessfulCreate")] == [
        f"create Pod db-{n} in StatefulSet db successful" for n in (3, 4, 5)
    ]
    assert all(later - earlier >= 5000 for earlier, later in itertools.pairwise(times))


def test_parallel_pods_do_not_wait():
    sim = simulation([scale(6)], pod_management="Parallel")
    sim.advance(AT + 60_000)
    times = [at for at, _ in told(sim, "SuccessfulCreate")]
    assert len(times) == 3
    assert times[-1] - times[0] < 100


def test_scale_down_goes_from_the_highest_each_when_the_last_is_gone():
    sim = simulation([scale(0)])
    sim.advance(AT + 2000)
    assert [n for n, (state, _) in pods(sim).items() if state == POD_TERMINATING] == [2]
    sim.advance(AT + 60_000)
    assert pods(sim) == {}
    messages = [message for _, message in told(sim, "SuccessfulDelete")]
    assert messages == [f"delete Pod db-{n} in StatefulSet db successful" for n in (2, 1, 0)]
    times = [at for at, _ in told(sim, "SuccessfulDelete")]
    assert all(later - earlier >= 3000 for earlier, later in itertools.pairwise(times))


def test_parallel_scale_down_deletes_all_at_once():
    sim = simulation([scale(0)], pod_management="Parallel")
    sim.advance(AT + 1000)
    assert {state for state, _ in pods(sim).values()} == {POD_TERMINATING}


def test_a_pod_that_is_not_ready_holds_up_the_rest():
    """It fits nowhere: the next ordinals are not made, and nothing is removed, either."""
    sim = simulation([scale(6), scale(1, AT + 120_000)], replicas=2, cpu_milli=3000, nodes=3)
    sim.advance(AT + 110_000)
    assert sorted(pods(sim)) == [0, 1, 2, 3]
    assert pods(sim)[3][0] != POD_READY
    sim.advance(AT + 240_000)
    assert sorted(pods(sim)) == [0]


def test_a_lost_pod_is_made_again_under_its_name():
    sim = simulation([TimedEvent(at_ms=AT, fail=Fail(node="n-1"))])
    sim.advance(AT + 60_000)
    frame = collect(sim).pods
    assert sorted(pods(sim)) == [0, 1, 2]
    assert frame["name"].value_counts().max() == 2
    assert set(frame["name"]) == {"db-0", "db-1", "db-2"}


def test_a_rolling_update_goes_from_the_highest_ordinal_each_when_the_last_is_ready():
    sim = simulation([rollout()])
    order = []
    for at_ms in range(AT, AT + 60_000, 100):
        sim.advance(at_ms)
        now = pods(sim)
        assert sum(state != POD_READY for state, _ in now.values()) + (3 - len(now)) <= 1
        order += [n for n, (_, revision) in now.items() if revision == 1 and n not in order]
    assert order == [2, 1, 0]
    assert all(revision == 1 for _, revision in pods(sim).values())


def test_pods_below_the_partition_keep_their_revision_also_when_they_are_made_anew():
    sim = simulation([rollout(), TimedEvent(at_ms=5 * MINUTE_MS, fail=Fail(node="n-1"))],
                     strategy={"rollingUpdate": {"partition": 2}})  # fmt: skip
    for until_ms in (4 * MINUTE_MS, 9 * MINUTE_MS):
        sim.advance(until_ms)
        assert {n: revision for n, (_, revision) in pods(sim).items()} == {0: 0, 1: 0, 2: 1}


def test_on_delete_waits_until_somebody_deletes():
    sim = simulation([rollout(), TimedEvent(at_ms=3 * MINUTE_MS, drain=Drain(node="n-1"))],
                     strategy={"type": "OnDelete"})  # fmt: skip
    sim.advance(3 * MINUTE_MS - 1)
    assert {revision for _, revision in pods(sim).values()} == {0}
    drained = set(collect(sim).pods.query("node == 'n-1'")["name"])
    sim.advance(6 * MINUTE_MS)
    assert {f"db-{n}" for n, (_, revision) in pods(sim).items() if revision == 1} == drained


def test_min_ready_seconds_stretch_an_update():
    sim = simulation([rollout()], min_ready_s=20)
    sim.advance(AT + 50_000)
    assert {n: revision for n, (_, revision) in pods(sim).items()} != {0: 1, 1: 1, 2: 1}
    sim.advance(AT + 120_000)
    assert {revision for _, revision in pods(sim).values()} == {1}


def unavailable_at_most(sim, until_ms):
    """Fewest Ready pods from the rollout on, looked at every 200 ms."""
    fewest = 10**9
    for at_ms in range(AT, until_ms, 200):
        sim.advance(at_ms)
        fewest = min(fewest, sum(state == POD_READY for state, _ in pods(sim).values()))
    return fewest


@pytest.mark.parametrize(
    ("most", "management", "fewest"),
    [(1, "Parallel", 5), (3, "Parallel", 3), ("50%", "Parallel", 3), ("40%", "Parallel", 4), ("1%", "Parallel", 5),
     (2, "OrderedReady", 4)],
)  # fmt: skip
def test_max_unavailable_pods_are_replaced_at_a_time(most, management, fewest):
    """MaxUnavailableStatefulSet: shares are rounded down, at least one pod; from the highest ordinal down."""
    strategy = {"rollingUpdate": {"maxUnavailable": most}}
    sim = simulation([rollout()], replicas=6, strategy=strategy, pod_management=management)
    assert unavailable_at_most(sim, AT + 100_000) == fewest
    assert [revision for _, revision in pods(sim).values()] == [1] * 6


def test_max_unavailable_respects_the_partition_and_pods_that_are_down_already():
    strategy = {"rollingUpdate": {"maxUnavailable": 3, "partition": 2}}
    sim = simulation([rollout()], replicas=6, strategy=strategy, pod_management="Parallel")
    sim.advance(AT + 100_000)
    assert {k: revision for k, (_, revision) in sorted(pods(sim).items())} == {0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1}


def test_revision_history_does_not_limit_what_a_rollback_finds():
    """Old ControllerRevisions take no capacity; the one before the last is there with any limit."""
    back = TimedEvent(at_ms=4 * MINUTE_MS, rollback=Rollback(target=KEY))
    sim = simulation([rollout(), back], revision_history_limit=0)
    sim.advance(8 * MINUTE_MS)
    assert {revision for _, revision in pods(sim).values()} == {0}
