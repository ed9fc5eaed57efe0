"""Draws a rollout as two releases of the HPA see it: spec.replicas, the pods of both versions, and the nodes.

python scenarios/rollout/figure.py RUN_1_15 RUN_1_36 --out FIGURE.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

SHOP = "default/Deployment/shop"
REPORTED = (383, 479, 589, 664)
"""Replicas that kubernetes#72775 tells of."""
TITLES = ("Kubernetes 1.15: the HPA starts from status.replicas", "Since 1.16: it starts from spec.replicas")
MINUTE_MS = 60_000.0


def draw(folders: list[Path], out: Path) -> None:
    """One column for each run: pods by version with spec.replicas above, nodes below."""
    figure = Figure(figsize=(11, 6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(folders), sharex=True, sharey="row", height_ratios=(2.2, 1))
    for column, (folder, title) in enumerate(zip(folders, TITLES, strict=False)):
        _pods(panels[0, column], folder, title)
        totals = pd.read_parquet(folder / "series" / "totals.parquet")
        minutes = totals["time_ms"] / MINUTE_MS
        panels[1, column].plot(minutes, totals["nodes_ready"], drawstyle="steps-post", color="#333333")
        panels[1, column].set(xlabel="Time since the start of the run [min]", ylim=(0, None))
    for replicas in REPORTED:
        panels[0, 0].axhline(replicas, color="#999999", linewidth=0.8, linestyle=":")
        panels[0, 0].annotate(str(replicas), (0.4, replicas), ha="left", va="bottom", fontsize=9, color="#666666")
    panels[0, 0].set_ylabel("Pods")
    panels[1, 0].set_ylabel("Ready nodes")
    panels[0, 1].legend(frameon=False, loc="upper right")
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
        panel.margins(x=0)
    figure.savefig(out, metadata={"Software": "capsim"})


def _pods(panel, folder: Path, title: str) -> None:
    pods = pd.read_parquet(folder / "pods.parquet")
    pods = pods[pods["workload"] == SHOP]
    version = pods["name"].str.rsplit("-", n=1).str[0]
    series = pd.read_parquet(folder / "series" / "workloads.parquet")
    series = series[series["workload"] == SHOP]
    times_ms = series["time_ms"].to_numpy()
    alive = [_alive(pods[version == name], times_ms) for name in version.drop_duplicates()]
    minutes = times_ms / MINUTE_MS
    panel.stackplot(minutes, *alive, colors=("#9ecae1", "#3182bd"), labels=("old version", "new version"))
    spec = series["desired_replicas"]
    panel.plot(minutes, spec, color="#D55E00", linewidth=2, drawstyle="steps-post", label="spec.replicas")
    panel.set_title(title, loc="left", fontsize=11)


def _alive(pods: pd.DataFrame, times_ms: np.ndarray) -> np.ndarray:
    begin = pods["created_ms"].fillna(0).to_numpy()[:, None]
    end = pods["deleted_ms"].fillna(np.iinfo(np.int64).max).to_numpy()[:, None]
    return ((begin <= times_ms) & (times_ms < end)).sum(axis=0)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs=2, type=Path, help="Run folders: of release 1.15, then of a later one.")
    words.add_argument("--out", type=Path, required=True, help="PNG.")
    given = words.parse_args()
    draw(given.runs, given.out)
