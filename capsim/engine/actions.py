"""Steps that Python asks of the compiled state: nodes and pods of the start, scenario events, scale-ups.

One compiled function with a code per step: each further entry would cost seconds of compilation.
"""

from __future__ import annotations

from capsim.controllers.gitops.self_heal import notice
from capsim.controllers.scheduler.cycle import next_pod, try_pod
from capsim.controllers.scheduler.queue import wake, wake_head
from capsim.controllers.scheduler.wake import capacity_gained
from capsim.controllers.workloads.replicas import set_desired
from capsim.engine.dispatch import add_daemons, evict_pod, evict_pods, lose_node, tell_cloud
from capsim.engine.flow import flow
from capsim.engine.outage import answer_again, crash, fall_silent, hang, leave, restart, resume, set_unreachable
from capsim.engine.recorder import forget_extremes, look
from capsim.engine.state import State
from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import encode, push
from capsim.state.eventlog import LOG_FAILED_SCHEDULING, LOG_MULTI_ATTACH, events_left, log_event
from capsim.state.marks import PODS_CHANGED, TOUCHED, mark_dirty, touch
from capsim.state.tables import (
    BINDER,
    CAPACITY_VERSION,
    EV_NODE_READY,
    EV_NODE_REGISTER,
    EV_POD_ATTACH,
    EV_SCALE,
    FLAG_NOT_READY,
    FLAG_UNSCHEDULABLE,
    FLAGS_UNREADY,
    M_BUSY,
    NEVER,
    POD_STARTING,
    T_CHANGED,
    T_DELETING,
    T_READY,
    T_REGISTERED,
    UNSCHEDULABLE,
    Classes,
    Clock,
    Groups,
    Heap,
    Log,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Presence,
    Queue,
    Samples,
    Traffic,
    Wheels,
    Workloads,
)
from capsim.state.tables_calls import Calls, Connections, Serving
from capsim.state.tables_scheduler import Scheduling
from capsim.state.transitions import bind_pod, create_pod, node_changed, pods_left, start_serving
from capsim.state.volumes import is_elsewhere, set_of
from capsim.world.nodes import boot_node, claim_node, ready_node, register_node
from capsim.world.runs import fail_pod

(
    ACT_ADVANCE,
    ACT_ADD_NODE,
    ACT_NODE_READY,
    ACT_START_PODS,
    ACT_BEGIN,
    ACT_SCALE,
    ACT_CORDON,
    ACT_EVICT,
    ACT_LOSE,
    ACT_BOOT_NOW,
    ACT_HPA_SCALE,
    ACT_RETRY,
    ACT_TAINT,
    ACT_DELETE_NODE,
    ACT_EVICT_POD,
    ACT_WAKE,
    ACT_ADD_DAEMONS,
    ACT_SILENCE,
    ACT_ANSWER,
    ACT_UNREACHABLE,
    ACT_CRASH,
    ACT_RESTART,
    ACT_FAIL_POD,
    ACT_ATTACH,
    ACT_PRESSURE,
    ACT_HANG,
    ACT_LEAVE,
    ACT_RESUME,
    ACT_CONNECT,
) = range(29)
ROOM = 4


@kernel
def add_node(
    clock: Clock,
    heap: Heap,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    marks: Marks,
    presence: Presence,
    g,
    ordinal,
    boots,
    shape,
    now,
):
    """Claim a slot for a node of group ``g``; with ``boots`` its clocks start; ``shape`` -1: the group's.
    Returns the slot, -1: table full."""
    n = claim_node(clock, nodes, scan, groups, presence, g, ordinal, shape, now)
    if n >= 0:
        touch(marks, workloads.kind.shape[0] + g, TOUCHED)
        if boots == 1:
            boot_node(clock, heap, nodes, groups, n, now)
    return n


@kernel
def make_ready(
    clock: Clock,
    heap: Heap,
    nodes: Nodes,
    groups: Groups,
    workloads: Workloads,
    marks: Marks,
    presence: Presence,
    n,
    now,
):
    """A claimed node is registered, Ready and open at once; heap room for one event is there."""
    register_node(clock, nodes, workloads, presence, marks, n, now)
    ready_node(clock, heap, nodes, workloads, groups, presence, marks, n, now)
    nodes.flags[n] &= ~FLAG_NOT_READY
    nodes.times[n, T_REGISTERED] = now
    nodes.times[n, T_READY] = now
    return n


