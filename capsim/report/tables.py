"""Tables of the page: who waited longest, workloads, use and cost by node group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from capsim.report.phrases import clock, count, milliseconds, percent, requests, share, short_name, span
from capsim.result import Result
from capsim.result.summary.limits import short_reason
from capsim.result.summary.model import WorkloadSummary
from capsim.result.summary.pending import waiting_pods
from capsim.result.summary.spans import weighted_mean, weights_s
from capsim.units import format_bytes

LONGEST = 20
REASONS = 8
WORKLOADS = 200


@dataclass(frozen=True)
class Table:
    """``columns`` are the headers, ``rows`` their cells in words; the first cell of a row names it."""

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def longest_pending(result: Result) -> Table:
    """The pods that waited longest for a node."""
    waiting = waiting_pods(result.pods, result.summary.reached_ms)
    worst = waiting.sort_values(["pending_s", "since_ms", "name"], ascending=[False, True, True]).head(LONGEST)
    rows = [_pending_row(row) for row in worst.to_dict("records")]
    shown = (
        f"The {len(rows)} pods that waited longest, of {len(waiting):,}"
        if len(rows) < len(waiting)
        else "All pods that waited"
    )
    return Table(shown, ("Pod", "Workload", "Waited", "Since", "Then", "Why"), rows)


def _pending_row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    until = clock(int(row["until_ms"]))
    then = "still waiting at the end" if row["open"] else f"deleted at {until}, never placed"
    if row["placed"]:
        then = f"on {row['node']} at {until}"
    name, workload = str(row["name"]), short_name(str(row["workload"]))
    since = clock(int(row["since_ms"]))
    return name, workload, span(float(row["pending_s"])), since, then, short_reason(str(row["reason"]))


def reasons(result: Result) -> Table:
    """The scheduler's messages, those that cost most time first."""
    waiting = waiting_pods(result.pods, result.summary.reached_ms)
    by_reason = waiting.groupby("reason", observed=True)["pending_s"].agg(["count", "sum", "max"])
    worst = by_reason.sort_values("sum", ascending=False).head(REASONS)
    rows = [
        (str(reason), str(int(row["count"])), span(float(row["max"])), span(float(row["sum"])))
        for reason, row in worst.iterrows()
    ]
    left_out = f", the {REASONS} that cost most time of {len(by_reason)}" if len(by_reason) > REASONS else ""
    return Table(f"The scheduler's last message to them{left_out}", ("Message", "Pods", "Longest", "Together"), rows)


def workloads(result: Result) -> Table:
    """Every workload of the summary."""
    seen = result.summary.workloads
    columns = (
        "Workload",
        "Wanted at most",
        "Ready",
        "Pending at most",
        "CPU used of requested, peak",
        "Served",
        "Lost",
    )
    caption = count(len(seen), "workload") + (f", the largest {WORKLOADS}" if len(seen) > WORKLOADS else "")
    return Table(caption, columns, [_workload_row(row) for row in seen[:WORKLOADS]])


def _workload_row(row: WorkloadSummary) -> tuple[str, ...]:
    ready = f"{row.lowest_ready} to {row.peak_ready}"
    served = requests(row.served_requests) if row.served_requests else "–"
    lost = f"{requests(row.lost_requests)} ({percent(_lost_ratio(row))})" if row.lost_requests >= 0.5 else "–"
    use = share(row.peak_cpu_utilization_ratio)
    return short_name(row.workload), str(row.peak_desired), ready, str(row.peak_pending), use, served, lost


def _lost_ratio(row: WorkloadSummary) -> float:
    return row.lost_requests / (row.lost_requests + row.served_requests)


