"""Charts as SVG paths of any width: shapes stretch, text is the page's own and stays legible on a phone.

The page draws the shapes in a box without aspect ratio and puts titles, legend and axis labels around it as HTML. So
one drawing serves every width and both colour schemes, in a fifth of the bytes of two sizes of image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capsim.report.axis import time_axis
from capsim.report.charts.chart import Chart, Floats, Layer, Times
from capsim.report.charts.peaks import visible
from capsim.report.charts.ticks import Tick, time_ticks, value_ticks
from capsim.result.summary.spans import union

WIDTH, HEIGHT = 2000, 1000
DENSE_TURNS = 100


@dataclass(frozen=True)
class Shape:
    """One path; ``form`` and ``colour`` become its class and its fill or stroke."""

    path: str
    form: str
    colour: str
    dense: bool
    """Lines so close that only thin ones stay apart."""


@dataclass(frozen=True)
class Drawing:
    """What the page's ``chart`` macro needs: nothing in it comes from the user but ``title`` and labels."""

    title: str
    unit: str
    time_unit: str
    description: str
    shapes: list[Shape]
    waiting: str
    legend: list[Layer]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def draw(chart: Chart) -> Drawing:
    """The chart as paths in a box of ``WIDTH`` × ``HEIGHT``."""
    axis = time_axis(chart.end_ms)
    y_ticks, high = value_ticks(chart.top, chart.whole)
    return Drawing(
        title=chart.title,
        unit=chart.unit,
        time_unit=axis.unit,
        description=describe(chart),
        shapes=[_shape(layer, chart.end_ms, high) for layer in chart.layers],
        waiting=_bands(*chart.waiting_ms, chart.end_ms),
        legend=chart.legend,
        x_ticks=time_ticks(axis),
        y_ticks=y_ticks,
    )


def describe(chart: Chart) -> str:
    """The chart in words, for those who do not see it."""
    parts = [f"{layer.label} {_span(*layer.extremes)}" for layer in chart.legend]
    waiting = "; shaded where pods wait for a node" if len(chart.waiting_ms[0]) else ""
    return f"{chart.title} over time, in {chart.unit}: {', '.join(parts)}{waiting}"


def _span(low: float, high: float) -> str:
    return f"{low:,.4g}" if low == high else f"{low:,.4g} to {high:,.4g}"


def _shape(layer: Layer, end_ms: int, high: float) -> Shape:
    edges_ms, values = visible(layer.edges_ms, layer.values)
    heights = np.rint(np.nan_to_num(values / high, posinf=1.0) * HEIGHT).astype(np.int64)
    path = _steps(_across(edges_ms, end_ms), heights, layer.form == "area")
    return Shape(path, layer.form, layer.colour, _turns(heights) > DENSE_TURNS)


def _turns(heights: Times) -> int:
    """How often the line changes from up to down or back."""
    moves = np.diff(heights)
    return int(np.count_nonzero(np.diff(np.sign(moves[moves != 0]))))


def _steps(edges: Times, heights: Times, closed: bool) -> str:
    """A staircase in relative moves, equal steps joined; an area is closed along the bottom."""
    if not len(heights):
        return ""
    changes = np.flatnonzero(np.append(True, (heights[1:] != heights[:-1])))
    at, height = np.append(edges[changes], edges[-1]), heights[changes]
    across, up = np.diff(at), np.diff(height)
    moves = [f"M{at[0]} {HEIGHT - height[0]}h{across[0]}"]
    moves += [f"v{-rise}h{run}" for rise, run in zip(up.tolist(), across[1:].tolist())]
    return "".join(moves) + (f"V{HEIGHT}H{at[0]}Z" if closed else "")


def _bands(starts_ms: Times, ends_ms: Times, end_ms: int) -> str:
    """Full-height bands, each at least one unit wide so that short ones are seen."""
    starts = _across(starts_ms, end_ms)
    starts, ends = union(starts, np.maximum(_across(ends_ms, end_ms), starts + 1))
    return "".join(f"M{start} 0h{end - start}v{HEIGHT}h{start - end}z" for start, end in zip(starts, ends, strict=True))


def _across(times_ms: Times | Floats, end_ms: int) -> Times:
    shares = np.clip(times_ms / max(end_ms, 1), 0.0, 1.0)
    return np.rint(shares * WIDTH).astype(np.int64)
