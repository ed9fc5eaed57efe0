"""A step of one service among 100,000 pods on contended nodes: only its pods' nodes are computed anew."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.generated import behaviour, deployment, nodes, scenario
from capsim.engine.drive import Simulation
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import StepsSeries
from capsim.scenario.workload import ServiceSpec
from capsim.state.tables import C_TRAFFIC, CPU, POD_READY, TIGHT_NODES

SERVICES, PODS, STEPS = 1000, 100, 300
MACHINES = SERVICES * PODS // 100


def stepping(tight: bool) -> Scenario:
    """Each second one service that gets what it wants uses 2 % more; ``tight``: what is left is too little for the
    pods of every second service, on each node."""
    names = [f"s{i:04d}" for i in range(SERVICES)]
    wanted = (90.0, 20.0) if tight else (40.0, 20.0)
    steps: dict[str, list[list[object]]] = {}
    for i, name in enumerate(names):
        rps = wanted[i % 2] * PODS
        change = [[f"{i // 2 + 1}s", rps * 1.02]] if i % 2 and i // 2 < STEPS - 1 else []
        steps[f"default/{name}"] = [["0s", rps], *change]
    return scenario(
        "contention",
        [deployment(name, PODS, 500) for name in names],
        nodes(50_500, MACHINES, MACHINES, MACHINES, pods=110),
        duration_ms=STEPS * 1000,
        sample_interval_ms=STEPS * 1000,
        initial_state="declared",
        services={f"default/{name}": ServiceSpec(workloads=[f"default/Deployment/{name}"]) for name in names},
        traffic={name: StepsSeries.model_validate({"steps": listed}) for name, listed in steps.items()},
        workloads={f"default/Deployment/{name}": behaviour(10.0) for name in names},
    )


@pytest.mark.parametrize("tight", [True, False], ids=["contended nodes", "nodes with room"])
def test_step_of_one_service_among_100_000_pods(measure, tight):
    sim = Simulation(stepping(tight))
    fresh = sim.snapshot()

    def prepare():
        sim.restore(fresh)
        return ()

    def advance():
        sim.advance(STEPS * 1000)
        return int(sim.state.clock.counters[C_TRAFFIC])

    changes = measure(advance, prepare=prepare, rounds=5, amount=STEPS, unit="steps/s")
    assert changes == STEPS - 1
    s = sim.state
    assert int((s.pods.state == POD_READY).sum()) == SERVICES * PODS
    used = np.bincount(s.pods.node[s.pods.state == POD_READY], minlength=MACHINES)
    assert used.max() <= 110
    assert s.physics.usage[:, 0].sum() <= s.nodes.allocatable[:MACHINES, CPU].sum() * (1 + 1e-9)
    assert (s.clock.values[TIGHT_NODES] > 0) == tight
    if tight:  # what the one takes more, the others get less: the nodes are used up
        assert s.physics.usage[:, 0].sum() >= 0.99 * s.nodes.allocatable[:MACHINES, CPU].sum()
