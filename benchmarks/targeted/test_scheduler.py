"""How many pods a second the scheduler places, through the index; the plain scan gives the same placements."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scheduling import INDEX, SCAN, cluster, fill, fresh, in_turn, interleaved

SIZES = (100, 1000, 5000)
PODS = {100: 30_000, 1000: 60_000, 5000: 100_000}
TARGETS = {
    "resources": (20e6, 10e6, 5e6),
    "adaptive": (20e6, 500e3, 500e3),
    "spread": (1e6, 700e3, 500e3),
    "required": (1e6, 700e3, 500e3),
    "preferred": (1e6, 700e3, 500e3),
    "mixed": (200e3, 100e3, 50e3),
    "interleaved": (100e3, 40e3, 20e3),
}
SAMPLE = {100: 600, 1000: 150, 5000: 40}
"""Pods that are placed by the plain scan, too."""


def sequence_of(kind: str, count: int, most: int):
    return interleaved(count, most) if kind == "interleaved" else in_turn(kind, count, most)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("count", SIZES)
def test_pods_per_second(measure, kind, count):
    cluster_kind = "mixed" if kind == "interleaved" else kind
    sequence = sequence_of(kind, count, PODS[count])
    few = sequence[: SAMPLE[count]]
    assert fill(*fresh(count, cluster_kind, few, INDEX)) == fill(*fresh(count, cluster_kind, few, SCAN))
    target = TARGETS[kind][SIZES.index(count)]
    _, placed = measure(
        fill,
        prepare=lambda: fresh(count, cluster_kind, sequence, INDEX),
        amount=len(sequence),
        unit="pods/s",
        target=target,
        rounds=7,
    )
    assert placed > 0.8 * len(sequence)


@pytest.mark.parametrize("count", SIZES)
def test_pods_per_second_by_scan(measure, count):
    """What the index is compared with: every node looked at for every pod."""
    few = in_turn("spread", count, SAMPLE[count])
    measure(fill, prepare=lambda: fresh(count, "spread", few, SCAN), amount=len(few), unit="pods/s", rounds=7)


def test_daemonsets_do_not_multiply_classes():
    """Pods of one spec are one class, whichever node they are for."""
    state = cluster(5000, "resources")
    assert state.classes.request.shape[0] < 10
    assert np.unique(state.classes.signature).size == 1
