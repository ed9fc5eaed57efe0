"""Rollouts: every Deployment of a large cluster gets a new version at once."""

from __future__ import annotations

import numpy as np

from benchmarks.generated import GIB, deployment, nodes, scenario
from capsim.engine.drive import Simulation
from capsim.scenario.event import TimedEvent
from capsim.scenario.rollout import Rollout
from capsim.state.tables import C_PODS_CREATED

DEPLOYMENTS = 1000
EACH = 50
NODES = 1500
HOUR_MS = 3_600_000


def test_rollout_of_a_thousand_deployments(measure):
    """50,000 pods are replaced within the strategy's 25 %, at the pace that the controllers' clients allow."""
    listed = [deployment(f"app-{i}", EACH, 500, GIB) for i in range(DEPLOYMENTS)]
    events = [TimedEvent(at_ms=60_000, rollout=Rollout(target=workload.key, image="new")) for workload in listed]
    group = nodes(32_000, NODES, NODES, NODES)
    sim = Simulation(scenario("rollout", listed, group, duration_ms=2 * HOUR_MS, events=events))
    sim.advance(59_000)
    before = sim.snapshot()

    def fresh():
        sim.restore(before)
        return ()

    def rolled_out():
        sim.advance(2 * HOUR_MS)
        desired = sim.state.workloads.desired
        sizes = np.array([desired[rows] for rows in sim.names.members.values()])
        return sizes.sum(axis=0).tolist(), int(sim.state.clock.counters[C_PODS_CREATED])

    sizes, created = measure(rolled_out, unit="s", target=2.0, prepare=fresh, rounds=3)
    assert sizes == [0, DEPLOYMENTS * EACH]
    assert created == 2 * DEPLOYMENTS * EACH
