"""Utilisation and requests over the whole run, from the series."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from capsim.result.summary.model import ResourceUse, Traffic
from capsim.result.summary.spans import weighted_mean, weights_s

SOME_REQUESTS = 0.5  # less than half a request is rounding, not a backlog


def resource_use(totals: pd.DataFrame, resource: str, unit: str, weights: npt.NDArray[np.float64]) -> ResourceUse:
    """Means and peaks of one resource; ``resource`` and ``unit`` name the columns (cpu, milli)."""
    has = totals[f"{resource}_allocatable_{unit}"]
    requested, used = totals[f"{resource}_requested_{unit}"], totals[f"{resource}_used_{unit}"]
    mean_has, mean_requested, mean_used = (weighted_mean(column, weights) for column in (has, requested, used))
    return ResourceUse(
        allocatable=mean_has,
        requested=mean_requested,
        used=mean_used,
        requested_ratio=mean_requested / mean_has if mean_has else None,
        used_ratio=mean_used / mean_has if mean_has else None,
        peak_requested_ratio=_peak_ratio(requested, has),
        peak_used_ratio=_peak_ratio(used, has),
    )


def _peak_ratio(part: pd.Series, whole: pd.Series) -> float | None:
    some = whole > 0
    return float((part[some] / whole[some]).max()) if some.any() else None


def traffic(totals: pd.DataFrame, workloads: pd.DataFrame, interval_ms: int, end_ms: int) -> Traffic:
    """Requests offered, served, lost and waiting."""
    seconds = weights_s(totals, interval_ms, end_ms)
    offered, served, lost = (float(np.dot(totals[c], seconds)) for c in ("rps", "served_rps", "lost_rps"))
    rows_s = weights_s(workloads, interval_ms, end_ms)
    waited = pd.Series(np.where(workloads["backlog_requests_max"] > SOME_REQUESTS, rows_s, 0.0))
    by_workload = waited.groupby(workloads["workload"].to_numpy(), observed=True).sum()
    return Traffic(
        offered_requests=offered,
        served_requests=served,
        lost_requests=lost,
        lost_ratio=lost / offered if offered else 0.0,
        backlog_peak_requests=float(workloads["backlog_requests_max"].max()) if len(workloads) else 0.0,
        backlog_seconds=float(by_workload.max()) if len(by_workload) else 0.0,
        backlog_request_seconds=float(np.dot(workloads["backlog_requests"], rows_s)),
    )
