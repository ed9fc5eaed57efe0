"""Nodes that run short of memory or disk: their kubelets evict pods.

Source: kubernetes v1.36 pkg/kubelet/eviction (eviction_manager.go: synchronize; helpers.go: rankMemoryPressure,
rankDiskPressureFunc). Every ten seconds the kubelet looks at memory.available and nodefs.available. Below a hard
threshold the node has MemoryPressure or DiskPressure, and the taint that goes with it, until it was above for the
transition period. Pods that exceed a limit of ephemeral storage go (``disk_limits.py``); if none does, one pod is
evicted at a look, for memory before disk, without grace: first those that use more than they request, then lower
priority, then the one that uses most above its request. For disk unused images go before it. Critical pods stay.
Evicted pods are Failed; their controllers make others.

Kubelets look only where pods can run short at all, and at disks only when one may have filled (``disk_horizon.py``).

Not modelled: soft thresholds, minimum reclaim, swap, the kernel's OOM killer on a node that runs out of memory between
two looks, process ids, inodes; that a kubelet looks again once the evicted pod is cleaned up; its refusal of pods that
were bound before the taint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capsim.engine.actions import ACT_ADD_DAEMONS, ACT_EVICT_POD, ACT_PRESSURE
from capsim.engine.autoscaler import log
from capsim.engine.build.workloads import long_running
from capsim.engine.faults import disk, disk_limits, image_gc, memory
from capsim.engine.faults.disk_horizon import MONITORING_MS, next_look_ms
from capsim.engine.faults.disk_parts import RESOURCE
from capsim.engine.faults.filesystems import Filesystems, filesystems
from capsim.state.eventlog import LOG_EVICTED, LOG_EVICTED_FOR, LOG_PRESSURE, LOG_RECLAIM
from capsim.state.tables import (
    EPHEMERAL,
    F64,
    FLAG_DISK_PRESSURE,
    FLAG_MEMORY_PRESSURE,
    FLAG_SILENT,
    MEMORY,
    NODE_FREE,
    NODE_READY,
    P_SKIP_SYNCS,
    POD_TERMINATING,
)
from capsim.units import quantity_bytes

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

CRITICAL = 2_000_000_000
"""Priority from which a pod is critical (system-cluster-critical)."""
PRESSURES = {FLAG_MEMORY_PRESSURE: MEMORY, FLAG_DISK_PRESSURE: EPHEMERAL}
"""Conditions, and the resource that a node with them is short of, in the order in which thresholds are acted upon."""


class Look(NamedTuple):
    """What the kubelets find at a moment: by node, what is used and what may be."""

    used: dict[int, F64]
    """By the flag of the condition."""
    most: dict[int, F64]
    over: dict[int, list[tuple[int, str]]]
    """Pods of a node that exceed a limit of their own."""
    disks: Filesystems | None

    def is_short(self, flag: int, n: int) -> bool:
        """Whether the threshold behind a condition is met on node ``n``."""
        return flag in self.used and bool(self.used[flag][n] > self.most[flag][n])


def begin(sim: Simulation) -> None:
    """The kubelets begin to look, if any could ever see a shortage."""
    if not sim.scenario.control_plane.kubelet.evicts:
        sim.disks.parts.clear()
        return
    faults, sizes = sim.faults, sim.state.startup.layer_bytes
    faults.looks_at_memory = memory.may_run_short(sim)
    faults.looks_at_disks = bool(sim.disks.parts) or (
        bool(sizes.any()) and next_look_ms(sim) < sim.scenario.duration_ms  # images alone might fill one
    )
    if faults.looks_at_memory or faults.looks_at_disks:
        faults.agenda.add(MONITORING_MS, "pressure")


def look(sim: Simulation) -> None:
    """One look of every kubelet."""
    nodes = sim.state.nodes
    up = (nodes.state == NODE_READY) & (nodes.flags & FLAG_SILENT == 0)
    found = observe(sim)
    if found.disks is not None and sim.now_ms % image_gc.PERIOD_MS == 0:
        used = found.used[FLAG_DISK_PRESSURE]
        if sum(image_gc.collect(sim, found.disks, n, float(used[n])) for n in np.flatnonzero(up).tolist()) > 0.0:
            found = observe(sim)
    short = np.zeros(len(up), bool)
    for flag, used in found.used.items():
        short |= used > found.most[flag]
    short[list(found.over)] = True
    for n in np.flatnonzero(up & short).tolist():
        synchronize(sim, found, n)
    pressed = False
    for flag in PRESSURES:
        for n in np.flatnonzero((nodes.state != NODE_FREE) & (nodes.flags & flag != 0)).tolist():
            pressed = True
            if not (up[n] and found.is_short(flag, n)):
                end_pressure(sim, flag, n)
    disk.forget_gone(sim)
    always = pressed or sim.faults.looks_at_memory or sim.state.clock.params[P_SKIP_SYNCS] == 0
    sim.faults.agenda.add(sim.now_ms + MONITORING_MS if always else next_look_ms(sim), "pressure")


def observe(sim: Simulation) -> Look:
    """What is used on all nodes."""
    used, most = {}, {}
    if sim.faults.looks_at_memory:
        used[FLAG_MEMORY_PRESSURE] = memory.used_bytes(sim)
        most[FLAG_MEMORY_PRESSURE] = sim.state.nodes.allocatable[:, MEMORY].astype(np.float64)
    if not sim.faults.looks_at_disks:
        return Look(used, most, {}, None)
    disks = filesystems(sim)
    held = disk.holdings(sim)
    used[FLAG_DISK_PRESSURE], most[FLAG_DISK_PRESSURE] = disk.used_bytes(sim, held), disks.most
    return Look(used, most, disk_limits.violations(sim, held), disks)


def synchronize(sim: Simulation, found: Look, n: int) -> None:
    """What the kubelet of node ``n`` does about what it finds."""
    short = [flag for flag in PRESSURES if found.is_short(flag, n)]
    for flag in short:
        begin_pressure(sim, flag, n)
    gone = [evict_for(sim, p, message) for p, message in found.over.get(n, [])]
    if any(gone) or not short:
        return
    if short[0] == FLAG_MEMORY_PRESSURE:
        evict_for_memory(sim, n, float(found.used[FLAG_MEMORY_PRESSURE][n]))
        return
    assert found.disks is not None
    reclaim_disk(sim, found.disks, n, float(found.used[FLAG_DISK_PRESSURE][n]))


def first_of(sim: Simulation, n: int, resource: int, bytes_of: Callable[[Simulation, int], float]) -> int:
    """The pod of node ``n`` that goes first, -1: none may. It exceeds its request; has a low priority; uses much above
    its request; is young."""
    s = sim.state

    def rank(p: int) -> tuple[bool, int, float, int]:
        c = int(s.pods.pod_class[p])
        above = bytes_of(sim, p) - float(s.classes.request[c, resource])
        return above <= 0.0, int(s.classes.priority[c]), -above, -int(s.pods.uid[p])

    listed = [p for p in memory.pods_on(sim, n) if s.pods.state[p] != POD_TERMINATING and not is_critical(sim, p)]
    return min(listed, key=rank, default=-1)


def is_critical(sim: Simulation, p: int) -> bool:
    """Whether kubelets never evict pod ``p``."""
    return bool(sim.state.classes.priority[sim.state.pods.pod_class[p]] >= CRITICAL)


def evict_for_memory(sim: Simulation, n: int, used: float) -> None:
    """Evict the pod of node ``n`` that goes first."""
    p = first_of(sim, n, MEMORY, memory.bytes_of)
    if p >= 0:
        w, ordinal = int(sim.state.pods.workload[p]), int(sim.state.pods.ordinal[p])
        short = used - float(sim.state.nodes.allocatable[n, MEMORY])
        log(sim, sim.now_ms, LOG_EVICTED, w, ordinal, int(memory.bytes_of(sim, p)), int(short))
        evict(sim, p)
        if w in sim.names.daemonsets:
            sim.act(ACT_ADD_DAEMONS, n)


def reclaim_disk(sim: Simulation, disks: Filesystems, n: int, used: float) -> None:
    """Unused images go, and if that is not enough one pod."""
    log(sim, sim.now_ms, LOG_RECLAIM, int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n]), 0, 0)
    if used - image_gc.free_space(sim, n, np.inf) <= disks.most[n]:
        return
    p = first_of(sim, n, EPHEMERAL, disk.bytes_of)
    if p >= 0:
        threshold = quantity_bytes(int(disks.threshold[n]))
        text = f"Threshold quantity: {threshold}, available: {quantity_bytes(disks.available(n, used))}."
        containers = "".join(f" {said}" for said in consumers(sim, p))
        evict_for(sim, p, f"The node was low on resource: {RESOURCE}. {text}{containers}")


def consumers(sim: Simulation, p: int) -> list[str]:
    """Of the containers of pod ``p`` that hold more than they request, what the event says."""
    workload = sim.scenario.objects.workloads[int(sim.state.pods.workload[p])]
    found = []
    for name, held in disk.by_container(sim, p).items():
        asked = next(c for c in long_running(workload.template) if c.name == name).requests
        request = asked.get(RESOURCE, 0)
        if int(held) > request:
            has = f"was using {quantity_bytes(int(held))}, request is {quantity_bytes(request)}"
            found.append(f"Container {name} {has}, has larger consumption of {RESOURCE}.")
    return found


def evict_for(sim: Simulation, p: int, message: str) -> bool:
    """Evict pod ``p``, unless it is critical, and say why; returns whether it goes. A DaemonSet has no other pod there
    while the kubelet would refuse it (DiskPressure)."""
    if is_critical(sim, p):
        return False
    w, n = int(sim.state.pods.workload[p]), int(sim.state.pods.node[p])
    sim.sink.notes.append(message)
    log(sim, sim.now_ms, LOG_EVICTED_FOR, w, int(sim.state.pods.ordinal[p]), len(sim.sink.notes) - 1, 0)
    evict(sim, p)
    if w in sim.names.daemonsets and not sim.state.nodes.flags[n] & FLAG_DISK_PRESSURE:
        sim.act(ACT_ADD_DAEMONS, n)
    return True


def evict(sim: Simulation, p: int) -> None:
    """Evict pod ``p`` without grace."""
    sim.make_room(pods=len(sim.names.daemonsets) + 1, heap=len(sim.names.daemonsets) + 8)
    w = int(sim.state.pods.workload[p])
    grace_ms = int(sim.state.workloads.termination_ms[w])
    sim.state.workloads.termination_ms[w] = 1  # a hard threshold: no grace
    sim.act(ACT_EVICT_POD, p)
    sim.state.workloads.termination_ms[w] = grace_ms


def begin_pressure(sim: Simulation, flag: int, n: int) -> None:
    """The node has the condition; the taint follows."""
    sim.faults.met_ms[int(sim.state.nodes.uid[n]), flag] = sim.now_ms
    if not sim.state.nodes.flags[n] & flag:
        sim.act(ACT_PRESSURE, n, flag)
        tell(sim, flag, n, 1)


def end_pressure(sim: Simulation, flag: int, n: int) -> None:
    """The condition goes when the threshold was not met for the transition period."""
    uid = int(sim.state.nodes.uid[n])
    since = sim.faults.met_ms.get((uid, flag), sim.now_ms)
    if sim.now_ms - since >= sim.scenario.control_plane.kubelet.eviction_pressure_transition_period_ms:
        sim.faults.met_ms.pop((uid, flag), None)
        daemons = len(sim.names.daemonsets)
        sim.make_room(queue=sim.waiting, pods=daemons, heap=daemons + 8)
        sim.act(ACT_PRESSURE, n, -flag)
        if flag == FLAG_DISK_PRESSURE and daemons:
            sim.act(ACT_ADD_DAEMONS, n)
        tell(sim, flag, n, 0)


def tell(sim: Simulation, flag: int, n: int, on: int) -> None:
    """The event of a condition."""
    g, ordinal = int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n])
    log(sim, sim.now_ms, LOG_PRESSURE, g, ordinal, on, int(flag == FLAG_DISK_PRESSURE))
