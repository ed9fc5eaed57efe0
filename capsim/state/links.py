"""Doubly linked lists through the pod rows: of a node, of a workload, of a class's unschedulable queue."""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import Classes, Nodes, PodLinks, Workloads


@inline_kernel
def link_node(links: PodLinks, nodes: Nodes, p, n):
    """Put pod ``p`` first among the pods of node ``n``."""
    head = nodes.first_pod[n]
    links.node_next[p] = head
    links.node_prev[p] = -1
    if head >= 0:
        links.node_prev[head] = p
    nodes.first_pod[n] = p


@inline_kernel
def unlink_node(links: PodLinks, nodes: Nodes, p, n):
    """Take pod ``p`` off node ``n``."""
    after = links.node_next[p]
    before = links.node_prev[p]
    if after >= 0:
        links.node_prev[after] = before
    if before >= 0:
        links.node_next[before] = after
    else:
        nodes.first_pod[n] = after


@inline_kernel
def link_workload(links: PodLinks, workloads: Workloads, p, w):
    """Append: a workload's pods stay in the order of their creation."""
    tail = workloads.last_pod[w]
    links.workload_prev[p] = tail
    links.workload_next[p] = -1
    if tail >= 0:
        links.workload_next[tail] = p
    else:
        workloads.first_pod[w] = p
    workloads.last_pod[w] = p


@inline_kernel
def unlink_workload(links: PodLinks, workloads: Workloads, p, w):
    """Take pod ``p`` out of workload ``w``."""
    after = links.workload_next[p]
    before = links.workload_prev[p]
    if after >= 0:
        links.workload_prev[after] = before
    else:
        workloads.last_pod[w] = before
    if before >= 0:
        links.workload_next[before] = after
    else:
        workloads.first_pod[w] = after


@kernel
def enqueue(links: PodLinks, classes: Classes, p, c, at_head):
    """Put pod ``p`` into the unschedulable queue of its class."""
    links.queued[p] = 2
    classes.queue_count[c] += 1
    if at_head:
        head = classes.queue_head[c]
        links.queue_prev[p] = -1
        links.queue_next[p] = head
        if head >= 0:
            links.queue_prev[head] = p
        else:
            classes.queue_tail[c] = p
        classes.queue_head[c] = p
    else:
        tail = classes.queue_tail[c]
        links.queue_next[p] = -1
        links.queue_prev[p] = tail
        if tail >= 0:
            links.queue_next[tail] = p
        else:
            classes.queue_head[c] = p
        classes.queue_tail[c] = p


@kernel
def dequeue(links: PodLinks, classes: Classes, p, c):
    """Take pod ``p`` out of the unschedulable queue of its class; with the last one the class is no longer blocked,
    because events that could help are noticed for classes that wait only."""
    links.queued[p] = 0
    classes.queue_count[c] -= 1
    if classes.queue_count[c] == 0:
        classes.diagnosis[c] = -1
    after = links.queue_next[p]
    before = links.queue_prev[p]
    if after >= 0:
        links.queue_prev[after] = before
    else:
        classes.queue_tail[c] = before
    if before >= 0:
        links.queue_next[before] = after
    else:
        classes.queue_head[c] = after
