"""Machines, nodes, pods and workloads of a Cluster Autoscaler recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from capsim.state.tables import I64

Json = Mapping[str, Any]


@dataclass(eq=False)
class Machine:
    """An instance of the cloud; its slot is the node's."""

    slot: int
    name: str
    group: int
    node: Node | None = None
    exists: bool = True
    error: tuple[str, str] | None = None
    register_ms: int | None = None
    ready_ms: int | None = None
    gone_ms: int | None = None


@dataclass(eq=False)
class Node:
    """A Node object."""

    machine: Machine
    name: str
    created_ms: int
    labels: Mapping[str, str]
    taints: list[Any]
    allocatable: I64
    capacity: I64
    annotations: dict[str, str] = field(default_factory=dict)
    cordoned: bool = False
    ready: bool = False
    changed_ms: int = 0


@dataclass(eq=False)
class Workload:
    """A controller that keeps a number of pods."""

    spec: dict[str, Any]
    index: int
    wanted: int | None = None
    made: int = 0

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.spec["name"])


@dataclass(eq=False)
class Pod:
    """A pod."""

    slot: int
    name: str
    spec: Json
    kind: int
    created_ms: int
    rank: tuple[int, int]
    node: Node | None = None
    workload: Workload | None = None
    daemonset: bool = False
    deleted_ms: int = -1
    terminal: bool = False
    nominated: int = -1
