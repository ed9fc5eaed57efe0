"""Draws what headroom costs and what it saves: seconds that the shop's pods were pending, cost, and nodes over time.

python scenarios/headroom/figure.py RUN_DIR... --out FIGURE.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SHOP = "default/Deployment/shop"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
HOUR_MS = 3_600_000


def draw(folders: list[Path], out: Path) -> None:
    """One bar for each run in the two panels above, one line in the panel below."""
    figure = Figure(figsize=(10, 6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplot_mosaic([["pending", "cost"], ["nodes", "nodes"]], height_ratios=(1, 1.6))
    for i, folder in enumerate(folders):
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        waited = {one["workload"]: one["pod_seconds"] for one in summary["pending"]["workloads"]}
        _bar(panels["pending"], i, waited.get(SHOP, 0.0), f"{waited.get(SHOP, 0.0):,.1f} s")
        _bar(panels["cost"], i, summary["cost"]["month_usd"], f"{summary['cost']['month_usd']:,.0f} USD")
        totals = pd.read_parquet(folder / "series" / "totals.parquet")
        label, colour = folder.name.removeprefix("headroom-"), COLOURS[i % len(COLOURS)]
        # Lines that lie on each other are told apart by their widths.
        width = 1.5 + 1.2 * (len(folders) - 1 - i)
        hours, nodes = totals["time_ms"] / HOUR_MS, totals["nodes_ready"]
        panels["nodes"].plot(hours, nodes, drawstyle="steps-post", label=label, color=colour, linewidth=width)
    names = [folder.name.removeprefix("headroom-") for folder in folders]
    titles = {"pending": "The shop's pods were pending for", "cost": "Cost per month"}
    for key, title in titles.items():
        panels[key].set_title(title, loc="left", fontsize=11)
        panels[key].set_yticks(range(len(names)), names)
        panels[key].invert_yaxis()
        panels[key].margins(x=0.25)
        panels[key].set_xticks([])
    panels["nodes"].set(xlabel="Time since the start of the run [h]", ylabel="Ready nodes", ylim=(0, None))
    panels["nodes"].margins(x=0)
    panels["nodes"].legend(frameon=False)
    for panel in panels.values():
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, metadata={"Software": "capsim"})


def _bar(panel, i: int, value: float, text: str) -> None:
    panel.barh(i, value, color=COLOURS[i % len(COLOURS)], height=0.7)
    panel.annotate(text, (value, i), xytext=(5, 0), textcoords="offset points", va="center")


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs="+", type=Path, help="Run folders, in the order in which they are shown.")
    words.add_argument("--out", type=Path, required=True, help="PNG.")
    given = words.parse_args()
    draw(given.runs, given.out)
