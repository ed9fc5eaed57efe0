"""Topology hints by upstream's rule, and how traffic spreads over endpoints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.world.topology import hinted, spread, spread_local

pytestmark = pytest.mark.plain


def counts(hints, zones):
    return np.bincount(hints, minlength=zones).tolist()


def zones_of(*numbers):
    return np.repeat(np.arange(len(numbers)), numbers)


def test_a_zone_gets_endpoints_in_proportion_to_its_cpu():
    hints = hinted("Auto", zones_of(6, 0, 0), np.array([4.0, 4.0, 4.0]))
    assert counts(hints, 3) == [2, 2, 2], "all pods in one zone: four are given away"


def test_fewer_endpoints_than_zones_get_no_hints():
    assert hinted("Auto", zones_of(1, 1, 0), np.array([4.0, 4.0, 4.0])) is None


def test_one_zone_gets_no_hints():
    assert hinted("Auto", zones_of(5), np.array([4.0])) is None


def test_hints_that_would_overload_an_endpoint_by_more_than_a_fifth_are_not_given():
    """4 endpoints in 3 equal zones: each needs ceil(1.33 / 1.2) = 2, six in all. With 5: ceil(1.39) = 2. With 6: 2."""
    even = np.array([4.0, 4.0, 4.0])
    assert hinted("Auto", zones_of(2, 1, 1), even) is None
    assert hinted("Auto", zones_of(2, 2, 1), even) is None
    assert hinted("Auto", zones_of(2, 2, 2), even) is not None
    assert hinted("Auto", zones_of(1, 1, 1), even) is not None, "ceil(1 / 1.2) = 1"


def test_a_difference_below_half_an_endpoint_moves_nothing():
    hints = hinted("Auto", zones_of(4, 3, 3), np.array([10.0, 10.0, 10.0]))
    assert counts(hints, 3) == [4, 3, 3]


def test_a_zone_without_a_hint_uses_all_endpoints():
    zone = zones_of(2, 2, 0)
    got, crossing = spread(np.array([0.0, 0.0, 1.0]), zone, hinted("PreferSameZone", zone, np.ones(3)))
    assert got.tolist() == [0.25] * 4
    assert crossing == 1.0


def test_same_zone_keeps_traffic_in_and_loads_the_only_pod_of_a_zone():
    zone = zones_of(1, 4)
    got, crossing = spread(np.array([0.5, 0.5]), zone, hinted("PreferSameZone", zone, np.ones(2)))
    assert crossing == 0.0
    assert got.tolist() == [0.5, 0.125, 0.125, 0.125, 0.125]


def test_without_hints_two_thirds_of_three_even_zones_cross():
    zone = zones_of(3, 3, 3)
    _, crossing = spread(np.full(3, 1 / 3), zone, None)
    assert crossing == pytest.approx(2 / 3)


def test_local_splits_by_node_and_drops_what_reaches_a_node_without_pods():
    node = np.array([0, 0, 0, 1])
    got, dropped = spread_local(node, np.array([0, 1]))
    assert got == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    assert dropped == 0.0
    _, dropped = spread_local(node, np.array([0, 1, 2, 3]))
    assert dropped == 0.5
    assert spread_local(node, np.array([], np.int64))[1] == 1.0


@given(
    pods=st.lists(st.integers(0, 8), min_size=1, max_size=4).filter(lambda p: sum(p) > 0),
    cpu=st.lists(st.floats(0.0, 64.0), min_size=4, max_size=4),
    topology=st.sampled_from(["", "Auto", "PreferSameZone"]),
)
def test_nothing_is_lost_on_the_way_and_hints_keep_every_endpoint_within_bounds(pods, cpu, topology):
    zone, size = zones_of(*pods), len(pods)
    capacity = np.array(cpu[:size]) + 1e-3
    hints = hinted(topology, zone, capacity)
    source = capacity / capacity.sum()
    got, crossing = spread(source, zone, hints)
    assert got.sum() == pytest.approx(1.0)
    assert -1e-9 <= crossing <= 1.0 + 1e-9
    if topology == "Auto" and hints is not None:
        assert got.max() * zone.size <= 1.2 + 1e-6 or min(counts(hints, size)) == 0
