"""Draws what an outage does to a workload: Ready and pending pods, and requests lost, of several runs.

python scenarios/outages.py RUN_DIR... --out FIGURE.png [--workload default/Deployment/shop] [--mark 60m,90m]
    [--show ready,cpu_used_milli,lost_rps]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from capsim.units import parse_duration_ms

TITLES = {
    "ready": "Ready pods",
    "pending": "Pending pods",
    "cpu_used_milli": "CPU used, millicores",
    "lost_rps": "Requests lost per second",
}
COLOURS = {"ready": "#0072B2", "pending": "#E69F00", "cpu_used_milli": "#009E73", "lost_rps": "#D55E00"}
MINUTE_MS = 60_000


def draw(folders: list[Path], out: Path, workload: str, marks: list[int], shown: list[str]) -> None:
    """A column for each run, a row for each quantity; the same scale along each row."""
    figure = Figure(figsize=(1.2 + 3.6 * len(folders), 2.1333 * len(shown)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(shown), len(folders), sharex=True, sharey="row", squeeze=False)
    for column, folder in enumerate(folders):
        name = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["name"]
        series = pd.read_parquet(folder / "series" / "workloads.parquet")
        mine = series[series["workload"] == workload]
        lost = (mine["lost_rps"] * mine["time_ms"].diff().shift(-1).fillna(0) / 1000).sum()
        for row, quantity in enumerate(shown):
            panel = axes[row][column]
            minutes = mine["time_ms"] / MINUTE_MS
            panel.fill_between(minutes, mine[quantity], step="post", color=COLOURS[quantity], alpha=0.25, linewidth=0)
            panel.plot(minutes, mine[quantity], drawstyle="steps-post", color=COLOURS[quantity], linewidth=1.3)
            for at_ms in marks:
                panel.axvline(at_ms / MINUTE_MS, color="0.4", linewidth=0.8, linestyle=":")
            panel.spines[["top", "right"]].set_visible(False)
            panel.margins(x=0)
            if column == 0:
                panel.set_ylabel(TITLES[quantity])
        axes[0][column].set_title(name, loc="left", fontsize=11)
        axes[-1][column].annotate(f"{lost:,.0f} lost", (0.98, 0.92), xycoords="axes fraction", ha="right", va="top")
        axes[-1][column].set_xlabel("Minutes")
    for row in axes:
        row[0].set_ylim(0, max(1.0, *(panel.dataLim.y1 for panel in row)) * 1.08)
    figure.savefig(out, metadata={"Software": "capsim"})


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs="+", type=Path, help="Run folders, from left to right.")
    words.add_argument("--out", type=Path, required=True, help="PNG.")
    words.add_argument("--workload", default="default/Deployment/shop", help="namespace/Kind/name.")
    words.add_argument("--mark", default="", help="Moments that are marked, with commas between.")
    words.add_argument("--show", default="ready,pending,lost_rps", help=f"Panels: {', '.join(TITLES)}.")
    given = words.parse_args()
    moments = [parse_duration_ms(text) for text in given.mark.split(",") if text]
    draw(given.runs, given.out, given.workload, moments, given.show.split(","))
