"""The scheduling queue: pods to try now, and per class the pods that no node can take.

Upstream keeps activeQ (priority, then time), backoffQ and a map of unschedulable pods that events move back. Here
pods of one class ask the same question, so the unschedulable ones wait in one list per class, and an event that could
help wakes the first of them only; each success wakes the next. A class that failed stays blocked until such an event:
cost follows the events that could help, not the number of pending pods.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import fits
from capsim.jit import inline_kernel, kernel
from capsim.state.links import dequeue
from capsim.state.tables import UNSCHEDULABLE, Classes, Clock, Nodes, PodLinks, Pods, Queue


@inline_kernel
def before(queue: Queue, i, key, time_ms, uid):
    """Whether entry ``i`` comes before (key, time, uid)."""
    if queue.key[i] != key:
        return queue.key[i] < key
    if queue.time_ms[i] != time_ms:
        return queue.time_ms[i] < time_ms
    return queue.uid[i] <= uid


@inline_kernel
def put(queue: Queue, i, key, time_ms, uid, p):
    """Write one entry."""
    queue.key[i] = key
    queue.time_ms[i] = time_ms
    queue.uid[i] = uid
    queue.pod[i] = p


@inline_kernel
def move(queue: Queue, source, i):
    """Copy entry ``source`` to place ``i``."""
    put(queue, i, queue.key[source], queue.time_ms[source], queue.uid[source], queue.pod[source])


@kernel
def activate(queue: Queue, pods: Pods, classes: Classes, links: PodLinks, p):
    """Insert pod ``p``; there is room."""
    key = -classes.priority[pods.pod_class[p]]
    time_ms = pods.created_ms[p]
    uid = pods.uid[p]
    links.queued[p] = 1
    i = queue.count[0]
    queue.count[0] = i + 1
    while i > 0:
        parent = (i - 1) >> 1
        if before(queue, parent, key, time_ms, uid):
            break
        move(queue, parent, i)
        i = parent
    put(queue, i, key, time_ms, uid, p)


@kernel
def pop_active(queue: Queue):
    """Remove the first entry; returns (pod row, uid)."""
    p = queue.pod[0]
    uid_first = queue.uid[0]
    last = queue.count[0] - 1
    queue.count[0] = last
    key = queue.key[last]
    time_ms = queue.time_ms[last]
    uid = queue.uid[last]
    pod = queue.pod[last]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= last:
            break
        right = child + 1
        if right < last and not before(queue, child, queue.key[right], queue.time_ms[right], queue.uid[right]):
            child = right
        if not before(queue, child, key, time_ms, uid):
            break
        move(queue, child, i)
        i = child
    put(queue, i, key, time_ms, uid, pod)
    return p, uid_first


@kernel
def wake_head(clock: Clock, queue: Queue, pods: Pods, links: PodLinks, classes: Classes, c):
    """The first unschedulable pod of class ``c`` is tried again; the class is no longer blocked."""
    classes.diagnosis[c] = -1
    p = classes.queue_head[c]
    if p >= 0:
        dequeue(links, classes, p, c)
        clock.values[UNSCHEDULABLE] -= 1
        activate(queue, pods, classes, links, p)


@kernel
def capacity_gained(clock: Clock, queue: Queue, pods: Pods, links: PodLinks, classes: Classes, nodes: Nodes, n):
    """Node ``n`` has more room than before: wake each blocked class that fits it now."""
    for c in range(classes.queue_count.shape[0]):
        if classes.queue_count[c] > 0:
            head = classes.queue_head[c]
            if pods.target[head] >= 0:
                wake_pinned(clock, queue, pods, links, classes, nodes, c, n)
            elif classes.diagnosis[c] >= 0 and fits(classes, nodes, c, n):
                wake_head(clock, queue, pods, links, classes, c)


@kernel
def wake_pinned(clock: Clock, queue: Queue, pods: Pods, links: PodLinks, classes: Classes, nodes: Nodes, c, n):
    """DaemonSet pods wait for one node each: wake those of node ``n``."""
    p = classes.queue_head[c]
    while p >= 0:
        after = links.queue_next[p]
        if pods.target[p] == n and fits(classes, nodes, c, n):
            dequeue(links, classes, p, c)
            clock.values[UNSCHEDULABLE] -= 1
            activate(queue, pods, classes, links, p)
        p = after
