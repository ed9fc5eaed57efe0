"""Figures of many runs: how measures spread over scenarios and seeds, and the series of two runs on one time axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from capsim.report.axis import TimeAxis, thin, time_axis

# Okabe and Ito's palette, as in the overview of one run.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"
BANDS = {BLUE: "#B3D4E8", ORANGE: "#F4CDB2"}
DOTS_PER_INCH = 110
WIDTH_INCHES = 12.0
MOST_ROWS = 60
PANELS_PER_ROW = 4
LONGEST_NAME, LONGEST_LABEL = 32, 100  # characters
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpreadPanel:
    """One measure over scenarios: ``values[scenario]`` holds a number per run; shown times ``scale``.

    ``labels[scenario]`` is written beside its bar.
    """

    title: str
    unit: str
    values: dict[str, list[float]]
    labels: dict[str, str]
    scale: float = 1.0


@dataclass(frozen=True)
class Side:
    """One side of an overlay: its label and the ``totals`` frames of its runs (one per seed)."""

    label: str
    totals: Sequence[pd.DataFrame]
    end_ms: int


def draw_spread(panels: Sequence[SpreadPanel], title: str, path: Path) -> None:
    """A bar to the mean, a dot per run, a line from min to max; scenarios in rows, measures in columns."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.values))
    shown = names[:MOST_ROWS]
    columns = min(PANELS_PER_ROW, len(panels))
    rows = math.ceil(len(panels) / columns)
    panel_inches = 0.75 + 0.24 * max(len(shown), 3)
    height = 0.75 + rows * panel_inches
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_counted(title, names, shown), x=0.01, ha="left", fontsize=13, fontweight="bold")
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for panel, place in zip(panels, axes, strict=False):
        _spread(place, panel, shown)
    for place in axes[len(panels) :]:
        place.set_visible(False)
    figure.savefig(path, format="png", metadata={"Software": "capsim"})


def shortened(text: str, most: int = LONGEST_NAME) -> str:
    """At most ``most`` characters: the middle goes, both ends tell names and paths apart.

    >>> shortened("app10"), shortened("/data/experiments/of-last-week/app10", 20)
    ('app10', '/data/exp…week/app10')
    """
    if len(text) <= most:
        return text
    return f"{text[: (most - 1) // 2]}…{text[len(text) - most // 2 :]}"


def _counted(title: str, names: list[str], shown: list[str]) -> str:
    return title if len(shown) == len(names) else f"{title} (the first {len(shown)} of {len(names)} scenarios)"


def _spread(axes: Axes, panel: SpreadPanel, names: list[str]) -> None:
    found = {name: np.asarray(panel.values.get(name, []), np.float64) * panel.scale for name in names}
    most = max((float(values.max()) for values in found.values() if len(values)), default=0.0) or 1.0
    for row, name in enumerate(names):
        if len(found[name]):
            _row(axes, row, found[name])
            axes.text(found[name].max() + 0.03 * most, row, panel.labels.get(name, ""), va="center", fontsize=8)
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.42)
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.set_xlabel(f"[{panel.unit}]", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=panel.unit in {"pods", "nodes"}))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, labelsize=8.5)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _row(axes: Axes, row: int, values: Floats) -> None:
    """A bar to the mean, a line from min to max, a dot per run."""
    axes.barh(row, values.mean(), height=0.62, color=BANDS[BLUE], zorder=2)
    if len(values) > 1:
        axes.plot([values.min(), values.max()], [row, row], color=BLUE, linewidth=1.4, zorder=3)
        axes.scatter(values, np.full(len(values), row), s=13, color=BLUE, linewidth=0, zorder=4)


def draw_overlay(one: Side, other: Side, title: str, path: Path) -> None:
    """Traffic, replicas, Pending pods, nodes and cost of two runs over time; a band from min to max over the seeds."""
    figure = Figure(figsize=(10.0, 10.6), dpi=DOTS_PER_INCH, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(shortened(title, 80), x=0.01, ha="left", fontsize=13, fontweight="bold")
    panels = figure.subplots(len(OVERLAID), 1, sharex=True)
    axis = time_axis(max(one.end_ms, other.end_ms))
    for (column, label, whole), panel in zip(OVERLAID, panels, strict=True):
        for side, color, dashes in ((one, BLUE, "-"), (other, ORANGE, (0, (4, 1.5)))):
            _line(panel, side, column, axis, color, dashes)
        _dress(panel, label, whole=whole)
    panels[0].legend(loc="lower left", bbox_to_anchor=(-0.01, 0.98), fontsize=9.5, frameon=False)
    panels[-1].set_xlim(0, axis.at(max(one.end_ms, other.end_ms, 1)))
    panels[-1].set_xlabel(f"Time since the start of the run [{axis.unit}]")
    figure.savefig(path, format="png", metadata={"Software": "capsim"})


OVERLAID = (
    ("rps", "Traffic [requests/s]", False),
    ("pods_ready", "Ready pods", True),
    ("pods_pending", "Pods without a node", True),
    ("nodes_ready", "Ready nodes", True),
    ("spent_usd", "Cost so far [USD]", False),
)
"""Column of the totals (``spent_usd`` is the sum of ``cost_usd`` so far), label, whether ticks are whole numbers."""


def _line(panel: Axes, side: Side, column: str, axis: TimeAxis, color: str, dashes: object) -> None:
    frames = [thin(frame[["time_ms", "cost_usd" if column == "spent_usd" else column]]) for frame in side.totals]
    if not frames:
        return
    rows = min(len(frame) for frame in frames)
    values = np.vstack([_values(frame, column)[: rows + 1] for frame in frames])
    edges = TimeAxis(axis.unit, axis.unit_ms, side.end_ms).edges(frames[0].iloc[:rows])
    style = "default" if column == "spent_usd" else "steps-post"
    if len(frames) > 1:
        step: Literal["post"] | None = None if style == "default" else "post"
        panel.fill_between(edges, values.min(0), values.max(0), step=step, color=BANDS[color], linewidth=0, zorder=1)
    panel.plot(
        edges,
        values.mean(0),
        color=color,
        linestyle=dashes,
        linewidth=1.8,
        drawstyle=style,
        label=shortened(side.label, LONGEST_LABEL),
    )


def _values(frame: pd.DataFrame, column: str) -> Floats:
    """One more value than rows: at the end the last one still holds; money adds up from 0."""
    if column == "spent_usd":
        return np.append(0.0, np.cumsum(frame["cost_usd"].to_numpy(np.float64)))
    numbers = frame[column].to_numpy(np.float64)
    return np.append(numbers, numbers[-1:])


def _dress(panel: Axes, label: str, *, whole: bool) -> None:
    panel.set_ylabel(label)
    panel.set_ylim(0, max(panel.get_ylim()[1], 1.0 if whole else 1e-9))
    panel.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=whole))
    panel.grid(axis="y", color="#DDDDDD", linewidth=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