@kernel
def start_pods(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    log: Log,
    w,
    count,
    target,
    fixed,
    now,
):
    """Create ``count`` pods that have been Ready for long where they fit; returns how many were created. Pods whose
    volumes serve another node wait for them.

    ``target`` >= 0 pins them to a node: by affinity, or (``fixed`` = 1) bound to it without asking the scheduler.
    ``fixed`` = 2: bound likewise, each to the node in its row of ``queue.scratch``, and not pinned. Stops early when a
    table is too small.
    """
    for done in range(count):
        full = queue.diagnosis_count[0] >= queue.diagnoses.shape[0]
        if pods_left(clock, pods) < 1 or full or events_left(log) < ROOM:
            return done
        p = create_pod(clock, pods, links, usage, workloads, marks, w, target, now)
        if fixed > 0:
            n = queue.scratch[done] if fixed == 2 else target
            bind_pod(clock, pods, links, classes, workloads, nodes, groups, marks, presence, p, n, now)
        else:
            n = try_pod(clock, pods, links, classes, workloads, nodes, groups, queue, presence, k, marks, log, p, now)
            if n == -2:  # nothing is preempted before the start
                log_event(
                    clock, log, now, LOG_FAILED_SCHEDULING, pods.workload[p], pods.ordinal[p], pods.diagnosis[p], 1
                )
        if pods.state[p] == POD_STARTING:
            serve_at_start(clock, pods, usage, workloads, nodes, scan, physics, marks, k, log, p, now)
    return count


@inline_kernel
def serve_at_start(
    clock: Clock,
    pods: Pods,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    k: Scheduling,
    log: Log,
    p,
    now,
):
    """The bound pod ``p`` has been Ready for long, or its containers have waited for its volumes ever since."""
    if is_elsewhere(k.volumes, pods, nodes, p):
        pods.step_ms[p] = NEVER
        log_event(clock, log, now, LOG_MULTI_ATTACH, pods.workload[p], pods.ordinal[p], 0, 0)
    else:
        start_serving(clock, pods, usage, workloads, nodes, scan, physics, marks, p, 0.0, now)


@kernel
def tell_waiting(clock: Clock, pods: Pods, links: PodLinks, log: Log, p, now):
    """FailedScheduling for the pods that wait behind one that was just refused, as many as there is room for."""
    while p >= 0 and events_left(log) > ROOM:
        log_event(clock, log, now, LOG_FAILED_SCHEDULING, pods.workload[p], pods.ordinal[p], pods.diagnosis[p], 1)
        p = links.queue_next[p]


@kernel
def retry(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    log: Log,
    c,
    now,
):
    """Try the unschedulable pods of class ``c`` again, until one fails; those that fit have been Ready for long.

    The active queue is empty, or has the next of them: each pod that finds a node wakes the next of its class. One that
    has volumes (BINDER) is the last: where the others can go depends on it.
    """
    bound = 0
    if queue.count[0] == 0:
        wake_head(clock, queue, pods, links, classes, c, now)
    p = next_pod(clock, pods, links, classes, queue, now)
    while p >= 0:
        try_pod(clock, pods, links, classes, workloads, nodes, groups, queue, presence, k, marks, log, p, now)
        if pods.state[p] != POD_STARTING:
            break
        serve_at_start(clock, pods, usage, workloads, nodes, scan, physics, marks, k, log, p, now)
        pods.diagnosis[p] = -1
        bound += 1
        if set_of(k.volumes, pods.workload[p]) >= 0:
            clock.values[BINDER] = p
            return bound
        p = next_pod(clock, pods, links, classes, queue, now)
    if p >= 0:
        tell_waiting(clock, pods, links, log, links.queue_next[p], now)
    return bound


