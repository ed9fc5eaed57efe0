"""The life of a node: requested from the cloud, registered, Ready, open to pods, deleted, gone.

Money is spent from the request until the instance is gone. A new node registers with the not-ready:NoSchedule taint,
which goes a moment after it became Ready; the Node object's name is ``<group>-<ordinal>``.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.rng import STREAM_BOOT, STREAM_REGISTER
from capsim.state.addresses import leave_subnets
from capsim.state.calendar import encode, push
from capsim.state.marks import TOUCHED, touch
from capsim.state.tables import (
    C_NODES_ADDED,
    C_NODES_GONE,
    CAPACITY_VERSION,
    EV_NODE_OPEN,
    EV_NODE_READY,
    EV_NODE_REGISTER,
    FLAG_NOT_READY,
    G_BOOTING,
    G_DELETING,
    G_EXIST,
    G_READY,
    NODE_DELETING,
    NODE_FREE,
    NODE_READY,
    NODE_REGISTERED,
    NODE_REQUESTED,
    NODE_TOP,
    NODE_UID,
    P_NODE_OPEN,
    P_SEED,
    T_DELETING,
    T_GONE,
    T_READY,
    T_REGISTERED,
    T_REQUESTED,
    TIGHT_NODES,
    Clock,
    Groups,
    Heap,
    Log,
    Marks,
    Nodes,
    NodeScan,
    Presence,
    Workloads,
)
from capsim.state.tables_scheduler import PAGE
from capsim.state.transitions import node_changed
from capsim.world.distributions import duration_ms


@inline_kernel
def free_slot(nodes: Nodes, presence: Presence, s):
    """The lowest free slot in a page of shape ``s``, or in a page without shape, which it gets; -1: there is none."""
    for page in range(presence.page.shape[0]):
        if presence.page[page] == s:
            for n in range(page * PAGE, page * PAGE + PAGE):
                if nodes.state[n] == NODE_FREE:
                    return n
    for page in range(presence.page.shape[0]):
        if presence.page[page] < 0:
            presence.page[page] = s
            return page * PAGE
    return -1


@kernel
def claim_node(clock: Clock, nodes: Nodes, scan: NodeScan, groups: Groups, presence: Presence, g, ordinal, shape, now):
    """Take a free slot for node ``ordinal`` of group ``g``; -1 when the table is full.

    ``shape``: of a node of its own kind, -1: as the group's."""
    s = shape if shape >= 0 else groups.shapes[g, (ordinal - 1) % groups.zones[g]]
    n = free_slot(nodes, presence, s)
    if n < 0:
        return -1
    if n >= clock.values[NODE_TOP]:
        clock.values[NODE_TOP] = n + 1
    nodes.state[n] = NODE_REQUESTED
    nodes.flags[n] = FLAG_NOT_READY
    nodes.group[n] = g
    nodes.ordinal[n] = ordinal
    nodes.shape[n] = s
    nodes.uid[n] = clock.values[NODE_UID]
    clock.values[NODE_UID] += 1
    nodes.first_pod[n] = -1
    nodes.excess_milli[n] = 0.0
    nodes.nonzero[n, 0] = 0
    nodes.nonzero[n, 1] = 0
    for r in range(nodes.allocatable.shape[1]):
        nodes.allocatable[n, r] = groups.template[g, r]
        nodes.requested[n, r] = 0
    for t in range(nodes.times.shape[1]):
        nodes.times[n, t] = -1
    nodes.times[n, T_REQUESTED] = now
    clock.values[TIGHT_NODES] -= min(scan.contended[n], 1)
    scan.contended[n] = 0
    scan.mark[n] = 0
    scan.unremovable_ms[n] = 0
    node_changed(presence, nodes, n)
    groups.count[g, G_BOOTING] += 1
    groups.count[g, G_EXIST] += 1
    clock.counters[C_NODES_ADDED] += 1
    return n


@kernel
def boot_node(clock: Clock, heap: Heap, nodes: Nodes, groups: Groups, n, now):
    """Start the clocks of a requested node: registration, then Ready."""
    g = nodes.group[n]
    seed = clock.params[P_SEED]
    entity = groups.hash[g] + nodes.ordinal[n]
    ready = duration_ms(groups.boot, g, seed, STREAM_BOOT, entity, 0)
    register = min(ready, duration_ms(groups.register, g, seed, STREAM_REGISTER, entity, 0))
    push(heap, now + register, encode(EV_NODE_REGISTER, n, nodes.uid[n]))
    push(heap, now + ready, encode(EV_NODE_READY, n, nodes.uid[n]))


