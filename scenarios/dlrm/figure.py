"""Draws how long recorded instances waited for a node, and how long they waited in replays.

python scenarios/dlrm/figure.py RECORDING RUN_DIR... --out FIGURE.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#D55E00", "#0072B2", "#009E73")
LABELS = {"dlrm": "spread (default)", "dlrm-packed": "packed", "dlrm-tight": "packed, 1,120 A10"}
TICKS = {1: "1 s", 60: "1 min", 3600: "1 h", 86_400: "1 d", 10 * 86_400: "10 d"}
DAY_MS = 86_400_000.0


def recorded(recording: Path) -> tuple[np.ndarray, np.ndarray]:
    """Of every instance that the record saw created: seconds from creation to scheduling; mean pending by hour."""
    rows = pd.read_csv(recording).dropna(subset=["creation_time"])
    begin, end = rows["creation_time"].to_numpy(), rows["scheduled_time"].to_numpy()
    hours = np.arange(0, 31 * 86_400, 3600)
    overlap = np.minimum(end[None], hours[:, None] + 3600) - np.maximum(begin[None], hours[:, None])
    return end - begin, np.maximum(0, overlap).sum(axis=1) / 3600


def replayed_s(folder: Path) -> np.ndarray:
    """The same of a run; one that never found a node waited until it was deleted, or the end."""
    pods = pd.read_parquet(folder / "pods.parquet")
    return pods.loc[pods["created_ms"] >= 0, "pending_s"].to_numpy()


def draw(recording: Path, folders: list[Path], out: Path) -> None:
    """Left: share of instances that wait longer; right: instances that wait, day by day."""
    figure = Figure(figsize=(12, 4.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    waits, by_hour = recorded(recording)
    curves = [("recorded", waits, "#333333")]
    curves += [
        (LABELS.get(folder.name, folder.name), replayed_s(folder), colour)
        for folder, colour in zip(folders, COLOURS, strict=False)
    ]
    for name, waits, colour in curves:
        waits = np.sort(waits)
        longer = 1 - np.arange(1, waits.size + 1) / waits.size
        shown = waits >= 1
        if shown.any():
            left.step(waits[shown], longer[shown], where="post", color=colour, label=name)
        else:
            left.plot([], [], color=colour, label=f"{name}: none waits a second")
    left.set(xscale="log", yscale="log", xlim=(1, 2e6), ylim=(5e-5, 1))
    left.set_xticks(list(TICKS), TICKS.values())
    left.set_yticks([1, 0.1, 0.01, 0.001, 0.0001], ["100 %", "10 %", "1 %", "0.1 %", "0.01 %"])
    left.set_xlabel("Time from creation to node")
    left.set_title("Instances that wait longer", loc="left", fontsize=11)
    left.legend(frameon=False, loc="lower left")
    right.plot(np.arange(by_hour.size) / 24, by_hour, color="#333333")
    for folder, (name, _, colour) in zip(folders, curves[1:], strict=False):
        totals = pd.read_parquet(folder / "series" / "totals.parquet")
        right.plot(totals["time_ms"] / DAY_MS, totals["pods_pending"], color=colour, label=name)
    right.set_title("Pending instances", loc="left", fontsize=11)
    right.set_xlabel("Day of the recording")
    right.set_ylim(0, None)
    right.margins(x=0)
    for panel in (left, right):
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, metadata={"Software": "capsim"})


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("recording", type=Path, help="disaggregated_DLRM_trace.csv, plain or .gz.")
    words.add_argument("runs", nargs="+", type=Path, help="Run folders.")
    words.add_argument("--out", type=Path, required=True, help="PNG.")
    given = words.parse_args()
    draw(given.recording, given.runs, given.out)
