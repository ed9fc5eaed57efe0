"""Series reduced to what can be seen: from every stretch its smallest and its largest value, where they were."""

from __future__ import annotations

import numpy as np

from capsim.report.charts.chart import Floats, Times

STRETCHES = 480  # twice as many points: about one per pixel of a chart


def visible(edges_ms: Times, values: Floats) -> tuple[Times, Floats]:
    """Edges (n + 1) and values (n) of at most 2 × ``STRETCHES`` steps; no peak and no dip is lost or moved."""
    if len(values) <= 2 * STRETCHES:
        return edges_ms, values
    kept = _extreme_rows(values)
    return np.append(edges_ms[kept], edges_ms[-1]), values[kept]


def _extreme_rows(values: Floats) -> Times:
    size = -(-len(values) // STRETCHES)
    padded = np.append(values, np.repeat(values[-1], -len(values) % size)).reshape(-1, size)
    first = np.arange(len(padded), dtype=np.int64) * size
    rows = np.concatenate([[0], first + padded.argmin(axis=1), first + padded.argmax(axis=1)])
    return np.unique(np.minimum(rows, len(values) - 1))
