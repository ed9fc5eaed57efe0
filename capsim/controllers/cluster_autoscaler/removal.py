"""Could a node go? Its pods are moved to other nodes of the snapshot; where that works, the move stays.

Source: cluster-autoscaler simulator/cluster.go, simulator/drain.go, core/scaledown/pdb/basic.go,
processors/scaledowncandidates/emptycandidates.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.drain_rules import NOT_ENOUGH_PDB
from capsim.controllers.cluster_autoscaler.placement import find, hinted, link, put, relink, remember, unlink
from capsim.controllers.cluster_autoscaler.tables import (
    BLOCK,
    DAEMON,
    MIRROR,
    MOVE_UNLESS_PDB,
    SKIP,
    Hints,
    Kinds,
    PodTable,
    Snapshot,
)
from capsim.jit import entry, inline_kernel, kernel
from capsim.state.tables import I64

REMOVABLE, BLOCKED, NO_PLACE = 0, 1, 2
LONG_TERMINATING_MS = 30_000
"""A pod that terminates for longer than its grace period and this is taken for gone."""

R_STATUS, R_POD, R_REASON, R_RISKY, R_MOVED = 0, 1, 2, 3, 4


@inline_kernel
def long_terminating(kinds: Kinds, pods: PodTable, p, now):
    """Whether pod ``p`` has been terminating for too long."""
    deleted = pods.deleted_ms[p]
    return deleted >= 0 and deleted + kinds.grace_ms[pods.kind[p]] + LONG_TERMINATING_MS < now


@entry
def find_empty(kinds: Kinds, snap: Snapshot, pods: PodTable, rows: I64, now: int, empty: I64) -> int:
    """``empty[i]`` = 1 when nothing on ``rows[i]`` would have to move; returns their number."""
    count = 0
    for i in range(rows.shape[0]):
        p = snap.first[rows[i]]
        while p >= 0:
            if kinds.flags[pods.kind[p]] & (DAEMON | MIRROR) == 0 and not long_terminating(kinds, pods, p, now):
                break
            p = snap.next[p]
        empty[i] = 1 if p < 0 else 0
        count += empty[i]
    return count


@inline_kernel
def what_to_do(kinds: Kinds, pods: PodTable, budgets: I64, allowed: I64, p, now):
    """Outcome of the drain rules for pod ``p``: see ``drain_rules``; a budget that is used up blocks."""
    c = pods.kind[p]
    if kinds.flags[c] & MIRROR or long_terminating(kinds, pods, p, now):
        return SKIP
    outcome = kinds.drain[c, pods.terminal[p]]
    if outcome == MOVE_UNLESS_PDB:
        for b in range(budgets.shape[0]):
            if budgets[b, c] == 1 and allowed[b] < 1:
                return BLOCK + NOT_ENOUGH_PDB
    return outcome


@kernel
def gather(
    kinds: Kinds, snap: Snapshot, pods: PodTable, budgets: I64, allowed: I64, r, now, moving: I64, result: I64, i
):
    """Pods of row ``r`` that a drain moves, into ``moving``; -1 when one blocks, which ``result[i]`` then names."""
    count = 0
    p = snap.first[r]
    while p >= 0:
        outcome = what_to_do(kinds, pods, budgets, allowed, p, now)
        if outcome >= BLOCK:
            result[i, R_STATUS], result[i, R_POD], result[i, R_REASON] = BLOCKED, p, outcome - BLOCK
            return -1
        if outcome != SKIP and kinds.flags[pods.kind[p]] & DAEMON == 0:
            moving[count, 0] = p
            count += 1
        p = snap.next[p]
    return count


@kernel
def move(kinds: Kinds, snap: Snapshot, hints: Hints, pods: PodTable, rows_of: I64, goals: I64, r, moving: I64, count):
    """Whether all of ``moving`` find a row among ``goals`` other than ``r``; if not, the snapshot is as before."""
    for j in range(count):
        p = moving[j, 0]
        moving[j, 1], moving[j, 2] = snap.previous[p], snap.next[p]
        unlink(snap, p)
        put(kinds, snap, pods.kind[p], r, -1)
    placed = 0
    while placed < count:
        p = moving[placed, 0]
        c, uid = pods.kind[p], pods.uid[p]
        goal = hinted(kinds, snap, hints, rows_of, p, uid, c)
        if goal == r or (goal >= 0 and goals[goal] == 0):
            goal = -1
        if goal < 0:
            goal = find(kinds, snap, c, goals, r)
            if goal < 0:
                break
            remember(snap, hints, p, uid, goal)
        put(kinds, snap, c, goal, 1)
        link(snap, p, goal)
        placed += 1
    if placed == count:
        return True
    for j in range(placed - 1, -1, -1):
        p = moving[j, 0]
        put(kinds, snap, pods.kind[p], snap.row[p], -1)
        unlink(snap, p)
    for j in range(count - 1, -1, -1):
        p = moving[j, 0]
        relink(snap, p, r, moving[j, 1], moving[j, 2])
        put(kinds, snap, pods.kind[p], r, 1)
    return False


@inline_kernel
def spend(pods: PodTable, budgets: I64, allowed: I64, moving: I64, count):
    """Take the moved pods from the budgets; returns 1 when a budget does not cover them all at once."""
    risky = 0
    for b in range(budgets.shape[0]):
        covered = 0
        for j in range(count):
            covered += budgets[b, pods.kind[moving[j, 0]]]
        if covered > 0 and allowed[b] < covered:
            risky = 1
        allowed[b] -= covered
    return risky


@kernel
def simulate_first(
    kinds: Kinds,
    snap: Snapshot,
    hints: Hints,
    pods: PodTable,
    rows_of: I64,
    rows: I64,
    size,
    counted: I64,
    goals: I64,
    budgets: I64,
    allowed: I64,
    now,
    limit,
    moving: I64,
    result: I64,
):
    """``simulate`` of the first ``size`` of ``rows``."""
    removable = 0
    for i in range(size):
        if removable >= limit:
            return i
        r = rows[i]
        count = gather(kinds, snap, pods, budgets, allowed, r, now, moving, result, i)
        if count < 0:
            continue
        if not move(kinds, snap, hints, pods, rows_of, goals, r, moving, count):
            result[i, R_STATUS] = NO_PLACE
            continue
        result[i, R_STATUS] = REMOVABLE
        result[i, R_RISKY] = spend(pods, budgets, allowed, moving, count)
        result[i, R_MOVED] = count
        goals[r] = 0
        removable += counted[i]
    return size


@entry
def simulate(
    kinds: Kinds,
    snap: Snapshot,
    hints: Hints,
    pods: PodTable,
    rows_of: I64,
    rows: I64,
    counted: I64,
    goals: I64,
    budgets: I64,
    allowed: I64,
    now: int,
    limit: int,
    moving: I64,
    result: I64,
) -> int:
    """Try ``rows`` in order until ``limit`` of those with ``counted`` = 1 can go; returns how many were tried.

    ``goals`` [snapshot rows] is 1 where pods may go; a node that can go is no goal any more. ``result[i]`` receives
    status, blocking pod and reason, 1 if risky, and the number of pods to move. ``allowed`` [B] is what ``budgets``
    [B, K] still allow; ``moving`` [pods, 3] is scratch.
    """
    # fmt: off
    return simulate_first(
        kinds, snap, hints, pods, rows_of, rows, rows.shape[0], counted, goals, budgets, allowed, now, limit, moving,
        result)
    # fmt: on
