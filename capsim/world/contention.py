"""CPU shares on a contended node: usage <= min(limit, fair share of what the node has).

When the Ready pods of a node want more CPU than it has, each gets a share in proportion to its CPU request (CFS weights
follow requests; at least 2 shares, as kubelet sets), and what a pod does not need goes to the others (max-min
fairness). Pods that burn CPU to start, or are cold (``warmth.py``), are among them. A node can only be contended when
``requested + excess > allocatable``, or while it has such pods; every other node costs nothing.

Not modelled: pods whose requests stay on connections (they are served in full), CPU pinning, NUMA, throttling by CFS
periods below one second; the node's system daemons are taken to use exactly what is reserved for them.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.marks import mark_busy, mark_dirty
from capsim.state.tables import (
    CPU,
    L_CAP,
    L_COST,
    L_IDLE,
    P_BUSY_SCRAPES,
    P_CONTENTION,
    POD_READY,
    PODS,
    S_LAST,
    S_PREV,
    S_TAKEN,
    TIGHT_NODES,
    U_EXCESS,
    Classes,
    Clock,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Workloads,
)
from capsim.state.tables_calls import BY_CONNECTION
from capsim.state.tables_warmth import BURNING, COOLING, H_FACTOR, H_STAGE, V_CAP, V_COST, V_SPEED, WARM
from capsim.state.warmth import is_cold, set_extra, set_speed, stage_of
from capsim.world.rates import TINY, integral_at


@inline_kernel
def served_by(pods: Pods, usage: PodUsage, physics: Physics, p, now):
    """Requests that pod ``p`` has served since it became Ready."""
    if usage.own[p] == 1:
        return usage.area[p] + usage.rate_rps[p] * (now - usage.base[p]) / 1000.0
    return usage.area[p] + integral_at(physics, pods.workload[p], now) - usage.base[p]


@kernel
def write_samples(pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, physics: Physics, w):
    """Workload ``w`` is sampled pod by pod from now on: write down the samples of its Ready pods, which served at the
    common rate at the last three scrapes (or were not Ready yet)."""
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            since = usage.area[p] - usage.base[p]
            least = 0.0 if pods.ready_ms[p] >= 0 else -math.inf
            usage.sample_prev[p] = max(least, since + physics.samples[w, S_PREV])
            usage.sample_last[p] = max(least, since + physics.samples[w, S_LAST])
            usage.sample_taken[p] = max(least, since + physics.samples[w, S_TAKEN])
        p = links.workload_next[p]


@kernel
def give_common(pods: Pods, usage: PodUsage, physics: Physics, marks: Marks, p, now):
    """Pod ``p`` serves at its workload's common rate from now on."""
    if usage.own[p] == 1:
        w = pods.workload[p]
        usage.area[p] = served_by(pods, usage, physics, p, now)
        usage.base[p] = integral_at(physics, w, now)
        usage.own[p] = 0
        physics.own[w, 0] -= 1.0
        physics.own[w, 1] -= usage.rate_rps[p]
        if physics.own[w, 0] == 0.0:
            physics.own[w, 1] = 0.0
        mark_dirty(marks, w)


@kernel
def give_own(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    p,
    rate,
    now,
):
    """Pod ``p`` serves at ``rate`` requests per second from now on."""
    w = pods.workload[p]
    if usage.own[p] == 1 and abs(usage.rate_rps[p] - rate) <= TINY * (1.0 + rate):
        return
    if usage.own[p] == 0:
        mark_busy(marks, physics, clock, w, now)
        if marks.own_flag[w] == 0:
            write_samples(pods, links, usage, workloads, physics, w)
    marks.own_flag[w] = clock.params[P_BUSY_SCRAPES]
    usage.area[p] = served_by(pods, usage, physics, p, now)
    usage.base[p] = now
    if usage.own[p] == 1:
        physics.own[w, 1] += rate - usage.rate_rps[p]
    else:
        physics.own[w, 0] += 1.0
        physics.own[w, 1] += rate
    usage.own[p] = 1
    usage.rate_rps[p] = rate
    mark_dirty(marks, w)


@inline_kernel
def demand_milli(physics: Physics, w):
    """CPU that a Ready pod of ``w`` would use if its node had it."""
    at_rate = physics.load[w, L_IDLE] + physics.load[w, L_COST] * physics.pod_rps[w]
    if physics.usage[w, U_EXCESS] > 0.0:
        return max(at_rate, physics.limits[w, 2] + physics.usage[w, U_EXCESS])
    return at_rate


@inline_kernel
def cold_cap(physics: Physics, usage: PodUsage, w, p):
    """Requests per second that the limits of the containers of pod ``p`` let it serve."""
    cap = physics.load[w, L_CAP]
    return min(cap, physics.warm[w, V_CAP] / usage.warmth[p, H_FACTOR]) if is_cold(usage, p) else cap


@inline_kernel
def cost_now(physics: Physics, usage: PodUsage, w, p):
    """CPU of a request to pod ``p``, milli-seconds."""
    cost = physics.load[w, L_COST]
    return cost + (usage.warmth[p, H_FACTOR] - 1.0) * physics.warm[w, V_COST] if is_cold(usage, p) else cost


