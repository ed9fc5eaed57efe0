"""Scrapes that kubelets do not answer, as metrics-server's storage takes them: two publications without a value."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.engine.drive import Simulation
from capsim.engine.published import published
from capsim.scenario import ControlPlaneSpec, Hpa, KubeletSpec, KubeObjects, MetricsServerSpec, ServiceSpec, StepsSeries
from capsim.state import tables as t
from tests.engine.clusters import behaviour, cluster, deployment, group

pytestmark = pytest.mark.plain
NODES, SCRAPES = 6, 60
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}


def world(ratio, interval_ms=0, hpa=False):
    """A Deployment with a pod on each of six nodes, scraped every 15 s."""
    workload = deployment("a", NODES, 3000)
    hpas = [Hpa(namespace="default", name="a", target_key=workload.key, max_replicas=9, metrics=[CPU])] if hpa else []
    steps = {"steps": [{"at_ms": 0, "value": 6 * 150}, {"at_ms": 50_000, "value": 6 * 100}]}
    return cluster(
        [],
        [group(4000, NODES)],
        duration_ms=15_000 * (SCRAPES + 1),
        objects=KubeObjects(workloads=[workload], hpas=hpas),
        workloads={workload.key: behaviour(10.0)},
        services={"default/a": ServiceSpec(workloads=[workload.key])},
        traffic={"default/a": StepsSeries.model_validate(steps, by_name=True)},
        control_plane=ControlPlaneSpec(
            phases="zero",
            metrics_server=MetricsServerSpec(missed_scrapes_ratio=ratio),
            kubelet=KubeletSpec(housekeeping_interval_ms=interval_ms),
        ),
    )


def values(sim):
    """By pod: whether it has a value, and whether the last scrape missed it."""
    s = sim.state
    rows = np.flatnonzero(s.pods.state == t.POD_READY)
    has = [bool(published(s.clock, s.pods, s.usage, s.workloads, s.physics, s.marks, p)[0]) for p in rows]
    return np.array(has), s.usage.missed_ms[rows] == s.clock.values[t.SCRAPE_LAST]


@pytest.mark.parametrize("interval_ms", [0, 5000])
def test_a_missed_scrape_costs_two_publications(interval_ms):
    sim = Simulation(world(0.2, interval_ms))
    sim.advance(1)
    _, before = values(sim)
    share = []
    for k in range(1, SCRAPES):
        sim.advance(15_000 * k + 1)
        has, missed = values(sim)
        assert has.tolist() == (~(missed | before)).tolist()
        before = missed
        share.append(missed.mean())
    assert np.mean(share) == pytest.approx(0.2, abs=0.06)


def test_readings_that_are_rarer_than_scrapes_are_missed_longer():
    sim = Simulation(world(0.2, 30_000))
    longest, run = np.zeros(NODES), np.zeros(NODES)
    for k in range(1, SCRAPES):
        sim.advance(15_000 * k + 1)
        has, missed = values(sim)
        assert not (has & missed).any()
        run = np.where(has, 0, run + 1)
        longest = np.maximum(longest, run)
    assert longest.max() > 2


def test_none_and_all():
    for ratio in (0.0, 1.0):
        sim = Simulation(world(ratio))
        sim.advance(100_000)
        assert values(sim)[0].all() == (ratio == 0.0)


@pytest.mark.parametrize("interval_ms", [0, 10_000])
def test_an_hpa_without_some_metrics_does_not_scale_down_as_far(interval_ms):
    def least(ratio):
        scenario = world(ratio, interval_ms, hpa=True)
        sim = Simulation(scenario)
        found = NODES
        for at_ms in range(0, scenario.duration_ms, 15_000):
            sim.advance(at_ms)
            found = min(found, int(sim.state.workloads.desired[0]))
        return found

    assert least(0.0) == 4  # 1 of 3 cores is 33 %, the target 50 %
    assert least(0.3) in (4, 5, 6)
    assert least(1.0) == 6  # no metrics at all: nothing is done
