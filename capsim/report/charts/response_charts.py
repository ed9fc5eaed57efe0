"""Charts of response times: percentiles over time, where the time of a request goes, and error budgets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capsim.report.charts.chart import Chart, Times, layer, stack
from capsim.report.charts.palette import GROUPS
from capsim.report.phrases import short_name
from capsim.result import Result

DRAWN = 4


def response_charts(result: Result) -> list[Chart]:
    """Percentiles of what users see, the p99 of each service itself, and bad requests against each budget."""
    frame = result.series.get("responses")
    if frame is None or frame.empty:
        return []
    end_ms = result.summary.reached_ms
    return [
        *_percentiles(result, frame, end_ms),
        *_services(frame, "own_p99_ms", "p99 of each service itself, without its calls", "ms", end_ms),
        *_services(frame.assign(rps=_per_second(frame, end_ms)), "rps", "Requests, tries included", "per s", end_ms),
        *_balance(result, end_ms),
        *_budgets(result, end_ms),
    ]


def seen(result: Result) -> list[str]:
    """What users see: journeys, else the services with traffic of their own, slowest first."""
    rows = [row for row in result.summary.responses if row.p99_ms is not None]
    journeys = [row for row in rows if row.kind == "journey"]
    outside = [row for row in rows if row.name in result.scenario.traffic]
    return [row.name for row in sorted(journeys or outside or rows, key=lambda row: -(row.p99_ms or 0.0))][:DRAWN]


def _percentiles(result: Result, frame: pd.DataFrame, end_ms: int) -> list[Chart]:
    charts = []
    for name in seen(result):
        rows = frame[(frame["name"] == name).to_numpy()]
        edges = _edges(rows, end_ms)
        parts = (("p99", "lost", "line"), ("p95", "requested", "line"), ("p50", "served", "line"))
        layers = tuple(layer(p, colour, "line", edges, rows[f"{p}_ms"].fillna(0.0)) for p, colour, _ in parts)
        charts.append(Chart(f"Response time of {short_name(name)}, calls included", "ms", layers, end_ms))
    return charts


def _services(frame: pd.DataFrame, column: str, title: str, unit: str, end_ms: int) -> list[Chart]:
    """One number of the services; those where it is largest are drawn."""
    services = frame[(frame["kind"] == "service").to_numpy()]
    peaks = services.groupby("name", observed=True)[column].max().sort_values(ascending=False)
    if len(peaks) < 2:
        return []
    layers = []
    for colour, name in zip(GROUPS, peaks.index[: len(GROUPS)]):
        rows = services[(services["name"] == name).to_numpy()]
        layers.append(layer(short_name(str(name)), colour, "line", _edges(rows, end_ms), rows[column].fillna(0.0)))
    return [Chart(title, unit, tuple(layers), end_ms)]


def _per_second(frame: pd.DataFrame, end_ms: int) -> pd.Series[float]:
    starts = np.append(np.unique(frame["time_ms"].to_numpy(np.int64)), end_ms)
    spans = dict(zip(starts[:-1].tolist(), (np.diff(starts) / 1000.0).tolist(), strict=True))
    return frame["requests"] / frame["time_ms"].map(spans)


def _balance(result: Result, end_ms: int) -> list[Chart]:
    """Old and new pods where requests stay on their connections."""
    frame = result.series.get("balance")
    charts = []
    for name, rows in frame.groupby("workload", observed=True) if frame is not None else ():
        edges = _edges(rows, end_ms)
        parts = (("highest", "lost"), ("oldest", "requested"), ("newest", "served"), ("lowest", "desired"))
        layers = tuple(
            layer(
                {"highest": "busiest pod", "oldest": "oldest", "newest": "newest", "lowest": "idlest"}[part],
                colour,
                "line",
                edges,
                100.0 * rows[f"{part}_utilization_ratio"],
            )
            for part, colour in parts
        )
        charts.append(Chart(f"Utilisation of pods of {short_name(str(name))}, by connection", "%", layers, end_ms))
    return charts


def _budgets(result: Result, end_ms: int) -> list[Chart]:
    frame = result.series.get("objectives")
    charts = []
    for row in result.summary.objectives if frame is not None else ():
        assert frame is not None
        mine = frame[(frame["slo"] == row.name).to_numpy()]
        edges = _edges(mine, end_ms)
        spent = np.cumsum(mine["bad_requests"].to_numpy(float))
        allowed = np.cumsum(mine["requests"].to_numpy(float)) * (1.0 - row.objective_ratio)
        layers = [
            *stack(edges, [("bad requests so far", "lost", spent)]),
            layer("error budget so far", "desired", "dashed", edges, allowed),
        ]
        charts.append(Chart(f"Error budget of {row.name}", "requests", tuple(layers), end_ms))
    return charts


def _edges(rows: pd.DataFrame, end_ms: int) -> Times:
    return np.append(rows["time_ms"].to_numpy(np.int64), end_ms)
