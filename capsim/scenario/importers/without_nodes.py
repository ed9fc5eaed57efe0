"""Node groups for manifests that come without nodes: as the user says, or a guess that holds everything."""

from __future__ import annotations

import math
from typing import Any

from capsim.errors import ScenarioError
from capsim.scenario.importers.cluster import GroupEntry
from capsim.scenario.importers.findings import Log
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.manifests import node_groups

GIB = 2**30
RESERVED_RATIO = 0.8
"""Share of a machine that pods can request, with system pods taken off; rough."""
PODS = 100


def guessed_groups(workloads: list[Workload], nodes: str | None, log: Log) -> list[GroupEntry]:
    """Groups of a shape such as `3x4cpu-16Gi`, or machines for the requests of all replicas, and a third more."""
    if nodes is not None:
        groups, problem = node_groups(nodes)
        if problem is not None:
            raise ScenarioError(problem)
        return [GroupEntry(group, {"": "from --nodes"}) for group in groups]
    requests = [(w.template.requests(), max(1, w.replicas)) for w in workloads if w.kind != "DaemonSet"]
    cpu = sum(r.get("cpu", 0) * n for r, n in requests)
    memory = sum(r.get("memory", 0) * n for r, n in requests)
    largest_cpu = max((r.get("cpu", 0) for r, _ in requests), default=0)
    largest_memory = max((r.get("memory", 0) for r, _ in requests), default=0)
    cores = 4
    while cores * 1000 * RESERVED_RATIO < largest_cpu or cores * 4 * GIB * RESERVED_RATIO < largest_memory:
        cores *= 2
    pods = sum(n for _, n in requests)
    need = max(cpu / (cores * 1000 * RESERVED_RATIO), memory / (cores * 4 * GIB * RESERVED_RATIO), pods / PODS)
    count = max(2, math.ceil(need * 4 / 3))
    shape = f"{count}x{cores}cpu-{cores * 4}Gi"
    what, source = (
        f"{count} nodes of {cores} CPU and {cores * 4} GiB",
        "no nodes in the files: all requests, and a third",
    )
    log.guess(what, source, "a guess", f"--nodes {shape}, or kubectl get nodes -o yaml")
    values: dict[str, Any] = {
        "name": "workers",
        "instance": {"cpu": cores, "memory": f"{cores * 4}Gi"},
        "min": count,
        "max": count,
        "pricePerHour": 0.0,
    }
    return [GroupEntry(values, {"": "A guess: the files hold no nodes. All requests, and a third more."})]
