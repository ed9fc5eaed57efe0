"""Steps that Python asks of the compiled state: nodes and pods of the start, scenario events, scale-ups.

One compiled function with a code per step: each further entry would cost seconds of compilation.
"""

from __future__ import annotations

from capsim.controllers.scheduler.cycle import flush_class, try_pod
from capsim.controllers.workloads.replicas import set_desired
from capsim.engine.dispatch import evict_pods, lose_node
from capsim.engine.recorder import look
from capsim.engine.settle import settle
from capsim.engine.state import State
from capsim.jit import entry, inline_kernel, kernel
from capsim.state.calendar import encode, push
from capsim.state.eventlog import events_left
from capsim.state.links import dequeue
from capsim.state.marks import PODS_CHANGED, TOUCHED, touch
from capsim.state.tables import (
    EV_NODE_OPEN,
    EV_SCALE,
    FLAG_NOT_READY,
    FLAG_UNSCHEDULABLE,
    M_BUSY,
    POD_STARTING,
    T_READY,
    T_REGISTERED,
    UNSCHEDULABLE,
)
from capsim.state.transitions import bind_pod, create_pod, node_changed, pods_left, start_serving
from capsim.world.nodes import boot_node, claim_node, ready_node, register_node

(ACT_ADD_NODE, ACT_NODE_READY, ACT_START_PODS, ACT_BEGIN, ACT_SCALE, ACT_CORDON, ACT_EVICT, ACT_LOSE, ACT_OPEN_NODE,
 ACT_HPA_SCALE, ACT_RETRY) = range(11)
ROOM = 4


@kernel
def add_node(s: State, g, ordinal, boots, now):
    """Claim a slot for a node of group ``g``; with ``boots`` its clocks start. Returns the slot, -1: table full."""
    n = claim_node(s.clock, s.nodes, s.scan, s.groups, s.trees, g, ordinal, now)
    if n >= 0:
        touch(s.marks, s.workloads.kind.shape[0] + g, TOUCHED)
        if boots == 1:
            boot_node(s.clock, s.heap, s.nodes, s.groups, n, now)
    return n


@kernel
def make_ready(s: State, n, now):
    """A claimed node is registered, Ready and open at once; heap room for one event is there."""
    register_node(s.nodes, s.workloads, s.trees, s.marks, n, now)
    ready_node(s.clock, s.heap, s.nodes, s.workloads, s.groups, s.trees, s.marks, n, now)
    s.nodes.flags[n] &= ~FLAG_NOT_READY
    s.nodes.times[n, T_REGISTERED] = now
    s.nodes.times[n, T_READY] = now
    return n


@kernel
def start_pods(s: State, w, count, target, fixed, now):
    """Create ``count`` pods that have been Ready for long where they fit; returns how many were created.

    ``target`` >= 0 pins them to a node: by affinity, or (``fixed`` = 1) bound to it without asking the scheduler.
    Stops early when a table is too small.
    """
    for done in range(count):
        full = s.queue.diagnosis_count[0] >= s.queue.diagnoses.shape[0]
        if pods_left(s.clock, s.pods) < 1 or full or events_left(s.log) < ROOM:
            return done
        p = create_pod(s.clock, s.pods, s.links, s.usage, s.workloads, s.marks, w, target, now)
        if fixed == 1:
            bind_pod(s.clock, s.pods, s.links, s.classes, s.workloads, s.nodes, s.groups, s.marks, s.trees, p, target, now)
        else:
            try_pod(s.clock, s.pods, s.links, s.classes, s.workloads, s.nodes, s.groups, s.queue, s.trees, s.marks, s.log, p, now)
        if s.pods.state[p] == POD_STARTING:
            start_serving(s.clock, s.pods, s.usage, s.workloads, s.nodes, s.scan, s.physics, s.marks, p, 0.0, now)
    return count


@kernel
def retry(s: State, c, now):
    """Try the unschedulable pods of class ``c`` again, until one fails; those that fit have been Ready for long."""
    bound = 0
    while s.classes.queue_count[c] > 0:
        s.classes.diagnosis[c] = -1
        p = s.classes.queue_head[c]
        dequeue(s.links, s.classes, p, c)
        s.clock.values[UNSCHEDULABLE] -= 1
        try_pod(s.clock, s.pods, s.links, s.classes, s.workloads, s.nodes, s.groups, s.queue, s.trees, s.marks, s.log, p, now)
        if s.pods.state[p] != POD_STARTING:
            break
        start_serving(s.clock, s.pods, s.usage, s.workloads, s.nodes, s.scan, s.physics, s.marks, p, 0.0, now)
        s.pods.diagnosis[p] = -1
        bound += 1
    s.queue.count[0] = 0
    p = s.classes.queue_head[c]
    if p >= 0:
        flush_class(s.clock, s.pods, s.links, s.classes, s.queue, s.log, c, now)
    return bound


@kernel
def begin(s: State, quiet, now):
    """Rates at the start; with ``quiet`` they have held for long, so that nothing is left to be sampled."""
    settle(s.clock, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.workloads, s.physics, s.traffic, s.marks, now)
    if quiet == 1:
        for i in range(s.marks.touched_count[M_BUSY]):
            s.marks.busy_flag[s.marks.busy[i]] = 0
        s.marks.touched_count[M_BUSY] = 0
    look(s.samples, s.classes, s.workloads, s.physics, s.groups, s.marks, now)
    return 0


@inline_kernel
def cordon(s: State, n):
    s.nodes.flags[n] |= FLAG_UNSCHEDULABLE
    node_changed(s.trees, s.nodes, n)
    return 0


@inline_kernel
def open_node(s: State, n, now):
    """Pods may use node ``n``: wake those that wait for it."""
    push(s.heap, now, encode(EV_NODE_OPEN, n, s.nodes.uid[n]))
    return 0


@entry
def act(s: State, what, a, b, c, d, now):
    """Carry out step ``what`` with its arguments; rooms are the caller's to make (``growth.make_room``)."""
    if what == ACT_ADD_NODE:
        return add_node(s, a, b, c, now)
    if what == ACT_NODE_READY:
        return make_ready(s, a, now)
    if what == ACT_START_PODS:
        return start_pods(s, a, b, c, d, now)
    if what == ACT_BEGIN:
        return begin(s, a, now)
    if what == ACT_SCALE:
        set_desired(s.wheels, s.workloads, s.marks, a, b, c)
        touch(s.marks, a, PODS_CHANGED)
        return 0
    if what == ACT_CORDON:
        return cordon(s, a)
    if what == ACT_EVICT:
        return evict_pods(s, a, now)
    if what == ACT_LOSE:
        lose_node(s, a, now)
        return 0
    if what == ACT_OPEN_NODE:
        return open_node(s, a, now)
    if what == ACT_RETRY:
        return retry(s, a, now)
    if what == ACT_HPA_SCALE:
        s.hpas.target[a] = b
        push(s.heap, c, encode(EV_SCALE, a, 0))
        return 0
    return -1
