"""dlrm: 31 days of 23,871 recorded instances (31,584 creations and deletions) on 4,278 machines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import capsim
from benchmarks import reference
from benchmarks.answers import outcome
from benchmarks.children import ROOT
from capsim.engine.drive import Simulation
from capsim.state.tables import C_PODS_CREATED, C_PODS_GONE

SHARED = Path(os.environ.get("CAPSIM_SHARED", ROOT.parent / "shared"))
RECORDING = SHARED / "data" / "alibaba-dlrm-2025" / "disaggregated_DLRM_trace.csv.gz"


@pytest.mark.parametrize("variant", ["scenario", "packed", "tight"])
def test_dlrm(measure, variant):
    if not RECORDING.is_file():
        pytest.skip(f"{RECORDING} is absent: the recordings are in a folder beside the repository (or $CAPSIM_SHARED)")
    place = ROOT / "scenarios" / "dlrm" / f"{variant}.yaml"
    scenario = capsim.load(place, sets=[f"pods[0].file={RECORDING}"])

    def run():
        sim = Simulation(scenario)
        sim.advance(scenario.duration_ms)
        counters = sim.state.clock.counters
        return outcome(sim), int(counters[C_PODS_CREATED]), int(counters[C_PODS_GONE])

    _, created, gone = measure(run, rounds=3, unit="s", target=2.0, beside=reference.interpreted)
    assert (created, gone) == (23_871, 14_993)
