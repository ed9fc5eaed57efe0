"""What the workloads of a run write to disk, and how much they may: fixed from its start on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from capsim.engine.build.workloads import long_running
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.scenario.kubernetes.volumes import empty_dirs
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.workload import ContainerBehaviour, DiskUse, WorkloadSpec
from capsim.state.tables import L_CAP, Physics
from capsim.units import quantity_bytes

RESOURCE = "ephemeral-storage"
LAYER, LOGS, VOLUME = 0, 1, 2
"""Kinds of what a pod writes."""


class Part(NamedTuple):
    """One thing that the pods of a workload write: ``name`` is its container or volume; bytes, and bytes per ms."""

    kind: int
    name: str
    base: float
    per_request: float
    per_ms: float
    up_to: float


class Limit(NamedTuple):
    """A bound of some of a pod's parts together, and what the event says."""

    parts: tuple[int, ...]
    most_bytes: int
    message: str


@dataclass
class Disks:
    """What the workloads of a run write, by row; empty where nobody says that they write anything."""

    parts: dict[int, tuple[Part, ...]] = field(default_factory=dict)
    limits: dict[int, tuple[Limit, ...]] = field(default_factory=dict)
    spread: dict[int, float] = field(default_factory=dict)
    most_rps: dict[int, float] = field(default_factory=dict)
    """Requests per second that a pod serves at most; what it waits for can only lower that."""
    shares: dict[tuple[int, int], float] = field(default_factory=dict)
    """Draws of single pods, by row and ordinal: made once."""
    objects: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Capacity and threshold of nodes that are Node objects, by uid: looked up once."""


def disks_of(scenario: Scenario, physics: Physics) -> Disks:
    """What the pods of a scenario write; ``physics`` as it was built."""
    found = Disks()
    for w, workload in enumerate(scenario.objects.workloads):
        spec = scenario.workloads.get(workload.key)
        if spec is None or not spec.writes:
            continue
        parts = tuple(parts_of(scenario, workload, spec))
        found.parts[w] = parts
        found.limits[w] = tuple(limits_of(workload.template, parts))
        found.spread[w] = spec.disk_spread_ratio
        found.most_rps[w] = float(physics.load[w, L_CAP])
    return found


def parts_of(scenario: Scenario, workload: Workload, spec: WorkloadSpec) -> list[Part]:
    """What a pod writes: by container its writable layer and logs, then its emptyDir volumes on disk."""
    kubelet = scenario.control_plane.kubelet
    rotated = float(kubelet.container_log_max_size_bytes * kubelet.container_log_max_files)
    usage = scenario.usage.get(workload.key)
    counts = usage is None or usage.cpu is None  # what replays recorded CPU serves no requests
    found = []
    for container in long_running(workload.template):
        uses = spec.containers.get(container.name, ContainerBehaviour())
        if uses.writable_layer is not None:
            found.append(part_of(LAYER, container.name, uses.writable_layer, np.inf, counts))
        if uses.logs is not None:
            found.append(part_of(LOGS, container.name, uses.logs, max(rotated, float(uses.logs.base_bytes)), counts))
    for volume in empty_dirs(workload.template):
        if volume.on_disk and volume.name in spec.empty_dirs:
            found.append(part_of(VOLUME, volume.name, spec.empty_dirs[volume.name], np.inf, counts))
    return found


def part_of(kind: int, name: str, use: DiskUse, end: float, counts: bool) -> Part:
    """One part; ``end`` is where it ends unless the scenario says so."""
    up_to = end if use.up_to_bytes is None else float(use.up_to_bytes)
    per_request = float(use.per_request_bytes) if counts else 0.0
    return Part(kind, name, float(use.base_bytes), per_request, use.per_second_bytes / 1000.0, up_to)


def limits_of(template: PodTemplate, parts: tuple[Part, ...]) -> list[Limit]:
    """The limits of a pod in the order in which they are looked at."""
    found = []
    for volume in empty_dirs(template):
        mine = tuple(i for i, part in enumerate(parts) if part.kind == VOLUME and part.name == volume.name)
        if mine and volume.size_limit_bytes:
            text = f'Usage of EmptyDir volume "{volume.name}" exceeds the limit '
            found.append(Limit(mine, volume.size_limit_bytes, f'{text}"{quantity_bytes(volume.size_limit_bytes)}".'))
    whole = template.limits().get(RESOURCE)
    if whole is not None:
        text = "Pod ephemeral local storage usage exceeds the total limit of containers"
        found.append(Limit(tuple(range(len(parts))), whole, f"{text} {quantity_bytes(whole)}."))
    for container in template.containers:
        most = container.limits.get(RESOURCE, 0)
        if most:
            mine = tuple(i for i, part in enumerate(parts) if part.kind != VOLUME and part.name == container.name)
            text = f"Container {container.name} exceeded its local ephemeral storage limit"
            found.append(Limit(mine, most, f'{text} "{quantity_bytes(most)}".'))
    return found
