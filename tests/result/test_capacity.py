"""How many nodes hold the pods that wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capsim.result.summary.capacity import Shape, Waiting, cheapest, nodes_needed, shapes
from capsim.scenario import Taint, Toleration
from tests.result import story

ROOM = {"cpu": 2000, "memory": 8 * story.GIB, "pods": 110}


def shape(group="a", usd=1.0, room=ROOM, labels=None, taints=()):
    return Shape(group, room, labels or {}, taints, usd)


def pods(number, cpu, **fields):
    return Waiting(story.template({"cpu": cpu}, **fields), number)


def test_first_fit_fills_gaps_with_small_pods():
    assert nodes_needed(shape(), [pods(2, 1500), pods(2, 500)]) == 2


def test_pod_slots_count_too():
    assert nodes_needed(shape(room={"cpu": 2000, "pods": 3}), [pods(7, 1)]) == 3


def test_a_pod_larger_than_any_node():
    assert nodes_needed(shape(), [pods(1, 2001)]) is None
    assert cheapest([shape()], [pods(1, 2001)]) is None


def test_the_cheapest_group_that_holds_all():
    small, large = shape("small", 1.0), shape("large", 1.5, {"cpu": 4000, "memory": 16 * story.GIB, "pods": 110})
    assert cheapest([small, large], [pods(2, 2000)]) == {"large": 1}
    assert cheapest([small, large], [pods(1, 2000)]) == {"small": 1}


def test_pods_that_need_different_groups():
    plain, special = (
        shape("plain"),
        shape("special", labels={"disk": "fast"}, taints=(Taint(key="x", effect="NoSchedule"),)),
    )
    tolerant = pods(1, 100, node_selector={"disk": "fast"}, tolerations=(Toleration(key="x", operator="Exists"),))
    assert cheapest([plain, special], [pods(1, 100), tolerant]) == {"plain": 1, "special": 1}


def test_daemon_sets_take_their_part():
    (worker,) = shapes(story.scenario())
    assert worker.room["cpu"] == 1950 - 100
    assert worker.room["pods"] == 109


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 2000)), min_size=1, max_size=6))
def test_between_the_volume_bound_and_one_node_each(kinds):
    needed = nodes_needed(shape(), [pods(number, cpu) for number, cpu in kinds])
    volume = sum(number * cpu for number, cpu in kinds)
    assert -(-volume // 2000) <= needed <= sum(number for number, _ in kinds)
