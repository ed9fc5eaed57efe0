"""Probes that fail, rule by rule (kubernetes v1.36 pkg/kubelet/prober): pods that are late, hang or start slowly."""

from __future__ import annotations

from itertools import pairwise

import pytest

from capsim.scenario import ServiceSpec, StepsSeries, TimedEvent, WorkloadSpec
from capsim.scenario.calls import ServiceTime
from capsim.scenario.kubernetes.lifecycle import Probe, read_probe
from capsim.scenario.workload import ContainerBehaviour
from tests.engine.clusters import cluster, deployment, group
from tests.engine.faults.stories import MINUTE_MS, WEB, event, played, series, times_of, web_cluster

pytestmark = pytest.mark.plain
LIVE = Probe(period_s=5, timeout_s=2)


def with_probes(workload, **probes):
    """The workload, whose container has these probes."""
    container = workload.template.containers[0].model_copy(update=probes)
    return workload.model_copy(update={"template": workload.template.model_copy(update={"containers": (container,)})})


def overloaded(probe=LIVE, steps=(["0s", 300], ["60s", 500], ["120s", 300]), service=None, **behaviour):
    """Four pods, each of which serves 100 requests a second; in the second minute 500 come."""
    web = with_probes(deployment("web", 4, cpu_milli=1000, limit_milli=1000), liveness_probe=probe)
    use = {"app": ContainerBehaviour(cpu_per_request_milli=10.0)}
    return cluster(
        [web],
        [group(cpu_milli=8000)],
        services={"default/web": ServiceSpec(workloads=[WEB], **(service or {}))},
        traffic={"default/web": StepsSeries.model_validate({"steps": list(steps)})},
        workloads={WEB: WorkloadSpec(containers=use, **behaviour)},
        duration_ms=20 * MINUTE_MS,
        sample_interval_ms=1000,
    )


def test_a_probe_that_waits_longer_than_its_timeout_fails_and_the_third_in_a_row_kills():
    """100 more wait each second; 800 are 2 s of work for all four: from 8 s on probes are late. Three of them, 5 s
    apart, and 2 s until the last one is given up: 12 to 17 s later, each pod in its own phase."""
    _, result = played(overloaded())
    killed = times_of(result, "Killing")
    late_ms = MINUTE_MS + 8_000
    assert late_ms + 12_000 <= killed[0] <= late_ms + 17_010
    assert len(killed) >= 4
    assert result.pods.restarts.sum() == len(killed)
    down = result.events[result.events.reason == "Killing"].object.iloc[0]
    pod = result.pods[result.pods.name == down.split("/")[-1]].iloc[0]
    assert pod.restarts >= 1


@pytest.mark.parametrize(
    "changed",
    [
        {"probe": Probe(period_s=5, timeout_s=30)},  # nothing waits longer than requestTimeout
        {"probe": Probe(period_s=5, timeout_s=2, failure_threshold=30)},
        {"probe": Probe(period_s=5, timeout_s=2, asks="exec")},
        {"probe": Probe(period_s=5, timeout_s=2, asks="tcpSocket")},
        {"probe": None},
        {"probes_wait": False},
        {"service": {"overload": "drop"}},
        {"service_time": ServiceTime(concurrency=1, queue=10)},  # a short line is never late
    ],
)
def test_nobody_is_killed_where_no_check_is_late_often_enough(changed):
    _, result = played(overloaded(**changed))
    assert times_of(result, "Killing") == []


def test_a_lateness_that_ends_before_the_threshold_is_forgotten():
    """failureThreshold counts failures in a row: a success in between begins anew."""
    humps = (["0s", 300], ["60s", 500], ["70s", 100], ["90s", 500], ["100s", 100])
    _, result = played(overloaded(steps=humps))
    assert times_of(result, "Killing") == []


def test_the_cascade():
    """Pods that are killed leave their part to the others, which are killed in turn, and what waited for them is there
    when they are back: the load is what four pods serve with ease, and they never do again. Without the probe the
    backlog is gone half a minute later; and pods recover whose clients wait for ten seconds only, not thirty."""
    after = slice(6 * MINUTE_MS, None)
    for healthy in (overloaded(None), overloaded(service={"request_timeout_ms": 10_000})):
        calm = played(healthy)[1]
        assert series(calm, "lost_rps").loc[after].sum() == 0.0
        assert series(calm, "ready").loc[after].min() == 4.0
    wild = played(overloaded())[1]
    assert series(wild, "ready").loc[after].mean() < 0.5
    assert series(wild, "lost_rps").loc[after].mean() > 250.0
    assert len(times_of(wild, "BackOff")) > 20


