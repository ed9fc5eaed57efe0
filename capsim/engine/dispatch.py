"""What happens when a timed transition is due: the kubelet's, the cloud's and the autoscaler's delayed steps."""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.scan import IGNORED_BY_DRAIN
from capsim.controllers.scheduler.cycle import requeue
from capsim.controllers.scheduler.queue import capacity_gained
from capsim.controllers.workloads.replicas import delete_pod, set_desired, try_after_creation, wake_replicas
from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import encode, entity_of, generation_of, kind_of, push
from capsim.state.eventlog import LOG_NODE_ADDED, LOG_NODE_GONE, LOG_NODE_READY, log_event
from capsim.state.marks import PODS_CHANGED, touch
from capsim.engine.state import State
from capsim.state.tables import (
    DRAINING,
    EV_NODE_DELETE,
    EV_NODE_EVICT,
    EV_NODE_GONE,
    EV_NODE_OPEN,
    EV_NODE_READY,
    EV_NODE_REGISTER,
    EV_POD_GONE,
    EV_POD_READY,
    EV_POD_TRY,
    EV_SCALE,
    FLAG_DRAINING,
    FLAG_NOT_READY,
    G_TARGET,
    KIND_DAEMONSET,
    NODE_READY,
    P_EVICT_TO_RECREATE,
    P_SCALE_TO_POD,
    POD_TERMINATING,
    UNSCHEDULABLE,
)
from capsim.state.transitions import create_pod, node_changed, remove_pod
from capsim.world.kubelet import become_ready
from capsim.world.nodes import delete_node, free_node, ready_node, register_node

DELETE_POLL_MS = 5_000
"""Cluster Autoscaler looks every 5 s whether the pods of a drained node are gone."""


@inline_kernel
def same(uid, code):
    """Whether the entity of an event is still the one that it was made for."""
    return uid >= 0 and (uid & 0xFFFFFF) == generation_of(code)


@kernel
def take_pod_away(s: State, p, now):
    """Pod ``p`` is gone from the cluster; its node has more room."""
    w = s.pods.workload[p]
    n = s.pods.node[p]
    if s.links.queued[p] == 2:
        s.clock.values[UNSCHEDULABLE] -= 1
    remove_pod(s.clock, s.pods, s.links, s.classes, s.workloads, s.nodes, s.groups, s.marks, s.trees, s.log, p, now)
    if n >= 0 and s.nodes.state[n] == NODE_READY and s.clock.values[UNSCHEDULABLE] > 0:
        capacity_gained(s.clock, s.queue, s.pods, s.links, s.classes, s.nodes, n)
    return w


@kernel
def add_daemons(s: State, n, now):
    """DaemonSet controller: one pod of each eligible DaemonSet for a new node; pod rows and heap have room."""
    g = s.nodes.group[n]
    for w in range(s.workloads.kind.shape[0]):
        if s.workloads.kind[w] == KIND_DAEMONSET and s.groups.daemon_eligible[g, w] == 1:
            s.workloads.desired[w] += 1
            p = create_pod(s.clock, s.pods, s.links, s.usage, s.workloads, s.marks, w, n, now)
            try_after_creation(s.clock, s.heap, s.pods, p, now)


@kernel
def evict_pods(s: State, n, now):
    """Evict every pod of node ``n`` that a drain moves; returns how many there were."""
    count = 0
    p = s.nodes.first_pod[n]
    while p >= 0:
        after = s.links.node_next[p]
        if s.pods.state[p] != POD_TERMINATING and s.classes.drain[s.pods.pod_class[p]] & IGNORED_BY_DRAIN == 0:
            count += 1
            delete_pod(s.clock, s.heap, s.pods, s.links, s.classes, s.usage, s.workloads, s.nodes, s.scan, s.physics, s.marks, p, now)
            wake_replicas(s.wheels, s.workloads, s.pods.workload[p], now + max(1, s.clock.params[P_EVICT_TO_RECREATE]))
        p = after
    return count


@kernel
def evict_node(s: State, n, now):
    """The taint has had its time: evict the pods, then have the instance deleted."""
    count = evict_pods(s, n, now)
    if count > 0:
        s.nodes.flags[n] |= FLAG_DRAINING
        push(s.heap, now + DELETE_POLL_MS, encode(EV_NODE_DELETE, n, s.nodes.uid[n]))
    else:
        tell_cloud(s, n, now)


