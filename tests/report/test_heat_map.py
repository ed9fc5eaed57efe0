"""Heat map: shares of each node at each time, checked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capsim.report.heat_figure import heat_png
from capsim.report.heat_map import COLUMNS, ROWS, heat_map
from tests.result import story


def nodes(spans, name="worker"):
    """A node per (ready_ms, gone_ms); None: never gone."""
    frame = pd.concat([story.nodes().head(1)] * len(spans), ignore_index=True)
    frame["name"] = [f"{name}-{n + 1}" for n in range(len(spans))]
    frame["ready_ms"] = pd.array([start for start, _ in spans], "Int64")
    frame["gone_ms"] = pd.array([end for _, end in spans], "Int64")
    return frame


def test_share_of_the_story():
    heat = heat_map(story.result())
    assert heat.labels == ["worker-1", "worker-2", "worker-3"]
    one_pod = _request() / 1950
    assert heat.share[0, 0] == pytest.approx(2 * one_pod)
    assert heat.share[0, COLUMNS // 4] == 1.0  # eight pods on one node in the story: more than it has
    assert heat.share[0, -1] == pytest.approx(2 * one_pod)
    assert heat.share[1].tolist() == [0.0] * COLUMNS


def _request():
    (workload,) = [each for each in story.scenario().objects.workloads if each.key == story.APP]
    return workload.template.requests()["cpu"]


def test_a_pod_that_comes_inside_a_column_counts_for_its_part():
    pods = story.pods().tail(1).copy()
    column_ms = story.HOUR_MS // COLUMNS
    pods["node"] = "worker-2"
    pods["scheduled_ms"] = pd.array([10 * column_ms + column_ms // 4], "Int64")
    pods["gone_ms"] = pd.array([12 * column_ms + column_ms // 2], "Int64")
    share = heat_map(story.result(pods=pods)).share[1]
    one_pod = _request() / 1950
    assert share[9:14] == pytest.approx(np.array([0, 0.75, 1, 0.5, 0]) * one_pod)


def test_nodes_that_were_never_there_together_share_a_row():
    spans = [(0, 1_000_000), (500_000, 2_000_000), (1_000_000, None), (2_500_000, 2_600_000)]
    heat = heat_map(story.result(nodes=nodes(spans)))
    assert heat.labels == ["worker-1 +1", "worker-2 +1"]
    assert not np.isnan(heat.share[0]).any()
    assert np.isnan(heat.share[1, 0])
    assert np.isnan(heat.share[1, -1])
    assert heat.nodes == 4


def test_many_nodes_are_folded():
    heat = heat_map(story.result(nodes=nodes([(0, None)] * 1000)))
    assert len(heat.labels) <= ROWS
    assert heat.per_row == 21
    assert heat.labels[1] == "worker-22"


def test_no_nodes_and_no_time():
    assert heat_map(story.result(nodes=story.nodes().head(0))) is None
    series = {name: frame[frame["time_ms"] < 0] for name, frame in story.series().items()}
    assert heat_map(story.result(series=series, facts={**story.facts(), "reached_ms": 0})) is None


def test_pictures():
    result = story.result()
    heat = heat_map(result)
    assert heat.image().startswith(b"\x89PNG")
    assert heat_png("$x", heat, result) == heat_png("$x", heat, result)
