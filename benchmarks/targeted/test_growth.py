"""Tables that grow: a run that begins with one row of everything, and the same with room for all of it."""

from __future__ import annotations

import pytest

from benchmarks.answers import outcome
from benchmarks.generated import Fleet, fleet_scenario
from capsim.engine.build.assemble import SMALLEST
from capsim.engine.drive import Simulation
from capsim.state.tables import C_BINDS

FLEET = Fleet("growth", workloads=50, days=2, pods_each=10, node_milli=16_000, most_nodes=300)


@pytest.mark.parametrize("capacity", [None, SMALLEST], ids=["as built", "from one row"])
def test_growth(measure, capacity):
    scenario = fleet_scenario(FLEET).model_copy(update={"initial_state": "empty"})

    def run(how=capacity):
        sim = Simulation(scenario, capacity=how)
        sim.advance(scenario.duration_ms)
        return outcome(sim)

    counters = measure(run, rounds=7, unit="ms")
    assert counters == run(None), "room changes nothing"
    assert counters[C_BINDS] > 500
