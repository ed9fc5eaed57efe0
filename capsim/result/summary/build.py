"""All parts of the summary, from the frames of one run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from capsim.result.summary.capacity import zero_pending
from capsim.result.summary.limits import limits
from capsim.result.summary.model import HeldBack, Peaks, Summary, WorkloadSummary
from capsim.result.summary.money import cost
from capsim.result.summary.network import network
from capsim.result.summary.objectives import objectives, responses
from capsim.result.summary.pending import pending, waiting_pods
from capsim.result.summary.spans import peak, times_ms, weights_s
from capsim.result.summary.use import resource_use, traffic
from capsim.result.summary.warnings import warnings
from capsim.scenario import Scenario


def summarise(
    scenario: Scenario,
    series: dict[str, pd.DataFrame],
    pods: pd.DataFrame,
    nodes: pd.DataFrame,
    events: pd.DataFrame,
    facts: dict[str, Any],
) -> Summary:
    """Compute every number of :class:`Summary`; the frames are those of :class:`capsim.result.Result`."""
    end_ms, interval_ms = int(facts["reached_ms"]), scenario.sample_interval_ms
    totals, workloads = series["totals"], series["workloads"]
    waiting = waiting_pods(pods, end_ms)
    weights = weights_s(totals, interval_ms, end_ms)
    found = network(series, end_ms)
    held_back = [HeldBack.model_validate(held) for held in facts.get("held_back", [])]
    return Summary(
        name=scenario.name,
        seed=scenario.seed,
        duration_ms=scenario.duration_ms,
        reached_ms=end_ms,
        partial=bool(facts["partial"]),
        sample_interval_ms=interval_ms,
        peaks=_peaks(totals, pods, nodes, waiting, end_ms),
        pending=pending(waiting),
        zero_pending=zero_pending(scenario, nodes, waiting),
        held_back=held_back,
        limits=limits(scenario, series, waiting, held_back, interval_ms, end_ms),
        warnings=warnings(scenario, events, end_ms),
        cpu=resource_use(totals, "cpu", "milli", weights),
        memory=resource_use(totals, "memory", "bytes", weights),
        traffic=traffic(totals, workloads, interval_ms, end_ms),
        responses=responses(series),
        objectives=objectives(scenario, series, interval_ms, end_ms),
        network=found,
        cost=cost(nodes, end_ms, found),
        workloads=_workloads(scenario, workloads, waiting, interval_ms, end_ms),
        events_dropped=int(facts.get("events_dropped", 0)),
    )


def _peaks(totals: pd.DataFrame, pods: pd.DataFrame, nodes: pd.DataFrame, waiting: pd.DataFrame, end_ms: int) -> Peaks:
    created, scheduled = times_ms(pods["created_ms"]), times_ms(pods["scheduled_ms"])
    deleted, gone = times_ms(pods["deleted_ms"]), times_ms(pods["gone_ms"])
    placed = scheduled <= end_ms
    pods_peak, pods_at = peak(created, deleted)
    pending_peak, pending_at = peak(waiting["since_ms"].to_numpy(), waiting["until_ms"].to_numpy())
    ready = times_ms(nodes["ready_ms"])
    left = np.minimum(times_ms(nodes["deleting_ms"]), times_ms(nodes["gone_ms"]))
    were = ready <= end_ms
    nodes_peak, nodes_at = peak(ready[were], left[were])
    return Peaks(
        pods=pods_peak,
        pods_at_ms=pods_at,
        pods_bound=peak(scheduled[placed], np.minimum(deleted, gone)[placed])[0],
        pods_pending=pending_peak,
        pods_pending_at_ms=pending_at if pending_peak else None,
        nodes=nodes_peak,
        nodes_at_ms=nodes_at,
        nodes_at_start=int(((ready <= 0) & (left > 0)).sum()),
        nodes_at_end=int((were & (left > end_ms)).sum()),
        rps=float(totals["rps"].max()) if len(totals) else 0.0,
    )


def _workloads(
    scenario: Scenario, series: pd.DataFrame, waiting: pd.DataFrame, interval_ms: int, end_ms: int
) -> list[WorkloadSummary]:
    scaled = {hpa.target_key for hpa in scenario.objects.hpas}
    kinds = {workload.key: workload.kind for workload in scenario.objects.workloads}
    found = []
    for key, rows in series.groupby("workload", observed=True, sort=True):
        name = str(key)
        if name not in scaled and kinds.get(name) in {"DaemonSet", "Pod"} and not rows["rps"].any():
            continue
        seconds = weights_s(rows, interval_ms, end_ms)
        mine = waiting[waiting["workload"] == name]
        requested = bool((rows["cpu_requested_milli"] > 0).any())
        found.append(
            WorkloadSummary(
                workload=name,
                peak_desired=int(rows["desired_replicas_max"].max()),
                peak_ready=int(rows["ready"].max() + 1e-9),
                lowest_ready=int(rows["ready_min"].min()),
                peak_pending=peak(mine["since_ms"].to_numpy(), mine["until_ms"].to_numpy())[0],
                peak_cpu_utilization_ratio=float(rows["cpu_utilization_ratio"].max()) if requested else None,
                served_requests=float(np.dot(rows["served_rps"], seconds)),
                lost_requests=float(np.dot(rows["lost_rps"], seconds)),
            )
        )
    return sorted(found, key=lambda row: (-row.peak_desired, row.workload))
