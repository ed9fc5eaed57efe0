"""DaemonSets that are rolled out, rule by rule (upstream: pkg/controller/daemon)."""

from __future__ import annotations

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import (
    AddNodes,
    Apply,
    Distribution,
    Fail,
    Rollback,
    Rollout,
    Taint,
    TimedEvent,
    Toleration,
)
from capsim.state.tables import POD_FREE, POD_READY, POD_TERMINATING
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, deployment, group

pytestmark = [pytest.mark.plain]
AT = MINUTE_MS
KEY = "default/DaemonSet/agent"
NEVER_READY = Distribution.constant(3_000_000)


def daemons(strategy=None, **more):
    spec = deployment("agent", replicas=0, kind="DaemonSet")
    return spec.model_copy(update={"strategy": {"rollingUpdate": strategy} if strategy else {}, **more})


def rollout(at_ms=AT, **change):
    return TimedEvent(at_ms=at_ms, rollout=Rollout(target=KEY, image="agent:2", **change))


def simulation(events, spec=None, nodes=6, start_ms=5000, stop_ms=1000, groups=None, **more):
    behaviours = {KEY: behaviour(startup_time=Distribution.constant(start_ms), termination_time_ms=stop_ms)}
    listed = groups or [group(count=nodes)]
    return Simulation(cluster([spec or daemons()], listed, workloads=behaviours, events=list(events), **more))


def states(sim):
    """Node -> (pods of the first revision that do not terminate, those of others, Ready ones)."""
    s = sim.state
    first = sim.names.rows(0)[0]
    found = {}
    for p in (s.pods.state != POD_FREE).nonzero()[0].tolist():
        n = int(s.pods.target[p])
        old, new, ready = found.get(n, (0, 0, 0))
        if s.pods.state[p] != POD_TERMINATING:
            is_old = int(s.pods.workload[p]) == first
            found[n] = (old + is_old, new + (not is_old), ready + int(s.pods.state[p] == POD_READY))
        else:
            found.setdefault(n, (0, 0, 0))
    return found


def extremes(sim, until_ms):
    """(most pods in all, fewest Ready ones, most nodes with more than one pod)."""
    most = twice = 0
    fewest = 10**9
    for at_ms in range(AT, until_ms, 200):
        sim.advance(at_ms)
        found = states(sim).values()
        most = max(most, sum(old + new for old, new, _ in found))
        fewest = min(fewest, sum(ready for _, _, ready in found))
        twice = max(twice, sum(old + new > 1 for old, new, _ in found))
    return most, fewest, twice


def updated(sim):
    found = states(sim).values()
    return sum(new for _, new, _ in found), sum(old for old, _, _ in found)


@pytest.mark.parametrize(
    ("strategy", "most", "fewest", "twice"),
    [
        (None, 6, 5, 0),
        ({"maxUnavailable": 3}, 6, 3, 0),
        ({"maxUnavailable": "20%"}, 6, 4, 0),  # 1.2 nodes, rounded up: unlike a Deployment's
        ({"maxUnavailable": 0, "maxSurge": 2}, 8, 6, 2),
        ({"maxUnavailable": 0, "maxSurge": "20%"}, 8, 6, 2),
    ],
)
def test_unavailable_and_surge_default_to_one_and_none_and_are_rounded_up(strategy, most, fewest, twice):
    """updatedDesiredNodeCounts."""
    sim = simulation([rollout()], daemons(strategy))
    assert extremes(sim, AT + 80_000) == (most, fewest, twice)
    assert updated(sim) == (6, 0)


def test_a_new_pod_that_does_not_become_ready_holds_up_the_rest():
    sim = simulation([rollout(startup_time=NEVER_READY)])
    sim.advance(9 * MINUTE_MS)
    assert updated(sim) == (1, 5)


def test_old_pods_that_are_not_available_are_replaced_at_once():
    """allowedReplacementPods: they do not count against maxUnavailable."""
    events = [rollout(startup_time=NEVER_READY), rollout(3 * MINUTE_MS, startup_time=Distribution.constant(1000))]
    sim = simulation(events, daemons({"maxUnavailable": 2}))
    sim.advance(3 * MINUTE_MS - 1)
    assert updated(sim) == (2, 4)
    sim.advance(3 * MINUTE_MS + 500)
    s = sim.state
    stuck = sim.names.rows(0)[1]
    assert all(
        s.pods.state[p] == POD_TERMINATING for p in (s.pods.workload == stuck).nonzero()[0] if s.pods.uid[p] >= 0
    )
    sim.advance(6 * MINUTE_MS)
    assert updated(sim) == (6, 0)


def test_a_rollout_that_overtakes_another_keeps_the_oldest_pod_beside_the_new_one():
    """podsShouldBeOnNode with surge: of all pods of other revisions a node keeps the oldest."""
    events = [rollout(startup_time=NEVER_READY), rollout(2 * MINUTE_MS, startup_time=Distribution.constant(1000))]
    sim = simulation(events, daemons({"maxUnavailable": 0, "maxSurge": 2}))
    sim.advance(2 * MINUTE_MS - 1)
    assert sorted(old + new for old, new, _ in states(sim).values()) == [1, 1, 1, 1, 2, 2]
    ready = []
    for at_ms in range(2 * MINUTE_MS, 4 * MINUTE_MS, 100):
        sim.advance(at_ms)
        found = states(sim).values()
        assert all(old + new <= 2 for old, new, _ in found)
        ready.append(min(count for _, _, count in found))
    assert min(ready) == 1
    assert updated(sim) == (6, 0)
    last = sim.names.rows(0)[2]
    assert sum(sim.state.pods.workload[sim.state.pods.state == POD_READY] == last) == 6


