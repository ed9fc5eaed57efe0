"""The picture of a replay: demand, and replicas over time beside the recorded ones; shaded where demand is censored."""

from __future__ import annotations

import io
import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from capsim.report.axis import TimeAxis, time_axis
from capsim.study.hpa_replay.flags import PREFIX
from capsim.study.hpa_replay.measures import F64
from capsim.study.hpa_replay.question import AS_GIVEN
from capsim.study.hpa_replay.study import Answer
from capsim.study.hpa_replay.terminal import headline, short_names

# Okabe and Ito's palette, as in every picture of capsim.
GREY, BLUE, RED, SHADE, PALE = "#8C8C8C", "#0072B2", "#D55E00", "#FBE3D6", "#CFE3F0"
LATER = ("#E69F00", "#009E73", "#A2487A", "#56B4E9", "#D55E00")
DASHES: tuple[tuple[float, ...], ...] = ((), (5, 1.5), (2, 1.2), (7, 2, 2, 2), (1, 1))
INCHES, DOTS_PER_INCH = (10.0, 6.4), 110
POINTS, MEANS = 12_000, 600
LABEL = 44


def figure_png(answer: Answer) -> bytes:
    """The picture as PNG, 1100 × 704 pixels."""
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.7])
    end_ms = max(int(answer.recording.times_ms[-1]), 1)
    axis = time_axis(end_ms)
    for panel in (above, below):
        _shade(panel, answer, axis)
    _demand(above, answer, axis)
    _replicas(below, answer, axis)
    for panel in (above, below):
        _dress(panel)
    below.set_xlim(0, axis.at(end_ms))
    below.set_xlabel(f"Time since the first row [{axis.unit}]")
    figure.text(0.075, 0.975, f"What {answer.question.name} would have done", fontsize=14, fontweight="bold", va="top")
    figure.text(0.075, 0.93, textwrap.shorten(headline(answer), 130), fontsize=9.5, va="top", color="#333333")
    figure.subplots_adjust(left=0.075, right=0.98, top=0.845, bottom=0.08, hspace=0.26)
    image = io.BytesIO()
    figure.savefig(image, format="png", metadata={"Software": "capsim"})
    return image.getvalue()


def _demand(panel: Axes, answer: Answer, axis: TimeAxis) -> None:
    """Demand of the first metric, beside what the ready pods' target could carry."""
    recording = answer.recording
    metric = recording.metrics[0]
    values = recording.demand_milli[0].astype(np.float64) / 1000.0
    values[recording.demand_milli[0] < 0] = np.nan
    unit = {"cpu": "cores", "memory": "GiB"}.get(metric.resource, metric.key)
    if metric.resource == "memory":
        values = values / 2**30
    at, low, mean, high = _thinned(recording.times_ms[:-1].astype(np.float64), values)
    if len(at) < len(values):
        panel.fill_between(
            axis_at(at, axis), low, high, step="post", color="#D9D9D9", linewidth=0, label="lowest and highest"
        )
    ends = np.append(at, float(recording.times_ms[-1]))
    held = np.append(mean, mean[-1])
    panel.plot(
        axis_at(ends, axis), held, drawstyle="steps-post", color="#1A1A1A", linewidth=1.2, label="recorded demand"
    )
    panel.set_ylabel(f"Demand [{unit}]")


def _replicas(panel: Axes, answer: Answer, axis: TimeAxis) -> None:
    recording = answer.recording
    if recording.replicas is not None:
        at = axis_at(np.append(recording.times_ms[:-1], recording.times_ms[-1]).astype(np.float64), axis)
        held = np.append(recording.replicas, recording.replicas[-1])
        panel.plot(at, held, drawstyle="steps-post", color=GREY, linewidth=3.0, label="recorded")
    names = dict(zip((one.label for one in answer.measures), short_names(answer.measures)))
    for index, (label, rows) in enumerate(answer.series.groupby("variant", sort=False)):
        _variant(panel, str(label), names[str(label)], rows, index, axis)
    most = int(answer.question.base.spec["maxReplicas"])
    largest = max(one.max_replicas for one in answer.measures)
    if largest >= 0.6 * most:
        panel.axhline(most, color=RED, linewidth=1.0, linestyle=(0, (6, 3)), label="maxReplicas as given", zorder=1)
    panel.set_ylabel("Replicas")
    panel.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))


