"""The scheduling queue: pods to try now, and per class the pods that no node can take.

Upstream keeps activeQ (priority, then time), backoffQ and a map of unschedulable pods that events move back. Here
pods of one class ask the same question, so the unschedulable ones wait in one list per class, and an event that could
help wakes the first of them only; each success wakes the next. A class that failed stays blocked until such an event:
cost follows the events that could help, not the number of pending pods.

A pod that is woken before its backoff (1 s, doubling to 10 s) has run out goes behind all others, as one of backoffQ,
from which upstream pops when activeQ is empty (SchedulerPopFromBackoffQ, on since v1.33).
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.links import dequeue
from capsim.state.tables import (
    P_BACKOFF,
    P_BACKOFF_MAX,
    UNSCHEDULABLE,
    Classes,
    Clock,
    PodLinks,
    Pods,
    Queue,
)

BEHIND_ALL = 1 << 40
"""Keys of pods in backoff: above every negated priority."""


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


@inline_kernel
def backoff_ends(clock: Clock, pods: Pods, p):
    """When the backoff of pod ``p`` after its last failed attempt is over: doubling from the first to the longest."""
    wait = clock.params[P_BACKOFF]
    for _ in range(pods.attempts[p] - 1):
        wait = min(2 * wait, clock.params[P_BACKOFF_MAX])
        if wait == clock.params[P_BACKOFF_MAX]:
            break
    return pods.tried_ms[p] + wait


@kernel
def activate(clock: Clock, queue: Queue, pods: Pods, classes: Classes, links: PodLinks, p, now):
    """Insert pod ``p``; there is room."""
    key = -classes.priority[pods.pod_class[p]]
    if pods.attempts[p] > 0:
        ends = backoff_ends(clock, pods, p)
        if ends > now:
            key = BEHIND_ALL + ends
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
def wake(clock: Clock, queue: Queue, pods: Pods, links: PodLinks, classes: Classes, p, now):
    """Unschedulable pod ``p`` is tried again."""
    dequeue(links, classes, p, pods.pod_class[p])
    clock.values[UNSCHEDULABLE] -= 1
    activate(clock, queue, pods, classes, links, p, now)


@inline_kernel
def wake_head(clock: Clock, queue: Queue, pods: Pods, links: PodLinks, classes: Classes, c, now):
    """The first unschedulable pod of class ``c`` is tried again; the class is no longer blocked."""
    classes.diagnosis[c] = -1
    if classes.queue_head[c] >= 0:
        wake(clock, queue, pods, links, classes, classes.queue_head[c], now)
