"""Charts: what is drawn is what is in the frame, and no peak is lost when there is more than can be seen."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from capsim.report.axis import time_axis
from capsim.report.charts.chart import Chart, layer, stack
from capsim.report.charts.cluster_charts import OTHERS, cluster_charts
from capsim.report.charts.palette import COLOURS
from capsim.report.charts.peaks import STRETCHES, visible
from capsim.report.charts.raster import png
from capsim.report.charts.ticks import time_ticks, value_ticks
from capsim.report.charts.vector import HEIGHT, WIDTH, describe, draw
from capsim.report.charts.workload_charts import ranked, workload_charts
from tests.result import story

EDGES = np.array([0, 10_000, 20_000, 40_000], np.int64)


def chart(*layers, **more):
    return Chart("Pods", "pods", tuple(layers), 40_000, **more)


def corners(path):
    """Absolute corners of a path of M, h and v."""
    x, y = map(int, re.match(r"M(-?\d+) (-?\d+)", path).groups())
    found = [(x, y)]
    for move, number in re.findall(r"([hv])(-?\d+)", path):
        x, y = (x + int(number), y) if move == "h" else (x, y + int(number))
        found.append((x, y))
    return found


def test_a_staircase_goes_through_its_values():
    (shape,) = draw(chart(layer("a", "served", "line", EDGES, [0.0, 4.0, 2.0]))).shapes
    high = 4.0 * 1.07
    at = corners(shape.path)
    assert at[0] == (0, HEIGHT)
    assert (500, round(HEIGHT - HEIGHT * 4 / high)) in at
    assert at[-1] == (WIDTH, round(HEIGHT - HEIGHT * 2 / high))


def test_an_area_is_closed_along_the_bottom_and_equal_steps_are_joined():
    (shape,) = draw(chart(layer("a", "ready", "area", EDGES, [3.0, 3.0, 3.0]))).shapes
    assert re.fullmatch(rf"M0 \d+h{WIDTH}V{HEIGHT}H0Z", shape.path)


def test_nothing_to_draw_is_no_error():
    drawing = draw(Chart("Pods", "pods", (layer("a", "ready", "area", np.zeros(1, np.int64), []),), 0))
    assert drawing.shapes[0].path == ""
    assert drawing.x_ticks[0].label == "0"


def test_short_waits_are_one_unit_wide_at_least():
    waiting = np.array([10_000, 10_002], np.int64), np.array([10_001, 30_000], np.int64)
    assert draw(chart(waiting_ms=waiting)).waiting == f"M500 0h1000v{HEIGHT}h-1000z"
    short = np.array([39_999], np.int64), np.array([40_000], np.int64)
    assert f"h1v{HEIGHT}" in draw(chart(waiting_ms=short)).waiting


@given(arrays(np.float64, st.integers(1, 5000), elements=st.floats(0, 1e9)))
def test_no_peak_and_no_dip_is_lost(values):
    edges_ms = np.arange(len(values) + 1, dtype=np.int64) * 1000
    times, kept = visible(edges_ms, values)
    assert len(kept) <= 2 * STRETCHES + 1
    assert len(times) == len(kept) + 1
    assert (kept.max(), kept.min()) == (values.max(), values.min())
    assert (times[0], times[-1]) == (0, edges_ms[-1])
    assert (kept == values[times[:-1] // 1000]).all()


def test_a_stack_adds_up_and_leaves_out_what_is_not_there():
    layers = stack(
        EDGES, [("ready", "ready", [1, 2, 3]), ("starting", "starting", [0, 0, 0]), ("P", "pending", [0, 1, 0])]
    )
    assert [each.label for each in layers] == ["P", "ready"]
    assert layers[0].values.tolist() == [1, 3, 3]
    assert layers[0].extremes == (0, 1)
    assert describe(chart(*layers)) == "Pods over time, in pods: ready 1 to 3, P 0 to 1"


@pytest.mark.parametrize("top", [1e-6, 0.3, 1.0, 3.0, 9.9, 10.0, 99.0, 12_345.0, 1e12])
def test_marks_of_values_are_few_and_reach_the_top(top):
    ticks, high = value_ticks(top)
    assert 2 <= len(ticks) <= 7
    assert high > top
    assert ticks[-1].share <= 1.0
    assert ticks[-1].share * high >= 0.6 * top


def test_marks_of_pods_are_whole():
    assert [tick.label for tick in value_ticks(2.0, whole=True)[0]] == ["0", "1", "2"]


@pytest.mark.parametrize("end_ms", [0, 1, 90_000, 3_600_000, 7_200_000, 86_400_000, 61 * 86_400_000, 1000 * 86_400_000])
def test_marks_of_time_are_few(end_ms):
    ticks = time_ticks(time_axis(end_ms))
    assert 1 <= len(ticks) <= 9
    assert ticks[0].label == "0"
    assert ticks[-1].share <= 1.0


def test_charts_of_the_story():
    result = story.result()
    assert ranked(result) == [story.APP]
    (app,) = workload_charts(result, ranked(result))
    traffic, replicas = app.charts
    assert [each.label for each in traffic.legend] == ["lost", "arrived", "served"]
    assert [each.label for each in replicas.legend] == ["ready", "Pending", "desired"]
    assert replicas.top == 10
    assert replicas.waiting_ms[0].tolist() == [story.PENDING_MS[0]] * 2
    cluster = cluster_charts(result)
    assert [each.title for each in cluster.utilisation] == ["CPU", "Memory"]
    assert cluster.utilisation[0].legend[-1].extremes == (5.85, 5.85)
    assert cluster.cost[1].top == pytest.approx(3 * story.PRICE_USD)
    assert cluster.cost[0].top == pytest.approx(3 * story.PRICE_USD)


def test_many_node_groups_are_summed():
    import pandas as pd

    series = story.series()
    groups = [series["node_groups"].assign(node_group=f"g{n}") for n in range(9)]
    series["node_groups"] = pd.concat(groups, ignore_index=True)
    nodes = cluster_charts(story.result(series=series)).nodes
    assert [each.label for each in nodes.legend] == ["g0", "g1", "g2", "g3", "g4", OTHERS]
    assert nodes.top == 27


def test_every_colour_is_in_the_palette():
    cluster = cluster_charts(story.result())
    charts = [cluster.traffic, *cluster.utilisation, cluster.nodes, *cluster.cost]
    assert {each.colour for chart in charts for each in chart.layers} <= set(COLOURS)


def test_png_is_the_same_each_time_and_takes_any_title():
    drawn = chart(layer("$\\frac{", "ready", "area", EDGES, [1, 2, 3]), waiting_ms=(EDGES[:1], EDGES[1:2]))
    first, second = (png("$\\frac{ \N{SNOWMAN} 世界", [drawn, drawn]) for _ in range(2))
    assert first == second
    assert first.startswith(b"\x89PNG")