@kernel
def begin(
    clock: Clock,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    groups: Groups,
    workloads: Workloads,
    physics: Physics,
    traffic: Traffic,
    serving: Serving,
    calls: Calls,
    connections: Connections,
    marks: Marks,
    samples: Samples,
    quiet,
    now,
):
    """Rates at the start; with ``quiet`` they have held for long, so that nothing is left to be sampled."""
    for w in range(workloads.kind.shape[0]):
        if traffic.source_start[w] < traffic.source_start[w + 1]:  # traffic arrives, whether or not a pod is Ready
            mark_dirty(marks, w)
    flow(
        clock,
        wheels,
        pods,
        links,
        usage,
        classes,
        nodes,
        scan,
        workloads,
        physics,
        traffic,
        serving,
        calls,
        connections,
        marks,
        now,
    )
    if quiet == 1:
        for i in range(marks.touched_count[M_BUSY]):
            marks.busy_flag[marks.busy[i]] = 0
        marks.touched_count[M_BUSY] = 0
        for w in range(workloads.kind.shape[0]):
            physics.own[w, 3] = 0.0
    look(samples, classes, workloads, physics, groups, marks, now)
    forget_extremes(samples)
    return 0


@inline_kernel
def cordon(clock: Clock, nodes: Nodes, presence: Presence, n):
    """No more pods for node ``n``."""
    clock.values[CAPACITY_VERSION] += 1
    nodes.flags[n] |= FLAG_UNSCHEDULABLE
    node_changed(presence, nodes, n)
    return 0


@kernel
def taint(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    nodes: Nodes,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    n,
    flags,
    on,
    now,
):
    """Set or remove node flags ``flags`` (the ToBeDeleted taint, a cordon)."""
    if on == 1:
        nodes.flags[n] |= flags
        nodes.times[n, T_DELETING] = now
    else:
        nodes.flags[n] &= ~flags
        nodes.times[n, T_DELETING] = -1
    node_changed(presence, nodes, n)
    clock.values[CAPACITY_VERSION] += 1
    if on == 0 and clock.values[UNSCHEDULABLE] > 0:
        capacity_gained(clock, queue, pods, links, classes, nodes, presence, k, n, now)
    return 0


@kernel
def press(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    nodes: Nodes,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    n,
    flag,
    now,
):
    """Node ``n`` has the condition whose flag is ``flag``; negative: it has it no more."""
    if flag > 0:
        nodes.flags[n] |= flag
    else:
        nodes.flags[n] &= ~(-flag)
    if abs(flag) & FLAGS_UNREADY:
        nodes.times[n, T_CHANGED] = now
    node_changed(presence, nodes, n)
    clock.values[CAPACITY_VERSION] += 1
    if flag < 0 and clock.values[UNSCHEDULABLE] > 0:
        capacity_gained(clock, queue, pods, links, classes, nodes, presence, k, n, now)
    return 0


@inline_kernel
def boot_now(heap: Heap, nodes: Nodes, n, now):
    """A claimed node registers and is Ready at this instant, with all that follows from it."""
    push(heap, now, encode(EV_NODE_REGISTER, n, nodes.uid[n]))
    push(heap, now, encode(EV_NODE_READY, n, nodes.uid[n]))
    return 0


# fmt: off
@kernel
def act_on_outage(s: State, what, a, b, now):
    """Steps of nodes that stop answering, ACT_SILENCE and above."""
    if what == ACT_SILENCE:
        return fall_silent(
            s.clock, s.pods, s.links, s.usage, s.nodes, s.scan, s.workloads, s.physics, s.marks, a, now)
    if what == ACT_ANSWER:
        return answer_again(
            s.clock, s.heap, s.pods, s.links, s.usage, s.nodes, s.scan, s.groups, s.workloads, s.physics, s.marks,
            s.startup, a, b, now)
    if what == ACT_CRASH:
        return crash(
            s.clock, s.heap, s.pods, s.usage, s.nodes, s.scan, s.workloads, s.physics, s.marks, a, now)
    if what == ACT_FAIL_POD:
        return fail_pod(
            s.clock, s.heap, s.pods, s.usage, s.workloads, s.nodes, s.scan, s.physics, s.marks, s.presence, s.jobs, a,
            b, now)
    if what == ACT_RESTART:
        return restart(s.clock, s.heap, s.pods, s.workloads, s.nodes, s.startup, a, now)
    if what == ACT_PRESSURE:
        return press(s.clock, s.pods, s.links, s.classes, s.nodes, s.queue, s.presence, s.scheduling, a, b, now)
    if what == ACT_HANG:
        return hang(s.clock, s.pods, s.usage, s.nodes, s.scan, s.workloads, s.physics, s.marks, a, now)
    if what == ACT_RESUME:
        return resume(s.clock, s.pods, s.usage, s.nodes, s.scan, s.workloads, s.physics, s.marks, a, now)
    if what == ACT_LEAVE:
        return leave(s.clock, s.heap, s.pods, a, now)
    if what == ACT_CONNECT:
        push(s.heap, now, encode(EV_NODE_READY, a, s.nodes.uid[a]))
        return 0
    if what == ACT_ATTACH:
        push(s.heap, now, encode(EV_POD_ATTACH, a, s.pods.uid[a]))
        return 0
    return set_unreachable(
        s.clock, s.heap, s.pods, s.links, s.nodes, s.groups, s.workloads, s.presence, s.marks, a, b, now)


