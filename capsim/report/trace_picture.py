"""The picture of a trace: all of it with its peaks, its mean day and its mean week."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from capsim.report.axis import TimeAxis, time_axis
from capsim.scenario.series.stepwise import Samples, combined, means_between, placed
from capsim.scenario.traces.cycles import WEEKDAYS, Cycles, cycles
from capsim.scenario.traces.inspection import Inspection, Peak, SeriesFacts

BLUE, ORANGE, GREY, PALE = "#0072B2", "#B97700", "#5B5B5B", "#9CC7E0"
LINES = ("#D55E00", "#009E73", "#CC79A7", "#B97700", "#56B4E9")  # after Okabe and Ito
COLUMNS = 1200
INCHES = (11.0, 7.2)
DOTS_PER_INCH = 110


def draw(inspection: Inspection, path: Path) -> None:
    """Draw the series of a file, and their sum if there are several, as a PNG of 1210 × 792 pixels."""
    shown = [facts for facts in inspection.series if facts.samples is not None]
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    total = _total(shown)
    found = cycles(total, inspection.start_ms if inspection.is_clock else 0) if total is not None else None
    rows: list[Any] = [["all", "all"], ["day", "week" if inspection.is_clock else "day"]] if found else [["all"]]
    panels = figure.subplot_mosaic(rows, height_ratios=[1.35, 1][: len(rows)])
    _trace(panels["all"], shown, total)
    if found is not None:
        _day(panels["day"], found, inspection.is_clock)
        if inspection.is_clock:
            _week(panels["week"], found)
    _title(figure, inspection, shown)
    figure.subplots_adjust(left=0.075, right=0.975, top=0.86, bottom=0.085, hspace=0.42, wspace=0.17)
    figure.savefig(path, format="png", metadata={"Software": "capsim"})


def _total(shown: list[SeriesFacts]) -> Samples | None:
    samples = [facts.samples for facts in shown if facts.samples is not None]
    if len(samples) < 2:
        return samples[0] if samples else None
    ends = [facts.since_first_ms + facts.span_ms for facts in shown]
    parts = [placed(s, facts.since_first_ms, max(ends)) for s, facts in zip(samples, shown, strict=True)]
    times, values = combined(parts, np.add)
    return Samples(times, values, max(ends))


def _trace(panel: Axes, shown: list[SeriesFacts], total: Samples | None) -> None:
    if total is None:
        panel.text(0.5, 0.5, "no values", transform=panel.transAxes, ha="center")
        return
    axis = time_axis(total.end_ms)
    _band(panel, total, axis, "sum" if len(shown) > 1 else "mean")
    if len(shown) == 1:
        _mark_peaks(panel, shown[0].peaks, axis)
    else:
        largest = sorted(shown, key=lambda facts: -facts.mean)[: len(LINES)]
        for facts, colour in zip(largest, LINES, strict=False):
            assert facts.samples is not None
            at, means, _ = _thinned(facts.samples)
            panel.plot((at + facts.since_first_ms) / axis.unit_ms, means, color=colour, linewidth=1.0, label=facts.name)
    panel.set_xlim(0, axis.at(total.end_ms))
    panel.set_ylim(0, None)
    panel.set_xlabel(f"Time since the first row [{axis.unit}]")
    panel.set_ylabel("Value in the file")
    panel.legend(loc="lower left", bbox_to_anchor=(-0.01, 0.98), ncols=8, fontsize=8.5, frameon=False)
    _dress(panel)


def _band(panel: Axes, samples: Samples, axis: TimeAxis, name: str) -> None:
    """Mean and maximum over the time of a pixel; one line where there are fewer samples than pixels."""
    at, means, highest = _thinned(samples)
    if len(samples.values) > COLUMNS and name == "mean":
        panel.fill_between(at / axis.unit_ms, highest, step="post", color=PALE, linewidth=0, label="highest")
    panel.plot(at / axis.unit_ms, means, drawstyle="steps-post", color=BLUE, linewidth=1.3, label=name)


def _thinned(samples: Samples) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    times, values = samples.times_ms, samples.values
    if len(values) <= COLUMNS:
        at = np.append(times, samples.end_ms).astype(np.float64)
        values = np.append(values, values[-1])
        return at, values, values
    edges = np.unique(np.linspace(0, samples.end_ms, COLUMNS + 1).astype(np.int64))
    first = np.minimum(np.searchsorted(times, edges[:-1]), len(values) - 1)
    highest = np.maximum.reduceat(values, np.unique(first))[np.unique(first, return_inverse=True)[1]]
    return edges[:-1].astype(np.float64), means_between(samples, edges), highest


def _mark_peaks(panel: Axes, peaks: tuple[Peak, ...], axis: TimeAxis) -> None:
    for number, peak in enumerate(peaks, 1):
        panel.plot(axis.at(peak.at_ms), peak.value, marker="v", color=ORANGE, markersize=6, clip_on=False)
        place, side = ((-7, -3), "right") if number == 1 else ((0, 6), "center")
        label = f"{peak.value:,.6g}" if number == 1 else str(number)
        panel.annotate(label, (axis.at(peak.at_ms), peak.value), place, textcoords="offset points", ha=side, size=8)


def _day(panel: Axes, found: Cycles, is_clock: bool) -> None:
    """Mean by hour of the day; weekends apart where the days of the week are known."""
    lines = [(found.weekday_hours, "weekdays", BLUE, "-"), (found.weekend_hours, "weekends", ORANGE, "--")]
    for means, name, colour, style in lines if is_clock else [(found.day.means, "all days", BLUE, "-")]:
        if not np.isnan(means).all():
            panel.plot(np.arange(24) + 0.5, means, style, color=colour, linewidth=1.8, label=name)
    panel.set_xlim(0, 24)
    panel.set_ylim(0, None)
    panel.set_xticks(range(0, 25, 3))
    hours = "Hour of the day, UTC" if is_clock else "Hour of the day, which begins at the first row"
    panel.set_xlabel(hours + _share(found.day.repeats_ratio, "day"))
    panel.set_ylabel("Mean")
    panel.legend(loc="lower left", bbox_to_anchor=(-0.01, 0.97), ncols=2, fontsize=8.5, frameon=False)
    _dress(panel)


def _week(panel: Axes, found: Cycles) -> None:
    means = np.nan_to_num(found.week.means)
    panel.bar(range(7), means, color=[PALE] * 5 + ["#E8B44C"] * 2, width=0.7)
    panel.set_xticks(range(7), [name[:3] for name in WEEKDAYS])
    panel.set_ylim(0, None)
    panel.set_xlabel(f"Day of the week{_share(found.week.repeats_ratio, 'week')}")
    _dress(panel)


def _share(ratio: float | None, cycle: str) -> str:
    return "" if ratio is None else f" (the mean {cycle} explains {ratio:.0%} of the variation)"


def _dress(panel: Axes) -> None:
    panel.yaxis.set_major_formatter(FuncFormatter(_amount))
    panel.grid(True, axis="y", color="#E5E5E5", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _amount(value: float, _: int) -> str:
    """Short above ten thousand: 20k, 1.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(size, 1e4):
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _title(figure: Figure, inspection: Inspection, shown: list[SeriesFacts]) -> None:
    name = Path(inspection.file).name
    one = f", {shown[0].name}" if len(inspection.series) == 1 and shown else f", {len(inspection.series)} series"
    figure.text(0.075, 0.965, _plain(name + one), fontsize=14, fontweight="bold", va="top")
    if shown:
        first = shown[0]
        odd = sum(oddity.count for facts in shown for oddity in facts.oddities.values())
        text = f"{first.start} to {first.end}, {inspection.rows:,} rows, {odd:,} of them odd"
        figure.text(0.075, 0.922, _plain(text), fontsize=9.5, va="top", color="#333333")


def _plain(text: str) -> str:
    return text.replace("$", r"\$")
