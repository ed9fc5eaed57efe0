"""ResourceQuotas, rule by rule (upstream: apiserver/pkg/admission/plugin/resourcequota, pkg/quota/v1/evaluator/core,
slowStartBatch and client-go's rate-limited work queue)."""

from __future__ import annotations

import itertools

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.result.run import run
from capsim.scenario import (
    Apply,
    Container,
    ControlPlaneSpec,
    Distribution,
    KubeObjects,
    LimitRange,
    PodTemplate,
    ResourceQuota,
    Rollout,
    Scale,
    TimedEvent,
    Workload,
)
from capsim.scenario.kubernetes.job import JobSettings
from capsim.scenario.kubernetes.limit_range import LimitItem
from capsim.scenario.kubernetes.resource_quota import Scope
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, deployment, group

pytestmark = [pytest.mark.plain]
AT = MINUTE_MS
GIB = 2**30


def quota(name="q", namespace="default", scopes=(), **hard):
    """``pods=4``, or with ``_`` for the dot: ``requests_cpu=2000``."""
    return ResourceQuota(
        namespace=namespace,
        name=name,
        hard={key.replace("_", "."): amount for key, amount in hard.items()},
        scopes=tuple(scopes),
    )


def scenario(workloads, quotas, events=(), nodes=3, limit_ranges=(), specs=None, **more):
    objects = KubeObjects(workloads=list(workloads), quotas=list(quotas), limit_ranges=list(limit_ranges))
    default = behaviour(startup_time=Distribution.constant(5000))
    specs = {one.key: default for one in workloads} | (specs or {})
    return cluster([], [group(count=nodes)], objects=objects, workloads=specs, events=list(events), **more)


def simulation(*args, **more):
    return Simulation(scenario(*args, **more))


def scale(replicas, at_ms=AT, target="default/Deployment/a"):
    return TimedEvent(at_ms=at_ms, scale=Scale(target=target, replicas=replicas))


def refused(sim):
    """(time, message) of every FailedCreate."""
    events = collect(sim).events
    rows = events[events["reason"] == "FailedCreate"]
    return list(zip(rows["time_ms"].tolist(), rows["message"].tolist(), strict=True))


def alive(sim, workload="default/Deployment/a"):
    pods = collect(sim).pods
    return len(pods[(pods["workload"] == workload) & pods["gone_ms"].isna()])


def test_a_pod_that_would_exceed_is_refused_in_upstreams_words():
    sim = simulation([deployment(replicas=2, cpu_milli=500)], [quota(requests_cpu=1000, pods=10)], [scale(3)])
    sim.advance(AT + 50)
    events = collect(sim).events
    row = events[events["reason"] == "FailedCreate"].iloc[0]
    assert row["type"] == "Warning"
    assert row["source"] == "replicaset-controller"
    replica_set = row["object"].rpartition("/")[2]
    assert row["object"] == f"ReplicaSet/default/{replica_set}"
    pod = row["message"].split('"')[1]
    assert pod.startswith(f"{replica_set}-")
    assert row["message"] == (
        f'Error creating: pods "{pod}" is forbidden: exceeded quota: q, requested: requests.cpu=500m, '
        "used: requests.cpu=1, limited: requests.cpu=1"
    )
    assert alive(sim) == 2


def test_all_bounds_that_are_exceeded_are_told_sorted():
    listed = [deployment(replicas=2, cpu_milli=500, limit_milli=900)]
    sim = simulation(listed, [quota(pods=2, requests_cpu=1200, limits_cpu=9000)], [scale(3)])
    sim.advance(AT + 50)
    message = refused(sim)[0][1]
    assert message.endswith("requested: pods=1,requests.cpu=500m, used: pods=2,requests.cpu=1, limited: "
                            "pods=2,requests.cpu=1200m")  # fmt: skip


def test_slow_start_tries_1_2_4_and_ends_the_burst_with_the_batch_that_has_an_error():
    """slowStartBatch: 4 of 20 are let in, so that the batch of four has three refusals and is the last."""
    sim = simulation([deployment(replicas=1)], [quota(pods=5)], [scale(21)])
    sim.advance(10 * MINUTE_MS)
    assert alive(sim) == 5
    last = collect(sim).pods["created_ms"].max()
    times = [at - last for at, _ in refused(sim)]
    assert times[:3] == [10, 20, 30], "podToPod apart"
    assert times[3:7] == [35, 45, 65, 105], "then one at a time, backed off"
    assert len({message.split('"')[1] for _, message in refused(sim)[:3]}) == 3


