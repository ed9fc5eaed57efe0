"""Putting pods on rows of the snapshot and taking them off again; looking for a row that takes a pod.

Source: cluster-autoscaler simulator/clustersnapshot, simulator/predicatechecker (FitsAnyNodeMatching: round-robin over
the whole snapshot from one counter that every search shares), simulator/scheduling (hints, similar pods).
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.predicates import PASS, fits
from capsim.controllers.cluster_autoscaler.tables import (
    CURSOR,
    DAEMON,
    FOUND,
    ROWS,
    UNSCHEDULABLE,
    Hints,
    Kinds,
    PodTable,
    Snapshot,
)
from capsim.jit import entry, inline_kernel
from capsim.state.tables import I64

MOST_SIMILAR = 10
"""Kinds of one controller that upstream remembers as unschedulable (maxPodsPerOwnerRef)."""


@inline_kernel
def put(kinds: Kinds, snap: Snapshot, c, r, sign):
    """Take (sign 1) or give back (sign -1) what a pod of kind ``c`` uses on row ``r``."""
    for k in range(snap.free.shape[1]):
        snap.free[r, k] -= sign * kinds.request[c, k]
    for i in range(kinds.adds_at[c], kinds.adds_at[c + 1]):
        d = snap.domain[kinds.adds[i, 1], r]
        if d >= 0:
            snap.count[kinds.adds[i, 0], d] += sign


@inline_kernel
def link(snap: Snapshot, p, r):
    """Append pod ``p`` to the list of row ``r``."""
    snap.row[p] = r
    snap.next[p] = -1
    snap.previous[p] = snap.last[r]
    if snap.last[r] >= 0:
        snap.next[snap.last[r]] = p
    else:
        snap.first[r] = p
    snap.last[r] = p


@inline_kernel
def unlink(snap: Snapshot, p):
    """Take pod ``p`` out of its row's list."""
    r = snap.row[p]
    before, after = snap.previous[p], snap.next[p]
    if before >= 0:
        snap.next[before] = after
    else:
        snap.first[r] = after
    if after >= 0:
        snap.previous[after] = before
    else:
        snap.last[r] = before
    snap.row[p] = -1


@inline_kernel
def relink(snap: Snapshot, p, r, before, after):
    """Put pod ``p`` back between two pods of row ``r`` (-1: at an end)."""
    snap.row[p] = r
    snap.previous[p], snap.next[p] = before, after
    if before >= 0:
        snap.next[before] = p
    else:
        snap.first[r] = p
    if after >= 0:
        snap.previous[after] = p
    else:
        snap.last[r] = p


@inline_kernel
def find(kinds: Kinds, snap: Snapshot, c, allowed: I64, banned):
    """A row with ``allowed`` = 1, other than ``banned``, that takes kind ``c``; -1: none. Moves the shared counter."""
    rows = snap.scalars[ROWS]
    start = snap.scalars[CURSOR]
    for i in range(rows):
        r = (start + i) % rows
        if r == banned or allowed[r] == 0 or snap.flags[r] & UNSCHEDULABLE:
            continue
        if fits(kinds, snap, c, r) == PASS:
            snap.scalars[CURSOR] = (r + 1) % rows
            snap.scalars[FOUND] += 1
            return r
    return -1


@inline_kernel
def hinted(kinds: Kinds, snap: Snapshot, hints: Hints, rows_of: I64, p, uid, c):
    """Row of the node that pod ``p`` fitted on before, if it still does; the hint is renewed. -1: none."""
    if hints.pod[p] != uid or hints.generation[p] < hints.now[0] - 1 or hints.uid[p] < 0:
        return -1
    r = rows_of[hints.slot[p]]
    if r < 0 or snap.uid[r] != hints.uid[p] or fits(kinds, snap, c, r) != PASS:
        return -1
    hints.generation[p] = hints.now[0]
    return r


@inline_kernel
def remember(snap: Snapshot, hints: Hints, p, uid, r):
    """Note that pod ``p`` fitted on row ``r``."""
    hints.pod[p] = uid
    hints.slot[p] = snap.slot[r]
    hints.uid[p] = snap.uid[r] if snap.slot[r] >= 0 else -1
    hints.generation[p] = hints.now[0]


@entry
def place_bound(kinds: Kinds, snap: Snapshot, pods: PodTable, bound: I64, rows_of: I64, cutoff: int) -> int:
    """Put the pods ``bound`` (slots in list order) on their nodes' rows, expendable ones left out; returns how many."""
    placed = 0
    for i in range(bound.shape[0]):
        p = bound[i]
        c = pods.kind[p]
        r = rows_of[pods.node[p]] if pods.node[p] >= 0 else -1
        if r >= 0 and (kinds.priority[c] >= cutoff or kinds.flags[c] & 8):
            put(kinds, snap, c, r, 1)
            link(snap, p, r)
            placed += 1
    return placed


@entry
def place_at(kinds: Kinds, snap: Snapshot, p: int, c: int, r: int) -> int:
    """Put one pod (slot ``p``, -1: one that has none) on row ``r``. Returns 0."""
    put(kinds, snap, c, r, 1)
    if p >= 0:
        link(snap, p, r)
    return 0


@entry
def place_pending(
    kinds: Kinds,
    snap: Snapshot,
    hints: Hints,
    pods: PodTable,
    rows_of: I64,
    waiting: I64,
    allowed: I64,
    failed: I64,
    failures: I64,
    left: I64,
) -> int:
    """Put each of ``waiting`` (pod slots in order) on a row, by hint or else round-robin.

    ``allowed`` [rows] is 1 where pods may go; ``failed`` [similar] and ``failures`` [owners] are zeroed scratch:
    a pod like one that found no room is not tried, for at most ten kinds of a controller. ``left`` receives the slots
    that found no room; returns their number.
    """
    remaining = 0
    for i in range(waiting.shape[0]):
        p = waiting[i]
        c = pods.kind[p]
        uid = pods.uid[p]
        r = hinted(kinds, snap, hints, rows_of, p, uid, c)
        owner = kinds.owner[c]
        if r < 0 and not (owner >= 0 and failed[kinds.similar[c]] == 1):
            r = find(kinds, snap, c, allowed, -1)
            if r >= 0:
                remember(snap, hints, p, uid, r)
            elif owner >= 0 and kinds.flags[c] & DAEMON == 0 and failures[owner] < MOST_SIMILAR:
                failed[kinds.similar[c]] = 1
                failures[owner] += 1
        if r < 0:
            left[remaining] = p
            remaining += 1
            continue
        if snap.row[p] >= 0:  # a pod of a node that is being drained: it leaves that list, the node keeps its request
            unlink(snap, p)
        put(kinds, snap, c, r, 1)
        link(snap, p, r)
    return remaining