@kernel
def act_on_taint(s: State, what, a, b, c, now):
    """ACT_TAINT and ACT_ADD_DAEMONS: a node that is open again gets its DaemonSet pods."""
    if what == ACT_ADD_DAEMONS or c == 0:
        add_daemons(
            s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.nodes, s.groups, s.workloads, s.marks,
            s.admission, a, True, now)
    if what == ACT_ADD_DAEMONS:
        return 0
    return taint(s.clock, s.pods, s.links, s.classes, s.nodes, s.queue, s.presence, s.scheduling, a, b, c, now)


@kernel
def act(s: State, what, a, b, c, d, now):
    """Carry out step ``what`` with its arguments; rooms are the caller's to make (``growth.make_room``)."""
    if what == ACT_ADD_NODE:
        return add_node(s.clock, s.heap, s.nodes, s.scan, s.groups, s.workloads, s.marks, s.presence, a, b, c, d, now)
    if what == ACT_NODE_READY:
        return make_ready(s.clock, s.heap, s.nodes, s.groups, s.workloads, s.marks, s.presence, a, now)
    if what == ACT_START_PODS:
        return start_pods(
            s.clock, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.groups, s.workloads, s.physics, s.marks,
            s.queue, s.presence, s.scheduling, s.log, a, b, c, d, now)
    if what == ACT_BEGIN:
        return begin(
            s.clock, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.groups, s.workloads, s.physics,
            s.traffic, s.serving, s.calls, s.connections, s.marks, s.samples, a, now)
    if what == ACT_SCALE:
        set_desired(s.clock, s.wheels, s.workloads, s.marks, a, b, c)
        touch(s.marks, a, PODS_CHANGED)
        notice(s.workloads, s.heal, a, now)
        return 0
    if what == ACT_CORDON:
        return cordon(s.clock, s.nodes, s.presence, a)
    if what == ACT_EVICT:
        return evict_pods(
            s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.workloads, s.physics,
            s.marks, s.presence, a, now)
    if what == ACT_LOSE:
        lose_node(
            s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.groups, s.workloads,
            s.physics, s.marks, s.presence, s.admission, s.scheduling.volumes, s.log, a, now)
        return 0
    if what == ACT_BOOT_NOW:
        return boot_now(s.heap, s.nodes, a, now)
    if what == ACT_RETRY:
        return retry(
            s.clock, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.groups, s.workloads, s.physics, s.marks,
            s.queue, s.presence, s.scheduling, s.log, a, now)
    if what in (ACT_TAINT, ACT_ADD_DAEMONS):
        return act_on_taint(s, what, a, b, c, now)
    if what == ACT_DELETE_NODE:
        tell_cloud(s.clock, s.heap, s.nodes, s.groups, s.workloads, s.marks, s.presence, a, now)
        return 0
    if what == ACT_EVICT_POD:
        return evict_pod(
            s.clock, s.heap, s.wheels, s.pods, s.links, s.usage, s.classes, s.nodes, s.scan, s.workloads, s.physics,
            s.marks, s.presence, a, now)
    if what == ACT_WAKE:
        wake(s.clock, s.queue, s.pods, s.links, s.classes, a, now)
        return 0
    if what >= ACT_SILENCE:
        return act_on_outage(s, what, a, b, now)
    if what == ACT_HPA_SCALE:
        s.hpas.target[a] = b
        push(s.heap, c, encode(EV_SCALE, a, 0))
        return 0
    return -1
# fmt: on
