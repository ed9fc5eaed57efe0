"""Draws how an upgrade goes on: old nodes left, Ready nodes, and pods that are missing, of several runs.

python scenarios/node-upgrade/figure.py RUN_DIR... --out FIGURE.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73")
TITLES = ("Old nodes left", "Ready nodes", "Pods not Ready, at most")
MINUTE_MS = 60_000


def draw(folders: list[Path], out: Path) -> None:
    """A panel for each quantity, a line for each run."""
    figure = Figure(figsize=(9, 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(3, 1, sharex=True)
    for i, folder in enumerate(folders):
        name = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["name"]
        style = {"drawstyle": "steps-post", "color": COLOURS[i], "linewidth": 1.5 + 1.2 * (len(folders) - 1 - i)}
        nodes = pd.read_parquet(folder / "nodes.parquet")
        totals = pd.read_parquet(folder / "series" / "totals.parquet")
        gone = sorted(nodes.loc[nodes["requested_ms"] < 0, "gone_ms"].dropna() / MINUTE_MS)
        old = int((nodes["requested_ms"] < 0).sum())
        minutes = totals["time_ms"] / MINUTE_MS
        panels[0].plot([0, *gone, minutes.max()], [*range(old, old - len(gone) - 1, -1), old - len(gone)], **style)
        panels[1].plot(minutes, totals["nodes_ready"], label=name, **style)
        series = pd.read_parquet(folder / "series" / "workloads.parquet")
        missing = (series["desired_replicas"] - series["ready_min"]).groupby(series["time_ms"]).sum()
        panels[2].plot(missing.index / MINUTE_MS, missing.round(), **style)
    for panel, title in zip(panels, TITLES, strict=True):
        panel.set_title(title, loc="left", fontsize=11)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(bottom=0)
        panel.margins(x=0)
    panels[1].legend(frameon=False, loc="lower right")
    panels[-1].set_xlabel("Minutes")
    figure.savefig(out, metadata={"Software": "capsim"})


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs="+", type=Path, help="Run folders, at most three.")
    words.add_argument("--out", type=Path, required=True, help="PNG.")
    given = words.parse_args()
    draw(given.runs, given.out)