def test_failed_syncs_are_repeated_after_5_ms_doubling():
    """ItemExponentialFailureRateLimiter(5 ms, 1000 s): one attempt a sync once the first pod of a burst is refused."""
    sim = simulation([deployment(replicas=3)], [quota(pods=3)], [scale(4)], duration_ms=60 * MINUTE_MS)
    sim.advance(60 * MINUTE_MS)
    times = [at for at, _ in refused(sim)]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert waits == [min(5 * 2**n, 1_000_000) for n in range(len(waits))]
    assert waits[-1] == 1_000_000


def test_a_refused_replica_set_notices_free_quota_only_when_it_tries_again():
    """Nobody tells a controller that a quota has room: pods of another go at 2m, the next attempt comes later."""
    events = [scale(4), scale(0, 2 * MINUTE_MS, "default/Deployment/b")]
    sim = simulation([deployment(replicas=3), deployment("b", replicas=3)], [quota(pods=6)], events)
    sim.advance(2 * MINUTE_MS - 1)
    last = refused(sim)[-1][0]
    again = last + 2 * (last - refused(sim)[-2][0])
    sim.advance(again - 1)
    assert alive(sim) == 3
    sim.advance(again + 1)
    assert alive(sim) == 4


def test_its_own_pods_make_it_try_at_once():
    """A pod that changes enqueues its ReplicaSet: here one that goes, at once replaced, and another."""
    events = [scale(4), scale(3, 3 * MINUTE_MS), scale(5, 3 * MINUTE_MS + 20_000)]
    sim = simulation([deployment(replicas=3)], [quota(pods=3)], events)
    sim.advance(3 * MINUTE_MS + 19_000)
    count = len(refused(sim))
    sim.advance(3 * MINUTE_MS + 20_100)
    assert len(refused(sim)) > count, "a change of the workload is tried at once, and from 5 ms on again"
    assert [at for at, _ in refused(sim)][count] < 3 * MINUTE_MS + 20_060


def test_terminating_pods_count_until_they_are_gone():
    """QuotaV1Pod: a rollout without surge waits for the last second of the old pods."""
    stops = behaviour(startup_time=Distribution.constant(1000), termination_time_ms=20_000)
    one = deployment(replicas=2).model_copy(
        update={"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"}}}
    )
    roll = TimedEvent(at_ms=AT, rollout=Rollout(target=one.key, image="a:2"))
    sim = simulation([one], [quota(pods=2)], [roll], specs={one.key: stops})
    sim.advance(AT + 19_000)
    pods = collect(sim).pods
    assert pods["deleted_ms"].notna().sum() == 2
    assert len(pods) == 2
    sim.advance(AT + 60_000)
    assert alive(sim) == 2
    assert (collect(sim).pods["created_ms"].nlargest(2) > AT + 20_000).all()


def test_a_quota_below_what_is_used_kills_nothing():
    """Lowered at 1m: the pods stay, a lost one is not replaced."""
    lower = TimedEvent(at_ms=AT, apply=Apply(object=quota(pods=2)))
    sim = simulation([deployment(replicas=5)], [quota(pods=10)], [lower, scale(6, 2 * MINUTE_MS)])
    sim.advance(3 * MINUTE_MS)
    assert alive(sim) == 5
    assert refused(sim)[0][1].endswith("requested: pods=1, used: pods=5, limited: pods=2")


def test_pods_of_a_recorded_start_stay_whatever_the_quota_says():
    more = {"initial_state": "recorded", "placement": {"default/Deployment/a": {"n-1": 4}}}
    sim = simulation([deployment(replicas=5)], [quota(pods=2)], **more)
    sim.advance(AT)
    assert alive(sim) == 4
    assert refused(sim)[0][1].endswith("used: pods=4, limited: pods=2")


def test_what_a_settled_start_has_no_quota_for_is_missing():
    sim = simulation([deployment(replicas=5)], [quota(pods=2)])
    sim.advance(AT)
    assert alive(sim) == 2
    assert refused(sim)[0][0] == 0


@pytest.mark.parametrize(
    ("bound", "containers", "words"),
    [
        ("requests_cpu", ("app", "proxy"), "must specify requests.cpu for: app,proxy"),
        ("limits_memory", ("app",), "must specify limits.memory for: app"),
        ("cpu", ("app",), "must specify cpu for: app"),
    ],
)
def test_pods_without_what_the_quota_bounds_are_refused(bound, containers, words):
    """Constraints: every container has to say what a quota of CPU or memory bounds."""
    template = PodTemplate(labels={"app": "a"}, containers=tuple(Container(name=name) for name in containers))
    one = deployment(replicas=1).model_copy(update={"template": template})
    sim = simulation([one], [quota(**{bound: 1000})])
    sim.advance(AT)
    assert alive(sim) == 0
    pod = refused(sim)[0][1].split('"')[1]
    assert refused(sim)[0][1] == f'Error creating: pods "{pod}" is forbidden: failed quota: q: {words}'


def test_pods_without_ephemeral_storage_are_not():
    sim = simulation([deployment(replicas=2)], [quota(**{"requests_ephemeral-storage": GIB})])
    assert alive(sim) == 2


