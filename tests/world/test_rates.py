"""Load, saturation and backlog against an integration in small steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import ServiceSpec, StepsSeries
from capsim.scenario.event import TimedEvent
from tests.engine.clusters import behaviour, cluster, deployment, group
from tests.properties.checks import check_usage

pytestmark = pytest.mark.plain

STEP_MS = 10


def integrate(rates, capacity, timeout_s, span_ms, sample_ms):
    """(served, lost, mean backlog, highest backlog) per sample of a fluid queue, in steps of STEP_MS."""
    backlog, rows = 0.0, []
    for start in range(0, span_ms, sample_ms):
        served = lost = area = high = 0.0
        for now in range(start, start + sample_ms, STEP_MS):
            arriving = rates(now) * STEP_MS / 1000
            serving = min(capacity * STEP_MS / 1000, backlog + arriving)
            backlog += arriving - serving
            limit = timeout_s * capacity
            if backlog > limit:
                lost += backlog - limit
                backlog = limit
            served += serving
            area += backlog
            high = max(high, backlog)
        rows.append((served, lost, area * STEP_MS / sample_ms, high))
    return np.array(rows)


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=5),
    st.integers(1, 4),
    st.sampled_from([0.5, 3.0, 30.0]),
    st.sampled_from(["queue", "drop"]),
)
@settings(max_examples=25)
def test_a_fluid_queue(values, replicas, timeout_s, overload):
    workload = deployment("a", replicas, 500, 500)
    steps = [{"at_ms": 33_000 * i, "value": value} for i, value in enumerate(values)]
    scenario = cluster(
        [workload],
        duration_ms=180_000,
        workloads={workload.key: behaviour(5.0)},
        services={
            "default/a": ServiceSpec(
                workloads=[workload.key], overload=overload, request_timeout_ms=int(1000 * timeout_s)
            )
        },
        traffic={"default/a": StepsSeries.model_validate({"steps": steps}, by_name=True)},
    )
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    frame = collect(sim).series["workloads"]
    wait_s = timeout_s if overload == "queue" else 0.0
    expected = integrate(
        lambda now: values[min(now // 33_000, len(values) - 1)], 100.0 * replicas, wait_s, 180_000, 15_000
    )
    tolerance = {"abs": 0.02 * 100 * replicas}  # a step more or less at full capacity
    assert frame["served_rps"].to_numpy() * 15 == pytest.approx(expected[:, 0], **tolerance)
    assert frame["lost_rps"].to_numpy() * 15 == pytest.approx(expected[:, 1], abs=5 + 0.02 * 400)
    assert frame["backlog_requests"].to_numpy() == pytest.approx(expected[:, 2], abs=5 + 0.02 * 400)
    assert frame["backlog_requests_max"].to_numpy() == pytest.approx(expected[:, 3], abs=5 + 0.02 * 400)
    usage = frame["cpu_used_milli"].to_numpy()
    assert usage == pytest.approx(5.0 * frame["served_rps"].to_numpy())


def crowded(replicas, requests, nodes, node_milli, rates, scalings):
    """Workloads without limits on few nodes: all rates change every 20 s, replicas when ``scalings`` say so."""
    listed = [deployment(f"w{i}", n, milli) for i, (n, milli) in enumerate(zip(replicas, requests, strict=True))]
    services = {
        f"default/{w.name}": ServiceSpec(workloads=[w.key], overload="queue", request_timeout_ms=30_000) for w in listed
    }
    steps = {
        f"default/{w.name}": [{"at_ms": 20_000 * k, "value": value} for k, value in enumerate(row)]
        for w, row in zip(listed, rates, strict=True)
    }
    scale = [{"at_ms": at, "scale": {"target": listed[i % len(listed)].key, "replicas": n}} for at, i, n in scalings]
    return cluster(
        listed,
        [group(cpu_milli=node_milli, count=nodes)],
        duration_ms=20_000 * len(rates[0]),
        workloads={w.key: behaviour(5.0) for w in listed},
        services=services,
        traffic={key: StepsSeries.model_validate({"steps": row}, by_name=True) for key, row in steps.items()},
        events=[TimedEvent.model_validate(event, by_name=True) for event in scale],
    )


def is_consistent(scenario):
    sim = Simulation(scenario)
    for at_ms in range(500, scenario.duration_ms, 2500):
        sim.advance(at_ms)
        check_usage(sim)


@given(st.data())
@settings(max_examples=20)
def test_what_pods_use_is_what_their_workload_serves_also_on_crowded_nodes(data):
    count = data.draw(st.integers(1, 3))
    rate = st.lists(st.integers(0, 400), min_size=3, max_size=3)
    is_consistent(
        crowded(
            data.draw(st.lists(st.integers(1, 6), min_size=count, max_size=count)),
            data.draw(st.lists(st.sampled_from([50, 100, 200, 400]), min_size=count, max_size=count)),
            data.draw(st.integers(1, 4)),
            data.draw(st.sampled_from([600, 1000, 1500])),
            data.draw(st.lists(rate, min_size=count, max_size=count)),
            data.draw(st.lists(st.tuples(st.integers(1, 59_000), st.integers(0, 2), st.integers(1, 6)), max_size=6)),
        )
    )


def test_after_a_scale_down_the_last_pods_do_not_serve_more_than_arrives():
    """Two workloads share one node of 1 CPU; when one shrinks from 5 pods to 1, the other's pod may have all it wants
    (86 rps), not all that is free."""
    is_consistent(crowded([1, 5], [200, 100], 1, 1000, [[86, 86], [300, 10]], [(10_000, 1, 1)]))
