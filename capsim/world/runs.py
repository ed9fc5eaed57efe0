"""Pods that run to an end: how long each takes, and whether it succeeds.

A pod ends a drawn time (``runTime``) after it became Ready, and fails with the probability ``failureRatio``; what has
ended holds nothing any more.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, separate_kernel
from capsim.rng import STREAM_FAILURE, STREAM_RUN, draw
from capsim.state.calendar import encode, push
from capsim.state.job_status import note_failures
from capsim.state.tables import (
    EV_POD_GONE,
    NEVER,
    P_SEED,
    POD_READY,
    Clock,
    Heap,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Presence,
    Workloads,
)
from capsim.state.tables_jobs import (
    INDEX_BITS,
    INDEX_DONE,
    J_ACTIVE,
    J_FAILS_MILLION,
    J_IN_A_ROW,
    J_INDEXED,
    J_STATE,
    J_SUCCEEDED,
    JOB_RUNNING,
    Jobs,
)
from capsim.state.transitions import stop_serving
from capsim.world.distributions import duration_ms


@inline_kernel
def ends_at(clock: Clock, pods: Pods, workloads: Workloads, jobs: Jobs, w, p):
    """When the Ready pod ``p`` of Job ``w`` has done its work."""
    entity = workloads.hash[w] + pods.ordinal[p]
    return pods.ready_ms[p] + max(1, duration_ms(jobs.run, w, clock.params[P_SEED], STREAM_RUN, entity, 0))


@inline_kernel
def note_end(clock: Clock, pods: Pods, workloads: Workloads, jobs: Jobs, w, p, now):
    """Pod ``p`` has ended: with success, or without."""
    entity = workloads.hash[w] + pods.ordinal[p]
    chance = draw(clock.params[P_SEED], STREAM_FAILURE, entity, 0) % 1_000_000
    if chance < jobs.setting[w, J_FAILS_MILLION]:
        note_failures(jobs, w, 1, now)
        return
    jobs.setting[w, J_SUCCEEDED] += 1
    jobs.setting[w, J_IN_A_ROW] = 0
    if jobs.setting[w, J_INDEXED] == 1:
        jobs.done[jobs.index_start[w] + (pods.ordinal[p] & ((1 << INDEX_BITS) - 1))] = INDEX_DONE


@separate_kernel
def end_pods(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    jobs: Jobs,
    w,
    now,
):
    """End every pod whose time has come; returns when the next one's does."""
    soonest = NEVER
    if jobs.setting[w, J_STATE] != JOB_RUNNING:
        return soonest
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            end_ms = ends_at(clock, pods, workloads, jobs, w, p)
            if end_ms <= now:
                note_end(clock, pods, workloads, jobs, w, p, now)
                stop_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, presence, p, now)
                push(heap, now, encode(EV_POD_GONE, p, pods.uid[p]))
                jobs.setting[w, J_ACTIVE] -= 1
            else:
                soonest = min(soonest, end_ms)
        p = links.workload_next[p]
    return soonest
