"""Charts of one workload: its traffic, and its replicas desired, ready and Pending under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from capsim.report.charts.chart import Chart, Times, layer, stack
from capsim.report.phrases import short_name
from capsim.result import Result
from capsim.result.summary.pending import waiting_pods

COLUMNS = ["time_ms", "workload", "rps", "served_rps", "lost_rps", "desired_replicas", "ready", "starting", "pending"]
Spans = tuple[Times, Times]


@dataclass(frozen=True)
class WorkloadCharts:
    """The workload's key, and its charts from top to bottom."""

    workload: str
    charts: tuple[Chart, ...]


def ranked(result: Result) -> list[str]:
    """Workloads by what there is to see: time spent Pending first, then requests lost, then size."""
    waited = {row.workload: row.pod_seconds for row in result.summary.pending.workloads}
    lost = {row.workload: row.lost_requests for row in result.summary.workloads}
    size = {row.workload: row.peak_desired for row in result.summary.workloads}
    keys = {*waited, *size}
    return sorted(keys, key=lambda key: (-waited.get(key, 0.0), -lost.get(key, 0.0), -size.get(key, 0), key))


def workload_charts(result: Result, keys: list[str]) -> list[WorkloadCharts]:
    """The charts of the named workloads, those without a row left out."""
    frame = result.series["workloads"][COLUMNS]
    waiting = waiting_pods(result.pods, result.summary.reached_ms)
    found = []
    for key in keys:
        rows = frame[(frame["workload"] == key).to_numpy()]
        mine = waiting[(waiting["workload"] == key).to_numpy()]
        if len(rows):
            spans = mine["since_ms"].to_numpy(np.int64), mine["until_ms"].to_numpy(np.int64)
            found.append(WorkloadCharts(key, tuple(_charts(key, rows, spans, result.summary.reached_ms))))
    return found


def _charts(key: str, rows: pd.DataFrame, waiting_ms: Spans, end_ms: int) -> list[Chart]:
    edges_ms = np.append(rows["time_ms"].to_numpy(np.int64), end_ms)
    name = short_name(key)
    charts = [_replicas(name, rows, edges_ms, waiting_ms)]
    if rows["rps"].any():
        charts.insert(0, traffic(f"Traffic to {name}", rows, edges_ms, waiting_ms))
    return charts


def traffic(title: str, rows: pd.DataFrame, edges_ms: Times, waiting_ms: Spans) -> Chart:
    """Requests arrived, served and lost; ``rows`` of series workloads or totals."""
    layers = [layer("arrived", "arrived", "thick", edges_ms, rows["rps"])]
    if rows["lost_rps"].any():
        layers.insert(0, layer("lost", "lost", "area", edges_ms, rows["lost_rps"]))
    layers.append(layer("served", "served", "line", edges_ms, rows["served_rps"]))
    return Chart(title, "requests/s", tuple(layers), int(edges_ms[-1]), waiting_ms)


def _replicas(name: str, rows: pd.DataFrame, edges_ms: Times, waiting_ms: Spans) -> Chart:
    parts = [(part, part, rows[part]) for part in ("ready", "starting")]
    layers = stack(edges_ms, [*parts, ("Pending", "pending", rows["pending"])])
    layers.append(layer("desired", "desired", "line", edges_ms, rows["desired_replicas"]))
    return Chart(f"Replicas of {name}", "pods", tuple(layers), int(edges_ms[-1]), waiting_ms, whole=True)
