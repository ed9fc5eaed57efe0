"""Starts that burn CPU, and code that is cold: what a JVM, .NET, a Python import or the loading of a model costs a pod.

A start burns a given amount of CPU time before it is Ready, as fast as ``cores``, the limit of the container (CFS
quota) and the node's CPU let it: at half the limit it takes twice as long. A Ready pod then pays ``factor`` times the
CPU for each request, and the excess halves every ``halfLife``; it falls in steps, each with the mean of its time.

Warmth goes by time and not by the requests that were served, because a pod of a busy service gets them from the first
moment on. Not modelled: memory, response times of single cold pods beyond the lower capacity of their workload, limits
that are raised until a pod is Ready (kube-startup-cpu-boost).
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.calendar import encode, push, tree_first, tree_set
from capsim.state.marks import mark_busy, mark_node
from capsim.state.tables import (
    EV_POD_READY,
    NEVER,
    P_BUSY_SCRAPES,
    Clock,
    Heap,
    Marks,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Workloads,
)
from capsim.state.tables_startup import Startup
from capsim.state.tables_warmth import (
    BURNING,
    BURNS_MS,
    BURNT,
    COOLING,
    H_BEGIN,
    H_COLUMNS,
    H_FACTOR,
    H_LIMIT,
    H_SINCE,
    H_STAGE,
    STEPS,
    STEPS_PER_HALF_LIFE,
    V_COUNT,
    V_FACTOR,
    V_STEP_MS,
    V_WORK,
    WARM,
)
from capsim.state.warmth import end_warmth, extra_until, set_extra, stage_of
from capsim.world.contention import write_samples
from capsim.world.startup import limit_ms, probed_ms

RATIO = 0.5 ** (1.0 / STEPS_PER_HALF_LIFE)
"""How much of the excess is left after a step."""
MEAN = (1.0 - RATIO) / -math.log(RATIO)
"""Mean of the excess over a step, its beginning taken as 1."""


@inline_kernel
def is_over(physics: Physics, usage: PodUsage, w, p, now):
    """Whether the start of pod ``p`` has used all the CPU that it takes."""
    return extra_until(usage, p, now) >= physics.warm[w, V_WORK] * (1.0 - 1e-9)


@separate_kernel
def begin_warmth(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    p,
    stage,
    now,
):
    """Pod ``p`` is not WARM from now on; its workload is sampled pod by pod."""
    w = pods.workload[p]
    h = usage.warmth
    if h[p, H_STAGE] == WARM:
        mark_busy(marks, physics, clock, w, now)
        if marks.own_flag[w] == 0:
            write_samples(pods, links, usage, workloads, physics, w)
        marks.own_flag[w] = clock.params[P_BUSY_SCRAPES]
        for column in range(H_COLUMNS):
            h[p, column] = 0.0
        h[p, H_SINCE] = h[p, H_BEGIN] = now
        physics.warm[w, V_COUNT] += 1.0
    h[p, H_FACTOR] = 1.0
    h[p, H_STAGE] = stage
    mark_node(marks, pods.node[p])


@inline_kernel
def begins_to_burn(physics: Physics, usage: PodUsage, pods: Pods, p):
    """Whether pod ``p``, whose start has waited for all else, has yet to use the CPU that it takes."""
    return physics.warm.shape[0] > 0 and physics.warm[pods.workload[p], V_WORK] > 0.0 and stage_of(usage, p) == WARM


@separate_kernel
def burn(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    startup: Startup,
    p,
    now,
):
    """The process of pod ``p`` starts; its node says how fast (``contention.share_node``)."""
    begin_warmth(clock, pods, links, usage, workloads, physics, marks, p, BURNING, now)
    pods.step_ms[p] = BURNS_MS
    limit = limit_ms(startup, pods.workload[p])
    usage.warmth[p, H_LIMIT] = min(float(NEVER), float(pods.started_ms[p]) + limit)
    tree_set(usage.due, p, NEVER if limit >= NEVER else pods.started_ms[p] + limit)


@separate_kernel
def cool(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    p,
    now,
):
    """Pod ``p`` has become Ready: it is cold, or as warm as it gets."""
    w = pods.workload[p]
    if physics.warm[w, V_FACTOR] <= 1.0:
        end_warmth(pods, usage, physics, marks, p, now)
        return
    begin_warmth(clock, pods, links, usage, workloads, physics, marks, p, COOLING, now)
    set_step(physics, usage, w, p, 0, now)


@inline_kernel
def set_step(physics: Physics, usage: PodUsage, w, p, step, now):
    """Cold pod ``p`` begins its step number ``step``."""
    usage.warmth[p, H_STAGE] = COOLING + step
    usage.warmth[p, H_FACTOR] = 1.0 + (physics.warm[w, V_FACTOR] - 1.0) * MEAN * RATIO**step
    tree_set(usage.due, p, now + int(physics.warm[w, V_STEP_MS]))


@kernel
def warm_up(heap: Heap, pods: Pods, usage: PodUsage, physics: Physics, marks: Marks, startup: Startup, now):
    """Take the first step that is due; the heap has room for one event."""
    p = tree_first(usage.due)
    w = pods.workload[p]
    stage = stage_of(usage, p)
    if stage >= COOLING:
        if stage - COOLING + 1 < STEPS:
            set_step(physics, usage, w, p, stage - COOLING + 1, now)
            mark_node(marks, pods.node[p])
        else:
            end_warmth(pods, usage, physics, marks, p, now)
        return
    tree_set(usage.due, p, NEVER)
    if is_over(physics, usage, w, p, now):
        set_extra(usage, physics, marks, w, p, 0.0, now)
        usage.warmth[p, H_STAGE] = BURNT
        pods.step_ms[p] = pods.started_ms[p] + probed_ms(startup, w, now - pods.started_ms[p])
        mark_node(marks, pods.node[p])
    else:
        pods.given_up[p] = 1
        pods.step_ms[p] = now
    push(heap, pods.step_ms[p], encode(EV_POD_READY, p, pods.uid[p]))
