"""Which loops of the Cluster Autoscaler are Python's.

A loop that changed nothing is not repeated while nothing that the autoscaler looks at has changed and no timer has run
out. One that only looks at the cluster is compiled (``steady.py``). Everything else is Python's
turn (``autoscaler.py``). Neither may differ from executing every loop in Python: ``Simulation(skip_syncs=False)``.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.steady import steady_loop
from capsim.controllers.cluster_autoscaler.tables import CaTables
from capsim.jit import inline_kernel
from capsim.state.tables import (
    C_BINDS,
    C_CA_SCANS,
    C_NODES_ADDED,
    C_NODES_GONE,
    C_PODS_GONE,
    CA_ACT_DUE,
    CA_LOOP_DUE,
    CA_NEXT_TIMER,
    CA_PASSED,
    CA_PASSED_MS,
    CA_SEEN_PENDING,
    CA_SEEN_WORK,
    CAPACITY_VERSION,
    NEXT_CA,
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
    PodLinks,
    Pods,
    Workloads,
)

IGNORED_BY_DRAIN = 1


@inline_kernel
def work_done(clock: Clock):
    """Changes whenever pods or nodes did: counters only grow, so that their sum tells."""
    k, v = clock.counters, clock.values
    nodes = k[C_NODES_ADDED] + k[C_NODES_GONE]
    return k[C_BINDS] + k[C_PODS_GONE] + nodes + v[CAPACITY_VERSION] + v[PENDING_VERSION]


@inline_kernel
def needs_no_python(
    clock: Clock,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    pods: Pods,
    links: PodLinks,
    workloads: Workloads,
    ca: CaTables,
    now,
):
    """Whether the loop that is due now would repeat one that did nothing, or has been done here."""
    v = clock.values
    if clock.params[P_SKIP_SYNCS] == 0:
        return False
    work = work_done(clock)
    in_time = v[CA_PASSED] == 0 or now - v[CA_PASSED_MS] <= clock.params[P_CA_PERIOD]  # not after an outage
    if work == v[CA_SEEN_WORK] and now < v[CA_NEXT_TIMER] and in_time:
        v[CA_PASSED] += 1
        v[CA_PASSED_MS] = now
        return True
    if clock.params[P_CA_PLAIN] == 0:
        return False
    # fmt: off
    done = steady_loop(
        clock, nodes, scan, groups, pods, links, workloads, ca.kinds, ca.snap, ca.hints, ca.pending, ca.steady, now)
    # fmt: on
    if done:
        v[CA_SEEN_WORK] = work
    return done


@inline_kernel
def python_is_due(
    clock: Clock,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    pods: Pods,
    links: PodLinks,
    workloads: Workloads,
    ca: CaTables,
    now,
):
    """Whether Python has to act now: for a loop (CA_LOOP_DUE is set), or for deletions under way."""
    v = clock.values
    due = v[NEXT_CA] <= now
    if clock.params[P_CA_FREQUENT] == 1 and v[UNSCHEDULABLE] > 0 and v[PENDING_VERSION] != v[CA_SEEN_PENDING]:
        due = True
    if due and v[CA_ACT_DUE] <= now:
        return True  # deletions first; the loop follows in the same instant
    if due:
        v[CA_SEEN_PENDING] = v[PENDING_VERSION]  # at most one loop for each change: it may leave pods pending
        clock.counters[C_CA_SCANS] += 1
        v[NEXT_CA] = now + clock.params[P_CA_PERIOD]
        if not needs_no_python(clock, nodes, scan, groups, pods, links, workloads, ca, now):
            v[CA_LOOP_DUE] = 1
    return v[CA_LOOP_DUE] == 1 or v[CA_ACT_DUE] <= now
