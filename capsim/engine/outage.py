"""Nodes that stop answering, and come back: what happens on the machine, and what the control plane makes of it.

Two things that are apart in time: the machine falls silent (its pods serve no more, but are still endpoints, and the
scheduler still trusts it), and the node lifecycle controller finds out (Ready is Unknown, a taint, pods not Ready).
"""

from __future__ import annotations

from capsim.jit import inline_kernel, separate_kernel
from capsim.state.addresses import waits
from capsim.state.calendar import encode, push
from capsim.state.marks import TOUCHED, touch
from capsim.state.tables import (
    CAPACITY_VERSION,
    EV_POD_GONE,
    EV_POD_LEFT,
    FLAG_NOT_READY,
    FLAG_SILENT,
    FLAG_UNREACHABLE,
    G_BOOTING,
    G_READY,
    NODE_READY,
    NODE_REGISTERED,
    NODE_REQUESTED,
    P_PROPAGATION,
    POD_DOWN,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    T_CHANGED,
    T_READY,
    Clock,
    Groups,
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
from capsim.state.tables_startup import Startup
from capsim.state.transitions import go_down, node_changed, set_dark, start_serving
from capsim.world.kubelet import begin_start
from capsim.world.nodes import boot_node, ready_node
from capsim.world.rates import integral_at

ANSWERS, REBOOTED = 0, 1


@separate_kernel
def fall_silent(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    n,
    now,
):
    """Node ``n`` does not answer: what is sent to its Ready pods is lost, those that start do not come up. Those that
    wait for volumes or an address go on waiting."""
    nodes.flags[n] |= FLAG_SILENT
    p = nodes.first_pod[n]
    while p >= 0:
        state = pods.state[p]
        if state in (POD_READY, POD_STARTING) and not waits(pods, p):
            go_down(clock, pods, usage, workloads, nodes, scan, physics, marks, p, now)
            if state == POD_READY:
                set_dark(pods, physics, marks, p, 1)
        p = links.node_next[p]
    return 0


@separate_kernel
def answer_again(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    startup: Startup,
    n,
    how,
    now,
):
    """Node ``n`` answers: its pods go on (ANSWERS) or start anew (REBOOTED), deleted ones go; heap has room for all."""
    nodes.flags[n] &= ~FLAG_SILENT
    if nodes.times[n, T_READY] == -1 and nodes.state[n] in (NODE_REQUESTED, NODE_REGISTERED):
        boot_node(clock, heap, nodes, groups, n, now)
    p = nodes.first_pod[n]
    while p >= 0:
        after = links.node_next[p]
        w = pods.workload[p]
        if pods.state[p] == POD_TERMINATING:
            push(heap, now + 1, encode(EV_POD_GONE, p, pods.uid[p]))
        elif pods.state[p] == POD_DOWN:
            pods.state[p] = POD_STARTING
            workloads.count[w, POD_DOWN] -= 1
            workloads.count[w, POD_STARTING] += 1
            if how == ANSWERS and pods.ready_ms[p] != -1:
                set_dark(pods, physics, marks, p, 0)
                integral = integral_at(physics, w, now)
                start_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, p, integral, now)
            else:
                pods.restarts[p] += pods.ready_ms[p] != -1
                begin_start(clock, heap, pods, workloads, nodes, startup, p, 0, now)
        p = after
    return 0


@separate_kernel
def set_unreachable(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    nodes: Nodes,
    groups: Groups,
    workloads: Workloads,
    presence: Presence,
    marks: Marks,
    n,
    unreachable,
    now,
):
    """The node lifecycle controller's verdict on node ``n``: Ready is Unknown, or True again; heap has room."""
    g = nodes.group[n]
    clock.values[CAPACITY_VERSION] += 1
    if unreachable == 1:
        nodes.flags[n] |= FLAG_UNREACHABLE
        if nodes.state[n] == NODE_READY:
            nodes.state[n] = NODE_REGISTERED
            groups.count[g, G_READY] -= 1
            groups.count[g, G_BOOTING] += 1
            for r in range(nodes.allocatable.shape[1]):
                groups.allocatable[g, r] -= nodes.allocatable[n, r]
                groups.requested[g, r] -= nodes.requested[n, r]
        p = nodes.first_pod[n]
        while p >= 0:
            if pods.dark[p] == 1:
                push(heap, now + clock.params[P_PROPAGATION], encode(EV_POD_LEFT, p, pods.uid[p]))
            p = links.node_next[p]
    else:
        nodes.flags[n] &= ~FLAG_UNREACHABLE
        if nodes.state[n] == NODE_REGISTERED:
            nodes.flags[n] |= FLAG_NOT_READY  # the node opens, and wakes waiting pods, a moment later
            first = nodes.times[n, T_READY]
            ready_node(clock, heap, nodes, workloads, groups, presence, marks, n, now)
            nodes.times[n, T_READY] = first
    nodes.times[n, T_CHANGED] = now
    node_changed(presence, nodes, n)
    touch(marks, workloads.kind.shape[0] + g, TOUCHED)
    return 0


@separate_kernel
def crash(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    usage: PodUsage,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    p,
    now,
):
    """The containers of pod ``p`` end; endpoints follow after their delay; heap has room for one event."""
    served = pods.state[p] == POD_READY
    go_down(clock, pods, usage, workloads, nodes, scan, physics, marks, p, now)
    pods.restarts[p] += 1
    if (served and clock.params[P_PROPAGATION] > 0) or pods.dark[p] == 1:  # one that hung is an endpoint, too
        set_dark(pods, physics, marks, p, 1)
        push(heap, now + clock.params[P_PROPAGATION], encode(EV_POD_LEFT, p, pods.uid[p]))
    return 0


@separate_kernel
def restart(clock: Clock, heap: Heap, pods: Pods, workloads: Workloads, nodes: Nodes, startup: Startup, p, now):
    """The kubelet starts the containers of pod ``p``, which is down, again; heap has room for one event."""
    w = pods.workload[p]
    pods.state[p] = POD_STARTING
    workloads.count[w, POD_DOWN] -= 1
    workloads.count[w, POD_STARTING] += 1
    begin_start(clock, heap, pods, workloads, nodes, startup, p, 1, now)
    return 0


@separate_kernel
def hang(
    clock: Clock,
    pods: Pods,
    usage: PodUsage,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    p,
    now,
):
    """The Ready pod ``p`` stops answering; it stays an endpoint."""
    go_down(clock, pods, usage, workloads, nodes, scan, physics, marks, p, now)
    set_dark(pods, physics, marks, p, 1)
    return 0


@separate_kernel
def resume(
    clock: Clock,
    pods: Pods,
    usage: PodUsage,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    p,
    now,
):
    """Pod ``p``, which hung, answers again."""
    w = pods.workload[p]
    pods.state[p] = POD_STARTING
    workloads.count[w, POD_DOWN] -= 1
    workloads.count[w, POD_STARTING] += 1
    set_dark(pods, physics, marks, p, 0)
    start_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, p, integral_at(physics, w, now), now)
    return 0


@inline_kernel
def leave(clock: Clock, heap: Heap, pods: Pods, p, now):
    """The endpoints let go of pod ``p``, which does not serve, after their delay; heap has room for one event."""
    push(heap, now + clock.params[P_PROPAGATION], encode(EV_POD_LEFT, p, pods.uid[p]))
    return 0
