"""The autoscaler's list of machines is up to two minutes old: who in it has not registered, and since when."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from capsim.controllers.cluster_autoscaler.backoff import Backoff
from capsim.controllers.cluster_autoscaler.cluster_state import ClusterState
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.view import Instance

pytestmark = pytest.mark.plain


def unregistered(lists, uids, before=()):
    """What is found in ``lists`` (machines by group) at time 90 while slot n has the machine ``uids[n]``."""
    state = ClusterState(Options(), Backoff(1, 1, 1))
    state.current, state.unregistered = dict(enumerate(lists)), dict(before)
    view = SimpleNamespace(listed=np.array([0]), nodes=SimpleNamespace(uid=np.array(uids)))
    state._find_unregistered(view, 90)
    return state.unregistered


def test_a_machine_keeps_the_time_at_which_it_was_first_seen():
    machines = [Instance(0, "a", uid=1), Instance(1, "b", uid=2)]
    assert unregistered([machines], [1, 2]) == {1: ("b", 0, 90)}, "slot 0 has a node"
    assert unregistered([machines], [1, 2], {1: ("b", 0, 30)}.items()) == {1: ("b", 0, 30)}


def test_another_machine_in_the_same_place_begins_anew():
    assert unregistered([[Instance(1, "c", uid=3)]], [1, 3], {1: ("b", 0, 30)}.items()) == {1: ("c", 0, 90)}


def test_an_old_list_of_one_group_does_not_take_the_machine_of_another():
    lists = [[Instance(1, "c", uid=3)], [Instance(1, "b", uid=2)]]
    assert unregistered(lists, [1, 3]) == {1: ("c", 0, 90)}


def test_recorded_machines_are_told_apart_by_name():
    assert unregistered([[Instance(1, "c")]], [1, 3], {1: ("b", 0, 30)}.items()) == {1: ("c", 0, 90)}
