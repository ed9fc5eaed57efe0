"""``figures/overview.png``: traffic, pods, CPU, nodes and cost on one time axis; shaded where pods wait for a node."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from capsim.report.axis import TimeAxis, thin, time_axis
from capsim.report.charts.raster import written
from capsim.report.phrases import short_name
from capsim.report.words import headline
from capsim.result import Result
from capsim.result.summary.pending import waiting_pods
from capsim.result.summary.spans import union

# Okabe and Ito's palette: told apart by people with any kind of colour vision, and in grey by lightness.
BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#999999"
SKY, LIGHT_GREEN, LIGHT_BLUE = "#56B4E9", "#8ED3BE", "#9CC7E0"  # areas: opaque, so that nothing behind changes them
WAITING = "#FBE3D6"
INCHES = (10.0, 9.6)
DOTS_PER_INCH = 110
Floats = npt.NDArray[np.float64]


def draw(result: Result, path: Path) -> None:
    """Draw the run as a PNG of 1100 × 1056 pixels."""
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(4, 1, sharex=True, height_ratios=[1, 1.25, 1.25, 1])
    waiting = waiting_pods(result.pods, result.summary.reached_ms)
    totals, axis = thin(result.series["totals"]), time_axis(result.summary.reached_ms)
    for draw_panel, panel in zip((_traffic, _pods, _cpu, _nodes), axes, strict=True):
        _shade_waiting(panel, waiting, axis)
        draw_panel(panel, result, totals, axis)
        _dress(panel)
    axes[-1].set_xlim(0, axis.at(max(result.summary.reached_ms, 1)))
    axes[-1].set_xlabel(f"Time since the start of the run [{axis.unit}]")
    _title(figure, result)
    figure.subplots_adjust(left=0.085, right=0.915, top=0.885, bottom=0.055, hspace=0.24)
    path.write_bytes(written(figure))


def _traffic(panel: Axes, result: Result, totals: pd.DataFrame, axis: TimeAxis) -> None:
    at = axis.edges(totals)
    _steps(panel, at, totals["rps"], "arrived", color=GREY, linewidth=3.2)
    if (totals["lost_rps"] > 0).any():
        _fill(panel, at, np.zeros(len(totals)), totals["lost_rps"], "lost", color=RED)
    _steps(panel, at, totals["served_rps"], "served", color=BLUE)
    panel.set_ylabel("Traffic [requests/s]")


def _pods(panel: Axes, result: Result, totals: pd.DataFrame, axis: TimeAxis) -> None:
    rows, title = _followed(result)
    at = axis.edges(rows)
    desired, ready, starting = rows["desired_replicas"], rows["ready"], rows["starting"]
    _fill(panel, at, np.zeros(len(rows)), ready, "ready", color=LIGHT_GREEN)
    _fill(panel, at, ready, ready + starting, "starting", color=SKY)
    _fill(panel, at, ready + starting, ready + starting + rows["pending"], "Pending", color=RED)
    _steps(panel, at, desired, "desired", color="black", linewidth=1.4)
    panel.set_ylabel(f"Pods of {title}", parse_math=False)


def _cpu(panel: Axes, result: Result, totals: pd.DataFrame, axis: TimeAxis) -> None:
    at = axis.edges(totals)
    _fill(panel, at, np.zeros(len(totals)), totals["cpu_used_milli"] / 1000, "used", color=LIGHT_BLUE)
    _steps(panel, at, totals["cpu_requested_milli"] / 1000, "requested", color=ORANGE)
    _steps(panel, at, totals["cpu_allocatable_milli"] / 1000, "allocatable", color="black", linewidth=1.4)
    panel.set_ylabel("CPU [cores]")


def _nodes(panel: Axes, result: Result, totals: pd.DataFrame, axis: TimeAxis) -> None:
    at = axis.edges(totals)
    ready, booting = totals["nodes_ready"], totals["nodes_booting"]
    _fill(panel, at, np.zeros(len(totals)), ready, "ready", color=LIGHT_GREEN)
    if (booting > 0).any():
        _fill(panel, at, ready, ready + booting, "booting", color=SKY)
    panel.set_ylabel("Nodes")
    panel.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    money = panel.twinx()
    spent = np.concatenate([[0.0], np.cumsum(totals["cost_usd"])])
    money.plot(at, spent, color=ORANGE, linewidth=1.8, label="cost so far")
    money.set_ylim(0, max(float(spent[-1]) * 1.15, 1e-9))
    money.set_ylabel("Cost so far [USD]")
    money.spines["top"].set_visible(False)
    panel.plot([], [], color=ORANGE, linewidth=1.8, label="cost so far (right)")


def _followed(result: Result) -> tuple[pd.DataFrame, str]:
    """Rows of the pods panel: the workload alone if there is one that scales or serves, else their sum."""
    keys = [row.workload for row in result.summary.workloads]
    frame = result.series["workloads"]
    rows = frame[frame["workload"].isin(keys)]
    columns = ["desired_replicas", "ready", "starting", "pending"]
    summed = rows.groupby("time_ms", sort=True)[columns].sum().reset_index()
    return thin(summed), short_name(keys[0]) if len(keys) == 1 else f"{len(keys)} workloads"


def _shade_waiting(panel: Axes, waiting: pd.DataFrame, axis: TimeAxis) -> None:
    """A band behind every panel wherever a pod waits for a node, to the millisecond."""
    starts, ends = union(waiting["since_ms"].to_numpy(), waiting["until_ms"].to_numpy())
    first_panel = panel.get_subplotspec().is_first_row()  # type: ignore[union-attr]
    for index, (start_ms, end_ms) in enumerate(zip(starts, ends, strict=True)):
        label = "pods wait for a node" if first_panel and index == 0 else None
        panel.axvspan(axis.at(start_ms), axis.at(end_ms), color=WAITING, linewidth=0, zorder=0, label=label)


def _steps(panel: Axes, edges: Floats, values: pd.Series, label: str, **style: Any) -> None:
    panel.plot(edges, _held(values), drawstyle="steps-post", label=label, **{"linewidth": 1.8, **style})


def _fill(panel: Axes, edges: Floats, low: Floats | pd.Series, high: pd.Series, label: str, **style: Any) -> None:
    panel.fill_between(edges, _held(low), _held(high), step="post", linewidth=0, label=label, **style)


def _held(values: Floats | pd.Series) -> Floats:
    """The values, the last one once more for the end of its interval."""
    numbers = np.asarray(values, np.float64)
    return np.append(numbers, numbers[-1] if len(numbers) else 0.0)


def _dress(panel: Axes) -> None:
    panel.set_ylim(0, panel.get_ylim()[1] or 1.0)
    panel.grid(axis="y", color="#DDDDDD", linewidth=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(
        loc="lower left", bbox_to_anchor=(-0.01, 0.98), ncols=6, fontsize=8.5, frameon=False, handlelength=1.6
    )  # above the panel: nothing of the data is hidden


def _title(figure: Figure, result: Result) -> None:
    summary = result.summary
    figure.text(0.085, 0.975, summary.name, fontsize=15, fontweight="bold", va="top", parse_math=False)
    partial = "  (partial)" if summary.partial else ""
    sentence = textwrap.fill((headline(summary) + partial).replace(" %", "\N{NO-BREAK SPACE}%"), 125, max_lines=2)
    figure.text(0.085, 0.947, sentence, fontsize=9.5, va="top", color="#333333", parse_math=False)
