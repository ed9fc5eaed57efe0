# mypy: allow-untyped-defs, allow-untyped-calls
"""The replay itself: every sync of one HPA over a recording, with the decision kernels of a simulation.

Feedback: the recorded demand is shared by the pods that are ready in the replay, each of which takes at most its limit.
Pods are a stack of cohorts in the order of their creation; scaling down takes the youngest first, so that Pending and
unready pods go before ready ones, as a ReplicaSet chooses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capsim.controllers.hpa.codes import ERROR_EMPTY, GATHER, PENDING, READY_FALSE, READY_TRUE, RUNNING
from capsim.controllers.hpa.grouping import add_pods, classify, clear, percent_of_missing
from capsim.controllers.hpa.replicas import propose
from capsim.controllers.hpa.sync import begin, commit, decide
from capsim.controllers.hpa.tables import (
    G_ERROR,
    G_LISTED,
    G_RUNNING_READY,
    G_USAGE,
    M_RESOURCE,
    P_ERROR,
    R_FIRST_INVALID,
    R_METRIC,
    R_OUTCOME,
    R_RECOMMENDATION,
    RESOURCE_CPU,
    S_CPU_INIT_MS,
    S_READY_DELAY_MS,
    HpaSpecs,
    HpaState,
)
from capsim.jit import entry, inline_kernel

I64 = NDArray[np.int64]

ABSENT = -1
"""Demand of a row for which the metrics API has no value."""
SETTLED_MS = -(10**12)
"""Creation of the pods that are there at the start."""
ROOMY = 1 << 40
"""A capacity that is never reached."""

# Columns of ``pod``: of each metric, what it means for one pod, in milli-units.
REQUEST, LIMIT, SHARED = 0, 1, 2
POD_COLUMNS = 3
# Cells of ``world``.
W_SYNC_MS, W_RESOLUTION_MS, W_STARTUP_MS, W_CAPACITY = 0, 1, 2, 3
WORLD_CELLS = 4
# Columns of a cohort.
CREATED_MS, PODS = 0, 1
# Columns of ``out``: before the sync (CURRENT, READY, PENDING, USAGE of the first metric per pod) and what it decided.
CURRENT, READY, WAITING, DESIRED, RECOMMENDED, OUTCOME, ERROR, METRIC, AT_LIMIT = 0, 1, 2, 3, 4, 5, 6, 7, 8
OUT_COLUMNS = 9


@inline_kernel
def row_at(times_ms, row, at_ms):
    """The row in force at a time, going on from ``row``."""
    while row + 2 < len(times_ms) and times_ms[row + 1] <= at_ms:
        row += 1
    return row


@inline_kernel
def ready_pods(cohorts, count, world, now_ms):
    """(ready, Pending) pods: those beyond the capacity are Pending, the others ready after their start-up."""
    ready, below = 0, 0
    for i in range(count):
        placed = max(min(cohorts[i, PODS], world[W_CAPACITY] - below), 0)
        if cohorts[i, CREATED_MS] + world[W_STARTUP_MS] <= now_ms:
            ready += placed
        below += cohorts[i, PODS]
    return ready, max(below - world[W_CAPACITY], 0)


@inline_kernel
def gather_shared(specs, state, m, pod, world, cohorts, count, total, ready, sampled_ms, now_ms):
    """Add all pods to ``state.gathered``; the ready ones share ``total``."""
    percent = percent_of_missing(specs, m)
    is_cpu = specs.metric[m, M_RESOURCE] == RESOURCE_CPU
    each = total // max(ready, 1)
    if pod[m, LIMIT] > 0:
        each = min(each, pod[m, LIMIT])
    below = 0
    for i in range(count):
        created_ms = cohorts[i, CREATED_MS]
        ready_ms = created_ms + world[W_STARTUP_MS]
        is_ready = ready_ms <= now_ms
        placed = max(min(cohorts[i, PODS], world[W_CAPACITY] - below), 0)
        below += cohorts[i, PODS]
        has_value = is_ready or is_cpu
        group = classify(
            RUNNING, False, has_value, is_cpu, created_ms, READY_TRUE if is_ready else READY_FALSE,
            ready_ms if is_ready else created_ms, sampled_ms, world[W_RESOLUTION_MS], now_ms,
            specs.row[0, S_CPU_INIT_MS], specs.row[0, S_READY_DELAY_MS],
        )  # fmt: skip
        add_pods(
            state.gathered, group, placed, 1 if has_value else 0, each if is_ready else 0, pod[m, REQUEST], percent
        )
    waiting = max(below - world[W_CAPACITY], 0)
    group = classify(PENDING, False, False, is_cpu, now_ms, READY_FALSE, now_ms, sampled_ms, 0, now_ms, 0, 0)
    add_pods(state.gathered, group, waiting, 0, 0, pod[m, REQUEST], percent)


@inline_kernel
def scale(cohorts, count, current, desired, now_ms):
    """The stack after a change of replicas: its new number of cohorts."""
    if desired > current:
        cohorts[count, CREATED_MS] = now_ms
        cohorts[count, PODS] = desired - current
        return count + 1
    surplus = current - desired
    while surplus > 0:
        taken = min(surplus, cohorts[count - 1, PODS])
        cohorts[count - 1, PODS] -= taken
        surplus -= taken
        if cohorts[count - 1, PODS] == 0:
            count -= 1
    return count


@inline_kernel
def at_limit(demand, pod, row, ready):
    """Whether the demand of a metric is more than the ready pods' limits let them take."""
    for m in range(len(pod)):
        if pod[m, SHARED] != 0 and pod[m, LIMIT] > 0 and demand[m, row] > ready * pod[m, LIMIT]:
            return 1
    return 0


