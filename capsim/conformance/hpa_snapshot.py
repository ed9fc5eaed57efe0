"""Recorded snapshots of a cluster (SNAP in the recordings) as tables of pods for one metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.arithmetic import INT64_MAX
from capsim.controllers.hpa.grouping import NO_CONTAINER, NO_REQUEST

Json = Mapping[str, Any]

PHASES = {"Pending": c.PENDING, "Running": c.RUNNING, "Succeeded": c.SUCCEEDED, "Failed": c.FAILED}
READY = {None: c.READY_ABSENT, "False": c.READY_FALSE, "True": c.READY_TRUE, "Unknown": c.READY_UNKNOWN}
FIELDS = {"cpu": ("cpu", "cpu_m", "pod_cpu_m", 1), "memory": ("mem", "memory_b", "pod_memory_b", 1000)}
"""Resource -> field of the samples, of a container's request, of a pod's request, factor to milli-units."""


class Cluster:
    """The pods of a recording; snapshots update it."""

    def __init__(self, containers: list[Json], pod_level_resources: bool) -> None:
        self.containers = containers
        self.pod_level_resources = pod_level_resources
        self.pods: dict[str, Json] = {}
        self.snap: Json = {}

    def update(self, snap: Json) -> None:
        """Take a snapshot: its pods are added or replaced, those in ``gone`` are dropped, samples are all new."""
        for name in snap.get("gone", ()):
            self.pods.pop(name, None)
        for pod in snap.get("pods") or ():
            self.pods[pod["name"]] = pod
        self.snap = snap

    def failing(self, *what: str) -> bool:
        """Whether the snapshot says that one of these calls fails."""
        return not set(what).isdisjoint(self.snap.get("fail") or ())

    def resource_pods(self, resource: str, container: str | None, merge: bool) -> NDArray[np.int64]:
        """Pods with their usage of a resource, of one container or of all."""
        field, _, _, factor = FIELDS[resource]
        samples = self.snap.get(field) or {}
        values = {name: self._usage(self.pods.get(name), sample, container) for name, sample in samples.items()}
        requests = {name: self._request(pod, resource, container) for name, pod in self.pods.items()}
        return self._table({name: v if v is None else v * factor for name, v in values.items()}, requests, merge)

    def metric_pods(self, name: str, merge: bool) -> NDArray[np.int64]:
        """Pods with their values of a Pods metric."""
        return self._table(dict((self.snap.get("podm") or {}).get(name) or {}), {}, merge)

    def bare_pods(self) -> NDArray[np.int64]:
        """Pods without samples."""
        return self._table({}, {}, False)

    def object_value(self, name: str) -> int | None:
        """Value of an Object metric."""
        value: int | None = (self.snap.get("obj") or {}).get(name)
        return value

    def external_value(self, name: str, per_pod: bool) -> int | None:
        """Sum of the values of an External metric, held at the largest int64; None if there is none."""
        values = (self.snap.get("ext") or {}).get(name)
        if not values:
            return None
        total = 0
        for value in values:
            total += value
            # With a target per pod upstream takes any negative sum for an overflow.
            if total > INT64_MAX or (per_pod and total < 0):
                return INT64_MAX
        return total

    def _containers(self, pod: Json | None) -> list[Json]:
        return (pod or {}).get("containers") or self.containers

    def _usage(self, pod: Json | None, sample: list[int], container: str | None) -> int | None:
        if container is None:
            return None if any(value < 0 for value in sample) else sum(sample)
        names = [one["name"] for one in self._containers(pod)]
        names += [f"extra{i}" for i in range(len(names), len(sample))]
        for name, value in zip(names, sample):
            if name == container:
                return None if value < 0 else value
        return None

    def _request(self, pod: Json, resource: str, container: str | None) -> int:
        _, field, pod_field, factor = FIELDS[resource]
        if container is None and self.pod_level_resources and ("pod_cpu_m" in pod or "pod_memory_b" in pod):
            requests = [one[field] for one in self._containers(pod) if field in one]
            return int(pod.get(pod_field, sum(requests))) * factor if requests or pod_field in pod else NO_REQUEST
        chosen = [one for one in self._containers(pod) if container is None or one["name"] == container]
        if not chosen:
            return NO_CONTAINER
        if any(field not in one for one in chosen):
            return NO_REQUEST
        return sum(int(one[field]) for one in chosen) * int(factor)

    def _table(self, values: dict[str, int | None], requests: dict[str, int], merge: bool) -> NDArray[np.int64]:
        known = self.pods.items()
        rows = [self._row(pod, name in values, values.get(name), requests.get(name, 0)) for name, pod in known]
        rows += [self._stranger(value) for name, value in values.items() if name not in self.pods and value is not None]
        table = np.array(rows, np.int64).reshape(-1, k.POD_COLUMNS)
        return merged(table) if merge else table

    def _row(self, pod: Json, returned: bool, value: int | None, request: int) -> list[int]:
        row = [0] * k.POD_COLUMNS
        row[k.PHASE] = PHASES[pod["phase"]]
        row[k.DELETING] = int(bool(pod.get("deleting")))
        row[k.HAS_VALUE] = int(value is not None)
        row[k.START_MS] = pod.get("start", t.NO_TIME)
        row[k.READY] = READY[pod.get("ready")]
        row[k.READY_MS] = pod.get("ready_ts", 0)
        own_ms: dict[str, int] = self.snap.get("mts_pod") or {}
        common_ms: int = self.snap.get("mts", self.snap["t"])
        row[k.SAMPLED_MS] = own_ms.get(pod["name"], common_ms)
        row[k.WINDOW_MS] = int(self.snap.get("window_s", 60) * 1000)
        row[k.USAGE] = value or 0
        row[k.REQUEST] = request
        row[k.RETURNED] = int(returned)
        row[k.COUNT] = 1
        return row

    @staticmethod
    def _stranger(value: int) -> list[int]:
        row = [0] * k.POD_COLUMNS
        row[k.STRANGER], row[k.USAGE], row[k.COUNT] = 1, value, 1
        return row


def merged(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Equal pods as one row with their number: the form in which a simulation adds settled pods."""
    strangers = table[:, k.STRANGER] != 0
    rows, counts = np.unique(table[~strangers], axis=0, return_counts=True)
    rows[:, k.COUNT] = counts
    return np.concatenate([rows, table[strangers]])
