"""podFailurePolicy, backoffLimitPerIndex, successPolicy, podReplacementPolicy, restartPolicy OnFailure, rule by rule
(upstream: pkg/controller/job/pod_failure_policy.go, indexed_job_utils.go, success_policy.go, backoff_utils.go)."""

from __future__ import annotations

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import ContainerBehaviour, Distribution, Drain, TimedEvent, WorkloadSpec
from capsim.scenario.kubernetes.job import FailureRule, SuccessRule
from tests.controllers.workloads.test_job import job, told
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, group

pytestmark = [pytest.mark.plain]
IGNORED = FailureRule(action="Ignore", conditions=("DisruptionTarget",))


def code(action, operator="In", values=(42,), **more):
    return FailureRule(action=action, operator=operator, values=values, **more)


def simulation(work, run_ms=30_000, fails=0.0, events=(), minutes=10, nodes=1, stop_ms=1000, **more):
    spec = behaviour(run_time=Distribution.constant(run_ms), failure_ratio=fails, termination_time_ms=stop_ms,
                     startup_time=Distribution.constant(1000), **more)  # fmt: skip
    return Simulation(cluster([work], [group(count=nodes)], workloads={work.key: spec}, events=list(events),
                              duration_ms=minutes * MINUTE_MS))  # fmt: skip


def ran(*args, **more):
    sim = simulation(*args, **more)
    sim.advance(sim.scenario.duration_ms)
    return collect(sim)


@pytest.mark.parametrize(
    ("rules", "pods", "reason"),
    [
        ((code("FailJob"),), 1, "PodFailurePolicy"),
        ((code("FailJob", "NotIn", (1, 2)),), 1, "PodFailurePolicy"),
        ((code("FailJob", container="app"),), 1, "PodFailurePolicy"),
        ((code("FailJob", container="other"),), 3, "BackoffLimitExceeded"),
        ((code("FailJob", values=(1,)),), 3, "BackoffLimitExceeded"),
        ((code("Count"), code("FailJob")), 3, "BackoffLimitExceeded"),
    ],
)
def test_the_first_rule_that_matches_an_exit_code_decides(rules, pods, reason):
    result = ran(job(backoff_limit=2, failure=rules), fails=1.0, run_ms=1000, exit_code=42, minutes=30)
    assert len(result.pods) == pods
    assert len(told(result, reason)) == 1


def test_fail_job_is_told_in_upstreams_words():
    result = ran(job(failure=(code("Count", values=(1,)), code("FailJob"))), fails=1.0, run_ms=1000, exit_code=42)
    pod = result.pods["name"].iloc[0]
    assert [message for _, message in told(result, "PodFailurePolicy")] == [
        f"Container app for pod default/{pod} failed with exit code 42 matching FailJob rule at index 1"
    ]


def test_ignored_failures_do_not_count():
    result = ran(job(backoff_limit=0, failure=(code("Ignore"),)), fails=0.6, run_ms=1000, exit_code=42, minutes=5)
    assert len(result.pods) > 1
    assert len(told(result, "Completed")) == 1


@pytest.mark.parametrize(("rules", "reason", "count"), [((IGNORED,), "Completed", 2), ((), "BackoffLimitExceeded", 1)])
def test_disruptions_count_unless_they_are_ignored(rules, reason, count):
    """DisruptionTarget: a pod that a drain evicts."""
    drained = TimedEvent(at_ms=10_000, drain=Drain(node="n-1"))
    result = ran(job(backoff_limit=0, failure=rules), events=[drained], nodes=2, run_ms=60_000)
    assert len(told(result, reason)) == 1
    assert len(result.pods) == count


def test_a_disruption_can_fail_the_job():
    drained = TimedEvent(at_ms=10_000, drain=Drain(node="n-1"))
    rule = FailureRule(action="FailJob", conditions=("DisruptionTarget",))
    result = ran(job(failure=(rule,)), events=[drained], nodes=2, run_ms=60_000)
    pod = result.pods["name"].iloc[0]
    assert [message for _, message in told(result, "PodFailurePolicy")] == [
        f"Pod default/{pod} has condition DisruptionTarget matching FailJob rule at index 0"
    ]


def indexed(**more):
    return job(completions=4, parallelism=4, indexed=True, backoff_limit=2**31 - 1, **more)


def test_backoff_limit_per_index_lets_the_others_go_on():
    result = ran(indexed(backoff_limit_per_index=1), fails=0.5, run_ms=1000, minutes=10)
    tries = result.pods["name"].str.extract(r"-(\d)-")[0].value_counts()
    assert set(tries.index) == {"0", "1", "2", "3"}
    assert tries.max() <= 2
    assert [message for _, message in told(result, "FailedIndexes")] in ([], ["Job has failed indexes"])
    assert len(told(result, "FailedIndexes")) + len(told(result, "Completed")) == 1


def test_each_index_is_backed_off_by_its_own_failures():
    result = ran(indexed(backoff_limit_per_index=3), fails=1.0, run_ms=1000, minutes=10)
    assert len(result.pods) == 16
    for _, mine in result.pods.groupby(result.pods["name"].str.extract(r"-(\d)-")[0]):
        gone, created = mine["gone_ms"].tolist(), mine["created_ms"].tolist()
        waits = [round((after - before) / 1000) for before, after in zip(gone, created[1:], strict=False)]
        assert waits == [10, 20, 40]
    assert len(told(result, "FailedIndexes")) == 1


