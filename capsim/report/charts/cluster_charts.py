"""Charts of the whole cluster: utilisation, nodes and cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capsim.report.charts.chart import Chart, Floats, Times, layer, stack
from capsim.report.charts.palette import GROUPS
from capsim.report.charts.workload_charts import traffic
from capsim.result import Result
from capsim.result.summary.pending import waiting_pods

HOUR_MS = 3_600_000.0
OTHERS = "other groups"


@dataclass(frozen=True)
class ClusterCharts:
    """One field per section of the report."""

    traffic: Chart
    utilisation: tuple[Chart, ...]
    nodes: Chart
    cost: tuple[Chart, ...]


def cluster_charts(result: Result) -> ClusterCharts:
    """Charts from the series ``totals`` and ``node_groups``."""
    totals, end_ms = result.series["totals"], result.summary.reached_ms
    edges_ms = np.append(totals["time_ms"].to_numpy(np.int64), end_ms)
    waiting = waiting_pods(result.pods, end_ms)
    spans = waiting["since_ms"].to_numpy(np.int64), waiting["until_ms"].to_numpy(np.int64)
    use = [_use(totals, edges_ms, *resource) for resource in (("cpu", "milli", 1e3), ("memory", "bytes", 2.0**30))]
    groups = _by_group(result.series["node_groups"], edges_ms, ["nodes_ready", "nodes_booting", "cost_usd"])
    return ClusterCharts(
        traffic=traffic("Traffic to all services", totals, edges_ms, spans),
        utilisation=tuple(use),
        nodes=_nodes(groups, edges_ms, spans),
        cost=_cost(groups, edges_ms),
    )


def _use(totals: pd.DataFrame, edges_ms: Times, resource: str, unit: str, size: float) -> Chart:
    said, title = ("cores", "CPU") if resource == "cpu" else ("GiB", "Memory")
    values = {part: totals[f"{resource}_{part}_{unit}"] / size for part in ("used", "requested", "allocatable")}
    layers = (
        layer("used", "used", "area", edges_ms, values["used"]),
        layer("requested", "requested", "line", edges_ms, values["requested"]),
        layer("allocatable", "allocatable", "dashed", edges_ms, values["allocatable"]),
    )
    return Chart(title, said, layers, int(edges_ms[-1]))


def _nodes(groups: dict[str, pd.DataFrame], edges_ms: Times, spans: tuple[Times, Times]) -> Chart:
    parts: list[tuple[str, str, npt.ArrayLike]] = [
        (name if len(groups) > 1 else "ready", colour, rows["nodes_ready"])
        for (name, rows), colour in zip(groups.items(), GROUPS, strict=False)
    ]
    title = "Nodes by group" if len(groups) > 1 else "Nodes ready"
    booting = np.sum([rows["nodes_booting"].to_numpy() for rows in groups.values()], axis=0)
    parts.append(("booting", "booting", booting if groups else np.zeros(len(edges_ms) - 1)))
    return Chart(title, "nodes", tuple(stack(edges_ms, parts)), int(edges_ms[-1]), spans, whole=True)


def _cost(groups: dict[str, pd.DataFrame], edges_ms: Times) -> tuple[Chart, ...]:
    hours = np.maximum(np.diff(edges_ms), 1) / HOUR_MS
    spent: Floats = np.zeros(len(hours))
    parts: list[tuple[str, str, npt.ArrayLike]] = []
    for (name, rows), colour in zip(groups.items(), GROUPS, strict=False):
        spent = spent + rows["cost_usd"].to_numpy(np.float64)
        parts.append((name, colour, rows["cost_usd"].to_numpy(np.float64) / hours))
    end_ms = int(edges_ms[-1])
    so_far = layer("cost so far", "money", "line", edges_ms, np.cumsum(spent))
    rate = Chart("Cost per hour, by node group", "USD per hour", tuple(stack(edges_ms, parts)), end_ms)
    return (rate, Chart("Cost so far", "USD", (so_far,), end_ms))


def _by_group(frame: pd.DataFrame, edges_ms: Times, columns: list[str]) -> dict[str, pd.DataFrame]:
    """Rows of each group at the times of ``edges_ms``; beyond six groups the rest are summed."""
    names = [str(name) for name in frame["node_group"].unique()]
    alone = names if len(names) <= len(GROUPS) else names[: len(GROUPS) - 1]
    at = edges_ms[:-1]
    found = {name: _rows(frame[(frame["node_group"] == name).to_numpy()], at, columns) for name in alone}
    if len(alone) < len(names):
        found[OTHERS] = _rows(frame[~frame["node_group"].isin(alone)], at, columns)
    return found


def _rows(rows: pd.DataFrame, at: Times, columns: list[str]) -> pd.DataFrame:
    return rows.groupby("time_ms")[columns].sum().reindex(at, fill_value=0.0)
