"""Doors from Python to the HPA kernels, for replays and tests: the kernels that a simulation's loop calls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capsim.controllers.hpa.codes import READY_TRUE, RUNNING
from capsim.controllers.hpa.grouping import (
    add_pods,
    add_stranger,
    classify,
    clear,
    percent_of_missing,
)
from capsim.controllers.hpa.limits import limit_by_behavior, limit_by_default, store_scale_event
from capsim.controllers.hpa.log import append, extend_log
from capsim.controllers.hpa.replicas import propose
from capsim.controllers.hpa.sync import begin, commit, decide, fail_get_scale, next_change_ms, stabilize
from capsim.controllers.hpa.tables import (
    G_ERROR,
    G_LISTED,
    G_RUNNING_READY,
    G_USAGE,
    M_RESOURCE,
    RESOURCE_CPU,
    S_CPU_INIT_MS,
    S_READY_DELAY_MS,
    HpaSpecs,
    HpaState,
)
from capsim.jit import entry, inline_kernel

Pods = NDArray[np.int64]

# Columns of a table of pods; equal pods may share a row (COUNT). A row with STRANGER is a sample without a pod.
PHASE, DELETING, HAS_VALUE, START_MS, READY, READY_MS, SAMPLED_MS, WINDOW_MS = 0, 1, 2, 3, 4, 5, 6, 7
USAGE, REQUEST, RETURNED, STRANGER, COUNT = 8, 9, 10, 11, 12
POD_COLUMNS = 13


@inline_kernel
def _group(specs, h, m, pods, i, now_ms):
    return classify(
        pods[i, PHASE],
        pods[i, DELETING] != 0,
        pods[i, HAS_VALUE] != 0,
        specs.metric[m, M_RESOURCE] == RESOURCE_CPU,
        pods[i, START_MS],
        pods[i, READY],
        pods[i, READY_MS],
        pods[i, SAMPLED_MS],
        pods[i, WINDOW_MS],
        now_ms,
        specs.row[h, S_CPU_INIT_MS],
        specs.row[h, S_READY_DELAY_MS],
    )


@entry
def gather_pods(specs: HpaSpecs, state: HpaState, h: int, m: int, pods: Pods, now_ms: int, error: int) -> None:
    """Add a table of pods to ``state.gathered`` for one per-pod metric; ``error`` is the metrics API's."""
    g = state.gathered
    clear(g)
    g[G_ERROR] = error
    for i in range(len(pods)):
        if pods[i, STRANGER] != 0:
            add_stranger(g, pods[i, USAGE])
            continue
        group = _group(specs, h, m, pods, i, now_ms)
        percent = percent_of_missing(specs, m)
        add_pods(g, group, pods[i, COUNT], pods[i, RETURNED], pods[i, USAGE], pods[i, REQUEST], percent)


@entry
def gather_value(state: HpaState, pods: Pods, value: int, error: int) -> None:
    """Put the value of an Object or External metric into ``state.gathered``, with the pods listed and ready."""
    g = state.gathered
    clear(g)
    g[G_ERROR] = error
    g[G_USAGE] = value
    for i in range(len(pods)):
        if pods[i, STRANGER] == 0:
            g[G_LISTED] += pods[i, COUNT]
            if pods[i, PHASE] == RUNNING and pods[i, READY] == READY_TRUE:
                g[G_RUNNING_READY] += pods[i, COUNT]


@entry
def propose_metric(specs: HpaSpecs, state: HpaState, h: int, m: int, current: int, status_replicas: int) -> int:
    """``propose``."""
    return propose(specs, state, h, m, current, status_replicas)


@entry
def begin_sync(specs: HpaSpecs, state: HpaState, h: int, now_ms: int, current: int) -> int:
    """``begin``."""
    return begin(specs, state, h, now_ms, current)


@entry
def fail_sync(state: HpaState, h: int) -> None:
    """``fail_get_scale``."""
    fail_get_scale(state, h)


@entry
def finish_sync(specs: HpaSpecs, state: HpaState, h: int, now_ms: int, current: int, step: int, accepted: bool) -> int:
    """``decide`` and ``commit``; returns the replicas that were decided."""
    desired = decide(specs, state, h, now_ms, current, step)
    commit(specs, state, h, now_ms, current, desired, accepted)
    return desired


@entry
def wake_ms(specs: HpaSpecs, state: HpaState, h: int, now_ms: int, current: int) -> int:
    """``next_change_ms``."""
    return next_change_ms(specs, state, h, now_ms, current)


@entry
def sleep_until(specs: HpaSpecs, state: HpaState, h: int, last_tick_ms: int) -> None:
    """``extend_log``."""
    extend_log(specs, state, h, last_tick_ms)


@entry
def append_log(state: HpaState, h: int, now_ms: int, value: int) -> None:
    """``append``: puts an earlier recommendation into the log."""
    append(state, h, now_ms, value)


@entry
def stabilized(specs: HpaSpecs, state: HpaState, h: int, now_ms: int, current: int, recommended: int) -> int:
    """``stabilize``."""
    return stabilize(specs, state, h, now_ms, current, recommended)


@entry
def limited(
    specs: HpaSpecs, state: HpaState, h: int, now_ms: int, current: int, wanted: int, with_behavior: bool
) -> tuple[int, int]:
    """``limit_by_behavior`` or ``limit_by_default``: (replicas, LIMITED_* code)."""
    if with_behavior:
        return limit_by_behavior(specs, state, h, now_ms, current, wanted)
    return limit_by_default(specs, h, current, wanted)


@entry
def store_event(specs: HpaSpecs, state: HpaState, h: int, now_ms: int, before: int, after: int) -> None:
    """``store_scale_event``."""
    store_scale_event(specs, state, h, now_ms, before, after)
