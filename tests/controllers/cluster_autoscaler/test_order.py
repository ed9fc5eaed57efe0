"""The order of Go's sort, and what small rules of the autoscaler do by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.controllers.cluster_autoscaler.backoff import Backoff
from capsim.controllers.cluster_autoscaler.go_sort import go_order
from capsim.controllers.cluster_autoscaler.similar_groups import balance

pytestmark = [pytest.mark.plain]


@given(st.lists(st.integers(0, 6), max_size=90))
def test_go_order_sorts_and_keeps_every_element(keys):
    order = go_order(np.array(keys, np.float64)).tolist()
    assert sorted(order) == list(range(len(keys)))
    assert [keys[i] for i in order] == sorted(keys)


@given(st.lists(st.integers(0, 3), max_size=12))
def test_go_order_is_stable_for_few_elements(keys):
    assert go_order(np.array(keys, np.float64)).tolist() == np.argsort(keys, kind="stable").tolist()


def test_go_order_of_equal_elements_is_gos():
    """Printed by sort.Slice of Go 1.26 for 20 equal and for 30 alternating elements."""
    keys = np.zeros(20)
    assert go_order(keys).tolist() == list(range(20))
    alternating = np.array([i % 2 for i in range(30)], np.float64)
    assert go_order(alternating).tolist() == [
        6, 10, 2, 26, 4, 24, 28, 8, 16, 22, 0, 20, 12, 18, 14,
        7, 15, 17, 13, 19, 11, 21, 9, 23, 5, 25, 3, 27, 1, 29,
    ]  # fmt: skip


def test_backoff_doubles_and_is_forgotten():
    rests = Backoff(300_000, 1_800_000, 10_800_000)
    lengths = []
    now = 0
    for _ in range(5):
        rests.fail(0, now)
        lengths.append(rests.groups[0].duration_ms)
        assert rests.active(0, now)
        now = rests.groups[0].until_ms + 1
        assert not rests.active(0, now)
    assert lengths == [300_000, 600_000, 1_200_000, 1_800_000, 1_800_000]
    rests.forget_stale(now + 10_800_000)
    assert rests.groups == {}


@pytest.mark.parametrize(
    ("targets", "nodes", "after"),
    [([1, 1, 1], 3, [2, 2, 2]), ([0, 5, 5], 4, [4]), ([2, 3, 9], 4, [5, 4]), ([8, 8, 8], 99, [10, 10, 10])],
)
def test_balancing_fills_the_smallest_first(targets, nodes, after):
    growths = balance([0, 1, 2], targets, np.array([10, 10, 10]), nodes)
    assert [growth.after for growth in growths] == after
