"""Pods that use more CPU than requests explain: bookkeeping of how much, and its end."""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import tree_set
from capsim.state.marks import TOUCHED, mark_dirty, mark_node, touch
from capsim.state.tables import NEVER, U_CPU, Marks, Physics, Pods, PodUsage
from capsim.state.tables_warmth import (
    COOLING,
    H_AREA,
    H_CPU,
    H_FACTOR,
    H_LIMIT,
    H_SINCE,
    H_STAGE,
    V_COUNT,
    V_CPU,
    V_WORK,
    WARM,
)


@inline_kernel
def stage_of(usage: PodUsage, p):
    """How warm pod ``p`` is; WARM wherever nobody asked for anything else."""
    if usage.warmth.shape[0] == 0:
        return WARM
    return int(usage.warmth[p, H_STAGE])


@inline_kernel
def is_cold(usage: PodUsage, p):
    """Whether requests to pod ``p`` cost more than they will."""
    return usage.warmth.shape[0] > 0 and usage.warmth[p, H_STAGE] >= COOLING


@inline_kernel
def are_warming(physics: Physics, w):
    """Whether any pod of ``w`` is not WARM."""
    return physics.warm.shape[0] > 0 and physics.warm[w, V_COUNT] > 0.0


@inline_kernel
def extra_until(usage: PodUsage, p, now):
    """CPU that pod ``p`` has used beyond idle and warm requests since its containers started, milli-seconds."""
    h = usage.warmth
    return h[p, H_AREA] + h[p, H_CPU] * (now - h[p, H_SINCE]) / 1000.0


@kernel
def set_extra(usage: PodUsage, physics: Physics, marks: Marks, w, p, milli, now):
    """Pod ``p`` of ``w`` uses ``milli`` beyond idle and warm requests from now on."""
    change = milli - usage.warmth[p, H_CPU]
    if change == 0.0:
        return
    usage.warmth[p, H_AREA] = extra_until(usage, p, now)
    usage.warmth[p, H_SINCE] = now
    usage.warmth[p, H_CPU] = milli
    physics.warm[w, V_CPU] += change
    physics.usage[w, U_CPU] += change
    touch(marks, w, TOUCHED)


@inline_kernel
def set_speed(usage: PodUsage, physics: Physics, marks: Marks, w, p, milli, now):
    """The start of pod ``p`` burns ``milli`` from now on: when does it end, or a probe give it up?"""
    if milli == usage.warmth[p, H_CPU]:
        return
    set_extra(usage, physics, marks, w, p, milli, now)
    left = max(0.0, physics.warm[w, V_WORK] - extra_until(usage, p, now))
    due = NEVER if milli <= 0.0 else now + math.ceil(left / milli * 1000.0 - 1e-6)
    tree_set(usage.due, p, max(now + 1, min(due, int(usage.warmth[p, H_LIMIT]))))


@kernel
def end_warmth(pods: Pods, usage: PodUsage, physics: Physics, marks: Marks, p, now):
    """Pod ``p`` is warm, or serves and starts no more."""
    if stage_of(usage, p) == WARM:
        return
    w = pods.workload[p]
    set_extra(usage, physics, marks, w, p, 0.0, now)
    usage.warmth[p, H_STAGE] = WARM
    usage.warmth[p, H_FACTOR] = 1.0
    tree_set(usage.due, p, NEVER)
    physics.warm[w, V_COUNT] -= 1.0
    if physics.warm[w, V_COUNT] == 0.0:
        physics.warm[w, V_CPU] = 0.0
    mark_dirty(marks, w)
    mark_node(marks, pods.node[p])
