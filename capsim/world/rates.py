"""What a workload's Ready pods serve: a fluid model of load, saturation and backlog.

Each Ready pod gets an equal part of its workload's traffic and serves it up to its cap, ``(CPU limit - idle) / cost``;
usage is ``idle + cost x rate``, so usage never exceeds the limit. What arrives above the cap waits in a backlog (fluid
queue) that is served at the cap until it is gone; a backlog longer than ``seconds`` x capacity is lost (requests time
out). Pods on a contended node have rates of their own (``contention.py``).

Integrals are kept per workload: a pod that has served at the common rate since it became Ready needs no bookkeeping of
its own. Source of the saturation rule: usage seen by the HPA is capped by the limit, as cAdvisor would measure it.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import tree_set
from capsim.state.marks import TOUCHED, mark_busy, mark_dirty, mark_node, touch
from capsim.state.tables import (
    CPU,
    L_CAP,
    L_COST,
    L_IDLE,
    L_INFLIGHT,
    L_MEMORY,
    L_SECONDS,
    LATE_S,
    LATE_SINCE_MS,
    MEMORY_LIMIT,
    MEMORY_LOOK_MS,
    NEVER,
    NEXT_EVENT,
    O_DARK,
    O_DARK_RPS,
    P_HOUSEKEEPING,
    POD_READY,
    PODS_DUE,
    S_MEMORY,
    TIGHT_NODES,
    U_CPU,
    U_EXCESS,
    U_MEMORY,
    UNBOUNDED,
    Clock,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Traffic,
    Workloads,
)
from capsim.state.tables_warmth import V_CPU
from capsim.world.housekeeping import remember

TINY = 1e-9


@inline_kernel
def integral_at(physics: Physics, w, now):
    """Requests served by a pod at the common rate, from the start of the run to ``now``."""
    return physics.integral[w] + physics.pod_rps[w] * (now - physics.since_ms[w]) / 1000.0


@inline_kernel
def backlog_limit(physics: Physics, w):
    """Requests that can wait before they time out."""
    served = physics.served_rps[w]
    rate = served if served > TINY else physics.arrival_rps[w]
    most = physics.limits[w, 0] * rate
    if physics.own[w, 2] == 0.0 and physics.load[w, L_INFLIGHT] > 0.0:
        return 0.0  # a request that waits takes memory of a pod
    if physics.limits[w, 3] >= 0.0:  # response times are modelled: without a Ready endpoint a request fails at once
        return min(most, physics.limits[w, 3] * physics.own[w, 2])
    return most


@inline_kernel
def fold(physics: Physics, w, now):
    """Bring integral and backlog of workload ``w`` up to ``now`` at the rates that held since the last fold."""
    span = now - physics.since_ms[w]
    if span > 0:
        physics.integral[w] += physics.pod_rps[w] * span / 1000.0
        physics.since_ms[w] = now
        growth = physics.arrival_rps[w] - physics.served_rps[w] - physics.lost_rps[w]
        before = physics.backlog[w]
        if before > 0.0 or growth > TINY:
            after = before + growth * span / 1000.0
            if after < TINY * 1000.0:
                after = 0.0
            physics.area[w, 0] += 0.5 * (before + after) * span
            physics.backlog[w] = after


@inline_kernel
def arrival(traffic: Traffic, workloads: Workloads, w):
    """Requests per second that reach workload ``w``: its sources, shared in proportion to Ready pods."""
    total = 0.0
    for k in range(traffic.source_start[w], traffic.source_start[w + 1]):
        v = traffic.source[k]
        first = traffic.edge_start[v]
        last = traffic.edge_start[v + 1]
        rate = traffic.rate[traffic.cursor[v]] + traffic.calls_rps[v]
        if last - first > 1:
            ready = 0
            for e in range(first, last):
                ready += workloads.count[traffic.edge_workload[e], POD_READY]
            if ready > 0:
                rate = rate * workloads.count[w, POD_READY] / ready
            else:
                rate = rate / (last - first)
        total += rate
    return total


@inline_kernel
def mark_siblings(physics: Physics, workloads: Workloads, traffic: Traffic, marks: Marks, w):
    """When the Ready pods of ``w`` changed, so do the parts of all others behind the same services."""
    if physics.own[w, 2] != workloads.count[w, POD_READY]:
        for k in range(traffic.source_start[w], traffic.source_start[w + 1]):
            v = traffic.source[k]
            for e in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
                mark_dirty(marks, traffic.edge_workload[e])


@kernel
def set_excess(
    physics: Physics,
    workloads: Workloads,
    links: PodLinks,
    pods: Pods,
    nodes: Nodes,
    scan: NodeScan,
    marks: Marks,
    w,
    excess,
):
    """Tell the nodes of ``w``'s Ready pods how far its demand exceeds its request; mark those that may be contended."""
    change = excess - physics.usage[w, U_EXCESS]
    if change == 0.0:
        return
    physics.usage[w, U_EXCESS] = excess
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            n = pods.node[p]
            nodes.excess_milli[n] += change
            if scan.contended[n] == 1 or nodes.requested[n, CPU] + nodes.excess_milli[n] > nodes.allocatable[n, CPU]:
                mark_node(marks, n)
        p = links.workload_next[p]


