"""Nodes that run short of memory: the kubelet evicts pods before the kernel would kill any.

Source: kubernetes v1.36 pkg/kubelet/eviction (eviction_manager.go, helpers.go: rankMemoryPressure). Every ten seconds
the kubelet looks at memory.available. Below the hard threshold the node has MemoryPressure, and the taint that keeps
BestEffort pods off, until it was above for the transition period; one pod is evicted at a look, without grace: first
those that use more than they request, then lower priority, then the one that uses most above its request. Critical
pods stay. Evicted pods are Failed; their controllers make others.

What the system's own processes use is what is reserved for them, so that memory.available is below the threshold when
the pods of a node use more than is allocatable. Not modelled: soft thresholds, minimum reclaim, swap, the kernel's OOM
killer on a node that runs out of memory between two looks, ephemeral storage, process ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.actions import ACT_ADD_DAEMONS, ACT_EVICT_POD, ACT_PRESSURE
from capsim.engine.autoscaler import log
from capsim.engine.build.workloads import memory_limit_bytes
from capsim.engine.faults.restarts import memory_now, share
from capsim.scenario.workload import WorkloadSpec
from capsim.state.eventlog import LOG_EVICTED, LOG_PRESSURE
from capsim.state.tables import (
    CPU,
    FLAG_MEMORY_PRESSURE,
    FLAG_SILENT,
    L_INFLIGHT,
    L_MEMORY,
    MEMORY,
    NODE_FREE,
    NODE_READY,
    POD_READY,
    POD_TERMINATING,
    PODS,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.scenario import Scenario

MONITORING_MS = 10_000
"""evictionMonitoringPeriod."""
CRITICAL = 2_000_000_000
"""Priority from which a pod is critical (system-cluster-critical)."""


def may_run_short(sim: Simulation) -> bool:
    """Whether the pods of some node can use more memory than it has, whichever of them the scheduler puts there.

    Pods on a node request no more of each resource than there is, so that they use at most that times the most memory
    that any pod uses for each unit of it.
    """
    s, most = sim.state, most_bytes(sim)
    nodes = s.nodes.allocatable[s.nodes.state != NODE_FREE]
    offers = np.unique(np.concatenate([nodes, s.groups.template[: len(sim.scenario.node_groups)]]), axis=0)
    request = s.classes.request[: len(most)].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(most[:, None] > 0.0, most[:, None] / request, 0.0)
    highest = each.max(axis=0, initial=0.0)
    bound = np.where(offers > 0, offers, 0.0)[:, [CPU, MEMORY, PODS]] * highest[[CPU, MEMORY, PODS]]
    return bool((np.nan_to_num(bound, nan=0.0, posinf=np.inf).min(axis=1, initial=np.inf) > offers[:, MEMORY]).any())


def most_bytes(sim: Simulation) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
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


def begin(sim: Simulation) -> None:
    """The kubelets begin to look, if any could ever see a shortage."""
    if sim.scenario.control_plane.kubelet.evicts and may_run_short(sim):
        sim.faults.agenda.add(MONITORING_MS, "pressure")


def look(sim: Simulation) -> None:
    """One look of every kubelet."""
    sim.faults.agenda.add(sim.now_ms + MONITORING_MS, "pressure")
    nodes = sim.state.nodes
    used = used_bytes(sim)
    up = (nodes.state == NODE_READY) & (nodes.flags & FLAG_SILENT == 0)
    short = up & (used > nodes.allocatable[:, MEMORY])
    for n in np.flatnonzero(short).tolist():
        begin_pressure(sim, n)
        evict_one(sim, n, float(used[n]))
    for n in np.flatnonzero(~short & (nodes.flags & FLAG_MEMORY_PRESSURE != 0)).tolist():
        end_pressure(sim, n)


def used_bytes(sim: Simulation) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Memory that the pods of each node use."""
    s = sim.state
    mean = np.array([memory_now(sim, w) for w in range(s.workloads.kind.shape[0])])
    found = np.zeros(s.nodes.state.shape[0])
    most = mean * np.array([1.0 + spread_of(sim.scenario, key) for key in sim.names.workloads])
    bound = np.flatnonzero(np.isin(s.pods.state, (POD_READY, POD_TERMINATING)) & (s.pods.node >= 0))
    np.add.at(found, s.pods.node[bound], most[s.pods.workload[bound]])
    for n in np.flatnonzero(found > s.nodes.allocatable[:, MEMORY]).tolist():  # at most so much: look at each pod
        found[n] = sum(memory_of(sim, p) for p in pods_on(sim, n))
    return found


def memory_of(sim: Simulation, p: int) -> float:
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


def rank(sim: Simulation, p: int) -> tuple[bool, int, float, int]:
    """rankMemoryPressure: exceeds its request, priority, usage above its request; then the youngest."""
    s, c = sim.state, int(sim.state.pods.pod_class[p])
    above = memory_of(sim, p) - float(s.classes.request[c, MEMORY])
    return above <= 0.0, int(s.classes.priority[c]), -above, -int(s.pods.uid[p])


def evict_one(sim: Simulation, n: int, used: float) -> None:
    """Evict the pod of node ``n`` that goes first, if the last one that was is gone."""
    s = sim.state
    listed = [p for p in pods_on(sim, n) if s.pods.state[p] != POD_TERMINATING]
    listed = [p for p in listed if s.classes.priority[s.pods.pod_class[p]] < CRITICAL]
    if not listed:
        return
    p = min(listed, key=lambda p: rank(sim, p))
    w, ordinal = int(s.pods.workload[p]), int(s.pods.ordinal[p])
    short = used - float(s.nodes.allocatable[n, MEMORY])
    log(sim, sim.now_ms, LOG_EVICTED, w, ordinal, int(memory_of(sim, p)), int(short))
    sim.make_room(pods=1, heap=8)
    grace_ms = int(sim.state.workloads.termination_ms[w])
    sim.state.workloads.termination_ms[w] = 1  # a hard threshold: no grace
    sim.act(ACT_EVICT_POD, p)
    sim.state.workloads.termination_ms[w] = grace_ms
    if w in sim.names.daemonsets:
        sim.act(ACT_ADD_DAEMONS, n)


def begin_pressure(sim: Simulation, n: int) -> None:
    """The node's condition is MemoryPressure; the taint follows."""
    sim.faults.short_of_memory_ms[int(sim.state.nodes.uid[n])] = sim.now_ms
    if not sim.state.nodes.flags[n] & FLAG_MEMORY_PRESSURE:
        sim.act(ACT_PRESSURE, n, 1)
        log(sim, sim.now_ms, LOG_PRESSURE, int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n]), 1, 0)


def end_pressure(sim: Simulation, n: int) -> None:
    """The condition goes when the threshold was not met for the transition period."""
    uid = int(sim.state.nodes.uid[n])
    since = sim.faults.short_of_memory_ms.get(uid, sim.now_ms)
    if sim.now_ms - since >= sim.scenario.control_plane.kubelet.eviction_pressure_transition_period_ms:
        sim.faults.short_of_memory_ms.pop(uid, None)
        sim.make_room(queue=sim.waiting)
        sim.act(ACT_PRESSURE, n, 0)
        log(sim, sim.now_ms, LOG_PRESSURE, int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n]), 0, 0)
