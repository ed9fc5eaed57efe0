"""Readings of the kubelet: at times of their own, and worth what the pod served until then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.engine.published import published
from capsim.rng import STREAM_HOUSEKEEPING, draw
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


def looked_at(sim, p):
    """(requests served between the two readings of pod ``p``, time of the earlier, time of the later)."""
    s = sim.state
    has, rate, _, window_ms, stamp_ms = published(s.clock, s.pods, s.usage, s.workloads, s.physics, s.marks, p)
    assert has
    return rate * window_ms / 1000, stamp_ms - window_ms, stamp_ms


@given(corners, st.sampled_from([5000, 10_000, 30_000]))
@settings(max_examples=20)
def test_a_sample_is_what_was_served_between_two_readings(later, interval_ms):
    steps = [(0, 60), *((at * 1000 + 7, value) for at, value in sorted(later))]
    sim = read(steps, interval_ms)
    for at_ms in range(15_001, END_MS, 7_000):
        sim.advance(at_ms)
        scrape_ms = (at_ms - 1) // 15_000 * 15_000
        for p in np.flatnonzero(sim.state.pods.state == t.POD_READY):
            found, before, last = looked_at(sim, p)
            assert 0 <= scrape_ms - last < 2 * interval_ms
            assert interval_ms <= last - before
            assert found == pytest.approx(served(steps, before, last), abs=1e-6)


@given(st.integers(5000, 30_000))
@settings(max_examples=20)
def test_readings_are_as_if_they_had_been_stored_one_by_one(interval_ms):
    """metrics-server's own rule, scrape by scrape: a reading that is not newer than the last is not another sample."""
    sim = read([(0, 60)], interval_ms)
    s = sim.state
    stored = {}
    for scrape_ms in range(15_000, END_MS, 15_000):
        sim.advance(scrape_ms + 1)
        for p in np.flatnonzero(s.pods.state == t.POD_READY):
            period = interval_ms + draw(
                sim.scenario.seed, STREAM_HOUSEKEEPING, int(s.workloads.hash[0] + s.pods.ordinal[p]), 0
            ) % (interval_ms + 1)
            begin = int(s.pods.bound_ms[p])
            reading = begin + (scrape_ms - begin) // period * period
            listed = stored.setdefault(p, [reading])
            if reading > listed[-1]:
                listed.append(reading)
            if len(listed) > 1:
                assert looked_at(sim, p)[1:] == (listed[-2], listed[-1])


def test_more_changes_than_are_remembered():
    """120 changes in a minute: what was served before and after them is exact, in between it is an estimate."""
    steps = [(0, 60), *((100_007 + 500 * k, 60 + k) for k in range(120))]
    sim = read(steps, 10_000)
    for at_ms in range(105_001, END_MS, 15_000):
        sim.advance(at_ms)
        for p in np.flatnonzero(sim.state.pods.state == t.POD_READY):
            found, before, last = looked_at(sim, p)
            assert found == pytest.approx(served(steps, before, last), rel=0.05)
            if last < 100_000 or before > 200_000:
                assert found == pytest.approx(served(steps, before, last), abs=1e-6)


def test_pods_are_read_at_different_times_and_off_at_the_scrape():
    steps = [(0, 60), (40_000, 300)]
    sim = read(steps, 10_000)
    sim.advance(60_001)
    assert len({looked_at(sim, p)[2] for p in range(PODS)}) == PODS
    sim = read(steps, 0)
    sim.advance(60_001)
    assert {looked_at(sim, p)[2] for p in range(PODS)} == {60_000}
    assert sim.state.clock.params[t.P_BUSY_SCRAPES] == 3