def responses(result: Result) -> Table:
    """Response times of every service and journey."""
    seen = result.summary.responses
    columns = ("Service or journey", "Requests", "Failed", "Mean", "p95", "p99", "Worst p99")
    rows = [
        (
            short_name(row.name) + (" (journey)" if row.kind == "journey" else ""),
            requests(row.requests),
            percent(row.failed_ratio) if row.failed_requests >= 0.5 else "–",
            *(
                "–" if value is None else milliseconds(value)
                for value in (row.mean_ms, row.p95_ms, row.p99_ms, row.worst_p99_ms)
            ),
        )
        for row in seen[:WORKLOADS]
    ]
    return Table("Response times with all calls; percentiles of sample intervals, mean over requests", columns, rows)


def objectives(result: Result) -> Table:
    """Every service level objective."""
    columns = ("SLO", "Objective", "Good", "Error budget used", "Minutes violated", "Burn rate", "Worst hour")
    rows = [
        (
            row.name,
            f"{100 * row.objective_ratio:g} %" + ("" if row.below_ms is None else f" within {row.below_ms} ms"),
            f"{100 * row.good_ratio:.4g} %",
            f"{100 * row.budget_used_ratio:,.0f} %",
            f"{row.minutes_violated:,.4g}",
            f"{row.burn_rate:.3g}",
            f"{row.worst_hour_burn_rate:.3g}",
        )
        for row in result.summary.objectives
    ]
    return Table("Service level objectives; a burn rate of 1 spends the budget exactly", columns, rows)


def network(result: Result) -> Table:
    """Zones, load balancers and money of the services that ask for it."""
    columns = (
        "Service", "Requests", "Refused", "Dropped", "Between zones", "Busiest pod / mean", "Pods above capacity",
        "USD, zones", "USD, load balancer", "USD per month",
    )  # fmt: skip
    rows = [
        (
            short_name(row.service),
            requests(row.requests),
            requests(row.refused_requests),
            requests(row.dropped_requests),
            format_bytes(row.cross_zone_bytes),
            f"{row.hottest_pod_ratio:.3g}",
            span(row.overloaded_pod_seconds),
            f"{row.cross_zone_usd:,.2f}",
            f"{row.load_balancer_usd:,.2f}",
            f"{row.month_usd:,.2f}",
        )
        for row in result.summary.network
    ]
    return Table("Load balancers and bytes between zones; beside the cost of nodes", columns, rows)


def node_groups(result: Result) -> Table:
    """Nodes, use and money of each node group."""
    frame, end_ms = result.series["node_groups"], result.summary.reached_ms
    money = {group.node_group: group for group in result.summary.cost.groups}
    columns = (
        "Node group",
        "Nodes",
        "CPU requested",
        "CPU used",
        "Memory requested",
        "Memory used",
        "Node-hours",
        "USD",
    )
    rows = []
    for name in dict.fromkeys([*frame["node_group"].astype(str).unique(), *money]):
        mine = frame[(frame["node_group"] == name).to_numpy()]
        seconds = weights_s(mine, result.summary.sample_interval_ms, end_ms)
        use = [_ratio(mine, seconds, *part) for part in _USE]
        cost = money.get(name)
        paid = (f"{cost.node_hours:,.1f}", f"{cost.run_usd:,.2f}") if cost else ("–", "–")
        rows.append((name, _nodes(mine), *use, *paid))
    return Table("Means over the run, of what is allocatable on Ready nodes", columns, rows)


_USE = (
    ("cpu", "requested", "milli"),
    ("cpu", "used", "milli"),
    ("memory", "requested", "bytes"),
    ("memory", "used", "bytes"),
)


def _ratio(rows: pd.DataFrame, seconds: np.ndarray, resource: str, part: str, unit: str) -> str:
    has = weighted_mean(rows[f"{resource}_allocatable_{unit}"], seconds)
    return share(weighted_mean(rows[f"{resource}_{part}_{unit}"], seconds) / has if has else None)


def _nodes(rows: pd.DataFrame) -> str:
    if not len(rows):
        return "–"
    low, high = int(rows["nodes_ready"].min() + 1e-9), int(rows["nodes_ready_max"].max())
    return str(high) if low == high else f"{low} to {high}"