@inline_kernel
def still_draining(s: State, n):
    p = s.nodes.first_pod[n]
    while p >= 0:
        if s.classes.drain[s.pods.pod_class[p]] & IGNORED_BY_DRAIN == 0:
            return True
        p = s.links.node_next[p]
    return False


@kernel
def tell_cloud(s: State, n, now):
    """DeleteNodes: the target falls at once, the instance goes after the group's delete delay."""
    g = s.nodes.group[n]
    if s.nodes.flags[n] & FLAG_DRAINING:
        s.clock.values[DRAINING] -= 1
    s.groups.size[g, G_TARGET] -= 1
    s.groups.leaving[g] -= 1
    delete_node(s.clock, s.nodes, s.workloads, s.groups, s.trees, s.marks, n)
    push(s.heap, now + max(1, s.groups.delete_ms[g]), encode(EV_NODE_GONE, n, s.nodes.uid[n]))


@kernel
def lose_node(s: State, n, now):
    """The instance is gone with whatever still ran on it; pod log, node log and heap have room."""
    p = s.nodes.first_pod[n]
    while p >= 0:
        after = s.links.node_next[p]
        w = s.pods.workload[p]
        if s.pods.state[p] != POD_TERMINATING:
            delete_pod(s.clock, s.heap, s.pods, s.links, s.classes, s.usage, s.workloads, s.nodes, s.scan, s.physics, s.marks, p, now)
            wake_replicas(s.wheels, s.workloads, w, now + max(1, s.clock.params[P_EVICT_TO_RECREATE]))
        if s.workloads.kind[w] == KIND_DAEMONSET:
            s.workloads.desired[w] -= 1
        remove_pod(s.clock, s.pods, s.links, s.classes, s.workloads, s.nodes, s.groups, s.marks, s.trees, s.log, p, now)
        p = after
    g = s.nodes.group[n]
    log_event(s.clock, s.log, now, LOG_NODE_GONE, g, s.nodes.ordinal[n], 0, 0)
    free_node(s.clock, s.nodes, s.workloads, s.groups, s.trees, s.marks, s.log, n, now)


@kernel
def node_event(s: State, kind, n, now):
    """A step in the life of node ``n``."""
    if kind == EV_NODE_REGISTER:
        register_node(s.nodes, s.workloads, s.trees, s.marks, n, now)
        log_event(s.clock, s.log, now, LOG_NODE_ADDED, s.nodes.group[n], s.nodes.ordinal[n], 0, 0)
        add_daemons(s, n, now)
    elif kind == EV_NODE_READY:
        ready_node(s.clock, s.heap, s.nodes, s.workloads, s.groups, s.trees, s.marks, n, now)
        log_event(s.clock, s.log, now, LOG_NODE_READY, s.nodes.group[n], s.nodes.ordinal[n], 0, 0)
    elif kind == EV_NODE_OPEN:
        s.nodes.flags[n] &= ~FLAG_NOT_READY
        node_changed(s.trees, s.nodes, n)
        if s.clock.values[UNSCHEDULABLE] > 0:
            capacity_gained(s.clock, s.queue, s.pods, s.links, s.classes, s.nodes, n)
    elif kind == EV_NODE_EVICT:
        evict_node(s, n, now)
    elif kind == EV_NODE_DELETE:
        if still_draining(s, n):
            push(s.heap, now + DELETE_POLL_MS, encode(EV_NODE_DELETE, n, s.nodes.uid[n]))
        else:
            tell_cloud(s, n, now)
    elif kind == EV_NODE_GONE:
        lose_node(s, n, now)


@kernel
def dispatch(s: State, code, now):
    """Carry out one due event; the caller has made room for all that it can add."""
    kind = kind_of(code)
    i = entity_of(code)
    if kind == EV_SCALE:
        w = s.hpas.workload[i]
        set_desired(s.wheels, s.workloads, s.marks, w, s.hpas.target[i], now + max(1, s.clock.params[P_SCALE_TO_POD]))
        touch(s.marks, w, PODS_CHANGED)
    elif kind == EV_POD_READY:
        if same(s.pods.uid[i], code):
            become_ready(s.clock, s.pods, s.usage, s.workloads, s.nodes, s.scan, s.physics, s.marks, i, now)
    elif kind == EV_POD_GONE:
        if same(s.pods.uid[i], code):
            take_pod_away(s, i, now)
    elif kind == EV_POD_TRY:
        if same(s.pods.uid[i], code):
            requeue(s.queue, s.pods, s.links, s.classes, i, s.pods.uid[i])
    elif same(s.nodes.uid[i], code):
        node_event(s, kind, i, now)