def test_max_failed_indexes_end_the_job():
    result = ran(indexed(backoff_limit_per_index=0, max_failed_indexes=1), fails=1.0, run_ms=1000)
    assert [message for _, message in told(result, "MaxFailedIndexesExceeded")] == [
        "Job has exceeded the specified maximal number of failed indexes"
    ]


def test_fail_index_fails_it_at_once():
    rule = code("FailIndex")
    result = ran(indexed(backoff_limit_per_index=5, failure=(rule,)), fails=1.0, run_ms=1000, exit_code=42)
    assert len(result.pods) == 4
    assert len(told(result, "FailedIndexes")) == 1


def test_lost_pods_count_for_their_index():
    drained = TimedEvent(at_ms=10_000, drain=Drain(node="n-1"))
    result = ran(indexed(backoff_limit_per_index=0), events=[drained], nodes=2, run_ms=60_000)
    lost = result.pods["name"][result.pods["gone_ms"] < 15_000].str.extract(r"-(\d)-")[0]
    assert 0 < len(lost) < 4 or len(lost) == 4
    tries = result.pods["name"].str.extract(r"-(\d)-")[0].value_counts()
    assert (tries[lost] == 1).all()


@pytest.mark.parametrize(
    ("rules", "parallelism", "finished"),
    [
        ((SuccessRule(indexes="0"),), 1, 1),
        ((SuccessRule(indexes="2-3"),), 1, 4),
        ((SuccessRule(count=2),), 1, 2),
        ((SuccessRule(indexes="1-3", count=1),), 1, 2),
        ((SuccessRule(indexes="3"), SuccessRule(indexes="0-1")), 1, 2),
    ],
)
def test_success_policy_ends_the_job_early(rules, parallelism, finished):
    work = job(completions=4, parallelism=parallelism, indexed=True, success=rules)
    sim = simulation(work)
    sim.advance(sim.scenario.duration_ms)
    result = collect(sim)
    assert len(told(result, "Completed")) == 1
    assert len(result.pods) == finished
    assert result.pods["gone_ms"].notna().all()


@pytest.mark.parametrize("late", [False, True])
def test_pod_replacement_policy(late):
    """onlyReplaceFailedPods: a pod that terminates is replaced when it is gone."""
    drained = TimedEvent(at_ms=10_000, drain=Drain(node="n-1"))
    result = ran(job(replaces_late=late), events=[drained], nodes=2, run_ms=60_000, stop_ms=20_000)
    first, second = result.pods.sort_values("created_ms").to_dict("records")
    failed_ms = first["gone_ms"] if late else first["deleted_ms"]
    assert first["gone_ms"] - first["deleted_ms"] == 20_000
    assert 10_000 <= second["created_ms"] - failed_ms <= 10_200, "the back-off of a failure"


def test_on_failure_starts_containers_again_in_their_pod():
    """restartPolicy OnFailure: at once, then after 10 s, 20 s, 40 s; the pod keeps its node and its name."""
    result = ran(job(backoff_limit=50, restarts=True), fails=0.7, run_ms=1000, minutes=20)
    assert len(result.pods) == 1
    restarts = int(result.pods["restarts"].iloc[0])
    assert restarts > 1
    waits = [message for _, message in told(result, "BackOff")]
    assert waits == [f"Back-off {10 * 2**n} s restarting failed container" for n in range(restarts - 1)]
    assert len(told(result, "Completed")) == 1


@pytest.mark.parametrize(("limit", "restarts"), [(0, 1), (1, 1), (3, 3)])
def test_on_failure_restarts_count_against_the_limit(limit, restarts):
    """pastBackoffLimitOnFailure: as many restarts as the limit are too many, and one is with a limit of 0."""
    result = ran(job(backoff_limit=limit, restarts=True), fails=1.0, run_ms=1000)
    assert len(told(result, "BackoffLimitExceeded")) == 1
    assert result.pods["restarts"].tolist() == [restarts]
    assert result.pods["gone_ms"].notna().all()


@pytest.mark.parametrize(
    ("settings", "pods", "restarts", "reason"),
    [
        ({"backoff_limit": 1}, 2, 0, "BackoffLimitExceeded"),
        ({"backoff_limit": 3, "restarts": True}, 1, 3, "BackoffLimitExceeded"),
        ({"failure": (code("FailJob", values=(137,)),)}, 1, 0, "PodFailurePolicy"),
    ],
)
def test_a_pod_that_is_killed_for_its_memory_has_failed(settings, pods, restarts, reason):
    """restartPolicy Never: it exits with 137, and is not started again."""
    work = job(**settings)
    container = work.template.containers[0].replaced(limits={"memory": 2**20})
    work = work.model_copy(update={"template": work.template.model_copy(update={"containers": (container,)})})
    spec = WorkloadSpec(
        containers={"app": ContainerBehaviour(memory_base_bytes=2**21)},
        run_time=Distribution.constant(60_000),
        startup_time=Distribution.constant(1000),
    )
    sim = Simulation(cluster([work], workloads={work.key: spec}))
    sim.advance(sim.scenario.duration_ms)
    result = collect(sim)
    assert len(told(result, reason)) == 1
    assert len(result.pods) == pods
    assert result.pods["restarts"].sum() == restarts
    if reason == "PodFailurePolicy":
        assert "failed with exit code 137 matching FailJob rule at index 0" in told(result, reason)[0][1]
