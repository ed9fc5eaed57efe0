"""ca-scale: 90 minutes in which 30,000 pods and 930 nodes come and go."""

from __future__ import annotations

import capsim
from benchmarks import reference
from benchmarks.answers import outcome
from benchmarks.children import ROOT
from capsim.engine.drive import Simulation
from capsim.state.tables import C_NODES_ADDED


def test_ca_scale(measure):
    scenario = capsim.load(ROOT / "scenarios" / "ca-scale.yaml")

    def fresh():
        return (Simulation(scenario),)

    def run(sim):
        sim.advance(scenario.duration_ms)
        return outcome(sim), int(sim.state.clock.counters[C_NODES_ADDED])

    _, added = measure(run, prepare=fresh, rounds=5, unit="s", target=2.0, beside=reference.interpreted)
    assert 929 <= added <= 950
