"""Estimator and expanders on cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.controllers.cluster_autoscaler.estimator import pack
from capsim.controllers.cluster_autoscaler.expander import EXPANDERS, Option, wasted_ratio

pytestmark = [pytest.mark.plain]


def estimate(template, kinds, most=100, existing=()):
    """(new nodes, placed per kind) for kinds of (count, CPU, memory) on nodes of ``template``."""
    rows = len(existing) + most
    free = np.zeros((rows, 2), np.int64)
    free[: len(existing)] = np.array(existing or [(0, 0)], np.int64)[: len(existing)]
    allowed = np.ones((len(existing) + 1, len(kinds)), np.int64)
    request = np.array([kind[1:] for kind in kinds], np.int64)
    count = np.array([kind[0] for kind in kinds], np.int64)
    placed = np.zeros(len(kinds), np.int64)
    opened = pack(free, len(existing), np.array(template, np.int64), request, count, allowed, most, placed)
    assert (free >= 0).all(), "no node is given more than it has"
    return int(opened), placed.tolist()


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([(8, 500, 1)], (2, [8])),
        ([(9, 500, 1)], (3, [9])),
        ([(3, 1500, 1), (3, 500, 1)], (3, [3, 3])),
        ([(2, 100, 60)], (2, [2])),
        ([(1, 2001, 1)], (0, [0])),
    ],
)
def test_nodes_needed(kinds, expected):
    assert estimate((2000, 100), kinds) == expected


def test_limit_and_nodes_on_their_way():
    assert estimate((2000, 100), [(12, 500, 1)], most=2) == (2, [8])
    assert estimate((2000, 100), [(6, 500, 1)], existing=[(1000, 100)]) == (1, [6])


def option(group, nodes, pods, requested):
    return Option(group, nodes, pods, requested, (2000, 100))


def test_expanders():
    small, large = option(0, 3, 6, (3000, 150)), option(1, 1, 4, (2000, 50))
    assert wasted_ratio(small) == pytest.approx(0.5 + 0.5)
    assert wasted_ratio(large) == pytest.approx(0.0 + 0.5)
    assert EXPANDERS["least-waste"]([small, large]) == [large]
    assert EXPANDERS["most-pods"]([small, large]) == [small]
    assert EXPANDERS["least-nodes"]([small, large]) == [large]
    assert EXPANDERS["random"]([small, large]) == [small, large]
