"""Containers that end: killed for their memory, or crashing; and the kubelet's back-off before it starts them again.

Source: kubernetes v1.36 pkg/kubelet (kuberuntime_manager.doBackOff, MaxCrashLoopBackOff, flowcontrol.Backoff): the
first restart is at once, the next 10 s after the container ended, then twice as long each time, at most five minutes;
forgotten when a container ends more than ten minutes after the last time. The kernel kills a container whose memory
exceeds its limit (OOMKilled); the pod stays on its node.

Nodes that run short of memory: ``pressure.py``. Not modelled: kills of single containers of a pod (the pod as a whole
is killed), the gate KubeletCrashLoopBackOffMax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.actions import ACT_CRASH, ACT_FAIL_POD, ACT_RESTART
from capsim.engine.autoscaler import log
from capsim.engine.build.jobs import ACTIONS
from capsim.engine.build.workloads import memory_limit_bytes
from capsim.engine.faults.cluster import note_pods
from capsim.engine.faults.disk import note_end
from capsim.rng import STREAM_FAULT, draw
from capsim.scenario.workload import WorkloadSpec
from capsim.state.eventlog import LOG_BACK_OFF, LOG_CRASHED, LOG_OOM_KILLED
from capsim.state.tables import (
    FLAG_SILENT,
    L_INFLIGHT,
    L_MEMORY,
    L_SECONDS,
    MEMORY_LIMIT,
    MEMORY_LOOK_MS,
    NEVER,
    POD_DOWN,
    POD_READY,
    POD_STARTING,
    PODS_DUE,
    S_MEMORY,
)
from capsim.world.runs import FIRST_WAIT_MS, FORGET_MS, MOST_WAIT_MS

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.chaos import Crash

OOM_EXIT, CRASH_EXIT = 137, 1
"""What containers exit with that the kernel killed, or that crash."""
BETWEEN_KILLS_MS = 1_000
"""Pods of one workload are killed one after the other: what one leaves has to reach the others first."""
BETWEEN_LOOKS_MS = 1_000
"""Pods whose mean is near the limit, and none of which exceeds it, are looked at so often while rates change."""


def check_memory(sim: Simulation) -> None:
    """Some workload's pods use more than the first of them may."""
    v = sim.state.clock.values
    if not v[PODS_DUE]:
        return
    v[PODS_DUE] = 0
    physics = sim.state.physics
    for w in np.flatnonzero(physics.samples[:, S_MEMORY] > physics.limits[:, MEMORY_LIMIT]).tolist():
        if physics.limits[w, MEMORY_LOOK_MS] <= sim.now_ms and not kill_largest(sim, w):
            wait(sim, w, BETWEEN_LOOKS_MS)


def wait(sim: Simulation, w: int, wait_ms: int) -> None:
    """The memory of the pods of ``w`` is looked at again in ``wait_ms``, or when their rate changes, not at once."""
    sim.state.physics.limits[w, MEMORY_LOOK_MS] = sim.now_ms + min(wait_ms, BETWEEN_LOOKS_MS)
    sim.faults.agenda.add(sim.now_ms + wait_ms, "memory", w)


def kill_largest(sim: Simulation, w: int) -> bool:
    """Kill the Ready pod of ``w`` that exceeds the limit most, and look again soon while any does.

    Returns whether it is known when to look again.
    """
    s = sim.state
    limit = memory_limit_bytes(sim.scenario.objects.workloads[w])
    over = [p for p in pods_of(sim, w) if s.pods.state[p] == POD_READY]
    if limit is None or not over:
        return False
    p = max(over, key=lambda p: (share(sim, w, p), -p))
    if memory_now(sim, w) * share(sim, w, p) <= limit:
        return look_again(sim, w, limit / share(sim, w, p))
    log(sim, sim.now_ms, LOG_OOM_KILLED, w, int(s.pods.ordinal[p]), 0, 0)
    end(sim, p, OOM_EXIT)
    wait(sim, w, BETWEEN_KILLS_MS)
    return True


def look_again(sim: Simulation, w: int, most_bytes: float) -> bool:
    """The largest pod is within the limit: when would its share of the growing backlog exceed it, if ever?"""
    physics = sim.state.physics
    growth = float(physics.arrival_rps[w] - physics.served_rps[w] - physics.lost_rps[w])
    ready = int(sim.state.workloads.count[w, POD_READY])
    each = float(physics.load[w, L_INFLIGHT])
    if growth <= 0.0 or each <= 0.0 or ready == 0:
        return False
    wait(sim, w, 1 + int((most_bytes - memory_now(sim, w)) / each * ready / growth * 1000.0))
    return True


def memory_now(sim: Simulation, w: int) -> float:
    """Memory of an average Ready pod of ``w``, bytes, with the backlog as it is now."""
    physics, ready = sim.state.physics, int(sim.state.workloads.count[w, POD_READY])
    growth = float(physics.arrival_rps[w] - physics.served_rps[w] - physics.lost_rps[w])
    backlog = max(0.0, float(physics.backlog[w]) + growth * (sim.now_ms - int(physics.since_ms[w])) / 1000.0)
    each = float(physics.pod_rps[w] * physics.load[w, L_SECONDS]) + (backlog / ready if ready else 0.0)
    return float(physics.load[w, L_MEMORY]) + float(physics.load[w, L_INFLIGHT]) * each


