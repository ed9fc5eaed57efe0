"""What the rows of a run are called."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capsim.rng import mix32
from capsim.scenario.cluster import Taint
from capsim.state.tables_jobs import INDEX_BITS

if TYPE_CHECKING:
    from capsim.engine.build.entries import Entry
    from capsim.engine.build.volumes import ClaimBook
    from capsim.scenario.series.stepwise import Points

STATIC_GROUP = "(static)"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes draws name suffixes from these (apimachinery/pkg/util/rand): no vowels, no look-alikes."""


@dataclass(frozen=True)
class Shape:
    """What all nodes of one kind have in common for the scheduler."""

    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    zone: str


@dataclass
class Names:
    """Names of every row; index = row."""

    resources: list[str] = field(default_factory=list)
    workloads: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    hpas: list[str] = field(default_factory=list)
    hashes: list[int] = field(default_factory=list)
    prices: list[float] = field(default_factory=list)
    node_names: dict[tuple[int, int], str] = field(default_factory=dict)
    """Names of nodes that are not called ``<group>-<ordinal>``: (group, ordinal) -> name."""
    node_prices: dict[tuple[int, int], float] = field(default_factory=dict)
    service_rows: dict[str, int] = field(default_factory=dict)
    """Traffic source of each service that has one."""
    routes: dict[str, int] = field(default_factory=dict)
    """Traffic source that says how much of its traffic an Ingress controller routes to a service."""
    entries: list[Entry] = field(default_factory=list)
    """Load balancers that traffic comes in through."""
    refused: dict[str, Points] = field(default_factory=dict)
    """Times (ms) and requests per second of each service that a load balancer refuses."""
    metric_rows: dict[str, int] = field(default_factory=dict)
    """Traffic source of each recorded metric."""
    series: dict[tuple[str, int, int, int, int], int] = field(default_factory=dict)
    """Row of each series of the metrics adapter (``build/adapter.py``)."""
    source_start: list[int] = field(default_factory=list)
    """First point of each traffic source."""
    object_shapes: dict[str, int] = field(default_factory=dict)
    """Shape of every Node object, by name."""
    daemonsets: set[int] = field(default_factory=set)
    members: dict[int, list[int]] = field(default_factory=dict)
    """Rows of the revisions of each Deployment that is rolled out."""
    owners: dict[int, int] = field(default_factory=dict)
    """Row of the Deployment of each revision."""
    job_runs: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Of each row of a CronJob's Jobs: first serial number of its pods, and the minute in its name, run by run."""
    indexed: set[int] = field(default_factory=set)
    """Rows of Indexed Jobs."""
    refusals: list[str] = field(default_factory=list)
    """What admission says of pods that it always refuses (``Admission.text``)."""
    sources: list[str] = field(default_factory=list)
    """Services by source of ``Traffic``; recorded usage follows."""
    services: list[str] = field(default_factory=list)
    """Services with response times, callers first."""
    claims: ClaimBook | None = None
    """Claims of the run's pods, None: there are none."""
    usage: set[int] = field(default_factory=set)
    """Workloads whose CPU is replayed: their rate is cores, not requests."""

    def node(self, group: int, ordinal: int) -> str:
        """Name of a node."""
        return self.node_names.get((group, ordinal), f"{self.groups[group]}-{ordinal}")

    def price(self, group: int, ordinal: int) -> float:
        """USD per hour of a node."""
        return self.node_prices.get((group, ordinal), self.prices[group])

    def pod(self, workload: int, ordinal: int) -> str:
        """Name of a pod without its namespace, as its controller would draw it: seeded by workload and ordinal."""
        _, kind, name = self.workloads[workload].split("/")
        if kind == "Pod":
            return name
        if kind == "StatefulSet":
            return f"{self.workloads[self.owner(workload)].rpartition('/')[2]}-{ordinal}"
        if kind == "Job":
            return self._job_pod(workload, ordinal)
        if kind == "DaemonSet":
            name = self.workloads[self.owner(workload)].rpartition("/")[2]
        suffix = _letters(self.hashes[workload] + 7919 * ordinal, 5)
        if kind == "Deployment":
            return f"{name}-{self.template_hash(workload)}-{suffix}"
        return f"{name}-{suffix}"

    def serial(self, ordinal: int) -> int:
        """The serial number in the ordinal of a Job's pod."""
        return ordinal >> INDEX_BITS if ordinal >> INDEX_BITS else ordinal

    def job(self, workload: int, serial: int) -> str:
        """Name of the Job in a row when it made the pod of that serial number; a CronJob's has the minute in it."""
        name = self.workloads[self.owner(workload)].rpartition("/")[2]
        runs = [minute for first, minute in self.job_runs.get(workload, []) if first <= serial]
        return f"{name}-{runs[-1]}" if runs else name

    def _job_pod(self, workload: int, ordinal: int) -> str:
        serial = self.serial(ordinal)
        index = f"-{ordinal & ((1 << INDEX_BITS) - 1)}" if workload in self.indexed else ""
        return f"{self.job(workload, serial)}{index}-{_letters(self.hashes[workload] + 7919 * serial, 5)}"

    def owner(self, workload: int) -> int:
        """The workload that people see: of a revision its Deployment, else itself."""
        return self.owners.get(workload, workload)

    def rows(self, workload: int) -> list[int]:
        """The rows that hold pods of a workload."""
        return self.members.get(workload, [workload])

    @property
    def shown(self) -> int:
        """Workloads that people see; revisions follow after them."""
        return len(self.workloads) - len(self.owners)

    def template_hash(self, workload: int) -> str:
        """pod-template-hash of a Deployment's ReplicaSet."""
        return template_hash(self.hashes[workload])


def first_rows(names: Names) -> list[int]:
    """The row of each DaemonSet's pods: of one that is rolled out its first revision."""
    return [names.rows(w)[0] for w in sorted(names.daemonsets) if w not in names.owners]


@functools.lru_cache(maxsize=100_000)  # asked for with each name of a pod
def template_hash(hashed: int) -> str:
    """pod-template-hash of a Deployment, or of a revision of it, with that name hash."""
    return _letters(hashed ^ 0x5BD1E995, 10)


def _letters(value: int, count: int) -> str:
    letters = []
    for k in range(count):
        value = _mix(value + k)
        letters.append(_ALPHABET[value % len(_ALPHABET)])
    return "".join(letters)


def _mix(value: int) -> int:
    return int(mix32(value))
