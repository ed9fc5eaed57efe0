"""Jobs and CronJobs, rule by rule (upstream: pkg/controller/job, pkg/controller/cronjob)."""

from __future__ import annotations

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import Distribution, Fail, TimedEvent, Workload
from capsim.scenario.kubernetes.job import CronSettings, JobSettings
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, deployment, group

pytestmark = [pytest.mark.plain]


def job(name="work", cron=None, cpu_milli=100, **settings):
    template = deployment(name, cpu_milli=cpu_milli).template
    return Workload(
        kind="CronJob" if cron else "Job",
        namespace="default",
        name=name,
        replicas=0,
        template=template,
        job=JobSettings(**settings),
        cron=CronSettings(**cron) if cron else None,
    )


def ran(work, run_ms=30_000, fails=0.0, events=(), minutes=10, nodes=1, **more):
    spec = behaviour(run_time=Distribution.constant(run_ms), failure_ratio=fails,
                     startup_time=Distribution.constant(1000))  # fmt: skip
    scenario = cluster([work], [group(count=nodes)], workloads={work.key: spec}, events=list(events),
                       duration_ms=minutes * MINUTE_MS, **more)  # fmt: skip
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    return collect(sim)


def told(result, reason):
    rows = result.events[result.events["reason"] == reason]
    return list(zip(rows["time_ms"].tolist(), rows["message"].tolist(), strict=True))


def most_at_once(pods):
    times = sorted([(t, 1) for t in pods["created_ms"]] + [(t, -1) for t in pods["gone_ms"].dropna()])
    best = count = 0
    for _, step in sorted(times):
        count += step
        best = max(best, count)
    return best


def test_completions_at_most_parallelism_at_once():
    result = ran(job(completions=7, parallelism=3))
    assert len(result.pods) == 7
    assert most_at_once(result.pods) == 3
    assert (result.pods["gone_ms"] - result.pods["ready_ms"] == 30_000).all()
    assert [message for _, message in told(result, "Completed")] == ["Job completed"]


def test_pods_are_named_after_their_job_and_their_index():
    assert ran(job(completions=1)).pods["name"].str.fullmatch(r"work-[a-z0-9]{5}").all()
    names = ran(job(completions=3, parallelism=3, indexed=True)).pods["name"]
    assert sorted(names.str.extract(r"^work-(\d)-[a-z0-9]{5}$")[0]) == ["0", "1", "2"]


def test_a_failed_index_is_tried_again_until_it_succeeds():
    result = ran(job(completions=4, parallelism=4, indexed=True, backoff_limit=50), fails=0.5, minutes=60)
    indexes = result.pods["name"].str.extract(r"-(\d)-")[0]
    assert set(indexes) == {"0", "1", "2", "3"}
    assert len(indexes) > 4
    assert len(told(result, "Completed")) == 1


def test_failures_are_backed_off_10_s_doubling_to_10_minutes():
    """DefaultJobPodFailureBackOff, MaxJobPodFailureBackOff."""
    result = ran(job(backoff_limit=8), fails=1.0, run_ms=1000, minutes=60)
    gone = result.pods["gone_ms"].tolist()
    waits = [after - before for before, after in zip(gone, result.pods["created_ms"].tolist()[1:], strict=False)]
    assert [round(wait / 1000) for wait in waits] == [10, 20, 40, 80, 160, 320, 600, 600]
    assert [message for _, message in told(result, "BackoffLimitExceeded")] == [
        "Job has reached the specified backoff limit"
    ]
    assert len(result.pods) == 9


def test_active_deadline_ends_it():
    result = ran(job(completions=5, active_deadline_s=75))
    assert told(result, "DeadlineExceeded") == [(75_000, "Job was active longer than specified deadline")]
    assert len(result.pods) == 3
    assert result.pods["gone_ms"].notna().all()


def test_a_suspended_job_does_not_start():
    assert len(ran(job(suspend=True)).pods) == 0


def test_a_work_queue_ends_with_the_first_success_and_those_that_still_run():
    result = ran(job(parallelism=3, completions=None))
    assert len(result.pods) == 3
    assert len(told(result, "Completed")) == 1


def test_a_lost_pod_counts_as_failed_and_is_replaced():
    lost = TimedEvent(at_ms=10_000, fail=Fail(node="n-1"))
    result = ran(job(completions=8, parallelism=8), events=[lost], nodes=2, run_ms=60_000, minutes=20)
    gone = result.pods["gone_ms"].eq(10_000).sum()
    assert 0 < gone <= 6
    assert len(result.pods) == 8 + gone
    assert len(told(result, "Completed")) == 1


def test_what_has_ended_holds_nothing():
    """Twelve pods of 1 core on a node of 4: three after the other on each core."""
    result = ran(job(completions=12, parallelism=12, cpu_milli=1000), minutes=5)
    assert len(told(result, "Completed")) == 1
    assert result.pods["pending_s"].max() >= 60


CRON = {"schedule": "*/2 * * * *"}


def test_a_cron_job_starts_one_at_each_time_and_names_it_after_the_minute():
    result = ran(job(cron=CRON), minutes=10)
    assert [at for at, _ in told(result, "SuccessfulCreate") if at % MINUTE_MS == 0] == [
        n * MINUTE_MS for n in (0, 2, 4, 6, 8)
    ]
    assert result.pods["name"].str.fullmatch(r"work-\d{8}-[a-z0-9]{5}").all()
    assert result.pods["name"].str.rsplit("-", n=1).str[0].nunique() == 5
    assert set(result.pods["workload"]) == {"default/CronJob/work"}
    assert len(told(result, "Completed")) == 5


@pytest.mark.parametrize(
    ("policy", "started", "finished", "at_once"), [("Allow", 5, 3, 3), ("Forbid", 2, 1, 1), ("Replace", 5, 0, 1)]
)
def test_concurrency_policies(policy, started, finished, at_once):
    result = ran(job(cron={**CRON, "concurrency": policy}), run_ms=5 * MINUTE_MS, minutes=10)
    assert result.pods["name"].str.rsplit("-", n=1).str[0].nunique() == started
    assert len(told(result, "Completed")) == finished
    serving = result.pods.assign(gone_ms=result.pods["deleted_ms"])
    assert most_at_once(serving) == at_once
    skipped = told(result, "JobAlreadyActive")
    assert len(skipped) == (3 if policy == "Forbid" else 0)


def test_a_suspended_cron_job_starts_nothing():
    assert len(ran(job(cron={**CRON, "suspend": True})).pods) == 0
