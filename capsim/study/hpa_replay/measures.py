"""How well replicas followed the demand, simulated or recorded: the numbers of the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import compile_metric
from capsim.study.hpa_replay import loop as k
from capsim.study.hpa_replay.question import Variant
from capsim.study.hpa_replay.recording import Recording, pod_metrics
from capsim.study.hpa_replay.replay import Replayed

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
HOUR_MS = 3_600_000.0
FLAP_MS = 600_000
"""A change of replicas is a flap when it undoes the direction of one at most so long before it."""
PERCENT = 100.0


@dataclass(frozen=True)
class Measures:
    """Numbers of one variant, or of the recorded replicas."""

    label: str
    pod_hours: float
    min_replicas: int
    mean_replicas: float
    max_replicas: int
    scale_ups: int
    scale_downs: int
    flaps: int
    time_at_max_s: float
    at_max_ratio: float
    under_pod_hours: float | None
    """Pods that were needed and not ready; None where no metric says how many are needed."""
    over_pod_hours: float | None
    at_limit_s: float | None
    """Time in which the ready pods could not take the demand within their limits; None without a limit."""
    failed_syncs: int

    def as_dict(self) -> dict[str, object]:
        """By name, for JSON."""
        return asdict(self)


def needed_pods(base: Variant, recording: Recording) -> F64 | None:
    """[rows]: pods that would bring the demand to the target of the HPA as given; None for targets of type Value.

    At least one (none, where minReplicas is 0). Rows without a value need what the row before did.
    """
    found = None
    for index, (metric, pod) in enumerate(zip(base.metrics, pod_metrics(base.metrics, base.template))):
        kind, _, target = compile_metric(metric)
        milli = (
            target * pod.request_milli / PERCENT
            if kind in (t.RESOURCE_UTILIZATION, t.CONTAINER_UTILIZATION)
            else target
        )
        if kind in (t.OBJECT_VALUE, t.EXTERNAL_VALUE, t.UNKNOWN_SOURCE) or milli <= 0:
            continue
        needed = np.ceil(_held(recording.demand_milli[index]) / milli - 1e-9)
        found = needed if found is None else np.maximum(found, needed)
    least = 0.0 if int(base.spec["minReplicas"]) == 0 else 1.0
    return None if found is None else np.maximum(found, least)


def _held(demand: I64) -> F64:
    known = demand != k.ABSENT
    before = np.maximum.accumulate(np.where(known, np.arange(len(demand)), 0))
    return np.where(known[before], demand[before], 0).astype(np.float64)


def measure(replayed: Replayed, recording: Recording, needed: F64 | None) -> Measures:
    """Numbers of a replay. Each sync stands for the time until the next one."""
    syncs = replayed.syncs
    spans_ms = np.diff(np.append(replayed.times_ms, max(int(recording.times_ms[-1]), int(replayed.times_ms[-1]))))
    rows = rows_at(recording, replayed.times_ms)
    has_limit = any(pod.shared and pod.limit_milli for pod in recording.metrics)
    failed = int(np.count_nonzero(syncs[:, k.OUTCOME] == c.FAILED_METRICS))
    limited_s = float(spans_ms[syncs[:, k.AT_LIMIT] == 1].sum() / 1000.0)
    return _measures(
        replayed.variant.label, syncs[:, k.DESIRED].astype(np.float64), syncs[:, k.READY].astype(np.float64), spans_ms,
        replayed.times_ms, int(replayed.variant.spec["maxReplicas"]), None if needed is None else needed[rows],
        limited_s if has_limit else None, failed,
    )  # fmt: skip


def measure_recorded(recording: Recording, base: Variant, needed: F64 | None) -> Measures | None:
    """Numbers of the recorded replicas against the HPA as given; None when they are unknown."""
    if recording.replicas is None:
        return None
    spans_ms = np.diff(recording.times_ms)
    limited = any(pod.limit_milli for pod in recording.metrics)
    limited_s = float(spans_ms[recording.censored].sum() / 1000.0) if limited else None
    return _measures(
        "recorded", recording.replicas, recording.replicas, spans_ms, recording.times_ms[:-1],
        int(base.spec["maxReplicas"]), needed, limited_s, 0,
    )  # fmt: skip


def _measures(
    label: str, replicas: F64, ready: F64, spans_ms: I64, times_ms: I64, most: int, needed: F64 | None,
    at_limit_s: float | None, failed: int,
) -> Measures:  # fmt: skip
    total_ms = max(float(spans_ms.sum()), 1.0)
    changes = np.diff(replicas)
    at_max_ms = float(spans_ms[replicas >= most].sum())
    under = over = None
    if needed is not None:
        under = float((np.maximum(needed - ready, 0) * spans_ms).sum() / HOUR_MS)
        over = float((np.maximum(ready - needed, 0) * spans_ms).sum() / HOUR_MS)
    pod_ms = float((replicas * spans_ms).sum())
    return Measures(
        label, pod_ms / HOUR_MS, int(replicas.min()), pod_ms / total_ms, int(np.ceil(replicas.max())),
        int((changes > 0).sum()), int((changes < 0).sum()), flaps(replicas, times_ms), at_max_ms / 1000.0,
        at_max_ms / total_ms, under, over, at_limit_s, failed,
    )  # fmt: skip


def flaps(replicas: F64, times_ms: I64) -> int:
    """Changes in the other direction than the change before, at most ``FLAP_MS`` after it."""
    changes = np.diff(replicas)
    at = np.flatnonzero(changes)
    turned = np.sign(changes[at[1:]]) != np.sign(changes[at[:-1]])
    soon = times_ms[at[1:] + 1] - times_ms[at[:-1] + 1] <= FLAP_MS
    return int((turned & soon).sum())


def rows_at(recording: Recording, times_ms: I64) -> I64:
    """The row of the recording that is in force at each time."""
    rows = np.searchsorted(recording.times_ms[:-1], times_ms, side="right") - 1
    return np.asarray(np.clip(rows, 0, len(recording.times_ms) - 2), np.int64)
