"""The HPA written anew in Python gives the same bytes as the built-in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from capsim.engine.drive import Simulation
from capsim.examples.custom_hpa import hpa
from capsim.scenario import load
from tests.properties.frames import COUNTERS_OF_SYNCS, assert_same, outcome

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"

pytestmark = pytest.mark.plain


def ran(scenario, custom=()):
    sim = Simulation(scenario, list(custom))
    sim.advance(scenario.duration_ms)
    return outcome(sim)


@pytest.mark.parametrize("name", ["app10", "app10-autoscaled", "app10-selfmanaged"])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_equals_the_built_in_hpa(name, seed):
    scenario = load(SCENARIOS / f"{name}.yaml", seed=seed)
    own = ran(scenario, [hpa("default/app10", "default/Deployment/app10", 2, 10, 75)])
    assert_same(own, ran(scenario), ignore=COUNTERS_OF_SYNCS)
    assert (own["events"]["reason"] == "SuccessfulRescale").sum() >= 3


def test_another_rule_gives_another_run():
    scenario = load(SCENARIOS / "app10.yaml")
    eager = ran(scenario, [hpa("default/app10", "default/Deployment/app10", 2, 10, 40)])
    assert not eager["events"].equals(ran(scenario)["events"])
