"""What the run ran into, in order of time; the first is the first bottleneck."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from capsim.result.summary.model import HeldBack, Limit, LimitKind
from capsim.result.summary.spans import union, weights_s
from capsim.result.summary.use import SOME_REQUESTS
from capsim.scenario import Hpa, PodTemplate, Scenario

AT_LIMIT = 0.97  # use within 3 % of a limit counts as held by it: a sample averages, pods are not all alike
HPA_TOLERANCE = 0.1
ORDER: tuple[LimitKind, ...] = ("cpu-limit", "node-cpu", "scheduling", "quota", "hpa-max", "node-group-max")
Mask = npt.NDArray[np.bool_]


def limits(
    scenario: Scenario,
    series: dict[str, pd.DataFrame],
    waiting: pd.DataFrame,
    held_back: list[HeldBack],
    interval_ms: int,
    end_ms: int,
) -> list[Limit]:
    """Every limit that was hit, the first first."""
    found = _scheduling(waiting) + [_quota(held) for held in held_back]
    for key, rows in series["workloads"].groupby("workload", observed=True, sort=True):
        found += _workload(scenario, str(key), rows, weights_s(rows, interval_ms, end_ms))
    found += _node_groups(scenario, series, interval_ms, end_ms)
    return sorted(found, key=lambda limit: (limit.at_ms, ORDER.index(limit.kind), limit.object))


def short_reason(message: str) -> str:
    """``0/3 nodes are available: 3 Insufficient cpu. preemption: …`` -> ``3 Insufficient cpu``."""
    match = re.search(r"nodes are available: (.*?)\.(?:\s|$)", message)
    return match.group(1) if match else message


def _scheduling(waiting: pd.DataFrame) -> list[Limit]:
    found = []
    for key, rows in waiting.groupby("workload", observed=True, sort=True):
        starts, ends = union(rows["since_ms"].to_numpy(), rows["until_ms"].to_numpy())
        pods = f"{len(rows)} pod{'s' * (len(rows) > 1)}"
        found.append(
            Limit(
                kind="scheduling",
                object=str(key),
                at_ms=int(starts[0]),
                seconds=float((ends - starts).sum()) / 1000.0,
                text=f"no node for {pods}: {short_reason(str(rows['reason'].iloc[0]))}",
            )
        )
    return found


def _quota(held: HeldBack) -> Limit:
    pods = f"{held.peak} pod{'s' * (held.peak > 1)}"
    return Limit(
        kind="quota",
        object=held.workload,
        at_ms=held.first_ms,
        seconds=held.seconds,
        text=f"{pods} refused: {held.by}",
    )


def _workload(scenario: Scenario, key: str, rows: pd.DataFrame, seconds: npt.NDArray[np.float64]) -> list[Limit]:
    found: list[Limit] = []
    template = next((w.template for w in scenario.objects.workloads if w.key == key), None)
    if template is not None:
        found += _saturation(key, rows, seconds, cpu_limit_milli(template))
    for hpa in scenario.objects.hpas:
        if hpa.target_key == key and hpa.max_replicas > (hpa.min_replicas or 1):
            text = f"maxReplicas {hpa.max_replicas} reached, and the pods are still above their target"
            found += _limit("hpa-max", f"{hpa.namespace}/{hpa.name}", rows, _held_at_max(hpa, rows), seconds, text)
    return found


def cpu_limit_milli(template: PodTemplate) -> float:
    """Sum of the containers' CPU limits, milli; infinite when one has none."""
    return sum(container.limits.get("cpu", np.inf) for container in template.containers)


def _saturation(key: str, rows: pd.DataFrame, seconds: npt.NDArray[np.float64], limit_milli: float) -> list[Limit]:
    ready = rows["ready_min"].to_numpy(np.float64)
    used_milli = rows["cpu_used_milli_max"].to_numpy(np.float64)
    short = ((rows["backlog_requests_max"] > SOME_REQUESTS) | (rows["lost_rps"] > 0)).to_numpy(bool)
    at_limit = (ready > 0) & (used_milli >= AT_LIMIT * limit_milli * np.maximum(ready, 1))
    replayed = rows["rps"].to_numpy() == 0
    by_limit = at_limit & (short | replayed)
    by_node = short & ~at_limit & (ready > 0)
    return [
        *_limit("cpu-limit", key, rows, by_limit, seconds, f"pods at their CPU limit of {limit_milli:g}m"),
        *_limit("node-cpu", key, rows, by_node, seconds, "pods get no more CPU from their nodes"),
    ]


def _held_at_max(hpa: Hpa, rows: pd.DataFrame) -> Mask:
    at_max = rows["desired_replicas_max"].to_numpy() >= hpa.max_replicas
    target = _cpu_target_ratio(hpa)
    if target is None:
        return at_max
    return at_max & (rows["cpu_utilization_ratio"].to_numpy() > target * (1.0 + HPA_TOLERANCE))


def _cpu_target_ratio(hpa: Hpa) -> float | None:
    for metric in hpa.metrics:
        resource = metric.get("resource", {})
        percent = resource.get("target", {}).get("averageUtilization")
        if resource.get("name") == "cpu" and percent is not None:
            return float(percent) / 100.0
    return None


def _node_groups(scenario: Scenario, series: dict[str, pd.DataFrame], interval_ms: int, end_ms: int) -> list[Limit]:
    if scenario.cluster_autoscaler is None:
        return []
    totals = series["totals"]
    starved = set(totals.loc[totals["pods_pending_max"] > 0, "time_ms"])
    found: list[Limit] = []
    for group in scenario.node_groups:
        rows = series["node_groups"]
        rows = rows[rows["node_group"] == group.name]
        full = (rows["nodes_ready"] + rows["nodes_booting"] >= group.max) & rows["time_ms"].isin(starved)
        text = f"all {group.max} nodes in use (max), and pods wait"
        found += _limit(
            "node-group-max", group.name, rows, full.to_numpy(bool), weights_s(rows, interval_ms, end_ms), text
        )
    return found


def _limit(
    kind: LimitKind, name: str, rows: pd.DataFrame, hit: Mask, seconds: npt.NDArray[np.float64], text: str
) -> list[Limit]:
    if not hit.any():
        return []
    first = int(rows["time_ms"].to_numpy()[int(np.argmax(hit))])
    return [Limit(kind=kind, object=name, at_ms=first, seconds=float(seconds[hit].sum()), text=text)]
