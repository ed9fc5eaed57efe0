"""Jobs: pods that run to an end, as many as are wanted at once, until enough have succeeded or too many failed.

Source: kubernetes v1.36 pkg/controller/job/job_controller.go (syncJob, manageJob) and backoff_utils.go: after n
failures in a row the next pod is made 10 s x 2^(n-1) after the last, at most 6 minutes (as documented). Pods that are
evicted, preempted or lost count as failed.

Not modelled: podFailurePolicy, successPolicy, backoffLimitPerIndex, podReplacementPolicy Failed, containers that
restart in place (restartPolicy OnFailure counts as Never).
"""

from __future__ import annotations

from capsim.controllers.workloads.admission import (
    JOB_FIRST_MS,
    JOB_MOST_MS,
    after_attempt,
    forget_burst,
    is_asked,
    is_refused,
)
from capsim.controllers.workloads.replicas import active_pods, delete_pod, try_after_creation
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.calendar import tree_set
from capsim.state.eventlog import LOG_JOB, LOG_JOB_POD, log_event
from capsim.state.job_status import note_failures
from capsim.state.tables import (
    CONTROLLER_GCRA,
    NEVER,
    P_CTRL_BURST,
    P_CTRL_INTERVAL,
    P_POD_TO_POD,
    POD_TERMINATING,
    Classes,
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
    Wheels,
    Workloads,
)
from capsim.state.tables_admission import B_REFUSED, Admission
from capsim.state.tables_jobs import (
    INDEX_BITS,
    INDEX_OPEN,
    J_ACTIVE,
    J_BACKOFF_LIMIT,
    J_COMPLETIONS,
    J_DEADLINE_MS,
    J_FAILED,
    J_IN_A_ROW,
    J_INDEXED,
    J_LAST_FAILURE_MS,
    J_PARALLEL,
    J_STARTED_MS,
    J_STATE,
    J_SUCCEEDED,
    JOB_COMPLETE,
    JOB_FAILED,
    JOB_IDLE,
    JOB_RUNNING,
    JOB_STOPPED,
    Jobs,
)
from capsim.state.transitions import client_ready, client_take, create_pod

BACKOFF_MS, MOST_BACKOFF_MS = 10_000, 360_000
COMPLETED, BACKOFF_LIMIT, DEADLINE = 0, 1, 2
"""What LOG_JOB tells."""


@kernel
def delete_active(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    w,
    now,
):
    """Delete all pods of Job ``w`` that have not ended."""
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] != POD_TERMINATING:
            # fmt: off
            delete_pod(
                clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now)
            # fmt: on
        p = links.workload_next[p]


@kernel
def free_index(pods: Pods, links: PodLinks, workloads: Workloads, jobs: Jobs, w):
    """The lowest index that has neither succeeded nor an active pod, -1: none."""
    first = jobs.index_start[w]
    for i in range(jobs.index_start[w + 1] - first):
        if jobs.done[first + i] != INDEX_OPEN:
            continue
        taken = False
        p = workloads.first_pod[w]
        while p >= 0 and not taken:
            taken = pods.state[p] != POD_TERMINATING and pods.ordinal[p] & ((1 << INDEX_BITS) - 1) == i
            p = links.workload_next[p]
        if not taken:
            return i
    return -1


@inline_kernel
def backoff_ends_ms(jobs: Jobs, w):
    """When the next pod may be made after failures."""
    failures = jobs.setting[w, J_IN_A_ROW]
    if failures == 0:
        return 0
    wait = BACKOFF_MS
    for _ in range(failures - 1):
        wait = min(2 * wait, MOST_BACKOFF_MS)
        if wait == MOST_BACKOFF_MS:
            break
    return jobs.setting[w, J_LAST_FAILURE_MS] + wait


