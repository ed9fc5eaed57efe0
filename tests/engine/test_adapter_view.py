"""Custom and external metrics: PromQL's rate against a plain reading of its rules, and what an HPA is told when."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine import adapter_view
from capsim.engine.drive import Simulation
from capsim.engine.hpa_errors import metric_failure
from capsim.jit import entry
from capsim.scenario import (
    ControlPlaneSpec,
    Hpa,
    MetricSpec,
    PrometheusAdapterSpec,
    PrometheusSpec,
    ServiceSpec,
    StepsSeries,
)
from capsim.study.explain.hpa import sync_at
from tests.engine.clusters import MINUTE_MS, behaviour, cluster, deployment

pytestmark = pytest.mark.plain


@entry
def rate_of(samples, first_ms, first, last_ms, last, start_ms, end_ms, is_young):
    return adapter_view.extrapolated_rate(samples, first_ms, first, last_ms, last, start_ms, end_ms, is_young)


def promql_rate(points, start_s, end_s):
    """``rate(counter[end - start])`` of Prometheus 3 over (time, value) points without resets, in seconds."""
    inside = [(t, v) for t, v in points if start_s < t <= end_s]
    (first_t, first_v), (last_t, last_v) = inside[0], inside[-1]
    covered = last_t - first_t
    gap = covered / (len(inside) - 1)
    before, after = first_t - start_s, end_s - last_t
    before = gap / 2 if before >= 1.1 * gap else before
    if last_v > first_v and first_v >= 0:
        before = min(before, covered * first_v / (last_v - first_v))
    after = gap / 2 if after >= 1.1 * gap else after
    return (last_v - first_v) * (covered + before + after) / covered / (end_s - start_s)


@given(
    st.integers(5, 120), st.integers(0, 119), st.lists(st.integers(0, 1000), min_size=12, max_size=12),
    st.integers(60, 600), st.integers(0, 60),
)  # fmt: skip
@settings(max_examples=200)
def test_a_rate_is_promqls(interval_s, phase_s, steps, window_s, after_s):
    values = [sum(steps[: i + 1]) for i in range(len(steps))]
    points = [(phase_s + i * interval_s, float(value)) for i, value in enumerate(values)]
    end_s = points[-1][0] + after_s
    inside = [(t, v) for t, v in points if end_s - window_s < t <= end_s]
    if len(inside) < 2:
        return
    found = rate_of(
        len(inside), inside[0][0] * 1000, inside[0][1], inside[-1][0] * 1000, inside[-1][1],
        (end_s - window_s) * 1000, end_s * 1000, True,
    )  # fmt: skip
    assert found == pytest.approx(promql_rate(points, end_s - window_s, end_s))


def pods_metric(name="rps", target=50):
    target = {"type": "AverageValue", "averageValue": target}
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": target}}


def object_metric(name="rps", target=50, kind="Service"):
    described = {"apiVersion": "v1", "kind": kind, "name": "a"}
    target = {"type": "AverageValue", "averageValue": target}
    return {"type": "Object", "object": {"describedObject": described, "metric": {"name": name}, "target": target}}


def external_metric(name="queue", target=50):
    target = {"type": "AverageValue", "averageValue": target}
    return {"type": "External", "external": {"metric": {"name": name}, "target": target}}


def served(asked, steps, metrics=None, **more):
    """One Deployment behind one service, with an HPA that asks for one metric; all loops at phase 0."""
    workload = deployment("a", more.pop("replicas", 2), 500, 500)
    hpa = Hpa(namespace="default", name="a", target_key=workload.key, min_replicas=1, max_replicas=20, metrics=[asked])
    base = cluster(
        [workload],
        duration_ms=20 * MINUTE_MS,
        metrics=metrics or {"rps": MetricSpec(measures="rps"), "queue": MetricSpec(measures="backlog", of="default/a")},
        services={"default/a": ServiceSpec(workloads=[workload.key], overload="queue", request_timeout_ms=60_000)},
        workloads={workload.key: behaviour(5.0)},
        traffic={"default/a": StepsSeries.model_validate({"steps": steps}, by_name=True)},
        **more,
    )
    return base.model_copy(update={"objects": base.objects.model_copy(update={"hpas": [hpa]})})


def told(scenario, at_ms):
    """(value in units, proposal, error) of the metric at a sync."""
    sim = Simulation(scenario, skip_syncs=False)
    tick = int(sim.state.hpas.phase_ms[0])
    while tick + 15_018 <= at_ms:
        tick += 15_018
    (seen,) = sync_at(sim, 0, tick).metrics
    return None if seen.value is None else seen.value / 1000, seen.proposal, seen.error


def test_a_settled_start_has_a_history():
    scenario = served(pods_metric(), [{"at_ms": 0, "value": 80}])
    assert told(scenario, 20_000)[0] == pytest.approx(40, abs=0.001)
    assert told(scenario, 600_000)[0] == pytest.approx(40, abs=0.001)


def test_a_rate_follows_a_step_over_its_window():
    """100 more requests/s from 5:00 on: after half of the window of 5 min half of it is seen, then all."""
    steps = [{"at_ms": 0, "value": 80}, {"at_ms": 5 * MINUTE_MS, "value": 180}]
    scenario = served(object_metric(target=1000), steps)
    for minutes, rate, about in ((5.3, 80, 0.1), (7.6, 130, 15), (11, 180, 0.1)):
        value, _, _ = told(scenario, int(minutes * MINUTE_MS))
        sim = Simulation(scenario)
        sim.advance(int(minutes * MINUTE_MS))
        assert value * sim.state.workloads.count[0, 1:4].sum() == pytest.approx(rate, abs=about)


def test_new_pods_are_missing_until_they_were_scraped_twice():
    """Two pods at 45 want 3; the third is Ready within seconds, but has a rate only after its second scrape."""
    scenario = served(pods_metric(target=30), [{"at_ms": 0, "value": 80}], replicas=2, initial_state="declared")
    sim = Simulation(scenario, skip_syncs=False)
    missing = []
    for tick in range(int(sim.state.hpas.phase_ms[0]), 4 * MINUTE_MS, 15_018):
        sync = sync_at(sim, 0, tick)
        missing.append((tick, sync.counted["missing"] if sync.counted else None))
    late = [tick for tick, count in missing if count]
    assert late
    assert late[0] <= 40_000
    assert MINUTE_MS <= max(late) <= 2 * MINUTE_MS + 15_018


def test_an_external_series_is_as_old_as_its_last_scrape():
    values = [{"at_ms": i * 10_000, "value": i} for i in range(60)]
    recorded = MetricSpec(series=StepsSeries.model_validate({"steps": values}, by_name=True))
    scenario = served(external_metric(target=1), [{"at_ms": 0, "value": 80}], {"queue": recorded})
    sim = Simulation(scenario, skip_syncs=False)
    for tick in range(0, 9 * MINUTE_MS, 15_018):
        sync = sync_at(sim, 0, tick)
        scraped = tick // MINUTE_MS * MINUTE_MS
        assert sync.metrics[0].value == math.ceil(scraped // 10_000 * 1000 / max(1, sync.ready + sync.waiting))


def test_a_backlog_is_a_metric():
    steps = [{"at_ms": 0, "value": 80}, {"at_ms": 60_000, "value": 500}]
    scenario = served(external_metric(target=100), steps)
    # 2 pods serve 200/s, 300/s wait; scraped at 2:00, a minute after the step.
    value, proposal, _ = told(scenario, 2 * MINUTE_MS + 15_000)
    assert value == pytest.approx(6000, rel=0.01) or value * 2 == pytest.approx(12_000, rel=0.01)
    assert proposal > 50


def test_requests_in_flight():
    metrics = {"busy": MetricSpec(measures="inFlight")}
    scenario = served(pods_metric("busy", 10), [{"at_ms": 0, "value": 80}], metrics)
    # 40/s for each pod, 5 ms of CPU each: 0.2 in flight.
    assert told(scenario, 3 * MINUTE_MS)[0] == pytest.approx(0.2, abs=0.001)


def test_a_metric_is_listed_at_the_first_relist_after_its_first_sample():
    plane = ControlPlaneSpec(
        phases="zero",
        prometheus=PrometheusSpec(scrape_interval_ms=30_000),
        prometheus_adapter=PrometheusAdapterSpec(metrics_relist_interval_ms=240_000),
    )
    scenario = served(pods_metric(), [{"at_ms": 0, "value": 80}], initial_state="empty", control_plane=plane)
    _, _, error = told(scenario, 3 * MINUTE_MS)
    assert error == (
        "failed to get pods metric value: unable to get metric rps: unable to fetch metrics from custom metrics API: "
        "the server could not find the metric rps for pods"
    )
    value, _, error = told(scenario, 5 * MINUTE_MS)
    assert error == ""
    assert value == pytest.approx(40, rel=0.15)  # a counter that began within the window


def test_a_metric_that_nothing_serves_fails_at_every_sync():
    scenario = served(external_metric("bookings"), [{"at_ms": 0, "value": 80}])
    sim = Simulation(scenario)
    sim.advance(MINUTE_MS)
    text = (
        "failed to get bookings external metric value: failed to get bookings external metric: unable to get external "
        "metric default/bookings/nil: unable to fetch metrics from external metrics API: the server could not find the "
        "requested resource"
    )
    assert metric_failure(sim, sim.hpas[0], 0, 0, 1) == text
    assert told(scenario, MINUTE_MS)[2] == text