def share(sim: Simulation, w: int, p: int) -> float:
    """How the memory of a pod compares with the mean: evenly drawn within ``memorySpread``."""
    spread = sim.scenario.workloads.get(sim.names.workloads[w], WorkloadSpec()).memory_spread_ratio
    entity = int(sim.state.workloads.hash[w] + sim.state.pods.ordinal[p])
    return 1.0 + spread * (
        2.0 * (int(draw(sim.scenario.seed & 0x7FFFFFFF, STREAM_FAULT, entity, 0)) / 4294967295.0) - 1.0
    )


def pods_of(sim: Simulation, w: int) -> list[int]:
    """Pods of a workload in the order of their creation."""
    listed, p = [], int(sim.state.workloads.first_pod[w])
    while p >= 0:
        listed.append(p)
        p = int(sim.state.links.workload_next[p])
    return listed


def memory(sim: Simulation, w: int) -> None:
    """Look at the memory of a workload's pods again."""
    if sim.state.physics.limits[w, MEMORY_LOOK_MS] <= sim.now_ms:
        kill_largest(sim, w)


def end(sim: Simulation, p: int, exit_code: int, stop_ms: int = 0) -> None:
    """The containers of pod ``p`` end, which takes ``stop_ms``; they are started again after the back-off, unless it is
    a Job's with restartPolicy Never: then it has failed."""
    uid, now = int(sim.state.pods.uid[p]), sim.now_ms
    sim.make_room(heap=4)
    workload = sim.scenario.objects.workloads[int(sim.state.pods.workload[p])]
    if workload.job is not None and not workload.job.restarts:
        action = workload.job.on_failure(exit_code, workload.template.containers[0].name)[0]
        sim.act(ACT_FAIL_POD, p, ACTIONS[action])
        return
    note_end(sim, p)
    sim.act(ACT_CRASH, p)
    wait_ms = back_off(sim, uid)
    if wait_ms:
        w, ordinal = int(sim.state.pods.workload[p]), int(sim.state.pods.ordinal[p])
        log(sim, now, LOG_BACK_OFF, w, ordinal, wait_ms // 1000, 0)
    sim.faults.agenda.add(now + stop_ms + max(1, wait_ms), "restart", uid)


def back_off(sim: Simulation, uid: int) -> int:
    """How long the kubelet waits now, ms; what it will wait the next time is twice that."""
    next_ms, at_ms = sim.faults.back_offs.get(uid, (0, -1))
    if at_ms < 0 or sim.now_ms - at_ms > FORGET_MS:
        next_ms = 0
    sim.faults.back_offs[uid] = (min(MOST_WAIT_MS, 2 * next_ms) if next_ms else FIRST_WAIT_MS, sim.now_ms + next_ms)
    return next_ms


def row_of(sim: Simulation, uid: int) -> int:
    """Row of a pod, -1: it is gone."""
    found = np.flatnonzero(sim.state.pods.uid == uid)
    return int(found[0]) if len(found) else -1


def restart(sim: Simulation, uid: int) -> None:
    """Start the containers of a pod again, unless it was deleted or its node does not answer."""
    s, p = sim.state, row_of(sim, uid)
    if p < 0 or s.pods.state[p] != POD_DOWN or s.nodes.flags[s.pods.node[p]] & FLAG_SILENT:
        return
    sim.make_room(heap=4)
    sim.act(ACT_RESTART, p)
    w = int(sim.state.pods.workload[p])
    note_pods(sim, w)
    after_ms, until_ms = sim.faults.crashing.get(sim.names.owner(w), (0, -1))
    if sim.now_ms < until_ms:
        sim.faults.agenda.add(sim.now_ms + after_ms, "exit", uid)


def crash(sim: Simulation, event: Crash) -> int:
    """Containers of a workload exit, and again after each start while the fault lasts; 0: it has no pods."""
    w = sim.names.workloads.index(event.target)
    running = [p for r in sim.names.rows(w) for p in pods_of(sim, r) if runs(sim, p)]
    chosen = running if event.pods is None else running[: event.pods]
    if event.duration_ms is not None:
        sim.faults.crashing[w] = (event.after_ms, sim.now_ms + event.duration_ms)
    for p in chosen:
        exits(sim, int(sim.state.pods.uid[p]))
    return int(bool(chosen))


def runs(sim: Simulation, p: int) -> bool:
    """Whether the containers of a pod have been started: not before it has its volumes and an address."""
    pods = sim.state.pods
    return bool(pods.state[p] in (POD_READY, POD_STARTING) and pods.step_ms[p] != NEVER)


def exits(sim: Simulation, uid: int) -> None:
    """The containers of a pod exit by themselves."""
    p = row_of(sim, uid)
    if p >= 0 and runs(sim, p):
        log(sim, sim.now_ms, LOG_CRASHED, int(sim.state.pods.workload[p]), int(sim.state.pods.ordinal[p]), 0, 0)
        end(sim, p, CRASH_EXIT)
