"""From what a run recorded of response times to frames with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from capsim.state import tables_calls as q
from capsim.state.tables import F64, I64

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

TIMES = {
    "own_mean_ms": q.OUT_OWN_MEAN, "own_p50_ms": q.OUT_OWN_P50, "own_p95_ms": q.OUT_OWN_P95,
    "own_p99_ms": q.OUT_OWN_P99, "mean_ms": q.OUT_MEAN, "p50_ms": q.OUT_P50, "p95_ms": q.OUT_P95, "p99_ms": q.OUT_P99,
}  # fmt: skip

BALANCE = {
    "ready": q.B_PODS, "oldest_connections": q.B_OLDEST_CONNECTIONS, "newest_connections": q.B_NEWEST_CONNECTIONS,
    "oldest_utilization_ratio": q.B_OLDEST, "newest_utilization_ratio": q.B_NEWEST,
    "highest_utilization_ratio": q.B_HIGHEST, "lowest_utilization_ratio": q.B_LOWEST,
}  # fmt: skip


def recorded(sim: Simulation) -> F64:
    """[samples, services + journeys + objectives, OUT_COLUMNS]"""
    empty = np.zeros((0, *sim.state.calls.out.shape[1:]))
    return np.concatenate([empty, *sim.sink.responses])


def responses_frame(sim: Simulation, start_ms: I64) -> pd.DataFrame:
    """One row per sample and service, or journey."""
    journeys = list(sim.scenario.journeys)
    names = [*sim.names.services, *journeys]
    part = recorded(sim)[:, : len(names)]
    kinds = ["service"] * len(sim.names.services) + ["journey"] * len(journeys)
    columns: dict[str, Any] = {
        "time_ms": np.repeat(start_ms, len(names)),
        "kind": pd.Categorical(np.tile(kinds, start_ms.size), categories=["service", "journey"]),
        "name": pd.Categorical(np.tile(names, start_ms.size), categories=list(dict.fromkeys(names))),
        "requests": part[:, :, q.OUT_REQUESTS].reshape(-1),
        "failed_requests": part[:, :, q.OUT_FAILED].reshape(-1),
    }
    columns |= {name: part[:, :, column].reshape(-1) * 1000.0 for name, column in TIMES.items()}
    return pd.DataFrame(columns)


def objectives_frame(sim: Simulation, start_ms: I64) -> pd.DataFrame:
    """One row per sample and SLO: requests, and those that were too slow or failed."""
    labels = [slo.label for slo in sim.scenario.slos]
    part = recorded(sim)[:, len(sim.names.services) + len(sim.scenario.journeys) :]
    return pd.DataFrame(
        {
            "time_ms": np.repeat(start_ms, len(labels)),
            "slo": pd.Categorical(np.tile(labels, start_ms.size), categories=labels),
            "requests": part[:, :, q.OUT_REQUESTS].reshape(-1),
            "bad_requests": part[:, :, q.OUT_FAILED].reshape(-1),
        }
    )


def balance_frame(sim: Simulation, start_ms: I64) -> pd.DataFrame:
    """One row per sample and workload whose requests stay on connections."""
    names = [sim.names.workloads[w] for w in sim.state.connections.workload.tolist()]
    part = np.concatenate([np.zeros((0, *sim.state.connections.out.shape[1:])), *sim.sink.balance])
    columns: dict[str, Any] = {
        "time_ms": np.repeat(start_ms, len(names)),
        "workload": pd.Categorical(np.tile(names, start_ms.size), categories=names),
    }
    columns |= {name: part[:, :, column].reshape(-1) for name, column in BALANCE.items()}
    return pd.DataFrame(columns)
