"""Jobs: pods that run to an end, as many as are wanted at once, until enough have succeeded or too many failed.

Source: kubernetes v1.36 pkg/controller/job/job_controller.go (syncJob, manageJob) and backoff_utils.go: after n
failures in a row the next pod is made 10 s x 2^(n-1) after the last, at most 10 minutes (the documentation says 6),
with backoffLimitPerIndex for each index; pod_failure_policy.go, success_policy.go, indexed_job_utils.go. Pods that are
evicted, preempted or lost have the condition DisruptionTarget; unless a policy says otherwise they count as failed.
With podReplacementPolicy Failed they do so when they are gone.
"""

from __future__ import annotations

from capsim.controllers.workloads.admission import (
    after_attempt,
    forget_burst,
    is_asked,
    is_refused,
)
from capsim.controllers.workloads.replicas import active_pods, delete_pod, try_after_creation
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.calendar import tree_set
from capsim.state.eventlog import LOG_JOB, LOG_JOB_POD, log_event
from capsim.state.job_status import note_failure
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
from capsim.state.tables_admission import B_REFUSED, QUEUE_JOBS, Admission
from capsim.state.tables_jobs import (
    I_ACTIVE,
    I_FAILURES,
    I_LAST_MS,
    I_STATE,
    INDEX_BITS,
    INDEX_DONE,
    INDEX_OPEN,
    J_ACTIVE,
    J_BACKOFF_LIMIT,
    J_COMPLETIONS,
    J_DEADLINE_MS,
    J_FAILED,
    J_FAILED_INDEXES,
    J_FATAL,
    J_IN_A_ROW,
    J_INDEX_LIMIT,
    J_INDEXED,
    J_LAST_FAILURE_MS,
    J_MOST_INDEXES,
    J_ON_DISRUPTION,
    J_PARALLEL,
    J_REPLACES_LATE,
    J_RESTARTS,
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

BACKOFF_MS, MOST_BACKOFF_MS = 10_000, 600_000
(COMPLETED, BACKOFF_LIMIT, DEADLINE, FAILURE_POLICY, MOST_INDEXES, FAILED_INDEXES) = range(6)
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


@inline_kernel
def after_failures(failures, last_ms):
    """When the next pod may be made after so many failures in a row, the last at ``last_ms``."""
    if failures == 0:
        return 0
    wait = BACKOFF_MS
    for _ in range(failures - 1):
        wait = min(2 * wait, MOST_BACKOFF_MS)
        if wait == MOST_BACKOFF_MS:
            break
    return last_ms + wait


@kernel
def free_index(jobs: Jobs, w, now):
    """(the lowest index that is open, has no active pod and is not backed off, -1: none; when one that is backed off
    may be tried)."""
    soonest = NEVER
    first = jobs.index_start[w]
    for i in range(jobs.index_start[w + 1] - first):
        k = first + i
        if jobs.indexes[k, I_STATE] != INDEX_OPEN or jobs.indexes[k, I_ACTIVE] == 1:
            continue
        ready_ms = 0
        if jobs.setting[w, J_INDEX_LIMIT] >= 0:
            ready_ms = after_failures(jobs.indexes[k, I_FAILURES], jobs.indexes[k, I_LAST_MS])
        if ready_ms <= now:
            return i, soonest
        soonest = min(soonest, ready_ms)
    return -1, soonest


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
    at_ms = after_failures(jobs.setting[w, J_IN_A_ROW], jobs.setting[w, J_LAST_FAILURE_MS])
    at_ms = max(client_ready(clock, CONTROLLER_GCRA, interval, burst, now), at_ms)
    if at_ms > now:
        return at_ms
    index = -1
    if jobs.setting[w, J_INDEXED] == 1:
        index, again_ms = free_index(jobs, w, now)
        if index < 0:
            return again_ms
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
            jobs.indexes[jobs.index_start[w] + index, I_ACTIVE] = 1
        jobs.setting[w, J_ACTIVE] += 1
        try_after_creation(clock, heap, pods, p, now)
        log_event(clock, log, now, LOG_JOB_POD, w, pods.ordinal[p], 0, 0)
    pace_ms = max(client_ready(clock, CONTROLLER_GCRA, interval, burst, now), now + max(1, clock.params[P_POD_TO_POD]))
    if is_asked(admission, w):
        return after_attempt(admission, w, refused, missing, missing, pace_ms, QUEUE_JOBS, now)
    return pace_ms if missing > 1 else NEVER


@inline_kernel
def wanted_pods(jobs: Jobs, w):
    """Pods that should be active."""
    s = jobs.setting
    if s[w, J_COMPLETIONS] < 0:
        return 0 if s[w, J_SUCCEEDED] > 0 else s[w, J_PARALLEL]
    return min(s[w, J_PARALLEL], s[w, J_COMPLETIONS] - s[w, J_SUCCEEDED] - s[w, J_FAILED_INDEXES])


@kernel
def note_lost(pods: Pods, links: PodLinks, workloads: Workloads, jobs: Jobs, w, lost, now):
    """So many pods of the last sync are gone or going without having ended: somebody deleted them."""
    action = jobs.setting[w, J_ON_DISRUPTION]
    last = workloads.next_ordinal[w] - 1
    if jobs.setting[w, J_INDEXED] == 0:
        p = workloads.first_pod[w]
        while p >= 0 and pods.state[p] != POD_TERMINATING:
            p = links.workload_next[p]
        fatal = 2 + 3 * (pods.ordinal[p] if p >= 0 else last)
        for _ in range(lost):
            note_failure(jobs, w, -1, action, fatal, now)
        return
    first = jobs.index_start[w]
    for i in range(jobs.index_start[w + 1] - first):
        if jobs.indexes[first + i, I_ACTIVE] == 0:
            continue
        p = workloads.first_pod[w]
        while p >= 0:
            stays = pods.state[p] != POD_TERMINATING or jobs.setting[w, J_REPLACES_LATE] == 1
            if stays and pods.ordinal[p] & ((1 << INDEX_BITS) - 1) == i:
                break
            p = links.workload_next[p]
        if p < 0:
            jobs.indexes[first + i, I_ACTIVE] = 0
            note_failure(jobs, w, i, action, 2 + 3 * ((last << INDEX_BITS) | i), now)


@kernel
def restarts_of(pods: Pods, links: PodLinks, workloads: Workloads, w):
    """How often containers of the pods that run were started again."""
    total = 0
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] != POD_TERMINATING:
            total += pods.restarts[p]
        p = links.workload_next[p]
    return total


