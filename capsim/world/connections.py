"""Requests that stay on a connection (L4): a pod serves what its connections bring, new pods wait for theirs.

Each connection lives for an exponential time and then, or when its pod goes, is opened again to a Ready pod drawn at
random, as kube-proxy does. All connections carry the same rate. Turns are taken every twentieth of a life, between one
second and one minute: in between a new pod gets nothing but what gone pods leave.

A pod that gets more than it can serve has a backlog; it serves at its capacity until that is gone. The backlogs of a
workload's pods are counted together, its longest connections' pods hold them.

Not modelled: connections that differ in rate, clients that reconnect when pods come, HTTP/2 GOAWAY (a short life has
the same effect), CPU contention on the nodes of such pods.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.rng import STREAM_CONNECTION, draw, uniform
from capsim.state.marks import mark_dirty, mark_node
from capsim.state.tables import (
    L_CAP,
    O_DARK,
    P_SEED,
    POD_READY,
    Clock,
    Marks,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Traffic,
    Workloads,
)
from capsim.state.tables_calls import (
    B_COLUMNS,
    B_HIGHEST,
    B_LOWEST,
    B_NEWEST,
    B_NEWEST_CONNECTIONS,
    B_OLDEST,
    B_OLDEST_CONNECTIONS,
    B_PODS,
    K_BASE,
    K_SCV,
    K_SERVICE,
    TOP_RATIO,
    Y_SINCE,
    Connections,
    Serving,
)
from capsim.state.warmth import is_cold
from capsim.world.contention import give_own
from capsim.world.rates import arrival, fold
from capsim.world.response_curves import add_table, curve_row, position
from capsim.world.waves import add_wave

HOT = 0.95
"""Share of the busiest pod's connections from which on a pod counts among those that hold the backlog."""


@inline_kernel
def is_ready(pods: Pods, p, uid):
    """Whether the pod of a connection is still there and Ready."""
    return p >= 0 and pods.uid[p] == uid and pods.state[p] == POD_READY


@kernel
def reconnect(
    clock: Clock, connections: Connections, pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, i, ends
):
    """Open connections of row ``i`` whose pod is gone, and of the others each with chance ``ends``; count them."""
    w = connections.workload[i]
    ready = workloads.count[w, POD_READY]
    p = workloads.first_pod[w]
    while p >= 0:
        usage.connections[p] = 0.0
        p = links.workload_next[p]
    seed, turn = clock.params[P_SEED], connections.due_ms[1]
    for j in range(connections.start[i], connections.start[i + 1]):
        name = workloads.hash[w] + 7919 * (j - connections.start[i])
        stays = is_ready(pods, connections.pod[j], connections.uid[j])
        if stays and ends > 0.0 and uniform(seed, STREAM_CONNECTION, name, 2 * turn) < ends:
            stays = False
        if not stays:
            connections.pod[j] = -1
            if ready > 0:
                chosen = draw(seed, STREAM_CONNECTION, name, 2 * turn + 1) % ready
                p = nth_ready(pods, links, workloads, w, chosen)
                connections.pod[j] = p
                connections.uid[j] = pods.uid[p]
        if connections.pod[j] >= 0:
            usage.connections[connections.pod[j]] += 1.0


@inline_kernel
def nth_ready(pods: Pods, links: PodLinks, workloads: Workloads, w, n):
    """Row of the Ready pod number ``n`` (from 0) of ``w``."""
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            if n == 0:
                return p
            n -= 1
        p = links.workload_next[p]
    return -1


@kernel
def turn_over(
    clock: Clock,
    connections: Connections,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    marks: Marks,
    now,
):
    """Some connections end and begin anew."""
    connections.due_ms[1] += 1
    connections.due_ms[0] = now + connections.due_ms[2]
    for i in range(connections.workload.shape[0]):
        ends = 1.0 - math.exp(-connections.due_ms[2] / connections.setting[i, 0])
        reconnect(clock, connections, pods, links, usage, workloads, i, ends)
        mark_dirty(marks, connections.workload[i])


