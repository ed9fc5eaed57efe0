"""app10: the hour of the first story, from the loaded scenario to its end."""

from __future__ import annotations

import capsim
from benchmarks import reference
from benchmarks.answers import outcome
from benchmarks.children import ROOT
from capsim.engine.drive import Simulation
from capsim.engine.run import collect


def test_app10(measure):
    scenario = capsim.load(ROOT / "scenarios" / "app10.yaml")

    def run():
        sim = Simulation(scenario)
        sim.advance(scenario.duration_ms)
        return outcome(sim)

    measure(run, rounds=60, unit="ms", target=2.0, beside=reference.interpreted)
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    recording = collect(sim)
    app10 = recording.series["workloads"].query("workload.str.endswith('app10')", engine="python")
    assert app10.desired_replicas_max.max() == 10
    assert app10.pending_max.max() == 2
    assert recording.series["totals"].nodes_ready_max.max() == 3
