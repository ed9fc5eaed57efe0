"""Steps in the life of a pod that change the tables: created, bound, Ready, leaving, gone.

The callers (workload controllers, scheduler, kubelet) decide when; these keep every count, sum and list in agreement.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.calendar import encode, push
from capsim.state.links import dequeue, link_node, link_workload, unlink_node, unlink_workload
from capsim.state.marks import PODS_CHANGED, TOUCHED, mark_busy, mark_dirty, mark_node, touch
from capsim.state.placement import leave, place
from capsim.state.tables import (
    C_PODS_CREATED,
    C_PODS_GONE,
    CAPACITY_VERSION,
    EV_POD_TRY,
    NEVER,
    NODE_READY,
    O_DARK,
    P_RATE_LIMITS,
    POD_DOWN,
    POD_FREE,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    POD_TOP,
    U_EXCESS,
    UID,
    Classes,
    Clock,
    Groups,
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
from capsim.state.tables_scheduler import IMAGES, Extras
from capsim.state.tables_warmth import H_BEGIN
from capsim.state.warmth import end_warmth


@inline_kernel
def node_changed(presence: Presence, nodes: Nodes, n):
    """Whatever the scheduler keeps about node ``n`` is out of date."""
    nodes.version[n] += 1
    size = presence.log.shape[0]
    if size > 0:
        head = presence.head[0]
        presence.log[head & (size - 1)] = n
        presence.head[0] = head + 1


@inline_kernel
def pods_left(clock: Clock, pods: Pods):
    """Free rows of the pod table."""
    return pods.state.shape[0] - clock.values[POD_TOP]


@inline_kernel
def create_pod(
    clock: Clock, pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, marks: Marks, w, target, now
):
    """Create a pod of workload ``w`` (bound to node ``target`` by name, or -1); returns its row. There is a free
    row."""
    top = clock.values[POD_TOP]
    p = pods.free[top]
    clock.values[POD_TOP] = top + 1
    pods.state[p] = POD_PENDING
    pods.workload[p] = w
    pods.pod_class[p] = workloads.pod_class[w]
    pods.node[p] = -1
    pods.target[p] = target
    pods.ordinal[p] = workloads.next_ordinal[w]
    workloads.next_ordinal[w] += 1
    pods.uid[p] = clock.values[UID]
    clock.values[UID] += 1
    pods.created_ms[p] = now
    pods.bound_ms[p] = -1
    pods.ready_ms[p] = -1
    pods.deleted_ms[p] = -1
    pods.diagnosis[p] = -1
    pods.attempts[p] = 0
    pods.step_ms[p] = -1
    pods.restarts[p] = 0
    pods.first_ready_ms[p] = -1
    pods.started_ms[p] = -1
    pods.given_up[p] = 0
    pods.dark[p] = 0
    if usage.warmth.shape[0] > 0:
        usage.warmth[p, H_BEGIN] = 0.0
    links.queued[p] = 0
    usage.own[p] = 0
    link_workload(links, workloads, p, w)
    workloads.count[w, POD_PENDING] += 1
    clock.counters[C_PODS_CREATED] += 1
    touch(marks, w, PODS_CHANGED)
    return p


@inline_kernel
def bind_pod(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    workloads: Workloads,
    nodes: Nodes,
    groups: Groups,
    marks: Marks,
    presence: Presence,
    p,
    n,
    now,
):
    """Bind pending pod ``p`` to node ``n``: its requests count on the node from now on."""
    w = pods.workload[p]
    c = pods.pod_class[p]
    pods.node[p] = n
    pods.bound_ms[p] = now
    pods.state[p] = POD_STARTING
    link_node(links, nodes, p, n)
    g = nodes.group[n]
    place(classes, nodes, presence, c, n, 1, 0)
    if nodes.state[n] == NODE_READY:
        for r in range(nodes.requested.shape[1]):
            groups.requested[g, r] += classes.request[c, r]
    node_changed(presence, nodes, n)
    workloads.count[w, POD_PENDING] -= 1
    workloads.count[w, POD_STARTING] += 1
    if nodes.excess_milli[n] > 0.0:
        mark_node(marks, n)
    touch(marks, w, PODS_CHANGED)
    touch(marks, workloads.kind.shape[0] + g, TOUCHED)


@inline_kernel
def start_serving(
    clock: Clock,
    pods: Pods,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    p,
    integral,
    now,
):
    """Pod ``p`` becomes Ready; ``integral`` is its workload's integral as of now."""
    w = pods.workload[p]
    n = pods.node[p]
    clock.values[CAPACITY_VERSION] += 1
    pods.state[p] = POD_READY
    pods.ready_ms[p] = now
    if pods.first_ready_ms[p] == -1:
        pods.first_ready_ms[p] = now
    usage.own[p] = 0
    usage.area[p] = 0.0
    usage.base[p] = integral
    usage.sample_prev[p] = 0.0
    usage.sample_last[p] = 0.0
    usage.sample_taken[p] = 0.0
    usage.missed_ms[p] = -NEVER
    workloads.count[w, POD_STARTING] -= 1
    workloads.count[w, POD_READY] += 1
    workloads.spread[w, nodes.group[n]] += 1
    workloads.moved_ms[w] = now
    nodes.excess_milli[n] += physics.usage[w, U_EXCESS]
    if scan.contended[n] > 0 or nodes.excess_milli[n] > 0.0:
        mark_node(marks, n)
    mark_busy(marks, physics, clock, w, now)
    mark_dirty(marks, w)
    touch(marks, w, PODS_CHANGED)


