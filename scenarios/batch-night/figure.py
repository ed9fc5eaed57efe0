"""Draws what a shop and its Jobs request of the machines, by night and by day, and who waits for a place.

python scenarios/batch-night/figure.py RUN_BY_NIGHT RUN_BY_DAY --out FIGURE.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = {"shop": "#9ecae1", "render": "#0072B2", "backup": "#E69F00", "report": "#009E73"}
TITLES = ("The Jobs run at night", "The same Jobs in the busiest hours")
HOUR_MS = 3_600_000.0


def draw(folders: list[Path], out: Path) -> None:
    """One column for each run: CPU requested above, Pending pods below."""
    figure = Figure(figsize=(11, 6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(folders), sharex=True, sharey="row", height_ratios=(2.2, 1))
    for column, (folder, title) in enumerate(zip(folders, TITLES, strict=True)):
        series = pd.read_parquet(folder / "series" / "workloads.parquet")
        groups = pd.read_parquet(folder / "series" / "node_groups.parquet")
        name = series["workload"].astype(str).str.rpartition("/")[2]
        hours = series["time_ms"].drop_duplicates() / HOUR_MS
        cores = [series.loc[name == key, "cpu_requested_milli"].to_numpy() / 1000 for key in COLOURS]
        panels[0, column].stackplot(hours, *cores, labels=list(COLOURS), colors=list(COLOURS.values()))
        allocatable = groups.groupby("time_ms")["cpu_allocatable_milli"].sum() / 1000
        panels[0, column].plot(allocatable.index / HOUR_MS, allocatable, color="#333333", label="allocatable")
        panels[0, column].set_title(title, loc="left", fontsize=11)
        for key, colour in COLOURS.items():
            pending = series.loc[name == key, "pending"]
            panels[1, column].plot(hours, pending, drawstyle="steps-post", color=colour)
        panels[1, column].set(xlabel="Hour of the day", xticks=range(0, 25, 4))
    panels[0, 0].set_ylabel("Cores requested")
    panels[1, 0].set_ylabel("Pending pods")
    panels[0, 0].legend(frameon=False, loc="upper right", ncols=2)
    panels[0, 0].set_ylim(0, 62)
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0)
    figure.savefig(out, metadata={"Software": "capsim"})


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs=2, type=Path, help="Run folders: by night, then by day.")
    words.add_argument("--out", type=Path, required=True, help="PNG.")
    given = words.parse_args()
    draw(given.runs, given.out)
