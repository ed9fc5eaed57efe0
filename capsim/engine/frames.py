"""From the numbers that a run recorded to tidy frames with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from capsim.engine import recorder as q
from capsim.engine.build.names import Names
from capsim.state.tables import F64, I64, SAMPLE_START, T_READY, T_REGISTERED, T_REQUESTED

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

WORKLOAD_COLUMNS = {
    "rps": q.Q_RPS, "served_rps": q.Q_SERVED, "lost_rps": q.Q_LOST,
    "backlog_requests": q.Q_BACKLOG, "backlog_requests_max": q.X_HIGH_BACKLOG,
    "desired_replicas": q.Q_DESIRED, "desired_replicas_max": q.X_HIGH_DESIRED, "replicas": q.Q_REPLICAS,
    "ready": q.Q_READY, "ready_min": q.X_LOW_READY, "pending": q.Q_PENDING, "pending_max": q.X_HIGH_PENDING,
    "starting": q.Q_STARTING, "cpu_used_milli": q.Q_CPU, "cpu_used_milli_max": q.X_HIGH_CPU,
    "cpu_requested_milli": q.Q_CPU_REQUESTED, "memory_used_bytes": q.Q_MEMORY,
    "memory_requested_bytes": q.Q_MEMORY_REQUESTED,
}  # fmt: skip
GROUP_COLUMNS = {
    "nodes_ready": q.Q_NODES_READY, "nodes_ready_max": q.X_HIGH0, "nodes_booting": q.Q_NODES_BOOTING,
    "nodes_deleting": q.Q_NODES_DELETING, "cpu_allocatable_milli": q.Q_ALLOCATABLE_CPU,
    "cpu_requested_milli": q.Q_REQUESTED_CPU, "cpu_used_milli": q.Q_USED_CPU,
    "memory_allocatable_bytes": q.Q_ALLOCATABLE_MEMORY, "memory_requested_bytes": q.Q_REQUESTED_MEMORY,
    "memory_used_bytes": q.Q_USED_MEMORY,
}  # fmt: skip
REQUEST_RATES = ("rps", "served_rps", "lost_rps")
HOUR_MS = 3_600_000.0
SETTLED_NOISE = 1e-6
"""Sums of shares that cancel to less than this are zero."""


class Samples:
    """All samples of a run: times and spans [n], data [n, rows, columns]."""

    def __init__(self, sim: Simulation) -> None:
        rows = sim.state.samples.value.shape[0]
        data = sim.sink.samples or [np.zeros((0, rows, q.SAMPLE_COLUMNS))]
        self.data: F64 = np.concatenate(data)
        self.start_ms: I64 = np.concatenate(sim.sink.sample_ms) if sim.sink.sample_ms else np.zeros(0, np.int64)
        ends = np.append(self.start_ms[1:], min(int(sim.state.clock.values[SAMPLE_START]), sim.scenario.duration_ms))
        self.span_ms: I64 = ends - self.start_ms


def workloads_frame(samples: Samples, names: Names) -> pd.DataFrame:
    """One row per sample and workload."""
    count, size = names.shown, samples.start_ms.size
    part = samples.data[:, :count, :]
    columns: dict[str, Any] = {
        "time_ms": np.repeat(samples.start_ms, count),
        "workload": pd.Categorical.from_codes(
            np.tile(np.arange(count), size), categories=pd.Index(names.workloads[:count])
        ),
    }
    for name, column in WORKLOAD_COLUMNS.items():
        values = part[:, :, column].copy()
        if name in REQUEST_RATES and names.usage:
            values[:, sorted(w for w in names.usage if w < count)] = 0.0
        columns[name] = values.reshape(-1)
    requested = columns["cpu_requested_milli"]
    columns["cpu_utilization_ratio"] = np.divide(
        columns["cpu_used_milli"], requested, out=np.zeros_like(requested), where=requested > 0
    )
    return pd.DataFrame(columns)


def cost_between(nodes: pd.DataFrame, start_ms: I64, span_ms: I64) -> F64:
    """USD of ``nodes`` (rows of the nodes frame) in each interval: price x the part of it in which they are paid."""
    begin = np.maximum(0, nodes["requested_ms"].fillna(0).to_numpy(np.int64))[:, None]
    end = nodes["gone_ms"].fillna(np.iinfo(np.int64).max).to_numpy(np.int64)[:, None]
    paid_ms = np.minimum(end, (start_ms + span_ms)[None, :]) - np.maximum(begin, start_ms[None, :])
    usd: F64 = nodes["price_per_hour_usd"].to_numpy(float) @ (np.maximum(0, paid_ms) / HOUR_MS)
    return usd


def groups_frame(samples: Samples, names: Names, nodes: pd.DataFrame) -> pd.DataFrame:
    """One row per sample and node group; the static group, whose nodes have prices of their own, only where it has
    nodes. ``nodes`` is the nodes frame of the run."""
    first, count, size = len(names.workloads), len(names.groups), samples.start_ms.size
    part = samples.data[:, first : first + count, :]
    columns: dict[str, Any] = {
        "time_ms": np.repeat(samples.start_ms, count),
        "node_group": pd.Categorical.from_codes(np.tile(np.arange(count), size), categories=pd.Index(names.groups)),
    }
    for name, column in GROUP_COLUMNS.items():
        values = part[:, :, column]
        columns[name] = np.where(np.abs(values) < SETTLED_NOISE, 0.0, values).reshape(-1)
    hours = samples.span_ms[:, None] / HOUR_MS
    usd = part[:, :, q.Q_NODES] * hours * np.array(names.prices)
    static = nodes[nodes["node_group"] == names.groups[-1]]
    if len(static):
        usd[:, -1] = cost_between(static, samples.start_ms, samples.span_ms)
    columns["cost_usd"] = usd.reshape(-1)
    frame = pd.DataFrame(columns)
    if not names.node_names:
        frame = frame[frame["node_group"] != names.groups[-1]].reset_index(drop=True)
        frame["node_group"] = frame["node_group"].cat.remove_unused_categories()
    return frame


def totals_frame(samples: Samples, names: Names, workloads: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """One row per sample; ``rps`` counts every workload behind a service."""
    size = samples.start_ms.size
    total = samples.data[:, len(names.workloads) + len(names.groups), :]

    def summed(frame: pd.DataFrame, column: str) -> F64:
        if size == 0 or frame.empty:
            return np.zeros(size)
        result: F64 = frame[column].to_numpy(float).reshape(size, -1).sum(axis=1)
        return result

    columns: dict[str, Any] = {"time_ms": samples.start_ms}
    columns |= {name: summed(workloads, name) for name in REQUEST_RATES}
    columns |= {
        "pods_desired": summed(workloads, "desired_replicas"), "pods_ready": summed(workloads, "ready"),
        "pods_pending": summed(workloads, "pending"), "pods_pending_max": total[:, q.X_HIGH0],
        "pods_starting": summed(workloads, "starting"), "nodes_ready": summed(groups, "nodes_ready"),
        "nodes_ready_max": total[:, q.X_HIGH_NODES], "nodes_booting": summed(groups, "nodes_booting"),
    }  # fmt: skip
    rest = [c for c in GROUP_COLUMNS if c.startswith(("cpu", "memory"))]
    columns |= {name: summed(groups, name) for name in [*rest, "cost_usd"]}
    return pd.DataFrame(columns)


def live_pods(sim: Simulation) -> I64:
    """Rows of the pods that are alive, as the log would hold them, in the order of their creation."""
    s = sim.state
    alive = np.flatnonzero(s.pods.uid >= 0)
    alive = alive[np.argsort(s.pods.uid[alive], kind="stable")]
    node = s.pods.node[alive]
    group = np.where(node >= 0, s.nodes.group[node], -1)
    ordinal = np.where(node >= 0, s.nodes.ordinal[node], -1)
    parts = [
        s.pods.workload[alive],
        s.pods.ordinal[alive],
        group,
        ordinal,
        s.pods.created_ms[alive],
        s.pods.bound_ms[alive],
    ]
    parts += [
        s.pods.first_ready_ms[alive],
        s.pods.deleted_ms[alive],
        np.full(alive.size, -1),
        s.pods.diagnosis[alive],
        s.pods.uid[alive],
        s.pods.restarts[alive],
    ]
    return np.stack(parts, axis=1).astype(np.int64).reshape(-1, 12)


def times(values: I64) -> pd.Series[Any]:
    """-1 becomes missing."""
    return pd.Series(values).astype("Int64").mask(values == -1)


def pods_frame(sim: Simulation, messages: list[str]) -> pd.DataFrame:
    """One row per pod that ever was."""
    rows = np.concatenate([sim.sink.rows("pods", 12), live_pods(sim)])
    rows = rows[np.argsort(rows[:, 10], kind="stable")]
    names = sim.names
    keys = [names.workloads[names.owner(w)] for w in rows[:, 0].tolist()]
    end = np.where(rows[:, 5] != -1, rows[:, 5], np.where(rows[:, 7] != -1, rows[:, 7], sim.now_ms))
    waited = np.maximum(0, end - rows[:, 4]) / 1000.0
    waited[(rows[:, 4] < 0) & (rows[:, 5] != -1)] = 0.0
    late = (rows[:, 4] < 0) & (rows[:, 5] == -1)
    waited[late] = end[late] / 1000.0
    node = [names.node(g, o) if g >= 0 else None for g, o in rows[:, 2:4].tolist()]
    return pd.DataFrame(
        {
            "name": pd.Series([names.pod(w, o) for w, o in rows[:, :2].tolist()], dtype="str"),
            "namespace": pd.Series([key.split("/")[0] for key in keys], dtype="str"),
            "workload": pd.Categorical(keys, categories=names.workloads[: names.shown]),
            "node": pd.Series(node, dtype="str"),
            "created_ms": times(rows[:, 4]), "scheduled_ms": times(rows[:, 5]), "ready_ms": times(rows[:, 6]),
            "deleted_ms": times(rows[:, 7]), "gone_ms": times(rows[:, 8]), "pending_s": waited,
            "restarts": rows[:, 11],
            "reason": pd.Series([messages[d] if d >= 0 else "" for d in rows[:, 9]], dtype="str"),
        }
    )  # fmt: skip


def nodes_frame(sim: Simulation) -> pd.DataFrame:
    """One row per node that ever was; cost from the request (or the start) until it is gone (or the end)."""
    s = sim.state
    alive = np.flatnonzero(s.nodes.uid >= 0)
    live = [
        s.nodes.group[alive], s.nodes.ordinal[alive], s.nodes.shape[alive], s.nodes.times[alive, T_REQUESTED],
        s.nodes.times[alive, T_REGISTERED], s.nodes.times[alive, T_READY], s.nodes.times[alive, 3],
        np.full(alive.size, -1), s.nodes.uid[alive],
    ]  # fmt: skip
    rows = np.concatenate([sim.sink.rows("nodes", 9), np.stack(live, axis=1).astype(np.int64).reshape(-1, 9)])
    rows = rows[np.argsort(rows[:, 8], kind="stable")]
    until = np.where(rows[:, 7] != -1, rows[:, 7], sim.now_ms)
    hours = np.maximum(0, until - np.maximum(0, rows[:, 3])) / HOUR_MS
    names = sim.names
    price = np.array([names.price(g, o) for g, o in rows[:, :2].tolist()], float)
    return pd.DataFrame(
        {
            "name": pd.Series([names.node(g, o) for g, o in rows[:, :2].tolist()], dtype="str"),
            "node_group": pd.Categorical([names.groups[g] for g in rows[:, 0]], categories=names.groups),
            "zone": pd.Series([names.shapes[i].zone if names.shapes else "" for i in rows[:, 2]], dtype="str"),
            "requested_ms": times(rows[:, 3]), "registered_ms": times(rows[:, 4]), "ready_ms": times(rows[:, 5]),
            "deleting_ms": times(rows[:, 6]), "gone_ms": times(rows[:, 7]), "node_hours": hours,
            "price_per_hour_usd": price, "cost_usd": hours * price,
        }
    )  # fmt: skip
