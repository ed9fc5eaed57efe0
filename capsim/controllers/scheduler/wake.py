"""Events that could help pods which no node could take: a node has more room, a pod has come or gone elsewhere.

Upstream's QueueingHints ask each plugin whether an event could help; here the question is put to the filters
themselves: does the node take the pod now? Classes that look at other pods (affinity, anti-affinity, spread) are
tried on any such event, because it may have opened another node.
"""

from __future__ import annotations

from capsim.controllers.scheduler.prepare import prepare
from capsim.controllers.scheduler.queue import wake, wake_head
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.verdict import verdict
from capsim.jit import inline_kernel, separate_kernel
from capsim.state.tables import UNSCHEDULABLE, Classes, Clock, Nodes, PodLinks, Pods, Presence, Queue
from capsim.state.tables_scheduler import Scheduling


@inline_kernel
def takes(
    clock: Clock, classes: Classes, pods: Pods, nodes: Nodes, presence: Presence, queue: Queue, k: Scheduling, p, n
):
    """Whether node ``n`` takes pod ``p`` now; ``prepare`` has run for its class."""
    reason = verdict(clock, classes, pods, nodes, presence, k, queue.diagnoses[0], False, p, n)
    return reason == PASS


@separate_kernel
def capacity_gained(
    clock: Clock,
    queue: Queue,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    n,
    now,
):
    """Node ``n`` has more room than before: wake the first pod of each blocked class that it takes now."""
    wake_nominated(clock, queue, pods, links, classes, nodes, presence, k, n, now)
    for c in range(classes.queue_count.shape[0]):
        if classes.queue_count[c] > 0:
            head = classes.queue_head[c]
            if pods.target[head] >= 0:
                wake_pinned(clock, queue, pods, links, classes, nodes, presence, k, c, n, now)
            elif classes.diagnosis[c] >= 0 or k.nominations.count[0] > 0:  # one that preempts leaves its class open
                if classes.watches[c] == 0:
                    prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, c)
                if classes.watches[c] == 1 or takes(clock, classes, pods, nodes, presence, queue, k, head, n):
                    wake_head(clock, queue, pods, links, classes, c, now)


@separate_kernel
def wake_nominated(
    clock: Clock,
    queue: Queue,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    n,
    now,
):
    """Pods that were nominated to node ``n`` are tried as soon as it takes them."""
    for i in range(k.nominations.count[0]):
        p = k.nominations.pod[i]
        if k.nominations.node[i] == n and links.queued[p] == 2:
            prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, pods.pod_class[p])
            if takes(clock, classes, pods, nodes, presence, queue, k, p, n):
                wake(clock, queue, pods, links, classes, p, now)


@separate_kernel
def wake_pinned(
    clock: Clock,
    queue: Queue,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    c,
    n,
    now,
):
    """DaemonSet pods wait for one node each: wake those of node ``n``."""
    prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, c)
    p = classes.queue_head[c]
    while p >= 0:
        after = links.queue_next[p]
        if pods.target[p] == n and takes(clock, classes, pods, nodes, presence, queue, k, p, n):
            wake(clock, queue, pods, links, classes, p, now)
        p = after


@separate_kernel
def wake_watchers(clock: Clock, queue: Queue, pods: Pods, links: PodLinks, classes: Classes, now):
    """A pod has come or gone: classes that look at other pods are tried again."""
    if clock.values[UNSCHEDULABLE] > 0:
        for c in range(classes.queue_count.shape[0]):
            if classes.queue_count[c] > 0 and classes.watches[c] == 1 and classes.diagnosis[c] >= 0:
                wake_head(clock, queue, pods, links, classes, c, now)
