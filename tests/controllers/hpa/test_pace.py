"""How often each HPA is synced, against the queue itself, played event by event."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim import run
from capsim.controllers.hpa.pace import Pace, hpa_pace
from capsim.engine.drive import Simulation
from capsim.scenario import ControlPlaneSpec, DelaySpec, Hpa, KubeControllerManagerSpec, KubeObjects
from capsim.state.tables import C_HPA_SYNCS
from tests.engine.clusters import cluster, deployment, group

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
RPS = {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}}}
QUEUE = {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "10"}}}


def with_hpas(count, metrics=(CPU,), delays=None, limits=True, **flags):
    workloads = [deployment(f"a{i}") for i in range(count)]
    hpas = [
        Hpa(namespace="default", name=w.name, target_key=w.key, max_replicas=3, metrics=list(metrics))
        for w in workloads
    ]
    plane = ControlPlaneSpec(
        rate_limits=limits,
        delays=delays or DelaySpec(),
        kube_controller_manager=KubeControllerManagerSpec(**flags),
    )
    base = cluster(workloads, [group(64_000)], control_plane=plane)
    return base.model_copy(update={"objects": KubeObjects(workloads=workloads, hpas=hpas)})


@pytest.mark.plain
def test_a_few_hpas_keep_the_sync_period():
    assert hpa_pace(with_hpas(0)) == hpa_pace(with_hpas(1)) == hpa_pace(with_hpas(300)) == Pace(15_018, "")


@pytest.mark.plain
def test_the_client_allows_twenty_syncs_a_second():
    assert hpa_pace(with_hpas(800)) == Pace(40_000, "kube-api-qps")
    assert hpa_pace(with_hpas(800, kube_api_qps=100.0)) == Pace(15_018, "")
    assert hpa_pace(with_hpas(800, limits=False)) == Pace(15_018, "")


@pytest.mark.plain
def test_metrics_of_one_kind_share_a_client_and_those_of_other_kinds_do_not():
    assert hpa_pace(with_hpas(400, [CPU, RPS, QUEUE])).period_ms == 20_000
    assert hpa_pace(with_hpas(400, [CPU, CPU, RPS])).period_ms == 40_000


@pytest.mark.plain
def test_slow_syncs_wait_for_workers():
    slow = DelaySpec(hpa_sync_lag_ms=1000)
    assert hpa_pace(with_hpas(80, delays=slow)) == Pace(16_000, "")
    busy = "concurrent-horizontal-pod-autoscaler-syncs"
    assert hpa_pace(with_hpas(100, delays=slow)) == Pace(20_000, busy)
    assert hpa_pace(with_hpas(100, delays=slow, concurrent_horizontal_pod_autoscaler_syncs=10)) == Pace(16_000, "")


def rounds(count, workers, sync_ms, period_ms, interval_ms, end_ms):
    """Syncs of each HPA until ``end_ms``: a queue, workers that each hold one HPA, and a client that lets one request
    through every ``interval_ms``."""
    queue = [(i % period_ms, i) for i in range(count)]
    free, client_ms, done = [0] * workers, 0, [0] * count
    heapq.heapify(queue)
    while queue and queue[0][0] < end_ms:
        at_ms, i = heapq.heappop(queue)
        begin = max(at_ms, heapq.heappop(free))
        sent = max(begin, client_ms)
        client_ms = sent + interval_ms
        heapq.heappush(free, sent + sync_ms)
        heapq.heappush(queue, (sent + sync_ms + period_ms, i))
        done[i] += 1
    return done


@pytest.mark.plain
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 3000), st.sampled_from([0, 100, 500, 1000]))
@settings(max_examples=60, deadline=None)
def test_the_pace_is_that_of_the_queue(count, workers, sync_ms, interval_ms):
    scenario = with_hpas(
        count,
        delays=DelaySpec(hpa_sync_lag_ms=sync_ms),
        limits=interval_ms > 0,
        concurrent_horizontal_pod_autoscaler_syncs=workers,
        kube_api_qps=1000.0 / max(1, interval_ms),
    )
    # A worker waits for the client with the HPA in its hands; then both together are what takes the time.
    period = hpa_pace(scenario).period_ms
    done = rounds(count, workers, sync_ms, 15_000, interval_ms, 600 * period)
    assert sum(done) / count == pytest.approx(600, rel=0.02)
    assert min(done) >= max(done) - 3


def test_each_hpa_syncs_at_that_pace_and_the_summary_warns():
    scenario = with_hpas(20, kube_api_qps=0.5).model_copy(update={"duration_ms": 400_000})
    sim = Simulation(scenario, skip_syncs=False)
    sim.advance(400_000)
    assert hpa_pace(scenario).period_ms == 40_000
    assert sim.state.clock.counters[C_HPA_SYNCS] == pytest.approx(200, abs=20)
    (warning,) = run(scenario).summary.warnings
    assert (warning.kind, warning.count) == ("hpa-slow", 20)
    assert warning.text == (
        "20 HPAs are synced every 40s instead of every 15s: kube-controller-manager's kube-api-qps allows no more"
    )
