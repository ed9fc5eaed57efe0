"""The Deployment controller's documented rules, one test each, named after upstream's (pkg/controller/deployment)."""

from __future__ import annotations

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import (
    Apply,
    Distribution,
    PauseRollout,
    Rollback,
    Rollout,
    Scale,
    TimedEvent,
)
from capsim.state.tables_rollout import R_EXISTS
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, deployment, group

pytestmark = [pytest.mark.plain]
AT = MINUTE_MS
KEY = "default/Deployment/a"
NEVER_READY = Distribution.constant(3_000_000)


def rolling(surge, unavailable):
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def rollout(at_ms=AT, image="a:2", **change):
    return TimedEvent(at_ms=at_ms, rollout=Rollout(target=KEY, image=image, **change))


def simulation(events, replicas=10, strategy=None, nodes=3, start_ms=5000, **deployed):
    spec = deployment(replicas=replicas).model_copy(update={"strategy": strategy or {}, **deployed})
    behaviours = {spec.key: behaviour(startup_time=Distribution.constant(start_ms))}
    return Simulation(cluster([spec], [group(count=nodes)], workloads=behaviours, events=events))


def sizes(sim):
    """spec.replicas of each ReplicaSet."""
    return [int(sim.state.workloads.desired[r]) for r in sim.names.members[0]]


def states(sim):
    """(active pods, Ready pods) of the whole Deployment."""
    count = sim.state.workloads.count[sim.names.members[0]].sum(axis=0)
    return int(count[1:4].sum()), int(count[3])


def extremes(sim, until_ms):
    """(most active pods, fewest Ready ones) between the rollout and ``until_ms``, looked at every 100 ms."""
    seen = []
    for at_ms in range(AT, until_ms, 100):
        sim.advance(at_ms)
        seen.append(states(sim))
    return max(active for active, _ in seen), min(ready for _, ready in seen)


def told(sim, reason):
    events = collect(sim).events
    return events[events["reason"] == reason]


@pytest.mark.parametrize(
    ("surge", "unavailable", "most", "fewest"),
    [("25%", "25%", 13, 8), ("25%", 0, 13, 10), (0, "25%", 10, 8), (0, "9%", 10, 9), (3, 0, 13, 10), ("1%", 0, 11, 10)],
)
def test_surge_is_rounded_up_unavailable_down_and_one_of_them_is_at_least_one(surge, unavailable, most, fewest):
    """ResolveFenceposts."""
    sim = simulation([rollout()], strategy=rolling(surge, unavailable))
    assert extremes(sim, AT + 150_000) == (most, fewest)
    assert sizes(sim) == [0, 10]
    assert len(told(sim, "NewReplicaSetAvailable")) == 1


def test_the_first_step_scales_the_new_up_to_the_surge_and_the_old_down_to_what_must_stay():
    sim = simulation([rollout()])
    sim.advance(AT + 40)
    assert sizes(sim) == [8, 3]


def test_events_name_the_replica_sets_as_upstream_does():
    sim = simulation([rollout()])
    sim.advance(AT + 60)
    old, new = (sim.names.workloads[r].rpartition("/")[2] for r in sim.names.members[0])
    messages = told(sim, "ScalingReplicaSet")
    assert set(messages["object"]) == {"Deployment/default/a"}
    assert messages["message"].tolist() == [  # the new one first: its ReplicaSet is created with its first size
        f"Scaled up replica set {new} from 0 to 3",
        f"Scaled down replica set {old} from 10 to 8",
    ]
    pods = collect(sim).pods
    assert pods["name"].str.startswith(f"{new}-").sum() == 3
    assert set(pods["workload"]) == {KEY}


def test_recreate_waits_until_the_last_old_pod_is_gone():
    """oldPodsRunning counts pods that terminate."""
    sim = simulation([rollout()], strategy={"type": "Recreate"})
    sim.advance(AT + 1900)
    assert sizes(sim) == [0, 0]
    assert states(sim) == (0, 0)
    sim.advance(AT + 3000)
    assert sizes(sim) == [0, 10]
    sim.advance(AT + 20_000)
    assert states(sim) == (10, 10)


def test_min_ready_seconds_hold_up_a_rollout():
    quick, slow = (simulation([rollout()], min_ready_s=seconds) for seconds in (0, 30))
    for sim in (quick, slow):
        sim.advance(9 * MINUTE_MS)
    first, last = (int(told(sim, "NewReplicaSetAvailable")["time_ms"].iloc[0]) for sim in (quick, slow))
    assert last - first >= 59_000  # two waves of pods


def test_unhealthy_old_pods_go_first():
    """cleanupUnhealthyReplicas: a second rollout over a first that never becomes Ready does not touch Ready pods."""
    sim = simulation(
        [rollout(startup_time=NEVER_READY), rollout(AT + 60_000, "a:3", startup_time=Distribution.constant(5000))],
        strategy=rolling("25%", 0),
    )
    sim.advance(AT + 59_000)
    assert sizes(sim) == [10, 3, 0]
    sim.advance(AT + 61_000)
    assert sizes(sim)[:2] == [10, 0]
    sim.advance(AT + 6 * MINUTE_MS)
    assert sizes(sim) == [0, 0, 10]