@entry
def replay_syncs(
    specs: HpaSpecs, state: HpaState, times_ms: I64, demand: I64, pod: I64, world: I64, cohorts: I64, out: I64
) -> None:
    """Replay ``len(out)`` syncs.

    ``times_ms`` [rows + 1] are the starts of the rows and the end of the last; ``demand`` [metrics, rows] is in
    milli-units, of all pods together where the metric is shared, or ABSENT. ``cohorts`` begins with one cohort:
    the pods at the start.
    """
    count = 1
    current = cohorts[0, PODS]
    row, sampled_row = 0, 0
    for k in range(len(out)):
        now_ms = k * world[W_SYNC_MS]
        row = row_at(times_ms, row, now_ms)
        sampled_ms = now_ms - now_ms % world[W_RESOLUTION_MS]
        sampled_row = row_at(times_ms, sampled_row, sampled_ms - 1)
        ready, waiting = ready_pods(cohorts, count, world, now_ms)
        step = begin(specs, state, 0, now_ms, current)
        if step == GATHER:
            for m in range(len(pod)):
                clear(state.gathered)
                total = demand[m, sampled_row]
                if total == ABSENT:
                    state.gathered[G_ERROR] = ERROR_EMPTY
                elif pod[m, SHARED] != 0:
                    gather_shared(specs, state, m, pod, world, cohorts, count, total, ready, sampled_ms, now_ms)
                else:
                    state.gathered[G_USAGE] = total
                    state.gathered[G_LISTED] = current
                    state.gathered[G_RUNNING_READY] = ready
                propose(specs, state, 0, m, current, current)
        desired = decide(specs, state, 0, now_ms, current, step)
        commit(specs, state, 0, now_ms, current, desired, True)
        invalid = state.row[0, R_FIRST_INVALID]
        out[k, CURRENT] = current
        out[k, READY] = ready
        out[k, WAITING] = waiting
        out[k, DESIRED] = desired
        out[k, RECOMMENDED] = state.row[0, R_RECOMMENDATION]
        out[k, OUTCOME] = state.row[0, R_OUTCOME]
        out[k, ERROR] = state.metric[invalid, P_ERROR] if invalid >= 0 else 0
        out[k, METRIC] = invalid if invalid >= 0 else state.row[0, R_METRIC]
        out[k, AT_LIMIT] = at_limit(demand, pod, row, ready)
        count = scale(cohorts, count, current, desired, now_ms)
        current = desired
