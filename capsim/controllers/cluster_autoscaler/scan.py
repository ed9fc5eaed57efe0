"""Loops of the Cluster Autoscaler that need not be executed, because they would change nothing.

Either nothing that the autoscaler looks at has changed since a loop that changed nothing, and no timer has run out
since; or what has changed cannot matter: no pod waits, no node came or went, none was unneeded, and no node is used
little enough to become a candidate. Everything else is Python's turn (``autoscaler.py``). Skipping must equal not
skipping: ``Simulation(skip_syncs=False)`` executes every loop.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import (
    C_BINDS,
    C_CA_SCANS,
    C_NODES_ADDED,
    C_NODES_GONE,
    C_PODS_GONE,
    CA_ACT_DUE,
    CA_CALM_UNTIL,
    CA_FORGOT,
    CA_LOOP_DUE,
    CA_NEXT_TIMER,
    CA_PASSED,
    CA_SEEN_NODES,
    CA_SEEN_PENDING,
    CA_SEEN_WORK,
    CAPACITY_VERSION,
    CPU,
    G_MIN,
    G_TARGET,
    MEMORY,
    NEXT_CA,
    NODE_READY,
    NODE_TOP,
    P_CA_FREQUENT,
    P_CA_PERIOD,
    P_CA_PLAIN,
    P_SKIP_SYNCS,
    PENDING_VERSION,
    UNSCHEDULABLE,
    Clock,
    Groups,
    Nodes,
    NodeScan,
)

IGNORED_BY_DRAIN = 1


@inline_kernel
def nodes_done(clock: Clock):
    """Changes whenever a node came, went, or changed its state."""
    k = clock.counters
    return k[C_NODES_ADDED] + k[C_NODES_GONE]


@inline_kernel
def work_done(clock: Clock):
    """Changes whenever pods or nodes did: counters only grow, so that their sum tells."""
    k = clock.counters
    return (
        k[C_BINDS] + k[C_PODS_GONE] + nodes_done(clock) + clock.values[CAPACITY_VERSION] + clock.values[PENDING_VERSION]
    )


@inline_kernel
def is_busy(nodes: Nodes, scan: NodeScan, n):
    """Whether the larger of CPU and memory requests over allocatable of node ``n`` reaches its group's threshold."""
    limit = scan.threshold[nodes.group[n]]
    if nodes.allocatable[n, CPU] == 0 or nodes.allocatable[n, MEMORY] == 0:
        return limit <= 0.0
    cpu = float(nodes.requested[n, CPU]) / float(nodes.allocatable[n, CPU])
    memory = float(nodes.requested[n, MEMORY] * 1000) / float(nodes.allocatable[n, MEMORY] * 1000)
    return max(cpu, memory) >= limit


@kernel
def has_candidate(clock: Clock, nodes: Nodes, scan: NodeScan, groups: Groups, now):
    """Whether any node could be looked at for scale-down."""
    for n in range(clock.values[NODE_TOP]):
        if nodes.state[n] != NODE_READY or scan.unremovable_ms[n] > now:
            continue
        g = nodes.group[n]
        if groups.managed[g] == 1 and groups.size[g, G_TARGET] > groups.size[g, G_MIN] and not is_busy(nodes, scan, n):
            return True
    return False


@inline_kernel
def changes_nothing(clock: Clock, nodes: Nodes, scan: NodeScan, groups: Groups, now):
    """Whether the loop that is due now would do what the last executed one did: nothing."""
    v = clock.values
    if clock.params[P_SKIP_SYNCS] == 0:
        return False
    work = work_done(clock)
    if work == v[CA_SEEN_WORK] and now < v[CA_NEXT_TIMER]:
        return True
    if now >= v[CA_CALM_UNTIL] or clock.params[P_CA_PLAIN] == 0 or v[UNSCHEDULABLE] > 0:
        return False
    if nodes_done(clock) != v[CA_SEEN_NODES] or has_candidate(clock, nodes, scan, groups, now):
        return False
    v[CA_SEEN_WORK] = work
    v[CA_NEXT_TIMER] = v[CA_CALM_UNTIL]
    v[CA_FORGOT] = 1
    return True


@inline_kernel
def python_is_due(clock: Clock, nodes: Nodes, scan: NodeScan, groups: Groups, now):
    """Whether Python has to act now: for a loop (CA_LOOP_DUE is set), or for deletions under way."""
    v = clock.values
    due = v[NEXT_CA] <= now
    if clock.params[P_CA_FREQUENT] == 1 and v[UNSCHEDULABLE] > 0 and v[PENDING_VERSION] != v[CA_SEEN_PENDING]:
        due = True
    if due:
        v[CA_SEEN_PENDING] = v[PENDING_VERSION]  # at most one loop for each change: it may leave pods pending
        clock.counters[C_CA_SCANS] += 1
        v[NEXT_CA] = now + clock.params[P_CA_PERIOD]
        if changes_nothing(clock, nodes, scan, groups, now):
            v[CA_PASSED] += 1
        else:
            v[CA_LOOP_DUE] = 1
    return v[CA_LOOP_DUE] == 1 or v[CA_ACT_DUE] <= now
