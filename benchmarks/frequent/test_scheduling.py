"""One scheduling decision and what it changes: by scanning all nodes, and by the tournament tree."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from benchmarks.generated import GIB, deployment, nodes, scenario
from capsim.controllers.scheduler.choose import scan_best, tree_best
from capsim.engine.build.tables import empty_trees
from capsim.engine.drive import Simulation, copy_tables
from capsim.jit import entry
from capsim.state.transitions import node_changed


@entry
def place(clock, classes, nodes, queue, trees, pods, by_tree):
    """Choose a node for each of ``pods`` pods and take its room; returns a checksum of the nodes."""
    total = 0
    for k in range(pods):
        if by_tree:
            n = tree_best(clock, classes, nodes, trees, 0, k, 0)
        else:
            n = scan_best(clock, classes, nodes, queue, 0, k, 0)
        if n < 0:
            break
        for r in range(classes.request.shape[1]):
            nodes.requested[n, r] += classes.request[0, r]
        for r in range(2):
            nodes.nonzero[n, r] += classes.nonzero[0, r]
        node_changed(trees, nodes, n)
        total = (total * 31 + n + 1) & 0xFFFFFFFF
    return total


@lru_cache(maxsize=1)
def cluster(count: int):
    """The state of a cluster of ``count`` empty nodes of 32 cores and 128 GiB; pods ask for 100m and 256 MiB."""
    group = nodes(32_000, count, count, count, pods=400)
    state = Simulation(scenario("nodes", [deployment("app", 0, 100, GIB // 4)], group, duration_ms=1000)).state
    return state._replace(trees=empty_trees(1, state.nodes.state.shape[0]))


def fresh(count: int, pods: int, by_tree: bool):
    """Arguments of ``place``."""
    state = cluster(count)
    return state.clock, state.classes, copy_tables(state.nodes), state.queue, copy_tables(state.trees), pods, by_tree


@pytest.mark.parametrize(("count", "pods"), [(100, 8000), (1000, 800), (5000, 200)])
def test_decision_by_scan(measure, count, pods):
    total = measure(place, prepare=lambda: fresh(count, pods, False), amount=pods, unit="decisions/s")
    assert total == place(*fresh(count, pods, True))


@pytest.mark.parametrize("count", [100, 1000, 5000])
def test_decision_by_tree(measure, count):
    pods = 30_000
    assert place(*fresh(count, 500, True)) == place(*fresh(count, 500, False))
    targets = {100: 20e6, 1000: 10e6, 5000: 5e6}
    measure(place, prepare=lambda: fresh(count, pods, True), amount=pods, unit="decisions/s", target=targets[count])
    arguments = fresh(count, pods, True)
    place(*arguments)
    requested = arguments[2].requested[:count, 0]
    assert requested.sum() == pods * 100
    assert np.ptp(requested) <= 640, "equal nodes are filled evenly, as far as scores of 0 to 100 can tell"
