"""The same charts as PNG, by matplotlib, one above the other on a common time axis."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from capsim.report.axis import TimeAxis, time_axis
from capsim.report.charts.chart import Chart, Layer
from capsim.report.charts.palette import COLOURS
from capsim.report.charts.peaks import visible
from capsim.report.charts.ticks import HEADROOM
from capsim.result.summary.spans import union

DOTS_PER_INCH = 110
NARROWEST = 700  # bands of at least this part of the axis
TITLE_LETTERS = 80
DENSE = 500  # points of a line, beyond which it is drawn thin
WAITING = "pods wait for a node"
WIDTH_INCHES, PANEL_INCHES, AROUND_INCHES = 10.0, 2.15, 0.95


def png(title: str, charts: Sequence[Chart]) -> bytes:
    """1100 pixels wide, 240 per chart; the same charts give the same bytes."""
    height = AROUND_INCHES + PANEL_INCHES * len(charts)
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    axis = time_axis(charts[0].end_ms)
    panels = figure.subplots(len(charts), 1, sharex=True, squeeze=False)[:, 0]
    for panel, chart in zip(panels, charts, strict=True):
        _panel(panel, chart, axis)
    panels[-1].set_xlim(0, axis.at(max(axis.end_ms, 1)))
    panels[-1].set_xlabel(f"Time since the start of the run [{axis.unit}]")
    top = 1 - 0.75 / height
    figure.subplots_adjust(left=0.085, right=0.975, top=top, bottom=0.5 / height, hspace=0.42)
    shown = textwrap.shorten(title, TITLE_LETTERS, placeholder="…") or title[:TITLE_LETTERS]
    figure.text(0.085, 1 - 0.12 / height, shown, fontsize=14, fontweight="bold", va="top", parse_math=False)
    return written(figure)


def written(figure: Figure) -> bytes:
    """The figure as PNG; letters that the font does not have become boxes without a word of warning."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format="png", metadata={"Software": "capsim"})
    return file.getvalue()


def _panel(panel: Axes, chart: Chart, axis: TimeAxis) -> None:
    _shade(panel, chart, axis)
    for layer in chart.layers:
        _draw(panel, layer, axis)
    panel.set_ylim(0, chart.top * HEADROOM)
    panel.set_title(chart.title, fontsize=10, loc="right", parse_math=False)
    panel.set_ylabel(chart.unit, parse_math=False)
    panel.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=chart.whole))
    panel.grid(axis="y", color="#DDDDDD", linewidth=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    _legend(panel, chart)


def _shade(panel: Axes, chart: Chart, axis: TimeAxis) -> None:
    """Bands where pods wait, each wide enough to be seen."""
    starts, ends = chart.waiting_ms
    seen = union(starts, np.maximum(ends, starts + axis.end_ms // NARROWEST))
    for index, (start_ms, end_ms) in enumerate(zip(*seen, strict=True)):
        style: dict[str, Any] = {"color": COLOURS["waiting"].light, "linewidth": 0, "zorder": 0}
        panel.axvspan(axis.at(start_ms), axis.at(end_ms), label=None if index else WAITING, **style)


def _draw(panel: Axes, layer: Layer, axis: TimeAxis) -> None:
    edges_ms, values = visible(layer.edges_ms, layer.values)
    at, held = edges_ms / axis.unit_ms, np.append(values, values[-1:] if len(values) else 0.0)
    colour = COLOURS[layer.colour].light
    if layer.form == "area":
        panel.fill_between(at, 0.0, held, step="post", color=colour, linewidth=0, label=layer.label)
        return
    width, dashes = {"line": (1.6, "-"), "thick": (3.2, "-"), "dashed": (1.4, "--")}[layer.form]
    width *= 0.6 if len(values) > DENSE else 1.0
    panel.plot(at, held, color=colour, linewidth=width, linestyle=dashes, drawstyle="steps-post", label=layer.label)


def _legend(panel: Axes, chart: Chart) -> None:
    handles, labels = panel.get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))
    order = [label for label in (*(layer.label for layer in chart.legend), WAITING) if label in by_label]
    place: dict[str, Any] = {
        "loc": "lower left",
        "bbox_to_anchor": (-0.01, 0.98),
        "ncols": 6,
        "frameon": False,
        "fontsize": 8.5,
    }
    legend = panel.legend([by_label[label] for label in order], order, **place)
    for text in legend.get_texts():
        text.set_parse_math(False)