@kernel
def make_job_pod(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    marks: Marks,
    jobs: Jobs,
    admission: Admission,
    log: Log,
    w,
    missing,
    now,
):
    """Create a pod if backoff, client and admission allow it; returns when to look again."""
    interval, burst = clock.params[P_CTRL_INTERVAL], clock.params[P_CTRL_BURST]
    at_ms = max(client_ready(clock, CONTROLLER_GCRA, interval, burst, now), backoff_ends_ms(jobs, w))
    if at_ms > now:
        return at_ms
    index = free_index(pods, links, workloads, jobs, w) if jobs.setting[w, J_INDEXED] == 1 else -1
    client_take(clock, CONTROLLER_GCRA, interval, now)
    refused = False
    if is_asked(admission, w):
        name = workloads.next_ordinal[w] + admission.burst[w, B_REFUSED]
        if index >= 0:
            name = (name << INDEX_BITS) | index
        refused = is_refused(clock, workloads, admission, log, w, w, name, now)
    if not refused:
        p = create_pod(clock, pods, links, usage, workloads, marks, w, -1, now)
        if index >= 0:
            pods.ordinal[p] = (pods.ordinal[p] << INDEX_BITS) | index
        jobs.setting[w, J_ACTIVE] += 1
        try_after_creation(clock, heap, pods, p, now)
        log_event(clock, log, now, LOG_JOB_POD, w, pods.ordinal[p], 0, 0)
    pace_ms = max(client_ready(clock, CONTROLLER_GCRA, interval, burst, now), now + max(1, clock.params[P_POD_TO_POD]))
    if is_asked(admission, w):
        return after_attempt(admission, w, refused, missing, missing, pace_ms, JOB_FIRST_MS, JOB_MOST_MS, now)
    return pace_ms if missing > 1 else NEVER


@inline_kernel
def wanted_pods(jobs: Jobs, w):
    """Pods that should be active."""
    s = jobs.setting
    if s[w, J_COMPLETIONS] < 0:
        return 0 if s[w, J_SUCCEEDED] > 0 else s[w, J_PARALLEL]
    return min(s[w, J_PARALLEL], s[w, J_COMPLETIONS] - s[w, J_SUCCEEDED])


@inline_kernel
def verdict_on(jobs: Jobs, w, active, now):
    """Whether the Job is over, and how: a state and what is told of it."""
    s = jobs.setting
    if s[w, J_FAILED] > s[w, J_BACKOFF_LIMIT]:
        return JOB_FAILED, BACKOFF_LIMIT
    enough = s[w, J_SUCCEEDED] >= s[w, J_COMPLETIONS] if s[w, J_COMPLETIONS] >= 0 else s[w, J_SUCCEEDED] > 0
    if enough and (active == 0 or s[w, J_COMPLETIONS] >= 0):
        return JOB_COMPLETE, COMPLETED
    if now - s[w, J_STARTED_MS] >= s[w, J_DEADLINE_MS]:
        return JOB_FAILED, DEADLINE
    return JOB_RUNNING, COMPLETED


@separate_kernel
def sync_job(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    jobs: Jobs,
    admission: Admission,
    log: Log,
    w,
    due,
    now,
):
    """One sync of Job ``w``, whose next pod ends at ``due``; a free pod row, heap and log room are there."""
    s = jobs.setting
    # fmt: off
    if s[w, J_STATE] == JOB_RUNNING:
        lost = s[w, J_ACTIVE] - active_pods(workloads, w)
        if lost > 0:
            note_failures(jobs, w, lost, now)
            s[w, J_ACTIVE] -= lost
        state, told = verdict_on(jobs, w, s[w, J_ACTIVE], now)
        if state != JOB_RUNNING:
            log_event(clock, log, now, LOG_JOB, w, told, workloads.next_ordinal[w], 0)
            s[w, J_STATE] = state
    if s[w, J_STATE] != JOB_RUNNING:
        due = NEVER
        workloads.desired[w] = 0
        forget_burst(admission, w, now)
        s[w, J_ACTIVE] = 0
        delete_active(
            clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, w, now)
        if s[w, J_STATE] == JOB_STOPPED:
            s[w, J_STATE] = JOB_IDLE
    else:
        workloads.desired[w] = wanted_pods(jobs, w)
        missing = workloads.desired[w] - s[w, J_ACTIVE]
        if missing > 0:
            due = min(due, make_job_pod(
                clock, heap, pods, links, usage, workloads, marks, jobs, admission, log, w, missing, now))
        else:
            forget_burst(admission, w, now)
        due = min(due, s[w, J_STARTED_MS] + s[w, J_DEADLINE_MS])
    # fmt: on
    workloads.reconcile_ms[w] = due
    tree_set(wheels.replicas, w, due)
