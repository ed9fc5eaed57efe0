"""The scheduling cycle: take the next pod, choose a node, bind it or say why not."""

from __future__ import annotations

from capsim.controllers.scheduler.choose import best_node
from capsim.controllers.scheduler.prepare import prepare
from capsim.controllers.scheduler.queue import activate, pop_active, wake_head
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.reserved import scan_reserved, try_nominated
from capsim.controllers.scheduler.verdict import diagnose, has_nominees, verdict
from capsim.controllers.scheduler.wake import wake_watchers
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.eventlog import LOG_FAILED_SCHEDULING, log_event
from capsim.state.links import enqueue
from capsim.state.tables import (
    C_BINDS,
    C_FAILED_TRIES,
    P_WATCHERS,
    PENDING_VERSION,
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    UNSCHEDULABLE,
    Classes,
    Clock,
    Groups,
    Log,
    Marks,
    Nodes,
    PodLinks,
    Pods,
    Presence,
    Queue,
    Workloads,
)
from capsim.state.tables_scheduler import CLASS_NEVER_PREEMPTS, Nominations, Scheduling
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


@separate_kernel
def set_aside(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    nodes: Nodes,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    p,
    now,
):
    """No node takes pod ``p``: diagnose once per blocked class, and put the pod aside."""
    c = pods.pod_class[p]
    target = pods.target[p]
    d = classes.diagnosis[c] if target < 0 else -1
    if d < 0:
        diagnose(clock, classes, pods, nodes, presence, k, queue.diagnoses[queue.diagnosis_count[0]], p, target)
        d = intern(queue)
        if target < 0:
            classes.diagnosis[c] = d
    pods.diagnosis[p] = d
    pods.attempts[p] += 1
    pods.tried_ms[p] = now
    classes.tried_ms[c] = now
    head = classes.queue_head[c]
    enqueue(links, classes, p, c, head < 0 or pods.uid[p] < pods.uid[head])
    clock.values[UNSCHEDULABLE] += 1
    clock.values[PENDING_VERSION] += 1
    clock.counters[C_FAILED_TRIES] += 1


@separate_kernel
def may_preempt(classes: Classes, workloads: Workloads, pods: Pods, k: Scheduling, p):
    """Whether pods of lower priority run somewhere, and the pod's policy lets it preempt them."""
    c = pods.pod_class[p]
    if k.rules.flag[c] & CLASS_NEVER_PREEMPTS:
        return False
    for w in range(workloads.pod_class.shape[0]):
        if classes.priority[workloads.pod_class[w]] < classes.priority[c]:
            count = workloads.count[w, POD_STARTING] + workloads.count[w, POD_READY] + workloads.count[w, POD_DOWN]
            if count + workloads.count[w, POD_TERMINATING] > 0:
                return True
    return False


@inline_kernel
def forget_nomination(nominations: Nominations, p):
    """Pod ``p`` waits for no node any more; returns the one that it waited for, -1: none."""
    node = -1
    for i in range(nominations.count[0]):
        if nominations.pod[i] == p:
            node = nominations.node[i]
            last = nominations.count[0] - 1
            nominations.pod[i] = nominations.pod[last]
            nominations.node[i] = nominations.node[last]
            nominations.count[0] = last
            break
    return node


@separate_kernel
def choose(
    clock: Clock,
    pods: Pods,
    classes: Classes,
    nodes: Nodes,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    entity,
    p,
):
    """The node for pod ``p``, -1: none takes it."""
    c = pods.pod_class[p]
    n = pods.target[p]
    if n < 0 and classes.diagnosis[c] >= 0:
        return -1
    scratch = queue.diagnoses[queue.diagnosis_count[0]]
    if k.rules.start[c] < k.rules.start[c + 1]:
        prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, c)
    if n >= 0:
        reason = verdict(clock, classes, pods, nodes, presence, k, scratch, False, p, n)
        return n if reason == PASS else -1
    if k.nominations.count[0] > 0:
        n = try_nominated(clock, classes, pods, nodes, presence, k, scratch, p)
        if n >= 0:
            return n
        if has_nominees(classes, pods, k.nominations, p, -1):
            return scan_reserved(clock, classes, pods, nodes, presence, k, scratch, p, entity, 0)
    return best_node(
        clock, k.profiles, classes, nodes, k.rules, presence, k.shapes, k.extras, k.views, k.cycle, c, entity, 0
    )


@separate_kernel
def try_pod(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    workloads: Workloads,
    nodes: Nodes,
    groups: Groups,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    marks: Marks,
    log: Log,
    p,
    now,
):
    """One scheduling attempt; returns the node, -1: none, -2: none, but pods of lower priority run somewhere."""
    c = pods.pod_class[p]
    entity = workloads.hash[pods.workload[p]] + pods.ordinal[p]
    n = choose(clock, pods, classes, nodes, queue, presence, k, entity, p)
    if n < 0:
        known = classes.diagnosis[c] >= 0
        set_aside(clock, pods, links, classes, nodes, queue, presence, k, p, now)
        if not known and pods.target[p] < 0 and may_preempt(classes, workloads, pods, k, p):
            return -2
        log_event(clock, log, now, LOG_FAILED_SCHEDULING, pods.workload[p], pods.ordinal[p], pods.diagnosis[p], 1)
        return -1
    if k.nominations.count[0] > 0:
        forget_nomination(k.nominations, p)
    links.queued[p] = 0
    bind_pod(clock, pods, links, classes, workloads, nodes, groups, marks, presence, p, n, now)
    clock.counters[C_BINDS] += 1
    if classes.queue_count[c] > 0 and pods.target[p] < 0:
        wake_head(clock, queue, pods, links, classes, c, now)
    if clock.params[P_WATCHERS] == 1:
        wake_watchers(clock, queue, pods, links, classes, now)
    return n


@inline_kernel
def next_pod(clock: Clock, pods: Pods, links: PodLinks, classes: Classes, queue: Queue, now):
    """The next pending pod of the active queue, -1 when there is none; entries of gone pods are dropped.

    One that was woken and deleted before its turn passes the wake-up on to the next of its class."""
    while queue.count[0] > 0:
        p, uid = pop_active(queue)
        if pods.uid[p] == uid and pods.state[p] == POD_PENDING and links.queued[p] == 1:
            return p
        c = pods.pod_class[p]
        if pods.uid[p] == uid and classes.diagnosis[c] < 0 and classes.queue_count[c] > 0 and pods.target[p] < 0:
            wake_head(clock, queue, pods, links, classes, c, now)
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
def requeue(clock: Clock, queue: Queue, pods: Pods, links: PodLinks, classes: Classes, p, uid, now):
    """The time for pod ``p``'s first attempt has come; pods with scheduling gates are not tried."""
    if pods.uid[p] == uid and pods.state[p] == POD_PENDING and links.queued[p] == 0:
        if classes.gated[pods.pod_class[p]] == 0:
            activate(clock, queue, pods, classes, links, p, now)
