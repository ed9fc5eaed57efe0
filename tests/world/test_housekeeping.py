"""Readings of the kubelet: at times of their own, and worth what the pod served until then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.scenario import ControlPlaneSpec, KubeletSpec, ServiceSpec, StepsSeries
from capsim.state import tables as t
from tests.engine.clusters import behaviour, cluster, deployment

pytestmark = pytest.mark.plain
PODS = 3
END_MS = 300_000


def read(steps, interval_ms):
    """A Deployment of three pods behind one service whose rate steps; metrics are scraped every 15 s."""
    workload = deployment("a", PODS, 100)
    corners = [{"at_ms": at, "value": value} for at, value in steps]
    return Simulation(
        cluster(
            [workload],
            duration_ms=END_MS,
            workloads={workload.key: behaviour(1.0)},
            services={"default/a": ServiceSpec(workloads=[workload.key])},
            traffic={"default/a": StepsSeries.model_validate({"steps": corners}, by_name=True)},
            control_plane=ControlPlaneSpec(phases="zero", kubelet=KubeletSpec(housekeeping_interval_ms=interval_ms)),
        )
    )


def served(steps, start_ms, end_ms):
    """Requests that one pod serves between two times; before time 0 the first rate held."""
    times = [-(10**9), *(at for at, _ in steps[1:]), 10**9]
    spans = np.clip(times[1:], start_ms, end_ms) - np.clip(times[:-1], start_ms, end_ms)
    return float(spans @ [value for _, value in steps]) / 1000 / PODS


corners = st.lists(
    st.tuples(st.integers(1, 280), st.integers(1, 300)), min_size=1, max_size=8, unique_by=lambda c: c[0]
)


@given(corners, st.sampled_from([5000, 10_000, 30_000]))
@settings(max_examples=20)
def test_a_sample_is_what_was_served_between_two_readings(later, interval_ms):
    steps = [(0, 60), *((at * 1000 + 7, value) for at, value in sorted(later))]
    sim = read(steps, interval_ms)
    looked = 0
    for at_ms in range(15_001, END_MS, 15_000):
        sim.advance(at_ms)
        usage, ready = sim.state.usage, np.flatnonzero(sim.state.pods.state == t.POD_READY)
        if sim.state.marks.own_flag[0] == 0:
            continue  # the rate has held for so long that every reading says the same
        for p in ready:
            before, last = usage.stamp[p, :2]
            assert 0 <= at_ms - 1 - last <= 2 * interval_ms
            assert before < last
            found = usage.sample_last[p] - usage.sample_prev[p]
            assert found == pytest.approx(served(steps, before, last), abs=1e-6)
            looked += 1
    assert looked > 0


def test_pods_are_read_at_different_times_and_off_at_the_scrape():
    steps = [(0, 60), (40_000, 300)]
    sim = read(steps, 10_000)
    sim.advance(60_001)
    assert len(set(sim.state.usage.stamp[:PODS, 1])) == PODS
    sim = read(steps, 0)
    sim.advance(60_001)
    assert sim.state.marks.own_flag[0] == 0
    assert sim.state.clock.params[t.P_BUSY_SCRAPES] == 3
