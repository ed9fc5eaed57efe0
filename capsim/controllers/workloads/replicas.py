"""ReplicaSets: as many pods as desired, created and deleted at the pace of the controller's client.

A Deployment that is not rolled out within the run is its ReplicaSet (else see ``deployment.py``). Pods are created one
after the other, each at least ``podToPod`` after the last and within the client's QPS and burst; a surplus is deleted
at once, as upstream does.
"""

from __future__ import annotations

from capsim.controllers.workloads.admission import (
    after_attempt,
    forget_burst,
    is_asked,
    is_refused,
)
from capsim.controllers.workloads.victims import choose_victims
from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import encode, push, tree_set
from capsim.state.eventlog import LOG_SCALING_REPLICA_SET, log_event
from capsim.state.links import dequeue
from capsim.state.marks import PODS_CHANGED, touch
from capsim.state.tables import (
    CAPACITY_VERSION,
    CONTROLLER_GCRA,
    EV_POD_GONE,
    EV_POD_LEFT,
    KIND_DEPLOYMENT,
    KIND_REPLICASET,
    NEVER,
    P_CTRL_BURST,
    P_CTRL_INTERVAL,
    P_POD_TO_POD,
    P_SCHED_BURST,
    P_SCHED_INTERVAL,
    P_SCHEDULE,
    P_UNBOUND_DELETE,
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    SCHEDULER_GCRA,
    UNSCHEDULABLE,
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
    Queue,
    Wheels,
    Workloads,
)
from capsim.state.tables_admission import B_REFUSED, QUEUE_REPLICA_SETS, Admission
from capsim.state.transitions import client_ready, client_take, create_pod, schedule_try, set_dark, stop_serving


@inline_kernel
def active_pods(workloads: Workloads, w):
    """Pods of ``w`` that count as replicas: those that are not leaving."""
    running = workloads.count[w, POD_STARTING] + workloads.count[w, POD_READY] + workloads.count[w, POD_DOWN]
    return workloads.count[w, POD_PENDING] + running


@inline_kernel
def wake_replicas(wheels: Wheels, workloads: Workloads, w, at_ms):
    """The controller looks at ``w`` at ``at_ms``, or earlier if it already meant to."""
    if workloads.reconcile_ms[w] > at_ms:
        workloads.reconcile_ms[w] = at_ms
        tree_set(wheels.replicas, w, at_ms)


@inline_kernel
def try_after_creation(clock: Clock, heap: Heap, pods: Pods, p, now):
    """First scheduling attempt of a new pod: after the watch delay, within the scheduler's client limits."""
    interval = clock.params[P_SCHED_INTERVAL]
    at_ms = client_ready(clock, SCHEDULER_GCRA, interval, clock.params[P_SCHED_BURST], now)
    client_take(clock, SCHEDULER_GCRA, interval, at_ms)
    schedule_try(heap, pods, p, max(at_ms, now + clock.params[P_SCHEDULE]))


@inline_kernel
def create_one(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    marks: Marks,
    admission: Admission,
    log: Log,
    w,
    missing,
    now,
):
    """Create a pod of ``w`` if the client may and admission lets it; returns when to look again."""
    interval = clock.params[P_CTRL_INTERVAL]
    burst = clock.params[P_CTRL_BURST]
    at_ms = client_ready(clock, CONTROLLER_GCRA, interval, burst, now)
    if at_ms > now:
        return at_ms
    client_take(clock, CONTROLLER_GCRA, interval, now)
    refused = False
    if is_asked(admission, w):
        name = workloads.next_ordinal[w] + admission.burst[w, B_REFUSED]
        refused = is_refused(clock, workloads, admission, log, w, w, name, now)
    if not refused:
        p = create_pod(clock, pods, links, usage, workloads, marks, w, -1, now)
        try_after_creation(clock, heap, pods, p, now)
    pace_ms = max(client_ready(clock, CONTROLLER_GCRA, interval, burst, now), now + max(1, clock.params[P_POD_TO_POD]))
    if is_asked(admission, w):
        return after_attempt(admission, w, refused, missing, missing, pace_ms, QUEUE_REPLICA_SETS, now)
    return pace_ms if missing > 1 else NEVER


@kernel
def delete_pod(
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
    p,
    now,
):
    """Delete pod ``p``: a bound one terminates, an unbound one vanishes; room for two heap events is there."""
    w = pods.workload[p]
    if pods.node[p] >= 0:
        if pods.state[p] == POD_TERMINATING:
            return
        served = pods.state[p] == POD_READY
        stop_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, presence, p, now)
        gone_ms = now + workloads.termination_ms[w]
        if served and workloads.linger_ms[w] > 0:
            set_dark(pods, physics, marks, p, 1)
            push(heap, now + workloads.linger_ms[w], encode(EV_POD_LEFT, p, pods.uid[p]))
    else:
        if links.queued[p] == 2:
            dequeue(links, classes, p, pods.pod_class[p])
            clock.values[UNSCHEDULABLE] -= 1
            links.queued[p] = 0
        pods.deleted_ms[p] = now
        pods.state[p] = POD_TERMINATING
        workloads.count[w, POD_PENDING] -= 1
        workloads.count[w, POD_TERMINATING] += 1
        touch(marks, w, PODS_CHANGED)
        gone_ms = now + clock.params[P_UNBOUND_DELETE]
    push(heap, gone_ms, encode(EV_POD_GONE, p, pods.uid[p]))


@kernel
def remove_surplus(
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
    queue: Queue,
    w,
    surplus,
    now,
):
    """Delete the ``surplus`` pods of ``w`` that go first."""
    found = choose_victims(clock, pods, links, workloads, scan, queue, w, surplus, now)
    for i in range(found):
        delete_pod(
            clock,
            heap,
            pods,
            links,
            classes,
            usage,
            workloads,
            nodes,
            scan,
            physics,
            marks,
            presence,
            queue.scratch[i],
            now,
        )


@inline_kernel
def reconcile(
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
    queue: Queue,
    admission: Admission,
    log: Log,
    w,
    now,
):
    """One look of the controller at workload ``w``; a free pod row, heap and log room are there."""
    due = NEVER
    kind = workloads.kind[w]
    if kind in (KIND_DEPLOYMENT, KIND_REPLICASET):
        missing = workloads.desired[w] - active_pods(workloads, w)
        if workloads.announced[w] != workloads.desired[w]:
            log_event(clock, log, now, LOG_SCALING_REPLICA_SET, w, workloads.announced[w], workloads.desired[w], 0)
            workloads.announced[w] = workloads.desired[w]
        if missing > 0:
            due = create_one(clock, heap, pods, links, usage, workloads, marks, admission, log, w, missing, now)
        else:
            forget_burst(admission, w, now)
        if missing < 0:
            remove_surplus(
                clock,
                heap,
                pods,
                links,
                classes,
                usage,
                workloads,
                nodes,
                scan,
                physics,
                marks,
                presence,
                queue,
                w,
                -missing,
                now,
            )
    workloads.reconcile_ms[w] = due
    tree_set(wheels.replicas, w, due)


@inline_kernel
def set_desired(clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, w, replicas, at_ms):
    """The scale subresource of ``w`` says ``replicas``; its controller acts at ``at_ms``.

    What budgets allow follows at once, so that it counts as a change for the Cluster Autoscaler.
    """
    clock.values[CAPACITY_VERSION] += workloads.desired[w] != replicas
    workloads.desired[w] = replicas
    wake_replicas(wheels, workloads, w, at_ms)