@inline_kernel
def mark_tight(workloads: Workloads, links: PodLinks, pods: Pods, scan: NodeScan, marks: Marks, w):
    """Mark the nodes of ``w``'s Ready pods where CPU is short or could be: what these take is not left for others."""
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY and scan.contended[pods.node[p]] > 0:
            mark_node(marks, pods.node[p])
        p = links.workload_next[p]


@kernel
def level_rate(physics: Physics, workloads: Workloads, links: PodLinks, pods: Pods, usage: PodUsage, w, ready, cap):
    """The rate ``x``, at most ``cap``, at which the Ready pods of ``w`` serve all that arrives when a pod with a rate
    of its own gives at most that rate, and no more than ``x``; ``cap`` when they cannot.

    Water level: pods whose own rate lies above the level are counted at the level and the level is computed anew; it
    only falls, so that there is at most one round more than pods.
    """
    level = cap
    for _ in range(ready + 1):
        bound = 0
        given = highest = 0.0
        p = workloads.first_pod[w]
        while p >= 0:
            if pods.state[p] == POD_READY and usage.own[p] == 1 and usage.rate_rps[p] < level:
                bound += 1
                given += usage.rate_rps[p]
                highest = max(highest, usage.rate_rps[p])
            p = links.workload_next[p]
        if bound == ready:
            if given <= physics.arrival_rps[w]:
                break
            level = highest  # together they could serve more than arrives: the level is not above the fastest
            continue
        after = max(0.0, min((physics.arrival_rps[w] - given) / (ready - bound), cap))
        if after >= level * (1.0 - 1e-12):
            break
        level = after
    return level


@inline_kernel
def common_rate(physics: Physics, workloads: Workloads, links: PodLinks, pods: Pods, usage: PodUsage, w, ready):
    """(rate of a pod at the common rate, rate that it would take if it could) for workload ``w``, requests per second.

    Pods on contended nodes that get less CPU than their part of the traffic needs leave the rest to the others.
    """
    cap = physics.load[w, L_CAP]
    each = physics.arrival_rps[w] / ready
    if physics.limits[w, 0] == 0.0:
        rate = min(each, cap)
        return rate, rate
    if physics.backlog[w] > 0.0:
        if physics.load[w, L_COST] <= 0.0:  # nothing limits requests that cost nothing: they are gone within a second
            each += physics.backlog[w] / ready
            return each, each
        return cap, cap
    rate = min(each, cap)
    if physics.own[w, 0] > 0.0:
        rate = level_rate(physics, workloads, links, pods, usage, w, ready, cap)
    return rate, rate


@inline_kernel
def served_rate(physics: Physics, w, ready, rate):
    """Requests per second that the Ready pods of ``w`` serve together: without a backlog no more than arrive."""
    served = rate * (ready - physics.own[w, 0]) + physics.own[w, 1]
    if physics.backlog[w] == 0.0 and served > physics.arrival_rps[w]:
        return physics.arrival_rps[w]
    return served


@inline_kernel
def compute_rates(
    clock: Clock,
    physics: Physics,
    workloads: Workloads,
    traffic: Traffic,
    links: PodLinks,
    pods: Pods,
    usage: PodUsage,
    nodes: Nodes,
    scan: NodeScan,
    marks: Marks,
    backlog_wheel,
    w,
    now,
):
    """Rates of workload ``w`` from now on, and the next time at which its backlog changes them."""
    fold(physics, w, now)
    ready = workloads.count[w, POD_READY]
    rps = arrival(traffic, workloads, w)
    physics.own[w, 2] = ready
    physics.own[w, O_DARK_RPS] = 0.0
    if physics.own[w, O_DARK] > 0.0:  # endpoints that do not answer get their part, too, and it is lost
        physics.own[w, O_DARK_RPS] = rps * physics.own[w, O_DARK] / (ready + physics.own[w, O_DARK])
        rps -= physics.own[w, O_DARK_RPS]
    physics.arrival_rps[w] = rps
    before = physics.pod_rps[w]
    served = 0.0
    wanted = 0.0
    rate = 0.0
    if ready > 0:
        rate, wanted = common_rate(physics, workloads, links, pods, usage, w, ready)
        served = served_rate(physics, w, ready, rate)
    if rate != before or pod_memory(physics, w, ready, rate) != physics.samples[w, S_MEMORY]:
        mark_busy(marks, physics, clock, w, now)
        if rate != before and clock.params[P_HOUSEKEEPING] > 0:
            remember(clock, physics, w, now)
        physics.pod_rps[w] = rate
        if rate != before and clock.values[TIGHT_NODES] > 0:
            mark_tight(workloads, links, pods, scan, marks, w)
    physics.served_rps[w] = served
    settle_backlog(physics, backlog_wheel, w, ready, rate, now)
    if physics.limits[w, LATE_S] < UNBOUNDED:
        note_late(clock, physics, w, ready, now)
    set_usage(physics, w, ready, rate)
    over = ready > 0 and physics.samples[w, S_MEMORY] > physics.limits[w, MEMORY_LIMIT]
    if over and now >= physics.limits[w, MEMORY_LOOK_MS]:
        clock.values[PODS_DUE] = 1
        clock.values[NEXT_EVENT] = min(clock.values[NEXT_EVENT], now)
    demand = physics.load[w, L_IDLE] + physics.load[w, L_COST] * wanted - physics.limits[w, 2]
    if ready == 0 or demand < 0.0:
        demand = 0.0
    if demand != physics.usage[w, U_EXCESS]:
        set_excess(physics, workloads, links, pods, nodes, scan, marks, w, demand)
    touch(marks, w, TOUCHED)