@inline_kernel
def wanted_milli(pods: Pods, usage: PodUsage, physics: Physics, p):
    """CPU that pod ``p`` would use if its node had it: as long as it is warm that of every Ready one."""
    w = pods.workload[p]
    if stage_of(usage, p) == BURNING:
        return physics.warm[w, V_SPEED]
    if pods.state[p] != POD_READY:
        return 0.0
    want = demand_milli(physics, w)
    if is_cold(usage, p) and physics.load[w, L_COST] > 0.0:
        rate = min((want - physics.load[w, L_IDLE]) / physics.load[w, L_COST], cold_cap(physics, usage, w, p))
        return physics.load[w, L_IDLE] + cost_now(physics, usage, w, p) * rate
    return want


@inline_kernel
def weight(classes: Classes, c):
    """CPU weight of a pod: its request in milli, at least 2."""
    return max(2.0, float(classes.request[c, CPU]))


@kernel
def fair_level(classes: Classes, pods: Pods, links: PodLinks, usage: PodUsage, nodes: Nodes, physics: Physics, n):
    """CPU per unit of weight at which node ``n`` is used up; negative when its pods want less than it has."""
    left = float(nodes.allocatable[n, CPU])
    total = 0.0
    weights = 0.0
    p = nodes.first_pod[n]
    while p >= 0:
        if pods.state[p] == POD_READY or stage_of(usage, p) == BURNING:
            total += wanted_milli(pods, usage, physics, p)
            weights += weight(classes, pods.pod_class[p])
        p = links.node_next[p]
    if total <= left + 1e-6:
        return -1.0
    level = left / weights
    for _ in range(nodes.allocatable[n, PODS] + 1):
        spare = left
        heavy = 0.0
        p = nodes.first_pod[n]
        while p >= 0:
            if pods.state[p] == POD_READY or stage_of(usage, p) == BURNING:
                want = wanted_milli(pods, usage, physics, p)
                share = weight(classes, pods.pod_class[p])
                if want <= level * share:
                    spare -= want
                else:
                    heavy += share
            p = links.node_next[p]
        if heavy == 0.0 or spare / heavy <= level * (1.0 + 1e-12):
            break
        level = spare / heavy
    return level


@kernel
def share_node(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    n,
    now,
):
    """Compute the CPU shares on node ``n`` anew; workloads whose pods changed rate are marked."""
    level = -1.0
    if clock.params[P_CONTENTION] == 1:
        level = fair_level(classes, pods, links, usage, nodes, physics, n)
    contended = 0
    if level >= 0.0:
        contended = 1
    elif nodes.requested[n, CPU] + nodes.excess_milli[n] > nodes.allocatable[n, CPU] or has_warming(
        links, usage, nodes, n
    ):
        contended = 2
    clock.values[TIGHT_NODES] += min(contended, 1) - min(scan.contended[n], 1)
    scan.contended[n] = contended
    p = nodes.first_pod[n]
    while p >= 0:
        w = pods.workload[p]
        share = level * weight(classes, pods.pod_class[p])
        if pods.state[p] == POD_READY:
            if physics.limits[w, 1] == BY_CONNECTION:
                pass  # it serves what its connections bring
            elif is_cold(usage, p):
                share_cold(clock, pods, links, usage, workloads, physics, marks, p, share, now)
            elif level < 0.0 or demand_milli(physics, w) <= share * (1.0 + TINY) or physics.load[w, L_COST] <= 0.0:
                give_common(pods, usage, physics, marks, p, now)
            else:
                rate = max(0.0, share - physics.load[w, L_IDLE]) / physics.load[w, L_COST]
                give_own(clock, pods, links, usage, workloads, physics, marks, p, rate, now)
        if usage.warmth.shape[0] > 0:
            use_extra(pods, usage, physics, marks, p, share, now)
        p = links.node_next[p]


@kernel
def share_cold(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    p,
    share,
    now,
):
    """The rate of cold pod ``p``, whose requests cost more than those of others; ``share`` < 0: CPU is not short."""
    w = pods.workload[p]
    cost = physics.load[w, L_COST]
    if cost <= 0.0:
        give_common(pods, usage, physics, marks, p, now)
        return
    most = cold_cap(physics, usage, w, p)
    if share >= 0.0:
        most = min(most, max(0.0, share - physics.load[w, L_IDLE]) / cost_now(physics, usage, w, p))
    if (demand_milli(physics, w) - physics.load[w, L_IDLE]) / cost <= most * (1.0 + TINY):
        give_common(pods, usage, physics, marks, p, now)
    else:
        give_own(clock, pods, links, usage, workloads, physics, marks, p, most, now)


@kernel
def use_extra(pods: Pods, usage: PodUsage, physics: Physics, marks: Marks, p, share, now):
    """CPU of pod ``p`` beyond idle and warm requests: what its start burns, or what cold requests cost more."""
    w = pods.workload[p]
    stage = stage_of(usage, p)
    if stage == BURNING:
        speed = physics.warm[w, V_SPEED]
        set_speed(usage, physics, marks, w, p, min(speed, share) if share >= 0.0 else speed, now)
    elif stage >= COOLING:
        rate = usage.rate_rps[p] if usage.own[p] == 1 else physics.pod_rps[w]
        cold_rate = min(rate * usage.warmth[p, H_FACTOR], max(rate, physics.warm[w, V_CAP]))
        set_extra(usage, physics, marks, w, p, physics.warm[w, V_COST] * (cold_rate - rate), now)


@kernel
def has_warming(links: PodLinks, usage: PodUsage, nodes: Nodes, n):
    """Whether a pod of node ``n`` burns CPU to start, or is cold: all that changes its rate is looked at."""
    if usage.warmth.shape[0] > 0:
        p = nodes.first_pod[n]
        while p >= 0:
            if usage.warmth[p, H_STAGE] != WARM:
                return True
            p = links.node_next[p]
    return False
