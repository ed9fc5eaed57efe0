"""Memory that the pods of nodes use, where they could use more than there is.

What the system's own processes use is what is reserved for them, so that memory.available is below its threshold when
the pods of a node use more than is allocatable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.build.workloads import memory_limit_bytes
from capsim.engine.faults.disk_horizon import at_most
from capsim.engine.faults.restarts import memory_now, share
from capsim.scenario.workload import WorkloadSpec
from capsim.state.tables import (
    F64,
    L_INFLIGHT,
    L_MEMORY,
    MEMORY,
    NODE_FREE,
    POD_READY,
    POD_TERMINATING,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.scenario import Scenario


def may_run_short(sim: Simulation) -> bool:
    """Whether the pods of some node can use more memory than it has, whichever of them the scheduler puts there."""
    s, most = sim.state, most_bytes(sim)
    nodes = s.nodes.allocatable[s.nodes.state != NODE_FREE]
    offers = np.unique(np.concatenate([nodes, s.groups.template[: len(sim.scenario.node_groups)]]), axis=0)
    return bool((at_most(sim, offers, most) > offers[:, MEMORY]).any())


def most_bytes(sim: Simulation) -> F64:
    """Most memory that a pod of each workload can use."""
    scenario, load = sim.scenario, sim.state.physics.load
    found = np.zeros(len(scenario.objects.workloads))
    for w, workload in enumerate(scenario.objects.workloads):
        limit = memory_limit_bytes(workload)
        found[w] = load[w, L_MEMORY] * (1.0 + spread_of(scenario, workload.key))
        if load[w, L_INFLIGHT] > 0.0:
            found[w] = np.inf
        if limit is not None and scenario.workloads.get(workload.key, WorkloadSpec()).oom_kills:
            found[w] = min(found[w], limit)
    return found


def spread_of(scenario: Scenario, key: str) -> float:
    """memorySpread of a workload."""
    return scenario.workloads.get(key, WorkloadSpec()).memory_spread_ratio


def used_bytes(sim: Simulation) -> F64:
    """Memory that the pods of each node use: [N]."""
    s = sim.state
    mean = np.array([memory_now(sim, w) for w in range(s.workloads.kind.shape[0])])
    found = np.zeros(s.nodes.state.shape[0])
    most = mean * np.array([1.0 + spread_of(sim.scenario, key) for key in sim.names.workloads])
    bound = np.flatnonzero(np.isin(s.pods.state, (POD_READY, POD_TERMINATING)) & (s.pods.node >= 0))
    np.add.at(found, s.pods.node[bound], most[s.pods.workload[bound]])
    for n in np.flatnonzero(found > s.nodes.allocatable[:, MEMORY]).tolist():  # at most so much: look at each pod
        found[n] = sum(bytes_of(sim, p) for p in pods_on(sim, n))
    return found


def bytes_of(sim: Simulation, p: int) -> float:
    """Memory that a pod uses: nothing until it is Ready, its base while it terminates."""
    w, state = int(sim.state.pods.workload[p]), sim.state.pods.state[p]
    if state == POD_READY:
        return memory_now(sim, w) * share(sim, w, p)
    return float(sim.state.physics.load[w, L_MEMORY]) * share(sim, w, p) if state == POD_TERMINATING else 0.0


def pods_on(sim: Simulation, n: int) -> list[int]:
    """Pods of a node."""
    listed, p = [], int(sim.state.nodes.first_pod[n])
    while p >= 0:
        listed.append(p)
        p = int(sim.state.links.node_next[p])
    return listed
