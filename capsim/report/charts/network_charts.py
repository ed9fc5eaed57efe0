"""Charts of services' networks: how many of the bytes cross zones, what that and load balancers cost, what is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capsim.report.charts.chart import Chart, Layer, Times, layer, stack
from capsim.report.charts.palette import GROUPS
from capsim.report.phrases import short_name
from capsim.result import Result

DRAWN = 4


def network_charts(result: Result) -> list[Chart]:
    """One axis for pods, bytes per second between zones, and money so far; refused and dropped requests if any."""
    frame, end_ms = result.series.get("network"), result.summary.reached_ms
    if frame is None or frame.empty:
        return []
    starts = np.unique(frame["time_ms"].to_numpy(np.int64))
    edges_ms = np.append(starts, end_ms)
    rows = {str(name): part for name, part in frame.groupby("service", observed=True, sort=False)}
    shown = dict(list(rows.items())[:DRAWN])
    charts = [*_pods(result, list(shown), edges_ms), *_crossing(shown, edges_ms), _money(frame, starts, edges_ms)]
    lost = _sums(frame, starts, ["refused_requests", "dropped_requests"])
    if lost.to_numpy().any():
        spans_s = np.diff(edges_ms) / 1000.0
        refused, dropped = (lost[column].to_numpy() / spans_s for column in lost)
        layers = stack(edges_ms, [("refused", "lost", refused), ("dropped at nodes without a pod", "group5", dropped)])
        charts.append(Chart("Requests from outside that reach no pod", "per s", tuple(layers), end_ms))
    return charts


def _sums(frame: pd.DataFrame, starts: Times, columns: list[str]) -> pd.DataFrame:
    return frame.groupby("time_ms")[columns].sum().reindex(starts)


def _pods(result: Result, services: list[str], edges_ms: Times) -> list[Chart]:
    """Ready pods of the services: hints come and go with their number."""
    frame = result.series["workloads"]
    layers = []
    for colour, name in zip(GROUPS, services):
        spec = result.scenario.services.get(name)
        mine = frame[frame["workload"].isin(spec.workloads if spec is not None else [])]
        if len(mine):
            ready = mine.groupby("time_ms")["ready"].sum().to_numpy(float)
            layers.append(layer(short_name(name), colour, "line", edges_ms, ready))
    return [Chart("Ready pods", "pods", tuple(layers), int(edges_ms[-1]), whole=True)] if layers else []


def _crossing(rows: dict[str, pd.DataFrame], edges_ms: Times) -> list[Chart]:
    spans_s = np.diff(edges_ms) / 1000.0
    parts: list[Layer] = []
    for colour, (name, part) in zip(GROUPS, rows.items()):
        sent = part["cross_zone_bytes"].to_numpy(float) / spans_s / 2.0**20
        if sent.any():
            parts.append(layer(short_name(name), colour, "line", edges_ms, sent))
    return [Chart("Bytes between zones", "MiB per s", tuple(parts), int(edges_ms[-1]))] if parts else []


def _money(frame: pd.DataFrame, starts: Times, edges_ms: Times) -> Chart:
    sums = _sums(frame, starts, ["cross_zone_usd", "load_balancer_usd"]).cumsum()
    parts = [
        ("load balancers", "group3", sums["load_balancer_usd"].to_numpy(float)),
        ("between zones", "money", sums["cross_zone_usd"].to_numpy(float)),
    ]
    return Chart("Cost of the network so far", "USD", tuple(stack(edges_ms, parts)), int(edges_ms[-1]))
