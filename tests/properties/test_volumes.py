"""Random scenarios whose pods have claims: volumes, claims and attach limits agree at any moment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.build.assemble import SMALLEST
from capsim.engine.drive import Simulation
from capsim.state import tables as t
from tests.properties.checks import check
from tests.properties.claims import with_claims
from tests.properties.frames import assert_same, outcome
from tests.properties.scenarios import scenarios

pytestmark = pytest.mark.plain
claimed = scenarios().flatmap(with_claims)


@given(claimed, st.data())
@settings(max_examples=20)
def test_volumes_are_where_their_pods_are(scenario, data):
    sim = Simulation(scenario)
    looks = data.draw(st.lists(st.integers(0, scenario.duration_ms), min_size=6, max_size=6, unique=True))
    for until_ms in sorted(looks + [event.at_ms + 60 for event in scenario.events]):
        sim.advance(until_ms)
        check(sim)


@given(claimed)
@settings(max_examples=10)
def test_small_tables_and_scans_change_nothing(scenario):
    found = []
    for capacity, nodes in ((None, 0), (SMALLEST, 0), (None, 10**6)):
        sim = Simulation(scenario, capacity=capacity)
        sim.state.clock.params[t.P_TREE_NODES] = nodes
        sim.advance(scenario.duration_ms)
        found.append(outcome(sim))
    assert_same(found[0], found[1])
    assert_same(found[0], found[2])
