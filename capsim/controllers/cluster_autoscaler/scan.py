"""One loop of the Cluster Autoscaler, as far as it runs often: is there something to scale up for, which nodes are
unneeded, and since when. (Core of June 2024; the decision to scale up is taken in ``scale_up.py``.)

Thin model, until its own recordings are replayed: a node is unneeded when its utilisation (the larger of CPU and memory
requests over allocatable, DaemonSets included) is below the threshold and each of its pods fits on another node; it is
simulated anew when its pods changed, every 5 minutes where it could not be removed, and before it is deleted.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import fits
from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import encode, push
from capsim.state.eventlog import LOG_SCALE_DOWN, log_event
from capsim.state.marks import TOUCHED, touch
from capsim.state.tables import (
    C_BINDS,
    C_CA_SCANS,
    C_CA_SIMULATIONS,
    C_NODES_ADDED,
    C_NODES_GONE,
    C_PODS_GONE,
    CA_LAST_DOWN,
    CA_LAST_FAIL,
    CA_LAST_UP,
    CA_NEXT_TIMER,
    CA_SEEN_CAPACITY,
    CA_SEEN_PENDING,
    CA_SEEN_WORK,
    CAPACITY_VERSION,
    CPU,
    DRAINING,
    EV_NODE_EVICT,
    FLAG_DRAINING,
    FLAG_NOT_READY,
    FLAG_TO_BE_DELETED,
    FLAG_UNSCHEDULABLE,
    G_DELETING,
    G_EXIST,
    G_MIN,
    MEMORY,
    NEVER,
    NODE_DELETING,
    NODE_FREE,
    NODE_READY,
    NODE_REQUESTED,
    NODE_TOP,
    P_CA_DELAY_ADD,
    P_CA_DELAY_DELETE,
    P_CA_DELAY_FAIL,
    P_CA_DOWN_ON,
    P_CA_MAX_DRAIN,
    P_CA_MAX_PARALLEL,
    P_CA_TAINT_DELAY,
    P_CA_THRESHOLD_PPM,
    P_CA_UNNEEDED,
    PENDING_VERSION,
    POD_TERMINATING,
    T_DELETING,
    T_UNNEEDED,
    UNSCHEDULABLE,
    Classes,
    Clock,
    Groups,
    Heap,
    Log,
    Marks,
    Nodes,
    NodeScan,
    PodLinks,
    Pods,
    Queue,
    Trees,
    Workloads,
)
from capsim.state.transitions import node_changed

IGNORED_BY_DRAIN, BLOCKS_DRAIN = 1, 2
UNREMOVABLE_RECHECK_MS = 300_000
"""Upstream: unremovableNodeRecheckTimeout."""


@inline_kernel
def is_below(requested, allocatable, ppm):
    """Whether requested / allocatable < ppm / 10**6, without a division."""
    return requested * 1_000_000 < ppm * allocatable


@inline_kernel
def is_underused(nodes: Nodes, n, ppm):
    """Whether the larger of CPU and memory requests over allocatable is below the threshold, parts per million."""
    return is_below(nodes.requested[n, CPU], nodes.allocatable[n, CPU], ppm) and is_below(
        nodes.requested[n, MEMORY], nodes.allocatable[n, MEMORY], ppm
    )


@inline_kernel
def place_elsewhere(clock: Clock, classes: Classes, nodes: Nodes, scan: NodeScan, c, n):
    """A Ready node other than ``n`` that takes a pod of class ``c``, round-robin from the last success; -1: none."""
    top = clock.values[NODE_TOP]
    start = scan.drain_cursor[0]
    for k in range(top):
        m = start + k
        if m >= top:
            m -= top
        if m != n and nodes.state[m] == NODE_READY and fits(classes, nodes, c, m):
            scan.drain_cursor[0] = m
            return m
    return -1


@kernel
def can_drain(
    clock: Clock, classes: Classes, pods: Pods, links: PodLinks, nodes: Nodes, scan: NodeScan, queue: Queue, n
):
    """Whether every pod of node ``n`` that a drain has to move fits on another node, all at the same time."""
    clock.counters[C_CA_SIMULATIONS] += 1
    placed = 0
    possible = True
    p = nodes.first_pod[n]
    while p >= 0 and possible:
        c = pods.pod_class[p]
        if pods.state[p] != POD_TERMINATING and classes.drain[c] & IGNORED_BY_DRAIN == 0:
            if classes.drain[c] & BLOCKS_DRAIN:
                possible = False
            else:
                m = place_elsewhere(clock, classes, nodes, scan, c, n)
                if m < 0:
                    possible = False
                else:
                    for r in range(nodes.requested.shape[1]):
                        nodes.requested[m, r] += classes.request[c, r]
                    queue.scratch[2 * placed] = m
                    queue.scratch[2 * placed + 1] = c
                    placed += 1
        p = links.node_next[p]
    for i in range(placed):
        for r in range(nodes.requested.shape[1]):
            nodes.requested[queue.scratch[2 * i], r] -= classes.request[queue.scratch[2 * i + 1], r]
    return possible


@inline_kernel
def movable_pods(classes: Classes, pods: Pods, links: PodLinks, nodes: Nodes, n):
    """Pods of node ``n`` that a drain would evict."""
    count = 0
    p = nodes.first_pod[n]
    while p >= 0:
        if pods.state[p] != POD_TERMINATING and classes.drain[pods.pod_class[p]] & IGNORED_BY_DRAIN == 0:
            count += 1
        p = links.node_next[p]
    return count


@inline_kernel
def is_candidate(clock: Clock, nodes: Nodes, groups: Groups, n):
    """Whether node ``n`` may be scaled down at all, and is used little enough."""
    if nodes.state[n] != NODE_READY or not is_underused(nodes, n, clock.params[P_CA_THRESHOLD_PPM]):
        return False
    g = nodes.group[n]
    if groups.managed[g] == 0:
        return False
    if nodes.flags[n] & (FLAG_TO_BE_DELETED | FLAG_UNSCHEDULABLE | FLAG_NOT_READY):
        return False
    return groups.count[g, G_EXIST] - groups.count[g, G_DELETING] > groups.size[g, G_MIN]


@kernel
def update_unneeded(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    queue: Queue,
    n,
    now,
):
    """Start, keep or clear the unneeded timer of node ``n``."""
    if not is_candidate(clock, nodes, groups, n):
        nodes.times[n, T_UNNEEDED] = -1
        scan.drain_version[n] = -1
        return
    stale = scan.drain_version[n] != nodes.version[n]
    if stale or (scan.drain_ok[n] == 0 and now - scan.drain_ms[n] > UNREMOVABLE_RECHECK_MS):
        scan.drain_ok[n] = 1 if can_drain(clock, classes, pods, links, nodes, scan, queue, n) else 0
        scan.drain_version[n] = nodes.version[n]
        scan.drain_ms[n] = now
    if scan.drain_ok[n] == 0:
        nodes.times[n, T_UNNEEDED] = -1
    elif nodes.times[n, T_UNNEEDED] < 0:
        nodes.times[n, T_UNNEEDED] = now


@inline_kernel
def cooled_down(clock: Clock, now):
    """Whether no scale-up, deletion or failure is too recent for a scale-down."""
    return (
        now - clock.values[CA_LAST_UP] > clock.params[P_CA_DELAY_ADD]
        and now - clock.values[CA_LAST_DOWN] >= clock.params[P_CA_DELAY_DELETE]
        and now - clock.values[CA_LAST_FAIL] > clock.params[P_CA_DELAY_FAIL]
    )


@kernel
def start_deletion(
    clock: Clock,
    heap: Heap,
    nodes: Nodes,
    groups: Groups,
    workloads: Workloads,
    trees: Trees,
    marks: Marks,
    log: Log,
    n,
    drained,
    now,
):
    """Taint the node; its pods are evicted and the instance deleted after the delays."""
    nodes.flags[n] |= FLAG_TO_BE_DELETED
    nodes.times[n, T_DELETING] = now
    node_changed(trees, nodes, n)
    if drained > 0:
        nodes.flags[n] |= FLAG_DRAINING
        clock.values[DRAINING] += 1
    clock.values[CA_LAST_DOWN] = now
    push(heap, now + max(1, clock.params[P_CA_TAINT_DELAY]), encode(EV_NODE_EVICT, n, nodes.uid[n]))
    log_event(clock, log, now, LOG_SCALE_DOWN, nodes.group[n], nodes.ordinal[n], drained, 0)
    touch(marks, workloads.kind.shape[0] + nodes.group[n], TOUCHED)


@kernel
def delete_unneeded(
    clock: Clock,
    heap: Heap,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    queue: Queue,
    trees: Trees,
    marks: Marks,
    log: Log,
    want_empty,
    now,
):
    """Delete nodes whose timer has run out (strictly): empty ones together, others one drain at a time."""
    budget = clock.params[P_CA_MAX_PARALLEL]
    for n in range(clock.values[NODE_TOP]):
        since = nodes.times[n, T_UNNEEDED]
        if (
            budget <= 0
            or since < 0
            or now - since <= clock.params[P_CA_UNNEEDED]
            or not is_candidate(clock, nodes, groups, n)
        ):
            continue
        g = nodes.group[n]
        if groups.leaving[g] >= groups.count[g, G_EXIST] - groups.count[g, G_DELETING] - groups.size[g, G_MIN]:
            continue
        drained = movable_pods(classes, pods, links, nodes, n)
        if (drained == 0) != want_empty:
            continue
        if drained > 0:
            if clock.values[DRAINING] >= clock.params[P_CA_MAX_DRAIN]:
                continue
            if not can_drain(clock, classes, pods, links, nodes, scan, queue, n):
                nodes.times[n, T_UNNEEDED] = -1
                continue
        start_deletion(clock, heap, nodes, groups, workloads, trees, marks, log, n, drained, now)
        groups.leaving[g] += 1
        nodes.times[n, T_UNNEEDED] = -1
        budget -= 1


@inline_kernel
def work_done(clock: Clock):
    """Changes whenever pods or nodes moved."""
    k = clock.counters
    return k[C_BINDS] + k[C_PODS_GONE] + k[C_NODES_ADDED] + k[C_NODES_GONE] + clock.values[CAPACITY_VERSION]


@kernel
def scale_down(
    clock: Clock,
    heap: Heap,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    queue: Queue,
    trees: Trees,
    marks: Marks,
    log: Log,
    now,
):
    """Update the timers, delete what is due, and note when a timer could next run out."""
    if clock.params[P_CA_DOWN_ON] == 0:
        return
    work = work_done(clock)
    if work == clock.values[CA_SEEN_WORK] and now < clock.values[CA_NEXT_TIMER]:
        return
    clock.values[CA_SEEN_WORK] = work
    soonest = NEVER
    for n in range(clock.values[NODE_TOP]):
        if nodes.state[n] == NODE_READY:
            update_unneeded(clock, classes, pods, links, nodes, scan, groups, queue, n, now)
            since = nodes.times[n, T_UNNEEDED]
            if since >= 0:
                soonest = min(soonest, since + clock.params[P_CA_UNNEEDED] + 1)
            elif scan.drain_version[n] >= 0 and scan.drain_ok[n] == 0:
                soonest = min(soonest, scan.drain_ms[n] + UNREMOVABLE_RECHECK_MS + 1)
    clock.values[CA_NEXT_TIMER] = soonest
    if soonest <= now and cooled_down(clock, now):
        delete_unneeded(
            clock, heap, classes, pods, links, nodes, scan, groups, workloads, queue, trees, marks, log, True, now
        )
        delete_unneeded(
            clock, heap, classes, pods, links, nodes, scan, groups, workloads, queue, trees, marks, log, False, now
        )


@inline_kernel
def upcoming_node_for(clock: Clock, classes: Classes, nodes: Nodes, groups: Groups, c, start):
    """First node from ``start`` that was requested, is not open yet and will have room for the class; -1: none."""
    for n in range(start, clock.values[NODE_TOP]):
        closed = nodes.flags[n] & (FLAG_NOT_READY | FLAG_TO_BE_DELETED | FLAG_UNSCHEDULABLE) == FLAG_NOT_READY
        if nodes.state[n] == NODE_FREE or nodes.state[n] == NODE_DELETING or not closed:
            continue
        if classes.shape_reason[c, nodes.shape[n]] >= 0:
            continue
        room = True
        for r in range(nodes.allocatable.shape[1]):
            taken = nodes.requested[n, r]
            if nodes.state[n] == NODE_REQUESTED:
                taken += groups.daemons[nodes.group[n], r]
            if classes.request[c, r] > 0 and taken + classes.request[c, r] > nodes.allocatable[n, r]:
                room = False
                break
        if room:
            return n
    return -1


@kernel
def is_covered(clock: Clock, classes: Classes, nodes: Nodes, groups: Groups, queue: Queue):
    """Whether every unschedulable pod will find room on the nodes that are on their way (filter-out-schedulable)."""
    if 2 * clock.values[UNSCHEDULABLE] > queue.scratch.shape[0]:
        return False
    placed = 0
    covered = True
    for c in range(classes.queue_count.shape[0]):
        n = 0
        for _ in range(classes.queue_count[c]):
            n = upcoming_node_for(clock, classes, nodes, groups, c, n)
            if n < 0:
                covered = False
                break
            for r in range(nodes.requested.shape[1]):
                nodes.requested[n, r] += classes.request[c, r]
            queue.scratch[2 * placed] = n
            queue.scratch[2 * placed + 1] = c
            placed += 1
        if not covered:
            break
    for i in range(placed):
        for r in range(nodes.requested.shape[1]):
            nodes.requested[queue.scratch[2 * i], r] -= classes.request[queue.scratch[2 * i + 1], r]
    return covered


@inline_kernel
def remember(clock: Clock):
    """What the look at scaling up was based on."""
    clock.values[CA_SEEN_PENDING] = clock.values[PENDING_VERSION]
    clock.values[CA_SEEN_CAPACITY] = clock.counters[C_NODES_GONE]


@inline_kernel
def wants_scale_up(clock: Clock):
    """Whether pods became unschedulable, or nodes went, since the last look at scaling up.

    Whatever else happens can only help the pods that were looked at then: those that more nodes could help have got
    them, and those that no group can help stay so until nodes go.
    """
    clock.counters[C_CA_SCANS] += 1
    if clock.values[UNSCHEDULABLE] == 0:
        return False
    return (
        clock.values[PENDING_VERSION] != clock.values[CA_SEEN_PENDING]
        or clock.counters[C_NODES_GONE] != clock.values[CA_SEEN_CAPACITY]
    )
