"""The scheduling cycle: take the next pod, choose a node, bind it or say why not."""

from __future__ import annotations

from capsim.controllers.scheduler.choose import best_node
from capsim.controllers.scheduler.filters import diagnose, fits
from capsim.controllers.scheduler.queue import activate, pop_active, wake_head
from capsim.jit import inline_kernel, kernel
from capsim.state.eventlog import LOG_FAILED_SCHEDULING, log_event
from capsim.state.links import enqueue
from capsim.state.tables import (
    C_BINDS,
    C_FAILED_TRIES,
    PENDING_VERSION,
    POD_PENDING,
    UNSCHEDULABLE,
    Classes,
    Clock,
    Groups,
    Log,
    Marks,
    Nodes,
    PodLinks,
    Pods,
    Queue,
    Trees,
    Workloads,
)
from capsim.state.transitions import bind_pod


@inline_kernel
def intern(queue: Queue):
    """Index of the diagnosis that stands in the first free row, added if it is new.

    Only the latest 64 are compared: a duplicate costs a row, nothing else. One free row is always left."""
    used = queue.diagnosis_count[0]
    width = queue.diagnoses.shape[1]
    for d in range(used - 1, max(-1, used - 65), -1):
        same = True
        for k in range(width):
            if queue.diagnoses[d, k] != queue.diagnoses[used, k]:
                same = False
                break
        if same:
            return d
    queue.diagnosis_count[0] = used + 1
    return used


@kernel
def fail(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    workloads: Workloads,
    nodes: Nodes,
    queue: Queue,
    log: Log,
    p,
    now,
):
    """No node takes pod ``p``: diagnose once per blocked class, put the pod aside, log the event."""
    c = pods.pod_class[p]
    target = pods.target[p]
    d = classes.diagnosis[c] if target < 0 else -1
    if d < 0:
        diagnose(clock, classes, nodes, queue.diagnoses[queue.diagnosis_count[0]], c, target)
        d = intern(queue)
        if target < 0:
            classes.diagnosis[c] = d
    pods.diagnosis[p] = d
    classes.tried_ms[c] = now
    head = classes.queue_head[c]
    enqueue(links, classes, p, c, head < 0 or pods.uid[p] < pods.uid[head])
    clock.values[UNSCHEDULABLE] += 1
    clock.values[PENDING_VERSION] += 1
    clock.counters[C_FAILED_TRIES] += 1
    log_event(clock, log, now, LOG_FAILED_SCHEDULING, pods.workload[p], pods.ordinal[p], d, 1)


@inline_kernel
def try_pod(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    workloads: Workloads,
    nodes: Nodes,
    groups: Groups,
    queue: Queue,
    trees: Trees,
    marks: Marks,
    log: Log,
    p,
    now,
):
    """One scheduling attempt; returns the node, or -1."""
    c = pods.pod_class[p]
    n = pods.target[p]
    if n >= 0:
        if not fits(classes, nodes, c, n):
            n = -1
    elif classes.diagnosis[c] < 0:
        entity = workloads.hash[pods.workload[p]] + pods.ordinal[p]
        n = best_node(clock, classes, nodes, queue, trees, c, entity, 0)
    if n < 0:
        fail(clock, pods, links, classes, workloads, nodes, queue, log, p, now)
        return -1
    links.queued[p] = 0
    bind_pod(clock, pods, links, classes, workloads, nodes, groups, marks, trees, p, n, now)
    clock.counters[C_BINDS] += 1
    if classes.queue_count[c] > 0 and pods.target[p] < 0:
        wake_head(clock, queue, pods, links, classes, c)
    return n


@inline_kernel
def next_pod(clock: Clock, pods: Pods, links: PodLinks, classes: Classes, queue: Queue):
    """The next pending pod of the active queue, -1 when there is none; entries of gone pods are dropped.

    One that was woken and deleted before its turn passes the wake-up on to the next of its class."""
    while queue.count[0] > 0:
        p, uid = pop_active(queue)
        if pods.uid[p] == uid and pods.state[p] == POD_PENDING and links.queued[p] == 1:
            return p
        c = pods.pod_class[p]
        if pods.uid[p] == uid and classes.diagnosis[c] < 0 and classes.queue_count[c] > 0 and pods.target[p] < 0:
            wake_head(clock, queue, pods, links, classes, c)
    return -1


@kernel
def flush_class(clock: Clock, pods: Pods, links: PodLinks, classes: Classes, queue: Queue, log: Log, c, now):
    """Pods of a class that have been unschedulable for 5 minutes are tried again: since nothing that could help has
    happened, they fail as before, and say so."""
    classes.tried_ms[c] = now
    p = classes.queue_head[c]
    told = 0
    while p >= 0 and told < 64:
        log_event(clock, log, now, LOG_FAILED_SCHEDULING, pods.workload[p], pods.ordinal[p], pods.diagnosis[p], 1)
        told += 1
        p = links.queue_next[p]


@inline_kernel
def requeue(queue: Queue, pods: Pods, links: PodLinks, classes: Classes, p, uid):
    """The time for pod ``p``'s first attempt has come."""
    if pods.uid[p] == uid and pods.state[p] == POD_PENDING and links.queued[p] == 0:
        activate(queue, pods, classes, links, p)
