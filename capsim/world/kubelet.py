"""The kubelet's part of a pod's life: start-up until Ready.

Image pull, container start and readiness are one duration per workload (``startupTime``), or its parts
(``startup.py``); meanwhile the pod uses nothing but the CPU that its start burns (``warmth.py``), and it serves from
the moment it is Ready.
"""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.rng import STREAM_START
from capsim.state.calendar import encode, push
from capsim.state.tables import (
    EV_POD_READY,
    FLAG_SILENT,
    NEXT_EVENT,
    P_SEED,
    POD_STARTING,
    PODS_DUE,
    Clock,
    Heap,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Workloads,
)
from capsim.state.tables_startup import Startup
from capsim.state.transitions import go_down, set_dark, start_serving
from capsim.world.distributions import duration_ms
from capsim.world.rates import integral_at
from capsim.world.startup import in_parts, ready_after_ms
from capsim.world.warmth import begins_to_burn, burn, cool


@inline_kernel
def begin_start(
    clock: Clock, heap: Heap, pods: Pods, workloads: Workloads, nodes: Nodes, startup: Startup, p, again, now
):
    """Pod ``p`` was bound, or (``again``) its containers are restarted: it will be Ready after its start-up time."""
    w = pods.workload[p]
    entity = workloads.hash[w] + pods.ordinal[p]
    span = duration_ms(workloads.start, w, clock.params[P_SEED], STREAM_START, entity, pods.restarts[p])
    pods.started_ms[p] = now
    pods.given_up[p] = 0
    if in_parts(startup, w):
        own_ms = span
        span, given_up, started_ms = ready_after_ms(startup, nodes, w, pods.node[p], span, again, now)
        pods.given_up[p] = given_up
        pods.started_ms[p] = started_ms
        if startup.burns.shape[0] > 0 and startup.burns[w] == 1 and given_up == 0:
            span = max(1, started_ms + own_ms - now)  # probes come after what it burns
    pods.step_ms[p] = now + span
    push(heap, now + span, encode(EV_POD_READY, p, pods.uid[p]))


@inline_kernel
def become_ready(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    startup: Startup,
    p,
    now,
):
    """Pod ``p`` passes its readiness if it is still starting, and its node answers; or a probe gives it up."""
    if pods.state[p] != POD_STARTING or pods.step_ms[p] > now:
        return
    if nodes.flags[pods.node[p]] & FLAG_SILENT:
        go_down(clock, pods, usage, workloads, nodes, scan, physics, marks, p, now)
    elif pods.given_up[p] == 1:
        clock.values[PODS_DUE] = 1
        clock.values[NEXT_EVENT] = min(clock.values[NEXT_EVENT], now)
    elif begins_to_burn(physics, usage, pods, p):
        burn(clock, pods, links, usage, workloads, physics, marks, startup, p, now)
    else:
        set_dark(pods, physics, marks, p, 0)
        integral = integral_at(physics, pods.workload[p], now)
        start_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, p, integral, now)
        if usage.warmth.shape[0] > 0:
            cool(clock, pods, links, usage, workloads, physics, marks, p, now)
