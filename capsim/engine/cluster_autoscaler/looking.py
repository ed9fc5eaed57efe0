"""What the Cluster Autoscaler sees of the run's nodes and pods, column by column; numpy would take longer."""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.tables import TAINTS
from capsim.jit import entry
from capsim.state.tables import (
    FLAG_TO_BE_DELETED,
    FLAGS_UNREADY,
    I64,
    NODE_DELETING,
    NODE_FREE,
    NODE_READY,
    NODE_REQUESTED,
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    T_CHANGED,
    T_DELETING,
    T_READY,
)

N_GROUP, N_READY, N_CHANGED, N_FLAGS, N_DELETED, N_EXISTS, N_LISTED, NODE_COLUMNS = range(8)
"""Rows of what ``see_nodes`` fills: those of ``NodeTable``, and the slots of Node objects."""
P_DELETED, P_BOUND, P_WAITING, POD_COLUMNS = range(4)
"""Rows of what ``see_pods`` fills."""


@entry
def see_nodes(state: I64, flags: I64, group: I64, times: I64, allocatable: I64, given: I64, seen: I64, capacity: I64):
    """Fill ``seen`` [NODE_COLUMNS, N] and ``capacity`` [N, R]; returns the number of Node objects.

    ``given`` [G, R]: capacity of a group's machines; nodes of no group have what is allocatable."""
    count = 0
    for n in range(state.shape[0]):
        free = state[n] == NODE_FREE
        managed = group[n] < given.shape[0]
        up = (state[n] == NODE_READY or state[n] == NODE_DELETING) and times[n, T_READY] != -1
        seen[N_GROUP, n] = group[n] if managed and not free else -1
        seen[N_READY, n] = 1 if up and flags[n] & FLAGS_UNREADY == 0 else 0
        seen[N_CHANGED, n] = max(times[n, T_READY], times[n, T_CHANGED])
        seen[N_FLAGS, n] = flags[n] & TAINTS
        seen[N_DELETED, n] = times[n, T_DELETING] // 1000 * 1000 if flags[n] & FLAG_TO_BE_DELETED else -1
        seen[N_EXISTS, n] = 0 if free else 1
        for r in range(capacity.shape[1]):
            capacity[n, r] = given[group[n], r] if managed else allocatable[n, r]
        if not free and state[n] != NODE_REQUESTED:
            seen[N_LISTED, count] = n
            count += 1
    return count


@entry
def see_pods(state: I64, deleted_ms: I64, queued: I64, diagnosis: I64, seen: I64, counts: I64):
    """Fill ``seen`` [POD_COLUMNS, P]: deletion time, slots of bound pods, slots of pods that the scheduler called
    unschedulable; ``counts`` [2]: how many of the latter two."""
    bound, waiting = 0, 0
    for p in range(state.shape[0]):
        seen[P_DELETED, p] = deleted_ms[p] if state[p] == POD_TERMINATING else -1
        if state[p] in (POD_STARTING, POD_READY, POD_DOWN, POD_TERMINATING):
            seen[P_BOUND, bound] = p
            bound += 1
        elif state[p] == POD_PENDING and (queued[p] == 2 or diagnosis[p] >= 0):
            seen[P_WAITING, waiting] = p
            waiting += 1
    counts[0], counts[1] = bound, waiting