def test_quotas_of_other_namespaces_do_not_count():
    sim = simulation([deployment(replicas=2)], [quota(namespace="other", pods=0)])
    assert alive(sim) == 2


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        (Scope(name="BestEffort"), {"best": 0, "burstable": 2, "urgent": 2}),
        (Scope(name="NotBestEffort"), {"best": 2, "burstable": 0, "urgent": 0}),
        (Scope(name="PriorityClass", operator="In", values=("high",)), {"best": 2, "burstable": 2, "urgent": 0}),
        (Scope(name="PriorityClass", operator="NotIn", values=("high",)), {"best": 0, "burstable": 0, "urgent": 2}),
        (Scope(name="PriorityClass", operator="Exists"), {"best": 2, "burstable": 2, "urgent": 0}),
        (Scope(name="Terminating"), {"best": 2, "burstable": 2, "urgent": 2}),
        (Scope(name="NotTerminating"), {"best": 0, "burstable": 0, "urgent": 0}),
    ],
)
def test_scopes(scope, kept):
    """podMatchesScopeFunc."""
    best = deployment("best", replicas=2).model_copy(
        update={"template": PodTemplate(labels={"app": "best"}, containers=(Container(name="c"),))}
    )
    listed = [best, deployment("burstable", replicas=2), deployment("urgent", replicas=2, priority_class_name="high")]
    sim = simulation(listed, [quota(pods=0, scopes=[scope])])
    assert {one.name: alive(sim, one.key) for one in listed} == kept


def test_the_first_of_several_quotas_is_told():
    sim = simulation([deployment(replicas=2)], [quota("z", pods=0), quota("b", pods=1), quota("a", pods=5)])
    sim.advance(AT)
    assert "exceeded quota: b," in refused(sim)[0][1] or "exceeded quota: z," in refused(sim)[0][1]
    assert alive(sim) == 0


def test_an_ordered_stateful_set_stops_at_the_pod_that_is_refused():
    one = deployment("db", replicas=2, kind="StatefulSet")
    sim = simulation([one], [quota(pods=3)], [scale(5, target=one.key)])
    sim.advance(2 * MINUTE_MS)
    message = refused(sim)[0][1]
    assert message == (
        'create Pod db-3 in StatefulSet db failed error: pods "db-3" is forbidden: exceeded quota: q, requested: '
        "pods=1, used: pods=3, limited: pods=3"
    )
    assert alive(sim, one.key) == 3


def work(**settings):
    template = deployment("work").template
    return Workload(kind="Job", namespace="default", name="work", replicas=0, template=template,
                    job=JobSettings(**settings))  # fmt: skip


def test_a_job_tries_again_after_1_s_doubling_to_a_minute_and_ends():
    """DefaultJobApiBackOff, MaxJobApiBackOff; a pod that ends frees quota and wakes its Job."""
    one = work(parallelism=4, completions=8)
    runs = behaviour(startup_time=Distribution.constant(0), run_time=Distribution.constant(200_000))
    sim = simulation([one], [quota(pods=2)], specs={one.key: runs}, duration_ms=60 * MINUTE_MS)
    sim.advance(60 * MINUTE_MS)
    result = collect(sim)
    assert (result.events["reason"] == "Completed").sum() == 1
    assert len(result.pods) == 8
    alone = [at for at, _ in refused(sim) if 1000 < at < 190_000]
    waits = [later - earlier for earlier, later in itertools.pairwise(alone)]
    assert waits[-1] == 60_000
    assert "Job/default/work" in set(result.events[result.events["reason"] == "FailedCreate"]["object"])


def test_a_daemon_set_runs_on_as_many_nodes_as_the_quota_lets_it():
    one = deployment("agent", replicas=0, kind="DaemonSet")
    sim = simulation([one], [quota(pods=2)], nodes=4)
    sim.advance(2 * MINUTE_MS)
    assert alive(sim, one.key) == 2
    events = collect(sim).events
    rows = events[events["reason"] == "FailedCreate"]
    assert set(rows["object"]) == {"DaemonSet/default/agent"}
    assert set(rows["source"]) == {"daemonset-controller"}


def test_a_raised_quota_lets_the_missing_pods_in():
    raise_it = TimedEvent(at_ms=2 * MINUTE_MS, apply=Apply(object=quota(pods=10)))
    daemons = deployment("agent", replicas=0, kind="DaemonSet")
    sim = simulation([deployment(replicas=6), daemons], [quota(pods=4)], [raise_it], nodes=3, duration_ms=20 * AT)
    sim.advance(20 * MINUTE_MS)
    assert alive(sim) + alive(sim, daemons.key) == 9


