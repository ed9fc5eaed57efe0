"""A hand-written run with known answers: app10's rush hour, as frames. Used by the tests of result and report.

Two pods serve until 3:00; from 4:15 on eight are bound and two are Pending until 20:15; then two remain. Three nodes,
one hour, 60 s samples. Numbers are exact, so that the summary can be checked by hand.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from capsim.result import Result
from capsim.scenario import Container, PodTemplate, Scenario, load

APP = "default/Deployment/app10"
GIB = 2**30
HOUR_MS = 3_600_000
RUSH_MS = (180_000, 900_000)
PENDING_MS = (255_000, 1_215_000)
REASON = (
    "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: "
    "3 No preemption victims found for incoming pod."
)
SYSTEM_MILLI = 1600
PRICE_USD = 0.09576


def times() -> np.ndarray:
    """Starts of the 60 sample intervals, ms."""
    return np.arange(0, HOUR_MS, 60_000, dtype=np.int64)


def series() -> dict[str, pd.DataFrame]:
    """The three series."""
    at = times()
    rush = (at >= RUSH_MS[0]) & (at < RUSH_MS[1])
    many = (at >= 240_000) & (at < 1_200_000)
    rps = np.where(rush, 600.0, 60.0)
    ready = np.where(many, 8.0, 2.0)
    used = np.where(rush, np.minimum(6000.0, ready * 1000.0), 600.0)
    served = used / 10.0
    lost = np.where(at == RUSH_MS[0], 300.0, 0.0)
    backlog = np.where(at == RUSH_MS[0], 6000.0, 0.0)
    pending = np.where(many, 2.0, 0.0)
    desired = np.where(many, 10.0, 2.0)
    workloads = pd.DataFrame(
        {
            "time_ms": at,
            "workload": pd.Categorical([APP] * len(at)),
            "rps": rps,
            "served_rps": served,
            "lost_rps": lost,
            "backlog_requests": backlog,
            "backlog_requests_max": backlog * 2,
            "desired_replicas": desired,
            "desired_replicas_max": desired.astype(np.int64),
            "replicas": desired,
            "ready": ready,
            "ready_min": ready.astype(np.int64),
            "pending": pending,
            "pending_max": pending.astype(np.int64),
            "starting": np.zeros(len(at)),
            "cpu_used_milli": used,
            "cpu_used_milli_max": used,
            "cpu_requested_milli": ready * 500.0,
            "memory_used_bytes": ready * 200 * 2**20,
            "memory_requested_bytes": ready * 512 * 2**20,
            "cpu_utilization_ratio": used / (ready * 500.0),
        }
    )
    return {"workloads": workloads, "node_groups": _node_groups(at, workloads), "totals": _totals(at, workloads)}


def _node_groups(at: np.ndarray, workloads: pd.DataFrame) -> pd.DataFrame:
    frame = _totals(at, workloads)
    frame.insert(1, "node_group", pd.Categorical(["worker"] * len(at)))
    frame["nodes_deleting"] = 0.0
    return frame[
        ["time_ms", "node_group", "nodes_ready", "nodes_ready_max", "nodes_booting", "nodes_deleting"]
        + [f"cpu_{what}_milli" for what in ("allocatable", "requested", "used")]
        + [f"memory_{what}_bytes" for what in ("allocatable", "requested", "used")]
        + ["cost_usd"]
    ]


def _totals(at: np.ndarray, workloads: pd.DataFrame) -> pd.DataFrame:
    constant = np.ones(len(at))
    return pd.DataFrame(
        {
            "time_ms": at,
            "rps": workloads["rps"],
            "served_rps": workloads["served_rps"],
            "lost_rps": workloads["lost_rps"],
            "pods_desired": workloads["desired_replicas"] + 9,
            "pods_ready": workloads["ready"] + 9,
            "pods_pending": workloads["pending"],
            "pods_pending_max": workloads["pending_max"],
            "pods_starting": workloads["starting"],
            "nodes_ready": constant * 3,
            "nodes_ready_max": (constant * 3).astype(np.int64),
            "nodes_booting": constant * 0,
            "cpu_allocatable_milli": constant * 5850,
            "cpu_requested_milli": workloads["cpu_requested_milli"] + SYSTEM_MILLI,
            "cpu_used_milli": workloads["cpu_used_milli"],
            "memory_allocatable_bytes": constant * 3 * 7 * 2**30,
            "memory_requested_bytes": workloads["memory_requested_bytes"] + 2**30,
            "memory_used_bytes": workloads["memory_used_bytes"],
            "cost_usd": constant * 3 * PRICE_USD / 60,
        }
    )


def pods() -> pd.DataFrame:
    """Two old pods, six that start in the rush, two that wait."""
    rows: list[dict[str, Any]] = [_pod(f"app10-{n}", -HOUR_MS, -HOUR_MS, None) for n in range(2)]
    rows += [_pod(f"app10-{n}", 195_000 + 10_000 * n, 195_012 + 10_000 * n, PENDING_MS[1]) for n in range(6)]
    rows += [_pod(f"app10-wait-{n}", PENDING_MS[0], None, PENDING_MS[1]) for n in range(2)]
    frame = pd.DataFrame(rows)
    for column in ("created_ms", "scheduled_ms", "ready_ms", "deleted_ms", "gone_ms"):
        frame[column] = frame[column].astype("Int64")
    return frame


def _pod(name: str, created: int, scheduled: int | None, deleted: int | None) -> dict[str, Any]:
    placed = scheduled is not None
    end = scheduled if scheduled is not None else deleted if deleted is not None else HOUR_MS
    return {
        "name": name,
        "namespace": "default",
        "workload": APP,
        "node": "worker-1" if placed else None,
        "created_ms": created,
        "scheduled_ms": scheduled,
        "ready_ms": scheduled + 5000 if scheduled else scheduled,
        "deleted_ms": deleted,
        "gone_ms": deleted + 2000 if deleted is not None and placed else deleted,
        "pending_s": (end - created) / 1000.0,
        "restarts": 0,
        "reason": "" if placed else REASON,
    }


def nodes() -> pd.DataFrame:
    """Three workers, there from the start to the end."""
    frame = pd.DataFrame(
        {
            "name": [f"worker-{n}" for n in (1, 2, 3)],
            "node_group": "worker",
            "zone": "",
            "requested_ms": -HOUR_MS,
            "registered_ms": -HOUR_MS,
            "ready_ms": -HOUR_MS,
            "deleting_ms": None,
            "gone_ms": None,
            "node_hours": 1.0,
            "price_per_hour_usd": PRICE_USD,
            "cost_usd": PRICE_USD,
        }
    )
    for column in ("requested_ms", "registered_ms", "ready_ms", "deleting_ms", "gone_ms"):
        frame[column] = frame[column].astype("Int64")
    return frame


def events() -> pd.DataFrame:
    """Two of the many."""
    return pd.DataFrame(
        {
            "time_ms": [255_020, 255_021],
            "type": "Warning",
            "reason": "FailedScheduling",
            "object": ["Pod/default/app10-wait-0", "Pod/default/app10-wait-1"],
            "message": REASON,
            "count": 1,
            "source": "default-scheduler",
        }
    )


def facts() -> dict[str, Any]:
    """Engine counters as far as the result needs them."""
    return {"reached_ms": HOUR_MS, "partial": False, "events": 2, "events_dropped": 0}


@functools.cache
def scenario() -> Scenario:
    """The packaged app10: a Deployment with an HPA of 2 to 10, system pods, three workers of 1950m allocatable."""
    return load(Path(__file__).resolve().parents[2] / "scenarios" / "app10.yaml", sets=["sampleInterval=60s"])


def template(requests: dict[str, int], limits: dict[str, int] | None = None, **fields: Any) -> PodTemplate:
    """A pod of one container."""
    return PodTemplate(containers=(Container(name="app", requests=requests, limits=limits or {}),), **fields)


def result(**changes: Any) -> Result:
    """All of it."""
    parts = {
        "scenario": scenario(),
        "series": series(),
        "pods": pods(),
        "nodes": nodes(),
        "events": events(),
        "facts": facts(),
    }
    return Result(**{**parts, **changes})