@inline_kernel
def settle_backlog(physics: Physics, backlog_wheel, w, ready, rate, now):
    """Lost rate of ``w`` and the time at which its backlog is gone, full, or too much for the memory of its pods."""
    excess = physics.arrival_rps[w] - physics.served_rps[w]
    tiny = TINY * (1.0 + physics.arrival_rps[w])
    physics.lost_rps[w] = 0.0
    due = NEVER
    if physics.limits[w, 0] == 0.0:
        if excess > tiny:
            physics.lost_rps[w] = excess
    else:
        most = backlog_limit(physics, w)
        if physics.backlog[w] > most:
            physics.area[w, 1] += physics.backlog[w] - most
            physics.backlog[w] = most
        if excess > tiny:
            room = most - physics.backlog[w]
            if room <= excess * 0.001:
                physics.lost_rps[w] = excess
            else:
                due = now + 1 + int(room / excess * 1000.0)
                if physics.limits[w, MEMORY_LIMIT] < UNBOUNDED and physics.load[w, L_INFLIGHT] > 0.0:
                    over = physics.limits[w, MEMORY_LIMIT] - pod_memory(physics, w, ready, rate)
                    if over > 0.0:
                        due = min(due, now + 1 + int(over / physics.load[w, L_INFLIGHT] * ready / excess * 1000.0))
        elif physics.backlog[w] > 0.0:
            if excess < -tiny:
                due = now + 1 + int(physics.backlog[w] / -excess * 1000.0)
    if physics.limits[w, LATE_S] < UNBOUNDED:
        due = min(due, late_changes_ms(physics, w, excess - physics.lost_rps[w], now))
    tree_set(backlog_wheel, w, due)


@inline_kernel
def late_changes_ms(physics: Physics, w, growth, now):
    """When requests of ``w`` begin, or cease, to wait for longer than its liveness probes do."""
    gap = physics.limits[w, LATE_S] * physics.served_rps[w] - physics.backlog[w]
    tiny = TINY * (1.0 + physics.arrival_rps[w])
    if (growth > tiny and gap >= 0.0) or (growth < -tiny and gap < 0.0):
        return now + 1 + int(gap / growth * 1000.0)
    return NEVER


@inline_kernel
def note_late(clock: Clock, physics: Physics, w, ready, now):
    """Since when what is sent to a pod of ``w`` waits for longer than its liveness probes do; Python looks at the pods
    when that begins."""
    late = ready > 0 and physics.backlog[w] > physics.limits[w, LATE_S] * physics.served_rps[w]
    if not late:
        physics.limits[w, LATE_SINCE_MS] = -1.0
    elif physics.limits[w, LATE_SINCE_MS] < 0.0:
        physics.limits[w, LATE_SINCE_MS] = float(now)
        clock.values[PODS_DUE] = 1
        clock.values[NEXT_EVENT] = min(clock.values[NEXT_EVENT], now)


@inline_kernel
def pod_memory(physics: Physics, w, ready, rate):
    """Bytes used by one Ready pod of ``w``: base, and so much per request in flight or waiting."""
    memory = physics.load[w, L_MEMORY]
    if ready > 0 and physics.load[w, L_INFLIGHT] > 0.0:
        memory += physics.load[w, L_INFLIGHT] * (rate * physics.load[w, L_SECONDS] + physics.backlog[w] / ready)
    return memory


@inline_kernel
def set_usage(physics: Physics, w, ready, rate):
    """CPU and memory of all Ready pods of ``w``, and memory of one of them, as of now."""
    served = physics.served_rps[w]
    physics.usage[w, U_CPU] = physics.load[w, L_IDLE] * ready + physics.load[w, L_COST] * served
    if physics.warm.shape[0] > 0:
        physics.usage[w, U_CPU] += physics.warm[w, V_CPU]
    memory = pod_memory(physics, w, ready, rate)
    physics.samples[w, S_MEMORY] = memory
    physics.usage[w, U_MEMORY] = memory * ready
