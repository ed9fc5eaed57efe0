"""Load, saturation and backlog against an integration in small steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import ServiceSpec, StepsSeries
from tests.engine.clusters import behaviour, cluster, deployment

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
