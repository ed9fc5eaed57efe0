"""Pods that want more than there is: at their limits, and on nodes that are contended."""

from __future__ import annotations

import pytest

from benchmarks.generated import DAY_MS, behaviour, deployment, nodes, scenario
from capsim.engine.drive import Simulation
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import DiurnalSeries, NoiseSeries
from capsim.scenario.workload import ServiceSpec
from capsim.state.tables import C_TRAFFIC, CPU, U_CPU

WORKLOADS = 40
PODS = 5


def overloaded(node_milli: int, load: float) -> Scenario:
    """Traffic that changes each minute around ``load`` times what the pods request; they may use twice that."""
    names = [f"svc-{i:02d}" for i in range(WORKLOADS)]
    rps = load * PODS * 50
    cycle = DiurnalSeries(mean=rps, peak_ratio=1.3)
    return scenario(
        "overload",
        [deployment(name, PODS, 500) for name in names],
        nodes(node_milli, 10, 10, 10),
        duration_ms=DAY_MS,
        services={f"default/{name}": ServiceSpec(workloads=[f"default/Deployment/{name}"]) for name in names},
        traffic={f"default/{name}": NoiseSeries(of=cycle, cv=0.2) for name in names},
        workloads={f"default/Deployment/{name}": behaviour(10.0) for name in names},
    )


@pytest.mark.parametrize(
    ("node_milli", "load"), [(40_000, 2.0), (11_000, 1.1)], ids=["saturated pods", "contended nodes"]
)
def test_overload(measure, node_milli, load):
    sim = Simulation(overloaded(node_milli, load))
    fresh = sim.snapshot()

    def prepare():
        sim.restore(fresh)
        return ()

    def advance():
        sim.advance(DAY_MS)
        return int(sim.state.clock.counters[C_TRAFFIC]), float(sim.state.physics.usage[:, U_CPU].sum())

    changes, _ = measure(advance, prepare=prepare, rounds=5, amount=WORKLOADS * 1440, unit="changes/s")
    assert changes == WORKLOADS * 1439, "each minute but the first brings a change of every series"
    prepare()
    sim.advance(DAY_MS * 19 // 24)
    s = sim.state
    used_milli = s.physics.usage[:, U_CPU].sum()
    if load > 1.5:
        assert (s.physics.backlog > 0).any()
        assert used_milli <= WORKLOADS * PODS * 1000 * (1 + 1e-9), "usage is below the limits"
    else:
        assert s.scan.contended.sum() > 0
        assert used_milli <= s.nodes.allocatable[:10, CPU].sum() * (1 + 1e-9), "usage is below what the nodes have"