@kernel
def meets_policy(jobs: Jobs, w):
    """Whether the indexes that have succeeded are enough for some rule of successPolicy."""
    first = jobs.index_start[w]
    for r in range(jobs.rule_start[w], jobs.rule_start[w + 1]):
        count = 0
        for k in range(jobs.rule[r, 1], jobs.rule[r + 1, 1]):
            for i in range(jobs.span[k, 0], jobs.span[k, 1] + 1):
                count += jobs.indexes[first + i, I_STATE] == INDEX_DONE
        if count >= jobs.rule[r, 0]:
            return True
    return False


@inline_kernel
def verdict_on(pods: Pods, links: PodLinks, workloads: Workloads, jobs: Jobs, w, active, now):
    """Whether the Job is over, and how: a state and what is told of it."""
    s = jobs.setting
    if s[w, J_FATAL] > 0:
        return JOB_FAILED, FAILURE_POLICY
    if s[w, J_FAILED] > s[w, J_BACKOFF_LIMIT]:
        return JOB_FAILED, BACKOFF_LIMIT
    if s[w, J_RESTARTS] == 1 and restarts_of(pods, links, workloads, w) >= max(1, s[w, J_BACKOFF_LIMIT]):
        return JOB_FAILED, BACKOFF_LIMIT
    if s[w, J_FAILED_INDEXES] > s[w, J_MOST_INDEXES]:
        return JOB_FAILED, MOST_INDEXES
    if s[w, J_FAILED_INDEXES] > 0 and s[w, J_FAILED_INDEXES] + s[w, J_SUCCEEDED] >= s[w, J_COMPLETIONS]:
        return JOB_FAILED, FAILED_INDEXES
    enough = s[w, J_SUCCEEDED] >= s[w, J_COMPLETIONS] if s[w, J_COMPLETIONS] >= 0 else s[w, J_SUCCEEDED] > 0
    if enough and (active == 0 or s[w, J_COMPLETIONS] >= 0):
        return JOB_COMPLETE, COMPLETED
    if jobs.rule_start.shape[0] > 1 and s[w, J_SUCCEEDED] > 0 and meets_policy(jobs, w):
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
        if s[w, J_REPLACES_LATE] == 1:
            lost -= workloads.count[w, POD_TERMINATING]
        if lost > 0:
            note_lost(pods, links, workloads, jobs, w, lost, now)
            s[w, J_ACTIVE] -= lost
        state, told = verdict_on(pods, links, workloads, jobs, w, s[w, J_ACTIVE], now)
        if state != JOB_RUNNING:
            log_event(clock, log, now, LOG_JOB, w, told, workloads.next_ordinal[w], s[w, J_FATAL])
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