@inline_kernel
def register_node(clock: Clock, nodes: Nodes, workloads: Workloads, presence: Presence, marks: Marks, n, now):
    """The Node object exists, not Ready yet."""
    nodes.state[n] = NODE_REGISTERED
    presence.shape_nodes[nodes.shape[n]] += 1
    presence.ordered[0] = 0
    nodes.times[n, T_REGISTERED] = now
    clock.values[CAPACITY_VERSION] += 1
    node_changed(presence, nodes, n)
    touch(marks, workloads.kind.shape[0] + nodes.group[n], TOUCHED)


@kernel
def ready_node(
    clock: Clock,
    heap: Heap,
    nodes: Nodes,
    workloads: Workloads,
    groups: Groups,
    presence: Presence,
    marks: Marks,
    n,
    now,
):
    """The node is Ready; the not-ready taint goes after a moment."""
    g = nodes.group[n]
    nodes.state[n] = NODE_READY
    nodes.times[n, T_READY] = now
    groups.count[g, G_BOOTING] -= 1
    groups.count[g, G_READY] += 1
    for r in range(nodes.allocatable.shape[1]):
        groups.allocatable[g, r] += nodes.allocatable[n, r]
        groups.requested[g, r] += nodes.requested[n, r]
    node_changed(presence, nodes, n)
    clock.values[CAPACITY_VERSION] += 1
    push(heap, now + clock.params[P_NODE_OPEN], encode(EV_NODE_OPEN, n, nodes.uid[n]))
    touch(marks, workloads.kind.shape[0] + g, TOUCHED)


@kernel
def delete_node(clock: Clock, nodes: Nodes, workloads: Workloads, groups: Groups, presence: Presence, marks: Marks, n):
    """The instance is being deleted, or failed: the node leaves its group's sums."""
    g = nodes.group[n]
    if nodes.state[n] == NODE_READY:
        groups.count[g, G_READY] -= 1
        for r in range(nodes.allocatable.shape[1]):
            groups.allocatable[g, r] -= nodes.allocatable[n, r]
            groups.requested[g, r] -= nodes.requested[n, r]
    else:
        groups.count[g, G_BOOTING] -= 1
    groups.count[g, G_DELETING] += 1
    nodes.state[n] = NODE_DELETING
    node_changed(presence, nodes, n)
    clock.values[CAPACITY_VERSION] += 1
    touch(marks, workloads.kind.shape[0] + g, TOUCHED)


@inline_kernel
def log_node(nodes: Nodes, log: Log, n, gone_ms):
    """Append one row: group, ordinal, shape, requested, registered, Ready, deleting, gone, uid."""
    row = log.count[2]
    log.nodes[row, 0] = nodes.group[n]
    log.nodes[row, 1] = nodes.ordinal[n]
    log.nodes[row, 2] = nodes.shape[n]
    log.nodes[row, 3] = nodes.times[n, T_REQUESTED]
    log.nodes[row, 4] = nodes.times[n, T_REGISTERED]
    log.nodes[row, 5] = nodes.times[n, T_READY]
    log.nodes[row, 6] = nodes.times[n, T_DELETING]
    log.nodes[row, 7] = gone_ms
    log.nodes[row, 8] = nodes.uid[n]
    log.count[2] = row + 1


@kernel
def free_node(
    clock: Clock, nodes: Nodes, workloads: Workloads, groups: Groups, presence: Presence, marks: Marks, log: Log, n, now
):
    """The instance is gone; its row goes to the log (there is room) and its slot is free. No pod is left on it."""
    g = nodes.group[n]
    nodes.times[n, T_GONE] = now
    log_node(nodes, log, n, now)
    if nodes.times[n, T_REGISTERED] >= 0:
        presence.shape_nodes[nodes.shape[n]] -= 1
        presence.ordered[0] = 0
    leave_subnets(clock, groups, nodes, n, now)
    nodes.state[n] = NODE_FREE
    nodes.uid[n] = -1
    groups.count[g, G_DELETING] -= 1
    groups.count[g, G_EXIST] -= 1
    clock.counters[C_NODES_GONE] += 1
    node_changed(presence, nodes, n)
    touch(marks, workloads.kind.shape[0] + g, TOUCHED)