@kernel
def spread(
    clock: Clock,
    connections: Connections,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    traffic: Traffic,
    marks: Marks,
    w,
    now,
):
    """Rates of the Ready pods of ``w`` by their connections."""
    fold(physics, w, now)  # a backlog that is gone by now makes no pod hot
    i = connections.row[w]
    ready = workloads.count[w, POD_READY]
    if ready != physics.own[w, 2] or physics.own[w, 0] != ready:
        connections.due_ms[1] += 1
        reconnect(clock, connections, pods, links, usage, workloads, i, 0.0)
    each = arrival(traffic, workloads, w) / (connections.start[i + 1] - connections.start[i])
    if physics.own[w, O_DARK] > 0.0:  # what goes to endpoints that do not answer is lost, see compute_rates
        each *= ready / (ready + physics.own[w, O_DARK])
    cap = physics.load[w, L_CAP]
    most = 0.0
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            most = max(most, usage.connections[p])
        p = links.workload_next[p]
    hot = 0
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            rate = min(cap, each * usage.connections[p])
            holds = usage.connections[p] >= HOT * most
            if rate >= cap or holds:
                hot += 1
            if holds and physics.backlog[w] > 0.0:
                rate = cap
            give_own(clock, pods, links, usage, workloads, physics, marks, p, rate, now)
            if is_cold(usage, p):
                mark_node(marks, pods.node[p])
        p = links.workload_next[p]
    if ready > 0:
        waiting = min(connections.setting[i, 1] * cap, connections.setting[i, 2])
        physics.limits[w, 3] = waiting * max(1, hot) / ready


@kernel
def observe_pods(
    connections: Connections,
    serving: Serving,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    w,
    now,
):
    """Response times of workload ``w`` since it was last looked at, pod by pod."""
    r = serving.row[w]
    i = connections.row[w]
    span_s = (now - serving.state[r, Y_SINCE]) / 1000.0
    serving.state[r, Y_SINCE] = now
    if span_s <= 0.0:
        return
    cap = physics.load[w, L_CAP]
    each = physics.arrival_rps[w] / (connections.start[i + 1] - connections.start[i])
    a, b, part = curve_row(serving, r, 1.0)
    busy = 0.0
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY and each * usage.connections[p] >= TOP_RATIO * cap:
            busy += 1.0
        p = links.workload_next[p]
    wait_s = min(physics.backlog[w] / max(busy, 1.0) / cap, connections.setting[i, 1]) if cap > 0.0 else 0.0
    p = workloads.first_pod[w]
    while p >= 0:
        rate = each * usage.connections[p]
        if pods.state[p] == POD_READY and rate > 0.0:
            answer_pod(serving, r, a, b, part, rate, cap, wait_s, span_s)
        p = links.workload_next[p]


@inline_kernel
def answer_pod(serving: Serving, r, a, b, part, rate, cap, wait_s, span_s):
    """One pod's share of the answers."""
    if rate < TOP_RATIO * cap:
        add_table(serving, r, a, b, part, position(rate / cap), rate * span_s)
        return
    mean = serving.constant[r, K_BASE] + wait_s
    service = serving.constant[r, K_SERVICE]
    variance = wait_s / cap + serving.constant[r, K_SCV] * service * service
    add_wave(serving, r, mean, variance, cap, min(rate, cap) * span_s)


@kernel
def close_connections(
    connections: Connections, pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, physics: Physics, s
):
    """How unevenly the pods are loaded at the end of sample ``s``."""
    for i in range(connections.workload.shape[0]):
        w = connections.workload[i]
        out = connections.out[s, i]
        for column in range(B_COLUMNS):
            out[column] = 0.0
        out[B_PODS] = workloads.count[w, POD_READY]
        out[B_LOWEST] = 1e300 if out[B_PODS] > 0.0 else 0.0
        oldest, newest = -1, -1
        p = workloads.first_pod[w]
        while p >= 0:
            if pods.state[p] == POD_READY:
                u = usage.rate_rps[p] / physics.load[w, L_CAP]
                out[B_HIGHEST] = max(out[B_HIGHEST], u)
                out[B_LOWEST] = min(out[B_LOWEST], u)
                if oldest < 0 or pods.ready_ms[p] < pods.ready_ms[oldest]:
                    oldest = p
                    out[B_OLDEST_CONNECTIONS] = usage.connections[p]
                    out[B_OLDEST] = u
                if newest < 0 or pods.ready_ms[p] >= pods.ready_ms[newest]:
                    newest = p
                    out[B_NEWEST_CONNECTIONS] = usage.connections[p]
                    out[B_NEWEST] = u
            p = links.workload_next[p]