def _variant(panel: Axes, label: str, name: str, rows: pd.DataFrame, index: int, axis: TimeAxis) -> None:
    """One line; where there are more syncs than pixels, with the range of each pixel behind it."""
    colour = BLUE if label == AS_GIVEN else LATER[(index - 1) % len(LATER)]
    at, low, mean, high = _thinned(rows["time_ms"].to_numpy(np.float64), rows["replicas"].to_numpy(np.float64))
    if label == AS_GIVEN and (rows["pending"] > 0).any():
        _, _, placed, _ = _thinned(
            rows["time_ms"].to_numpy(np.float64), (rows["replicas"] - rows["pending"]).to_numpy(np.float64)
        )
        panel.fill_between(axis_at(at, axis), placed, mean, step="post", color="#F4B183", linewidth=0, label="Pending")
    if label == AS_GIVEN and len(at) < len(rows):
        panel.fill_between(
            axis_at(at, axis), low, high, step="post", color=PALE, linewidth=0, label="its lowest and highest"
        )
    shown = label.removeprefix("spec.").removeprefix("metrics.").removeprefix(PREFIX)
    shown = shown if name == label else f"{name}: {shown}"
    shown = shown if len(shown) <= LABEL else f"{shown[: LABEL - 1]}…"
    dashes = DASHES[index % len(DASHES)]
    panel.plot(
        axis_at(at, axis), mean, drawstyle="steps-post", color=colour, linewidth=1.7 if index == 0 else 1.4,
        dashes=dashes or (None, None), label=shown, zorder=4 - 0.1 * index,
    )  # fmt: skip


def _thinned(times: F64, values: F64) -> tuple[F64, F64, F64, F64]:
    """(time, lowest, mean, highest) of equally many neighbours: ``MEANS`` groups of more than ``POINTS`` values."""
    size = -(-len(values) // MEANS)
    if len(values) <= POINTS:
        return times, values, values, values
    pad = -len(values) % size
    blocks = np.append(values, np.full(pad, values[-1])).reshape(-1, size)
    return times[::size], np.nanmin(blocks, axis=1), np.nanmean(blocks, axis=1), np.nanmax(blocks, axis=1)


def axis_at(times_ms: F64, axis: TimeAxis) -> F64:
    """Places on the axis of many times."""
    return times_ms / axis.unit_ms


def _shade(panel: Axes, answer: Answer, axis: TimeAxis) -> None:
    """A band wherever the recorded pods sat at their limit."""
    censored = np.concatenate([[False], answer.recording.censored, [False]])
    edges = np.flatnonzero(np.diff(censored.astype(np.int8)))
    times = answer.recording.times_ms
    spec = panel.get_subplotspec()
    named = spec is not None and spec.is_first_row()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        label = "censored: recorded pods at their CPU limit" if named else None
        left, right = axis.at(int(times[start])), axis.at(int(times[end]))
        panel.axvspan(left, right, color=SHADE, linewidth=0, zorder=0, label=label)
        named = False


def _dress(panel: Axes) -> None:
    panel.set_ylim(0, (panel.get_ylim()[1] or 1.0) * 1.02)
    panel.grid(axis="y", color="#DDDDDD", linewidth=0.7)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(
        loc="lower left", bbox_to_anchor=(-0.01, 0.985), ncols=4, columnspacing=1.4, fontsize=8.5, frameon=False,
        handlelength=1.8,
    )  # fmt: skip
