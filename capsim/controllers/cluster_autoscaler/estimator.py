"""How many nodes of a group the pending pods need: first-fit-decreasing over groups of equivalent pods.

Each group's pods go to nodes already added, round-robin over the whole snapshot from the shared counter, until one
finds no room; the rest go to the last node added or to a new one. A pod that does not fit on an empty new node ends its
group.

Source: cluster-autoscaler estimator/binpacking_estimator.go, decreasing_pod_orderer.go, threshold_based_limiter.go.
Not modelled: max-nodegroup-binpacking-duration (wall-clock time of the real autoscaler).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capsim.controllers.cluster_autoscaler.go_sort import go_order
from capsim.controllers.cluster_autoscaler.placement import put
from capsim.controllers.cluster_autoscaler.predicates import PASS, fits
from capsim.controllers.cluster_autoscaler.tables import CURSOR, ROWS, UNSCHEDULABLE, Kinds, Snapshot
from capsim.controllers.cluster_autoscaler.view import NodeTemplate
from capsim.jit import entry, inline_kernel
from capsim.state.tables import CPU, I64, MEMORY


@inline_kernel
def add_row(kinds: Kinds, snap: Snapshot, free: I64, traits: I64, daemons: I64):
    """Append a node of a template: ``free`` [R] before its DaemonSet pods ``daemons`` (kinds), ``traits`` [1 + keys]:
    shape, then the topology domain of each key (the hostname's is the row). Returns the row."""
    r = snap.scalars[ROWS]
    snap.scalars[ROWS] = r + 1
    for k in range(free.shape[0]):
        snap.free[r, k] = free[k]
    snap.shape[r], snap.flags[r] = traits[0], 0
    snap.slot[r], snap.uid[r] = -1, -1
    snap.first[r], snap.last[r] = -1, -1
    snap.domain[0, r] = r
    for k in range(1, snap.domain.shape[0]):
        snap.domain[k, r] = traits[1 + k]
    for i in range(daemons.shape[0]):
        put(kinds, snap, daemons[i], r, 1)
    return r


@entry
def append_node(kinds: Kinds, snap: Snapshot, free: I64, traits: I64, daemons: I64) -> int:
    """``add_row`` for Python."""
    return add_row(kinds, snap, free, traits, daemons)


@inline_kernel
def find_new(kinds: Kinds, snap: Snapshot, c, base):
    """Like ``placement.find`` among the rows from ``base`` on; the others are passed over, but counted."""
    rows = snap.scalars[ROWS]
    start = snap.scalars[CURSOR]
    i = 0
    while i < rows:
        r = start + i
        if r >= rows:
            r -= rows
        if r < base:
            i += base - r
            continue
        if snap.flags[r] & UNSCHEDULABLE == 0 and fits(kinds, snap, c, r) == PASS:
            snap.scalars[CURSOR] = (r + 1) % rows
            return r
        i += 1
    return -1


@entry
def pack(
    kinds: Kinds,
    snap: Snapshot,
    group_kind: I64,
    group_size: I64,
    free: I64,
    traits: I64,
    daemons: I64,
    most: int,
    placed: I64,
    chosen: I64,
) -> int:
    """Pack ``group_size[g]`` pods of kind ``group_kind[g]``, in order, on new nodes of a template (see ``add_row``).

    ``most`` is how many may be added, 0: no limit, negative: none. ``placed[g]`` receives how many pods of each group
    found room (the first ones of the group), ``chosen`` their new nodes in order of placement, counted from 0. Returns
    the number of new nodes that hold a pod. The snapshot is left with the new rows.
    """
    base = snap.scalars[ROWS]
    last, last_holds, used, total = -1, False, 0, 0
    for g in range(group_kind.shape[0]):
        c = group_kind[g]
        i = 0
        while i < group_size[g]:
            r = find_new(kinds, snap, c, base) if last >= 0 else -1
            if r < 0:
                break
            if r == last and not last_holds:
                last_holds = True
                used += 1
            put(kinds, snap, c, r, 1)
            chosen[total] = r - base
            total += 1
            i += 1
        while i < group_size[g]:
            if last < 0 or fits(kinds, snap, c, last) != PASS:
                if last >= 0 and not last_holds:
                    break
                added = snap.scalars[ROWS] - base
                if most < 0 or (most > 0 and added >= most):
                    break
                last = add_row(kinds, snap, free, traits, daemons)
                last_holds = False
                if fits(kinds, snap, c, last) != PASS:
                    break
            if not last_holds:
                last_holds = True
                used += 1
            put(kinds, snap, c, last, 1)
            chosen[total] = last - base
            total += 1
            i += 1
        placed[g] = i
    return used


@dataclass(frozen=True)
class Estimate:
    """Nodes that one group would need: how many, and which pods they would hold."""

    nodes: int
    order: I64
    """Positions of the equivalence groups, largest first."""
    placed: I64
    """Pods of each of them, in that order, that find room (the first ones)."""
    chosen: I64
    """New node of each such pod, counted from 0."""


def node_limit(per_scale_up: int, similar_room: int, total: int, current: int) -> int:
    """Nodes that an estimate may add; 0: no limit, negative: none (upstream's thresholds, the smallest positive).

    ``similar_room`` is the free capacity of the group and of those balanced with it, ``total`` max-nodes-total and
    ``current`` the nodes that count against it.
    """
    limits = [per_scale_up, similar_room if similar_room > 0 else -1]
    if total != 0:
        limits.append(total - current if total > 0 and total > current else -1)
    found = 0
    for limit in limits:
        if found < 0 or limit < 0:
            found = -1
        elif limit > 0 and (found == 0 or limit < found):
            found = limit
    return found


def decreasing(kinds: Kinds, group_kind: I64, allocatable: I64) -> I64:
    """Positions of groups by the size of a pod: CPU / allocatable + memory / allocatable, largest first, Go's ties."""
    score = np.zeros(len(group_kind))
    for column, r in ((0, CPU), (1, MEMORY)):
        if allocatable[r] > 0:
            score += kinds.packing[group_kind, column] / float(allocatable[r])
    return go_order(-score)


def estimate(
    kinds: Kinds, snap: Snapshot, group_kind: I64, group_size: I64, template: NodeTemplate, most: int
) -> Estimate:
    """Pack groups of equivalent pods on new nodes of ``template``; the snapshot is the same afterwards, but for its
    round-robin counter. The snapshot has room for as many rows as there are pods, or ``most``, and one more."""
    order = decreasing(kinds, group_kind, template.allocatable)
    sizes = np.ascontiguousarray(group_size[order])
    placed = np.zeros(len(order), np.int64)
    chosen = np.empty(int(sizes.sum()), np.int64)
    base = int(snap.scalars[ROWS])
    saved = snap.count.copy()
    nodes = pack(
        kinds, snap, np.ascontiguousarray(group_kind[order]), sizes, template.allocatable, template.traits,
        template.daemons, most, placed, chosen,
    )  # fmt: skip
    snap.scalars[ROWS] = base
    snap.count[:] = saved
    return Estimate(int(nodes), order, placed, chosen[: int(placed.sum())])