@inline_kernel
def leave_service(
    clock: Clock,
    pods: Pods,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    p,
    now,
):
    """Pod ``p``, Ready so far, takes no part in what its workload serves from now on."""
    w = pods.workload[p]
    n = pods.node[p]
    workloads.spread[w, nodes.group[n]] -= 1
    nodes.excess_milli[n] -= physics.usage[w, U_EXCESS]
    if usage.own[p] == 1:
        physics.own[w, 0] -= 1.0
        physics.own[w, 1] -= usage.rate_rps[p]
        if physics.own[w, 0] == 0.0:
            physics.own[w, 1] = 0.0
        usage.own[p] = 0
    if scan.contended[n] == 1:
        mark_node(marks, n)
    mark_busy(marks, physics, clock, w, now)
    mark_dirty(marks, w)


@inline_kernel
def set_dark(pods: Pods, physics: Physics, marks: Marks, p, dark):
    """Whether the endpoints hold pod ``p`` though it does not serve."""
    if pods.dark[p] != dark:
        w = pods.workload[p]
        pods.dark[p] = dark
        physics.own[w, O_DARK] += 1.0 if dark == 1 else -1.0
        mark_dirty(marks, w)


@inline_kernel
def lose_waiting(physics: Physics, w, ready, now):
    """What waits in one of ``ready`` pods of ``w`` is lost with it."""
    growth = physics.arrival_rps[w] - physics.served_rps[w] - physics.lost_rps[w]
    waiting = max(0.0, physics.backlog[w] + growth * (now - physics.since_ms[w]) / 1000.0)
    if waiting > 0.0:
        part = min(physics.backlog[w], waiting / ready)
        physics.backlog[w] -= part
        physics.area[w, 1] += part


@separate_kernel
def go_down(
    clock: Clock,
    pods: Pods,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    p,
    now,
):
    """A bound pod stops serving and stays: its node is silent, or its container ended."""
    w = pods.workload[p]
    state = pods.state[p]
    clock.values[CAPACITY_VERSION] += 1
    pods.state[p] = POD_DOWN
    pods.step_ms[p] = -1
    end_warmth(pods, usage, physics, marks, p, now)
    workloads.count[w, state] -= 1
    workloads.count[w, POD_DOWN] += 1
    if state == POD_READY:
        lose_waiting(physics, w, workloads.count[w, POD_READY] + 1, now)
        leave_service(clock, pods, usage, workloads, nodes, scan, physics, marks, p, now)
    touch(marks, w, PODS_CHANGED)