def slow_start(process_s, startup=None, **live):
    """One pod that is asked for at 60 s and needs so long to start; its back-off, if it needs any."""
    probes = {"startup_probe": startup, "liveness_probe": Probe(initial_delay_s=5, **live)}
    web = with_probes(deployment("web", 0), **probes)
    scale = TimedEvent.model_validate({"at": "60s", "scale": {"target": WEB, "replicas": 1}})
    spec = WorkloadSpec.model_validate({"startup_time": {"mean_ms": process_s * 1000}}, by_name=True)
    made = cluster([web], images={}, events=[scale], workloads={WEB: spec}, initial_state="declared")
    return played(made)[1]


def test_a_container_that_starts_slower_than_its_liveness_probe_allows_never_comes_up():
    """initialDelaySeconds 5, periodSeconds 10, failureThreshold 3: the third check is 25 s after the start."""
    result = slow_start(26)
    killed = times_of(result, "Killing")
    assert result.pods.ready_ms.isna().all()
    assert killed[0] == 60_046 + 25_000
    assert [b - a - 25_000 for a, b in pairwise(killed)][:3] == [1, 10_000, 20_000]
    assert slow_start(25).pods.ready_ms.notna().all(), "up at the moment of the third check"


def test_a_startup_probe_holds_the_liveness_probe_back_and_gives_up_itself():
    """None is asked before the startup probe has succeeded; its own failureThreshold counts."""
    patient = Probe(period_s=10, failure_threshold=30)
    assert times_of(slow_start(120, patient), "Killing") == []
    hasty = Probe(period_s=10, failure_threshold=6)
    assert times_of(slow_start(120, hasty), "Killing")[0] == 60_046 + 50_000


def hung(duration=None, pods=1, **probes):
    """One of six pods hangs at 60 s; ten of sixty requests a second are sent to it."""
    action = {"target": WEB, "pods": pods} | ({"duration": duration} if duration else {})
    scenario = web_cluster([event(MINUTE_MS, hang=action)], template={"termination_grace_s": 20})
    web = with_probes(scenario.objects.workloads[0], **probes)
    return played(scenario.model_copy(update={"objects": scenario.objects.model_copy(update={"workloads": [web]})}))[1]


def test_a_pod_that_hangs_is_restarted_by_its_liveness_probe_after_the_whole_grace_period():
    """Three checks 5 s apart and 2 s, in the pod's own phase; then SIGTERM, 20 s, SIGKILL, and 5 s to start."""
    result = hung(liveness_probe=LIVE)
    (killed,) = times_of(result, "Killing")
    assert MINUTE_MS + 12_000 <= killed <= MINUTE_MS + 17_000
    ready = series(result, "ready")
    back = ready[(ready.index > MINUTE_MS + 1000) & (ready == 6.0)].index[0]
    assert back == pytest.approx(killed + 20_000 + 5_000, abs=1001)
    lost = series(result, "lost_rps")
    assert lost.sum() == pytest.approx(10.0 * (killed - MINUTE_MS) / 1000.0, rel=0.05), "an endpoint to its end"


def test_a_readiness_probe_takes_it_from_the_endpoints_first():
    result = hung(liveness_probe=Probe(period_s=60), readiness_probe=Probe(period_s=2, failure_threshold=1))
    lost_s = series(result, "lost_rps").sum() / 10.0
    assert 1.0 <= lost_s <= 3.1


@pytest.mark.parametrize("probe", [None, Probe(asks="tcpSocket")])
def test_nobody_finds_out_without_a_probe_that_asks_for_an_answer(probe):
    """The kernel accepts connections of a process that hangs."""
    result = hung(liveness_probe=probe)
    assert series(result, "ready").iloc[-1] == 5.0
    assert series(result, "lost_rps").iloc[-1] == pytest.approx(10.0)


def test_it_may_answer_again_by_itself():
    result = hung("30s")
    assert series(result, "ready").iloc[-1] == 6.0
    assert result.pods.restarts.sum() == 0
    assert series(result, "lost_rps").sum() == pytest.approx(300.0, rel=0.05)


def test_probes_are_read_with_upstreams_defaults():
    assert read_probe({"exec": {"command": ["true"]}}) == Probe(asks="exec", timeout_s=1, period_s=10)
    written = read_probe({"grpc": {"port": 1}, "timeoutSeconds": 7}).manifest()
    assert read_probe(written) == Probe(asks="grpc", timeout_s=7)
