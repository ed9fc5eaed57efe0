"""The snapshot of a compiled loop, laid out from the tables of the run; pods are listed where they could be moved."""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.placement import link
from capsim.controllers.cluster_autoscaler.tables import FOUND, ROWS, Kinds, PodTable, Snapshot, Steady
from capsim.jit import kernel
from capsim.state.tables import Nodes, PodLinks, Pods


@kernel
def count_pods(kinds: Kinds, snap: Snapshot, nodes: Nodes, links: PodLinks, pods: Pods, steady: Steady):
    """What pods add to the counters of rules between pods."""
    for i in range(snap.count.shape[0]):
        for d in range(snap.count.shape[1]):
            snap.count[i, d] = steady.base_count[i, d]
    for r in range(snap.scalars[ROWS]):
        n = snap.slot[r]
        p = nodes.first_pod[n] if n >= 0 else -1
        while p >= 0:
            c = pods.pod_class[p]
            for i in range(kinds.adds_at[c], kinds.adds_at[c + 1]):
                d = snap.domain[kinds.adds[i, 1], r]
                if d >= 0:
                    snap.count[kinds.adds[i, 0], d] += 1
            p = links.node_next[p]


@kernel
def lay_out(kinds: Kinds, snap: Snapshot, nodes: Nodes, links: PodLinks, pods: Pods, steady: Steady):
    """Free resources and counters of every row as the run has them now; no pod is listed."""
    snap.scalars[FOUND] = 0
    for r in range(snap.scalars[ROWS]):
        n = snap.slot[r]
        for k in range(snap.free.shape[1]):
            snap.free[r, k] = nodes.allocatable[n, k] - nodes.requested[n, k] if n >= 0 else steady.base_free[r, k]
        snap.first[r] = snap.last[r] = -1
    if kinds.adds.shape[0] > 0:
        count_pods(kinds, snap, nodes, links, pods, steady)


@kernel
def list_row(kinds: Kinds, snap: Snapshot, nodes: Nodes, links: PodLinks, table: PodTable, steady: Steady, r):
    """List the pods of row ``r`` by creation."""
    count = 0
    p = nodes.first_pod[snap.slot[r]]
    while p >= 0:
        i = count
        while i > 0 and table.uid[steady.moving[i - 1, 0]] > table.uid[p]:
            steady.moving[i, 0] = steady.moving[i - 1, 0]
            i -= 1
        steady.moving[i, 0] = p
        count += 1
        p = links.node_next[p]
    for i in range(count):
        link(snap, steady.moving[i, 0], r)


@kernel
def list_pods(kinds: Kinds, snap: Snapshot, nodes: Nodes, links: PodLinks, table: PodTable, steady: Steady, count):
    """List the pods of each of the first ``count`` candidates that may be simulated."""
    for i in range(count):
        if steady.eligible[i] == 1:
            list_row(kinds, snap, nodes, links, table, steady, steady.candidate[i])
