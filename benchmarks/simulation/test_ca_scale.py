"""ca-scale: upstream's situations of 1,000 nodes and 30,000 pods, and 90 minutes in which a batch comes and goes."""

from __future__ import annotations

import pytest

import capsim
from benchmarks import reference
from benchmarks.answers import outcome
from benchmarks.children import ROOT
from capsim.engine.drive import Simulation
from capsim.state.tables import C_NODES_ADDED

ADDED = {
    "scenario": (1001, 1010), "two-batches": (1001, 1010), "empty": (1000, 1000), "underused": (1000, 1000),
    "unremovable": (1000, 1000), "unschedulable": (1001, 1010), "batch": (939, 960),
}  # fmt: skip
"""Nodes that were ever there."""


@pytest.mark.parametrize("situation", ADDED)
def test_ca_scale(measure, situation):
    scenario = capsim.load(ROOT / "scenarios" / "ca-scale" / f"{situation}.yaml")

    def run():
        sim = Simulation(scenario)
        sim.advance(scenario.duration_ms)
        return outcome(sim), int(sim.state.clock.counters[C_NODES_ADDED])

    _, added = measure(run, rounds=3, unit="s", target=2.0, beside=reference.interpreted)
    fewest, most = ADDED[situation]
    assert fewest <= added <= most
