"""Draws the six situations: Ready nodes over time, and pods that wait for one.

python scenarios/ca-scale/figure.py RUN_DIR... --out FIGURE.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

MINUTE_MS = 60_000


def draw(folders: list[Path], out: Path) -> None:
    """A panel for each run."""
    columns = min(3, len(folders))
    rows = -(-len(folders) // columns)
    figure = Figure(figsize=(4 * columns, 2.8 * rows), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for panel, folder in zip(panels, folders, strict=False):
        totals = pd.read_parquet(folder / "series" / "totals.parquet")
        minutes = totals["time_ms"] / MINUTE_MS
        panel.plot(minutes, totals["nodes_ready"], drawstyle="steps-post", color="#0072B2")
        panel.set(ylim=(0, 1100))
        panel.tick_params(axis="y", colors="#0072B2")
        waiting = panel.twinx()
        waiting.fill_between(minutes, totals["pods_pending_max"], step="post", color="#D55E00", alpha=0.5, linewidth=0)
        waiting.set(ylim=(0, 33_000))
        waiting.tick_params(axis="y", colors="#D55E00")
        panel.set_title(folder.name.removeprefix("ca-scale-"), loc="left", fontsize=11)
        panel.margins(x=0)
        for one in (panel, waiting):
            one.spines["top"].set_visible(False)
    figure.supxlabel("Time since the start of the run [min]", fontsize=10)
    figure.supylabel("Ready nodes (blue), pending pods (red)", fontsize=10)
    figure.savefig(out, metadata={"Software": "capsim"})


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs="+", type=Path, help="Run folders, in the order in which they are shown.")
    words.add_argument("--out", type=Path, required=True, help="PNG.")
    given = words.parse_args()
    draw(given.runs, given.out)
