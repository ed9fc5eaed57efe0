"""Loops of the Cluster Autoscaler that are not executed: a run must be what it is when every one is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.scenario.load import load
from tests.properties.frames import COUNTERS_OF_SYNCS, assert_same, outcome
from tests.properties.scenarios import autoscalers, scenarios

HOUR_MS = 3_600_000


def both(scenario, until_ms):
    """The run, and the run with every loop executed; how many loops each executed."""
    runs, executed = [], []
    for skip in (True, False):
        sim = Simulation(scenario, skip_syncs=skip)
        loops = []
        sim.autoscaler.watch = lambda status, view, loops=loops: loops.append(view.now_ms)
        sim.advance(until_ms)
        runs.append((outcome(sim), sim.autoscaler.scaler))
        executed.append(loops)
    return runs, executed


def test_a_long_run_with_rechecks_and_scale_downs():
    scenario = load("scenarios/shop")
    (skipping, every), (some, all_loops) = both(scenario, 20 * HOUR_MS)
    assert_same(skipping[0], every[0], ignore=COUNTERS_OF_SYNCS)
    assert set(some) < set(all_loops)
    assert len(some) < len(all_loops) / 4


@given(scenarios((20, 45)), autoscalers, st.sampled_from([60_000, 300_000]))
@settings(max_examples=30)
def test_executing_every_loop_changes_nothing(scenario, spec, recheck_ms):
    spec = spec.model_copy(update={"unremovable_node_recheck_timeout_ms": recheck_ms})
    scenario = scenario.replaced(cluster_autoscaler=spec)
    (skipping, every), _ = both(scenario, scenario.duration_ms)
    assert_same(skipping[0], every[0], ignore=COUNTERS_OF_SYNCS)
    assert skipping[1].cursor == every[1].cursor
    assert skipping[1].candidates == every[1].candidates