def test_min_ready_seconds_hold_up_each_step():
    quick, slow = (simulation([rollout()], daemons(min_ready_s=seconds)) for seconds in (0, 20))
    for sim in (quick, slow):
        sim.advance(AT + 60_000)
    assert updated(quick) == (6, 0)
    assert 2 <= updated(slow)[0] <= 3


def test_on_delete_leaves_old_pods_alone_and_new_nodes_get_new_ones():
    spec = daemons().model_copy(update={"strategy": {"type": "OnDelete"}})
    more = TimedEvent(at_ms=2 * MINUTE_MS, add_nodes=AddNodes(group="n", count=2))
    sim = simulation([rollout(), more], spec)
    sim.advance(5 * MINUTE_MS)
    assert updated(sim) == (2, 6)


def test_a_pod_comes_only_when_the_old_one_of_the_node_is_gone():
    """Without surge: nodeToDaemonPods holds pods that terminate, too."""
    sim = simulation([rollout()], stop_ms=20_000)
    sim.advance(AT + 19_000)
    assert updated(sim) == (0, 5)
    sim.advance(AT + 21_000)
    assert updated(sim) == (1, 5)


def test_names_events_and_series_are_those_of_one_daemon_set():
    sim = simulation([rollout()])
    sim.advance(AT + 80_000)
    result = collect(sim)
    assert result.pods["name"].str.fullmatch(r"agent-[a-z0-9]{5}").all()
    assert set(result.pods["workload"]) == {KEY}
    created = result.events[result.events["reason"] == "SuccessfulCreate"]
    assert set(created["object"]) == {"DaemonSet/default/agent"}
    assert created["message"].str.startswith("Created pod: agent-").sum() == 6
    assert (result.events["reason"] == "SuccessfulDelete").sum() == 6
    series = result.series["workloads"]
    assert series[series["workload"] == KEY]["desired_replicas_max"].max() == 6


def test_node_selector_and_tolerations_decide_which_nodes():
    """NodeShouldRunDaemonPod."""
    taint = Taint(key="dedicated", value="batch", effect="NoSchedule")
    plain, tainted, other = (
        group(name="plain", count=2, labels={"pool": "a"}),
        group(name="tainted", count=2, labels={"pool": "a"}, taints=[taint]),
        group(name="other", count=2),
    )
    tolerates = Toleration(key="dedicated", operator="Exists")
    for template, count in (
        ({}, 4),
        ({"node_selector": {"pool": "a"}}, 2),
        ({"node_selector": {"pool": "a"}, "tolerations": (tolerates,)}, 4),
    ):
        spec = deployment("agent", replicas=0, kind="DaemonSet", **template)
        sim = simulation([rollout()], spec, groups=[plain, tainted, other])
        sim.advance(AT + 80_000)
        assert updated(sim) == (count, 0)


def test_a_template_that_is_not_for_a_node_any_more_leaves_it():
    here, there = group(name="here", count=2, labels={"pool": "a"}), group(name="there", count=2, labels={"pool": "b"})
    spec = daemons()
    moved = spec.template.model_copy(update={"node_selector": {"pool": "b"}})
    apply = TimedEvent(at_ms=AT, apply=Apply(object=spec.model_copy(update={"template": moved})))
    sim = simulation([apply], spec, groups=[here, there])
    sim.advance(5 * MINUTE_MS)
    assert sum(sum(found) > 0 for found in states(sim).values()) == 2
    assert updated(sim) == (2, 0)


def test_a_rollback_finds_the_old_revision():
    back = TimedEvent(at_ms=4 * MINUTE_MS, rollback=Rollback(target=KEY))
    sim = simulation([rollout(), back])
    sim.advance(4 * MINUTE_MS - 1)
    assert updated(sim) == (6, 0)
    sim.advance(8 * MINUTE_MS)
    assert updated(sim) == (0, 6)


def test_nodes_that_come_and_go_in_a_rollout():
    events = [
        rollout(),
        TimedEvent(at_ms=AT + 7000, fail=Fail(node="n-6")),
        TimedEvent(at_ms=AT, add_nodes=AddNodes(group="n", count=1)),
    ]
    sim = simulation(events)
    sim.advance(6 * MINUTE_MS)
    assert updated(sim) == (6, 0)
    assert int(sim.state.workloads.desired[0]) == 6


def test_what_a_rollout_requests_is_what_new_nodes_hold():
    """The Cluster Autoscaler reckons with the pods that a fresh node gets."""
    sim = simulation([rollout(new_requests={"cpu": 700})])
    sim.advance(AT - 1)
    assert sim.state.groups.daemons[0, 0] == 100
    sim.advance(AT)
    assert sim.state.groups.daemons[0, 0] == 700
