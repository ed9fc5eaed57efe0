"""Tables that grow keep what is in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.engine import growth
from capsim.engine.drive import Simulation
from capsim.state.tables import NODE_FREE, POD_FREE, POD_TOP
from capsim.state.tables_scheduler import PAGE
from tests.engine.clusters import cluster, deployment

pytestmark = pytest.mark.plain


def started():
    return Simulation(cluster([deployment("a", 5), deployment("b", 3, kind="ReplicaSet")]))


def same_in_front(before, after, skip=()):
    for name, old, new in zip(before._fields, before, after):
        if isinstance(old, tuple):
            same_in_front(old, new, skip)
        elif name not in skip:
            assert np.array_equal(old, new[tuple(slice(0, n) for n in old.shape)]), name


@given(st.integers(1, 300))
def test_more_pods(more):
    sim = started()
    before = sim.state
    rows = before.pods.state.shape[0] + more
    after = growth.grow_pods(before, rows)
    same_in_front(before, after)
    assert (after.pods.state[-more:] == POD_FREE).all()
    top = int(after.clock.values[POD_TOP])
    assert sorted(after.pods.free[top:].tolist()) == np.flatnonzero(after.pods.state == POD_FREE).tolist()
    assert after.queue.scratch.shape[0] >= rows


@given(st.integers(1, 300))
def test_more_nodes(more):
    sim = started()
    before = sim.state
    after = growth.grow_nodes(before, before.nodes.state.shape[0] + more)
    same_in_front(before, after, skip=("log", "head", "seen", "view_seen", "mark"))
    assert (after.nodes.state[-more:] == NODE_FREE).all()
    assert (after.nodes.uid[-more:] == -1).all()
    assert (after.nodes.first_pod[-more:] == -1).all()
    assert (after.scheduling.views.seen == -1).all()
    assert (after.presence.page[before.presence.page.size :] == -1).all()
    assert after.nodes.state.shape[0] % PAGE == 0


@given(st.integers(0, 500), st.integers(0, 50), st.integers(0, 500))
def test_room_is_made(pods, nodes, heap):
    s = growth.make_room(started().state, pods=pods, nodes=nodes, heap=heap)
    assert s.pods.state.shape[0] - int(s.clock.values[POD_TOP]) >= pods
    assert int((s.nodes.state == NODE_FREE).sum()) >= nodes
    assert s.heap.time_ms.shape[0] - int(s.heap.count[0]) >= heap


def test_room_that_is_there_is_not_made():
    s = started().state
    assert growth.make_room(s, pods=1, heap=1) is s
