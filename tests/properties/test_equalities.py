"""Changes that must not change anything: how the run is cut, copied, stored, sorted or compiled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.build.assemble import SMALLEST
from capsim.engine.drive import Simulation
from capsim.state.tables import P_TREE_NODES
from tests.properties.frames import COUNTERS_OF_SYNCS, assert_same, outcome, parquet_digest
from tests.properties.scenarios import scenarios

pytestmark = pytest.mark.plain

few = settings(max_examples=40)


def ran(scenario, **how):
    sim = Simulation(scenario, **how)
    sim.advance(scenario.duration_ms)
    return sim


@given(scenarios((10, 30)))
@settings(max_examples=10)
def test_same_seed_same_bytes(tmp_path_factory, scenario):
    first, second = (parquet_digest(ran(scenario), tmp_path_factory.mktemp("run")) for _ in range(2))
    assert first == second


@given(scenarios(), st.lists(st.floats(0, 1), min_size=1, max_size=6))
@few
def test_advancing_in_steps_changes_nothing(scenario, parts):
    stepped = Simulation(scenario)
    for part in [*sorted(parts), 1.0]:
        stepped.advance(int(part * scenario.duration_ms))
    assert_same(outcome(stepped), outcome(ran(scenario)))


@given(scenarios(), st.floats(0, 1), st.floats(0, 1))
@few
def test_going_back_to_a_snapshot_changes_nothing(scenario, part, more):
    plain = outcome(ran(scenario))
    sim = Simulation(scenario)
    sim.advance(int(part * scenario.duration_ms))
    snapshot = sim.snapshot()
    sim.advance(int((part + (1 - part) * more) * scenario.duration_ms))
    for _ in range(2):
        sim.restore(snapshot)
        sim.advance(scenario.duration_ms)
        assert_same(outcome(sim), plain)


@pytest.mark.bounds
@given(scenarios())
@few
def test_tables_that_begin_with_one_row_change_nothing(scenario):
    assert_same(outcome(ran(scenario, capacity=SMALLEST)), outcome(ran(scenario)))


@given(scenarios())
@few
def test_executing_every_sync_changes_nothing(scenario):
    every = outcome(ran(scenario, skip_syncs=False))
    assert_same(every, outcome(ran(scenario)), ignore=COUNTERS_OF_SYNCS)


@given(scenarios())
@few
def test_the_index_gives_what_a_plain_scan_gives(scenario):
    def with_index_above(nodes):
        sim = Simulation(scenario)
        sim.state.clock.params[P_TREE_NODES] = nodes
        sim.advance(scenario.duration_ms)
        return outcome(sim)

    assert_same(with_index_above(0), with_index_above(10**6))


@given(scenarios())
@few
def test_a_breath_after_every_instant_changes_nothing(scenario):
    sim = Simulation(scenario)
    sim._breathe = lambda took_s: None
    sim._budget = 1
    sim.advance(scenario.duration_ms, progress=lambda now_ms: None)
    assert_same(outcome(sim), outcome(ran(scenario)))
