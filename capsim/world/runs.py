"""Pods that run to an end: how long each takes, and whether it succeeds.

A pod ends a drawn time (``runTime``) after it became Ready, and fails with the probability ``failureRatio``; what has
ended holds nothing any more. With restartPolicy OnFailure its containers are started again on the same node, after the
kubelet's back-off: at once, 10 s, 20 s and so on, at most five minutes (kubernetes v1.36 pkg/kubelet, doBackOff); a
run of more than ten minutes is not waited for.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.rng import STREAM_FAILURE, STREAM_RUN, draw
from capsim.state.calendar import encode, push
from capsim.state.eventlog import LOG_BACK_OFF, log_event
from capsim.state.job_status import note_failure
from capsim.state.tables import (
    EV_POD_GONE,
    NEVER,
    P_SEED,
    POD_DOWN,
    POD_READY,
    POD_STARTING,
    Clock,
    Heap,
    Log,
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
    I_ACTIVE,
    I_STATE,
    INDEX_BITS,
    INDEX_DONE,
    J_ACTIVE,
    J_FAILS_MILLION,
    J_IN_A_ROW,
    J_INDEXED,
    J_ON_FAILURE,
    J_RESTARTS,
    J_STATE,
    J_SUCCEEDED,
    JOB_RUNNING,
    Jobs,
)
from capsim.state.tables_startup import Startup
from capsim.state.transitions import go_down, stop_serving
from capsim.world.distributions import duration_ms
from capsim.world.kubelet import begin_start

FIRST_WAIT_MS, MOST_WAIT_MS, FORGET_MS = 10_000, 300_000, 600_000


@inline_kernel
def ends_at(clock: Clock, pods: Pods, workloads: Workloads, jobs: Jobs, w, p):
    """When the Ready pod ``p`` of Job ``w`` has done its work."""
    entity = workloads.hash[w] + pods.ordinal[p]
    return pods.ready_ms[p] + max(
        1, duration_ms(jobs.run, w, clock.params[P_SEED], STREAM_RUN, entity, pods.restarts[p])
    )


@inline_kernel
def fails(clock: Clock, pods: Pods, workloads: Workloads, jobs: Jobs, w, p):
    """Whether the run of pod ``p`` that has ended failed."""
    entity = workloads.hash[w] + pods.ordinal[p]
    chance = draw(clock.params[P_SEED], STREAM_FAILURE, entity, pods.restarts[p]) % 1_000_000
    return chance < jobs.setting[w, J_FAILS_MILLION]


@inline_kernel
def note_end(pods: Pods, jobs: Jobs, w, p, failed, now):
    """Pod ``p`` has ended: with success, or without."""
    s = jobs.setting
    index = pods.ordinal[p] & ((1 << INDEX_BITS) - 1) if s[w, J_INDEXED] == 1 else -1
    if index >= 0:
        jobs.indexes[jobs.index_start[w] + index, I_ACTIVE] = 0
    if failed:
        note_failure(jobs, w, index, s[w, J_ON_FAILURE], 1 + 3 * pods.ordinal[p], now)
        return
    s[w, J_SUCCEEDED] += 1
    s[w, J_IN_A_ROW] = 0
    if index >= 0:
        jobs.indexes[jobs.index_start[w] + index, I_STATE] = INDEX_DONE


@separate_kernel
def fail_pod(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    jobs: Jobs,
    p,
    action,
    now,
):
    """Pod ``p`` of a Job was killed and is not started again: it has failed, and ``action`` says what that means."""
    w = pods.workload[p]
    index = pods.ordinal[p] & ((1 << INDEX_BITS) - 1) if jobs.setting[w, J_INDEXED] == 1 else -1
    if index >= 0:
        jobs.indexes[jobs.index_start[w] + index, I_ACTIVE] = 0
    note_failure(jobs, w, index, action, 3 + 3 * pods.ordinal[p], now)
    stop_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, presence, p, now)
    push(heap, now, encode(EV_POD_GONE, p, pods.uid[p]))
    jobs.setting[w, J_ACTIVE] -= 1
    return 0


@kernel
def start_again(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    startup: Startup,
    log: Log,
    w,
    p,
    now,
):
    """The containers of pod ``p`` failed: the kubelet starts them again after its back-off."""
    wait_ms = 0
    if now - pods.ready_ms[p] <= FORGET_MS:
        for n in range(pods.restarts[p]):
            wait_ms = FIRST_WAIT_MS if n == 0 else min(2 * wait_ms, MOST_WAIT_MS)
    go_down(clock, pods, usage, workloads, nodes, scan, physics, marks, p, now)
    pods.restarts[p] += 1
    pods.state[p] = POD_STARTING
    workloads.count[w, POD_DOWN] -= 1
    workloads.count[w, POD_STARTING] += 1
    if wait_ms > 0:
        log_event(clock, log, now, LOG_BACK_OFF, w, pods.ordinal[p], wait_ms // 1000, 0)
    begin_start(clock, heap, pods, workloads, nodes, startup, p, 1, now + wait_ms)


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
    startup: Startup,
    jobs: Jobs,
    log: Log,
    w,
    now,
):
    """End every pod whose time has come; returns when the next one's does. The log has room for an event of each."""
    soonest = NEVER
    if jobs.setting[w, J_STATE] != JOB_RUNNING:
        return soonest
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            end_ms = ends_at(clock, pods, workloads, jobs, w, p)
            if end_ms <= now:
                failed = fails(clock, pods, workloads, jobs, w, p)
                if failed and jobs.setting[w, J_RESTARTS] == 1:
                    start_again(
                        clock,
                        heap,
                        pods,
                        usage,
                        workloads,
                        nodes,
                        scan,
                        physics,
                        marks,
                        startup,
                        log,
                        w,
                        p,
                        now,
                    )
                    p = links.workload_next[p]
                    continue
                note_end(pods, jobs, w, p, failed, now)
                stop_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, presence, p, now)
                push(heap, now, encode(EV_POD_GONE, p, pods.uid[p]))
                jobs.setting[w, J_ACTIVE] -= 1
            else:
                soonest = min(soonest, end_ms)
        p = links.workload_next[p]
    return soonest