def container_limits(**item):
    return LimitRange(namespace="default", name="lr", limits=(LimitItem(type="Container", **item),))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"most": {"cpu": 200}}, "maximum cpu usage per Container is 200m.  No limit is specified"),
        ({"least": {"cpu": 200}}, "minimum cpu usage per Container is 200m, but request is 100m"),
        ({"ratio_milli": {"cpu": 2000}}, "cpu max limit to request ratio per Container is 2, but no limit is specified "
         "or limit is 0"),
        ({"least": {"memory": GIB}}, "minimum memory usage per Container is 1Gi.  No request is specified"),
    ],
)  # fmt: skip
def test_a_limit_range_refuses_in_upstreams_words(item, words):
    """minConstraint, maxConstraint, limitRequestRatioConstraint."""
    sim = simulation([deployment(replicas=1)], [], limit_ranges=[container_limits(**item)])
    sim.advance(AT)
    pod = refused(sim)[0][1].split('"')[1]
    assert refused(sim)[0][1] == f'Error creating: pods "{pod}" is forbidden: {words}'
    assert alive(sim) == 0


def test_a_limit_range_for_pods_adds_up_containers():
    item = LimitItem(type="Pod", most={"cpu": 300})
    one = deployment(replicas=1, limit_milli=200)
    twice = one.template.model_copy(
        update={"containers": (*one.template.containers, one.template.containers[0].replaced(name="b"))}
    )
    limits = LimitRange(namespace="default", name="lr", limits=(item,))
    fits = simulation([one], [], limit_ranges=[limits])
    assert alive(fits) == 1
    sim = simulation([one.model_copy(update={"template": twice})], [], limit_ranges=[limits])
    sim.advance(AT)
    assert refused(sim)[0][1].endswith("maximum cpu usage per Pod is 300m, but limit is 400m")


def test_a_rollout_beyond_a_limit_range_never_gets_a_pod():
    roll = TimedEvent(at_ms=AT, rollout=Rollout(target="default/Deployment/a", new_requests={"cpu": 50}))
    sim = simulation([deployment(replicas=2)], [], [roll], limit_ranges=[container_limits(least={"cpu": 80})])
    sim.advance(5 * MINUTE_MS)
    assert alive(sim) == 2
    assert "minimum cpu usage per Container is 80m, but request is 50m" in refused(sim)[0][1]


def test_the_summary_says_who_was_held_back_and_for_how_long():
    result = run(scenario([deployment(replicas=3)], [quota(pods=3)], [scale(5), scale(3, 3 * MINUTE_MS)]))
    held = result.summary.held_back[0]
    assert (held.workload, held.by, held.peak, held.still) == ("default/Deployment/a", "ResourceQuota q", 2, 0)
    assert held.seconds == pytest.approx(120, abs=0.2)
    assert held.pod_seconds == pytest.approx(240, abs=0.5)
    limit = next(limit for limit in result.summary.limits if limit.kind == "quota")
    assert limit.object == "default/Deployment/a"
    assert "ResourceQuota q" in limit.text


def test_a_scenario_without_them_has_no_tables():
    sim = simulation([deployment(replicas=2)], [])
    assert sim.state.admission.start.shape == (1,)
    assert "held_back" not in collect(sim).facts


def test_a_queues_token_bucket_holds_back_what_fails_beyond_its_burst():
    """BucketRateLimiter of 10/s and a burst of 100: of 130 ReplicaSets that are refused at once the last waits 3 s."""
    listed = [deployment(f"w{n:03}", replicas=0, cpu_milli=1) for n in range(130)]
    events = [scale(1, target=one.key) for one in listed]
    plain = ControlPlaneSpec(phases="zero", rate_limits=False)
    sim = simulation(listed, [quota(pods=0)], events, control_plane=plain)
    sim.advance(AT + 10_000)
    times = {}
    for at, message in refused(sim):
        times.setdefault(message.split('"')[1].split("-")[0], []).append(at)
    second = sorted(at[1] - at[0] for at in times.values())
    assert second[99] == 5
    assert second[100] == 100
    assert second[-1] == 3000


def test_a_quota_that_loses_its_bounds_lets_everybody_in():
    """Also the DaemonSet, whose controller is asked for as long as there is a quota in the scenario."""
    free = TimedEvent(at_ms=2 * MINUTE_MS, apply=Apply(object=quota()))
    daemons = deployment("agent", replicas=0, kind="DaemonSet")
    sim = simulation([deployment(replicas=3), daemons], [quota(pods=0)], [free], duration_ms=20 * MINUTE_MS)
    sim.advance(2 * MINUTE_MS)
    assert alive(sim) + alive(sim, daemons.key) == 0
    sim.advance(20 * MINUTE_MS)
    assert alive(sim) + alive(sim, daemons.key) == 6
    assert [row["still"] for row in collect(sim).facts["held_back"]] == [0, 0]
