"""Who waited for a node, how long and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capsim.result.summary.model import Pending, PendingWorkload
from capsim.result.summary.spans import peak, times_ms


def waiting_pods(pods: pd.DataFrame, reached_ms: int) -> pd.DataFrame:
    """Pods with at least one FailedScheduling, with columns ``since_ms``, ``until_ms`` and ``placed`` added."""
    waiting = pods[pods["reason"] != ""].copy()
    scheduled = times_ms(waiting["scheduled_ms"])
    deleted = times_ms(waiting["deleted_ms"])
    waiting["since_ms"] = times_ms(waiting["created_ms"])
    waiting["until_ms"] = np.minimum(np.minimum(scheduled, deleted), reached_ms)
    waiting["placed"] = scheduled <= np.minimum(deleted, reached_ms)
    waiting["open"] = np.minimum(scheduled, deleted) > reached_ms
    return waiting


def pending(waiting: pd.DataFrame) -> Pending:
    """Totals and a row per workload, from :func:`waiting_pods`."""
    groups = waiting.groupby("workload", observed=True, sort=True)
    rows = [_workload(str(name), rows) for name, rows in groups]
    rows.sort(key=lambda row: (-row.pod_seconds, row.workload))
    return Pending(
        pods=len(waiting),
        pod_seconds=round(float(waiting["pending_s"].sum()), 3),
        longest_s=round(float(waiting["pending_s"].max()), 3) if len(waiting) else 0.0,
        workloads=rows,
    )


def _workload(name: str, rows: pd.DataFrame) -> PendingWorkload:
    by_reason = rows.groupby("reason", observed=True, sort=True)["pending_s"].sum()
    return PendingWorkload(
        workload=name,
        pods=len(rows),
        peak=peak(rows["since_ms"].to_numpy(), rows["until_ms"].to_numpy())[0],
        pod_seconds=round(float(rows["pending_s"].sum()), 3),
        longest_s=round(float(rows["pending_s"].max()), 3),
        first_ms=int(rows["since_ms"].min()),
        last_ms=int(rows["until_ms"].max()),
        never_placed=int((~rows["placed"]).sum()),
        still_pending=int(rows["open"].sum()),
        reason=str(by_reason.idxmax()),
    )