def test_progress_deadline_is_told_once():
    """DeploymentTimedOut: progressDeadlineSeconds after the last pod that came."""
    sim = simulation([rollout(startup_time=NEVER_READY)], progress_deadline_s=120)
    sim.advance(9 * MINUTE_MS)
    late = told(sim, "ProgressDeadlineExceeded")
    new = sim.names.workloads[sim.names.members[0][1]].rpartition("/")[2]
    assert late["message"].tolist() == [f'ReplicaSet "{new}" has timed out progressing.']
    assert 120_000 <= late["time_ms"].iloc[0] - AT <= 121_000


def test_a_paused_deployment_does_not_roll_but_scales():
    pause = TimedEvent(at_ms=AT - 1000, pause_rollout=PauseRollout(target=KEY))
    resume = TimedEvent(at_ms=AT + 60_000, resume_rollout=PauseRollout(target=KEY))
    scale = TimedEvent(at_ms=AT + 10_000, scale=Scale(target=KEY, replicas=6))
    sim = simulation([pause, rollout(), scale, resume])
    sim.advance(AT + 9000)
    assert sizes(sim) == [10, 0]
    sim.advance(AT + 59_000)
    assert sizes(sim) == [6, 0]
    sim.advance(AT + 120_000)
    assert sizes(sim) == [0, 6]


def test_scaling_in_mid_rollout_is_shared_in_proportion():
    """Documented example: 10 replicas, surge 3, unavailable 2, stuck at 8 and 5; scaled to 15 they become 11 and 7."""
    scale = TimedEvent(at_ms=AT + 60_000, scale=Scale(target=KEY, replicas=15))
    sim = simulation([rollout(startup_time=NEVER_READY), scale], strategy=rolling(3, 2))
    sim.advance(AT + 59_000)
    assert sizes(sim) == [8, 5]
    sim.advance(AT + 61_000)
    assert sizes(sim) == [11, 7]


def test_a_rollback_finds_the_old_replica_set_again():
    sim = simulation([rollout(), TimedEvent(at_ms=AT + 120_000, rollback=Rollback(target=KEY))])
    sim.advance(AT + 119_000)
    assert sizes(sim) == [0, 10]
    sim.advance(AT + 240_000)
    assert sizes(sim) == [10, 0]
    assert len(sim.names.members[0]) == 2


def test_a_rollback_to_a_number_and_numbers_that_moved_on():
    steps = [
        rollout(),
        rollout(2 * MINUTE_MS, "a:3"),
        TimedEvent(at_ms=4 * MINUTE_MS, rollback=Rollback(target=KEY, to_revision=1)),
        TimedEvent(at_ms=6 * MINUTE_MS, rollback=Rollback(target=KEY, to_revision=2)),
    ]
    sim = simulation(steps)
    for until, expected in ((4, [0, 0, 10]), (6, [10, 0, 0]), (8, [0, 10, 0])):
        sim.advance(until * MINUTE_MS - 1)
        assert sizes(sim) == expected


def test_revision_history_limit_deletes_the_oldest():
    back = TimedEvent(at_ms=5 * MINUTE_MS, rollback=Rollback(target=KEY, to_revision=1))
    sim = simulation([rollout(), rollout(3 * MINUTE_MS, "a:3"), back], revision_history_limit=1)
    sim.advance(9 * MINUTE_MS)
    exist = sim.state.rollouts.revision[sim.names.members[0], R_EXISTS].tolist()
    assert exist == [0, 1, 1]
    assert sizes(sim) == [0, 0, 10]
    assert "no such revision any more" in told(sim, "ScenarioEvent")["message"].iloc[-1]


def test_an_applied_template_is_rolled_out_and_an_equal_one_is_not():
    spec = deployment(replicas=10)
    container = spec.template.containers[0].replaced(image="a:2")
    changed = spec.model_copy(update={"template": spec.template.model_copy(update={"containers": (container,)})})
    sim = simulation([TimedEvent(at_ms=AT, apply=Apply(object=changed))])
    sim.advance(AT + 120_000)
    assert sizes(sim) == [0, 10]


def test_a_restart_changes_nothing_but_the_pods():
    sim = simulation([TimedEvent(at_ms=AT, rollout=Rollout(target=KEY))])
    sim.advance(AT + 120_000)
    assert sizes(sim) == [0, 10]


def test_until_the_rollout_the_run_is_as_without_it():
    with_it, without = simulation([rollout(8 * MINUTE_MS)]), simulation([])
    for sim in (with_it, without):
        sim.advance(8 * MINUTE_MS - 1)
    one, other = (collect(sim) for sim in (with_it, without))
    assert one.pods[["name", "node", "ready_ms"]].equals(other.pods[["name", "node", "ready_ms"]])
    assert one.series["workloads"].astype({"workload": str}).equals(other.series["workloads"].astype({"workload": str}))