@kernel
def stop_serving(
    clock: Clock,
    pods: Pods,
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
    """A bound pod begins to terminate: it serves no more, its requests still count on the node."""
    w = pods.workload[p]
    n = pods.node[p]
    state = pods.state[p]
    clock.values[CAPACITY_VERSION] += 1
    pods.deleted_ms[p] = now
    pods.state[p] = POD_TERMINATING
    end_warmth(pods, usage, physics, marks, p, now)
    if leave(nodes, presence, pods.pod_class[p], n):
        node_changed(presence, nodes, n)
    workloads.count[w, state] -= 1
    workloads.count[w, POD_TERMINATING] += 1
    workloads.bound_leaving[w] += 1
    if state == POD_READY:
        leave_service(clock, pods, usage, workloads, nodes, scan, physics, marks, p, now)
    set_dark(pods, physics, marks, p, 0)
    touch(marks, w, PODS_CHANGED)


@kernel
def remove_pod(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    workloads: Workloads,
    nodes: Nodes,
    groups: Groups,
    marks: Marks,
    presence: Presence,
    log: Log,
    p,
    now,
):
    """Pod ``p`` is gone: write its row to the log and free its slot. There is room in the log."""
    w = pods.workload[p]
    c = pods.pod_class[p]
    n = pods.node[p]
    if links.queued[p] == 2:
        dequeue(links, classes, p, c)
    links.queued[p] = 0
    if n >= 0:
        unlink_node(links, nodes, p, n)
        g = nodes.group[n]
        place(classes, nodes, presence, c, n, -1, 1 if pods.state[p] == POD_TERMINATING else 0)
        if nodes.state[n] == NODE_READY:
            for r in range(nodes.requested.shape[1]):
                groups.requested[g, r] -= classes.request[c, r]
        node_changed(presence, nodes, n)
        touch(marks, workloads.kind.shape[0] + g, TOUCHED)
    unlink_workload(links, workloads, p, w)
    workloads.count[w, pods.state[p]] -= 1
    if n >= 0 and pods.state[p] == POD_TERMINATING:
        workloads.bound_leaving[w] -= 1
    log_pod(pods, nodes, log, p, now)
    pods.state[p] = POD_FREE
    pods.uid[p] = -1
    clock.values[POD_TOP] -= 1
    pods.free[clock.values[POD_TOP]] = p
    clock.values[CAPACITY_VERSION] += 1
    clock.counters[C_PODS_GONE] += 1
    touch(marks, w, PODS_CHANGED)


@separate_kernel
def show_images(nodes: Nodes, presence: Presence, extras: Extras, c, n):
    """Node ``n`` reports the images of a pod of class ``c``: ImageLocality looks at them, and at how many have them."""
    for i in range(presence.part_start[c, IMAGES], presence.part_start[c, IMAGES + 1]):
        image = presence.part[i]
        if image >= 0 and presence.on_node[extras.image_group[image], n] == 0:
            presence.on_node[extras.image_group[image], n] = 1
            extras.image_nodes[image] += 1
            node_changed(presence, nodes, n)


@inline_kernel
def hide_images(presence: Presence, extras: Extras, n):
    """Node ``n`` goes, and its images with it."""
    for image in range(extras.image_group.shape[0]):
        extras.image_nodes[image] -= presence.on_node[extras.image_group[image], n]
        presence.on_node[extras.image_group[image], n] = 0


@inline_kernel
def log_pod(pods: Pods, nodes: Nodes, log: Log, p, gone_ms):
    """Append a row: workload, ordinal, node group and ordinal, created, bound, first Ready, deleted, gone, diagnosis,
    uid, restarts."""
    row = log.count[1]
    n = pods.node[p]
    log.pods[row, 0] = pods.workload[p]
    log.pods[row, 1] = pods.ordinal[p]
    log.pods[row, 2] = nodes.group[n] if n >= 0 else -1
    log.pods[row, 3] = nodes.ordinal[n] if n >= 0 else -1
    log.pods[row, 4] = pods.created_ms[p]
    log.pods[row, 5] = pods.bound_ms[p]
    log.pods[row, 6] = pods.first_ready_ms[p]
    log.pods[row, 7] = pods.deleted_ms[p]
    log.pods[row, 8] = gone_ms
    log.pods[row, 9] = pods.diagnosis[p]
    log.pods[row, 10] = pods.uid[p]
    log.pods[row, 11] = pods.restarts[p]
    log.count[1] = row + 1


@inline_kernel
def schedule_try(heap: Heap, pods: Pods, p, at_ms):
    """The scheduler will look at pod ``p`` at ``at_ms``."""
    push(heap, at_ms, encode(EV_POD_TRY, p, pods.uid[p]))


@inline_kernel
def client_ready(clock: Clock, column, interval_us, burst, now_ms):
    """Earliest time, ms, at which a client's token bucket lets its next request go (client-go flowcontrol: QPS, burst).

    The bucket is one number: the theoretical arrival time in microseconds (generic cell rate algorithm).
    """
    if clock.params[P_RATE_LIMITS] == 0:
        return now_ms
    allowed_us = clock.values[column] - (burst - 1) * interval_us
    if allowed_us <= now_ms * 1000:
        return now_ms
    return (allowed_us + 999) // 1000


@inline_kernel
def client_take(clock: Clock, column, interval_us, at_ms):
    """The client sends a request at ``at_ms``."""
    clock.values[column] = max(clock.values[column], at_ms * 1000) + interval_us
