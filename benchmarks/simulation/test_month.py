"""The generated month: 30 days, 100 workloads with HPAs, about 1,000 pods and 100 nodes, noise in every minute."""

from __future__ import annotations

from benchmarks.answers import outcome
from benchmarks.generated import MONTH, fleet_scenario
from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.state.tables import C_TRAFFIC


def test_month(measure):
    scenario = fleet_scenario(MONTH)

    def run():
        sim = Simulation(scenario)
        sim.advance(scenario.duration_ms)
        return outcome(sim)

    counters = measure(run, rounds=5, unit="s", target=1.0)
    assert counters[C_TRAFFIC] == 100 * (30 * 1440 - 1)
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    totals = collect(sim).series["totals"]
    measure.benchmark.extra_info.update(
        pods_mean=round(totals.pods_ready.mean()),
        pods_peak=round(totals.pods_ready.max()),
        nodes_mean=round(totals.nodes_ready.mean()),
        nodes_peak=int(totals.nodes_ready_max.max()),
    )
    assert 900 < totals.pods_ready.mean() < 1100
    assert 90 < totals.nodes_ready.mean() < 120
    assert totals.lost_rps.sum() < 0.01 * totals.rps.sum()
