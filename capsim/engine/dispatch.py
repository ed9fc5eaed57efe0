"""What happens when a timed transition is due: the kubelet's, the cloud's and the autoscaler's delayed steps."""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.scan import IGNORED_BY_DRAIN
from capsim.controllers.gitops.self_heal import notice
from capsim.controllers.scheduler.cycle import forget_nomination, requeue
from capsim.controllers.scheduler.filters import exists
from capsim.controllers.scheduler.wake import capacity_gained
from capsim.controllers.workloads.daemon import is_synced
from capsim.controllers.workloads.lifetimes import follow_record
from capsim.controllers.workloads.replicas import delete_pod, set_desired, try_after_creation, wake_replicas
from capsim.jit import inline_kernel, kernel
from capsim.state.addresses import (
    address_is_cool,
    address_is_free,
    has_address,
    is_connected,
    lacks_block,
    take_address,
    waits,
)
from capsim.state.calendar import encode, entity_of, generation_of, kind_of, push
from capsim.state.eventlog import (
    LOG_MULTI_ATTACH,
    LOG_NO_ADDRESS,
    LOG_NO_CIDR,
    LOG_NODE_ADDED,
    LOG_NODE_GONE,
    LOG_NODE_READY,
    log_event,
)
from capsim.state.marks import PODS_CHANGED, touch
from capsim.state.revisions import is_daemon
from capsim.state.tables import (
    CAPACITY_VERSION,
    EV_ADDRESS,
    EV_NODE_GONE,
    EV_NODE_OPEN,
    EV_NODE_READY,
    EV_NODE_REGISTER,
    EV_POD_ATTACH,
    EV_POD_GONE,
    EV_POD_LEFT,
    EV_POD_READY,
    EV_POD_TRY,
    EV_RECORDED,
    EV_SCALE,
    FLAG_NOT_READY,
    FLAG_SILENT,
    G_TARGET,
    KIND_DAEMONSET,
    NEVER,
    NODE_DELETING,
    P_EVICT_TO_RECREATE,
    P_SCALE_TO_POD,
    POD_PENDING,
    POD_READY,
    POD_TERMINATING,
    T_REGISTERED,
    UNSCHEDULABLE,
    Classes,
    Clock,
    Groups,
    Heap,
    HpaLinks,
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
    Wheels,
    Workloads,
)
from capsim.state.tables_adapter import SelfHeal
from capsim.state.tables_admission import Admission
from capsim.state.tables_lifetimes import Lifetimes
from capsim.state.tables_scheduler import Scheduling
from capsim.state.tables_startup import Startup
from capsim.state.tables_volumes import Volumes
from capsim.state.transitions import create_pod, hide_images, node_changed, remove_pod, set_dark, show_images
from capsim.state.volumes import attached_ms, let_go, place_of, set_of
from capsim.world.kubelet import become_ready, begin_start
from capsim.world.nodes import delete_node, free_node, ready_node, register_node


@inline_kernel
def same(uid, code):
    """Whether the entity of an event is still the one that it was made for."""
    return uid >= 0 and (uid & 0xFFFFFF) == generation_of(code)


@inline_kernel
def take_pod_away(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    nodes: Nodes,
    groups: Groups,
    workloads: Workloads,
    marks: Marks,
    queue: Queue,
    presence: Presence,
    k: Scheduling,
    log: Log,
    heap: Heap,
    p,
    now,
):
    """Pod ``p`` is gone from the cluster; its node has more room."""
    w = pods.workload[p]
    n = pods.node[p]
    if links.queued[p] == 2:
        clock.values[UNSCHEDULABLE] -= 1
    address_is_free(clock, heap, groups, nodes, pods, links, k.rules, p, now)
    if let_go(k.volumes, pods, nodes, p, 0, now):
        look_again(heap, pods, links, workloads, k.volumes, p, now)
    remove_pod(clock, pods, links, classes, workloads, nodes, groups, marks, presence, log, p, now)
    if k.nominations.count[0] > 0:
        # What was promised to a pod that is deleted while it waits is free for others (eventhandlers.go, v1.34).
        n = max(n, forget_nomination(k.nominations, p))
    if n >= 0 and exists(nodes, n) and clock.values[UNSCHEDULABLE] > 0:
        capacity_gained(clock, queue, pods, links, classes, nodes, presence, k, n, now)
    return w


@kernel
def look_again(heap: Heap, pods: Pods, links: PodLinks, workloads: Workloads, volumes: Volumes, p, now):
    """Pods elsewhere that wait for the volumes of pod ``p``, which goes, look at them again."""
    q = set_of(volumes, pods.workload[p])
    place = place_of(volumes, q, pods.ordinal[p])
    for w in range(workloads.kind.shape[0]):
        if volumes.set_of[w] == q:
            other = workloads.first_pod[w]
            while other >= 0:
                if waits(pods, other) and place_of(volumes, q, pods.ordinal[other]) == place:
                    push(heap, now, encode(EV_POD_ATTACH, other, pods.uid[other]))
                other = links.workload_next[other]


@inline_kernel
def has_daemon(pods: Pods, links: PodLinks, workloads: Workloads, w, n):
    """Whether DaemonSet ``w`` has a pod for node ``n`` that is not leaving."""
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.target[p] == n and pods.state[p] != POD_TERMINATING:
            return True
        p = links.workload_next[p]
    return False


@kernel
def add_daemons(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    nodes: Nodes,
    groups: Groups,
    workloads: Workloads,
    marks: Marks,
    admission: Admission,
    n,
    anew,
    now,
):
    """DaemonSet controller: one pod of each eligible DaemonSet for a node; pod rows and heap have room.

    ``anew``: the node may have some, because a drain evicted others and then failed.
    """
    g = nodes.group[n]
    for w in range(workloads.kind.shape[0]):
        if workloads.kind[w] != KIND_DAEMONSET:
            continue
        if is_synced(workloads, admission, w):
            wake_replicas(wheels, workloads, w, now)
        elif groups.daemon_eligible[g, w] == 1:
            if anew and has_daemon(pods, links, workloads, w, n):
                continue
            workloads.desired[w] += 1
            p = create_pod(clock, pods, links, usage, workloads, marks, w, n, now)
            try_after_creation(clock, heap, pods, p, now)


@kernel
def evict_pods(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    n,
    now,
):
    """Evict every pod of node ``n`` that a drain moves; returns how many there were."""
    count = 0
    p = nodes.first_pod[n]
    while p >= 0:
        after = links.node_next[p]
        if pods.state[p] != POD_TERMINATING and classes.drain[pods.pod_class[p]] & IGNORED_BY_DRAIN == 0:
            count += 1
            delete_pod(
                clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now
            )
            wake_replicas(wheels, workloads, pods.workload[p], now + max(1, clock.params[P_EVICT_TO_RECREATE]))
        p = after
    return count


@kernel
def evict_pod(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    p,
    now,
):
    """Evict one pod; its controller is told. A DaemonSet wants none on a node that is about to be deleted."""
    delete_pod(clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now)
    w = pods.workload[p]
    wake_replicas(wheels, workloads, w, now + max(1, clock.params[P_EVICT_TO_RECREATE]))
    if workloads.kind[w] == KIND_DAEMONSET:
        workloads.desired[w] -= 1
    return 0


@kernel
def tell_cloud(
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
    """DeleteNodes: the target falls at once, the instance goes after the group's delete delay."""
    g = nodes.group[n]
    groups.size[g, G_TARGET] -= 1
    delete_node(clock, nodes, workloads, groups, presence, marks, n)
    push(heap, now + max(1, groups.delete_ms[g]), encode(EV_NODE_GONE, n, nodes.uid[n]))


@kernel
def drop_waiting_daemons(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    classes: Classes,
    usage: PodUsage,
    workloads: Workloads,
    nodes: Nodes,
    scan: NodeScan,
    physics: Physics,
    marks: Marks,
    presence: Presence,
    n,
    now,
):
    """DaemonSet pods that still waited for node ``n`` are deleted; at most one for each row."""
    for w in range(workloads.kind.shape[0]):
        if is_daemon(workloads, w):
            p = workloads.first_pod[w]
            while p >= 0:
                if pods.target[p] == n and pods.state[p] == POD_PENDING:
                    delete_pod(
                        clock,
                        heap,
                        pods,
                        links,
                        classes,
                        usage,
                        workloads,
                        nodes,
                        scan,
                        physics,
                        marks,
                        presence,
                        p,
                        now,
                    )
                    workloads.desired[w] -= 1
                p = links.workload_next[p]


@kernel
def lose_node(
    clock: Clock,
    heap: Heap,
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
    marks: Marks,
    presence: Presence,
    admission: Admission,
    volumes: Volumes,
    log: Log,
    n,
    now,
):
    """The instance is gone with whatever still ran on it; pod log, node log and heap have room."""
    if nodes.state[n] != NODE_DELETING:
        delete_node(clock, nodes, workloads, groups, presence, marks, n)
    drop_waiting_daemons(
        clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, n, now
    )
    for w in range(workloads.kind.shape[0]):
        if workloads.kind[w] == KIND_DAEMONSET and is_synced(workloads, admission, w):
            wake_replicas(wheels, workloads, w, now)
    p = nodes.first_pod[n]
    while p >= 0:
        after = links.node_next[p]
        w = pods.workload[p]
        if pods.state[p] != POD_TERMINATING:
            delete_pod(
                clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now
            )
            wake_replicas(wheels, workloads, w, now + max(1, clock.params[P_EVICT_TO_RECREATE]))
            if workloads.kind[w] == KIND_DAEMONSET:
                workloads.desired[w] -= 1
        set_dark(pods, physics, marks, p, 0)
        if let_go(volumes, pods, nodes, p, 1, now):
            look_again(heap, pods, links, workloads, volumes, p, now)
        remove_pod(clock, pods, links, classes, workloads, nodes, groups, marks, presence, log, p, now)
        p = after
    g = nodes.group[n]
    log_event(clock, log, now, LOG_NODE_GONE, g, nodes.ordinal[n], 0, 0)
    free_node(clock, nodes, workloads, groups, presence, marks, log, n, now)


# fmt: off
@kernel
def node_event(
    clock: Clock, heap: Heap, wheels: Wheels, pods: Pods, links: PodLinks, usage: PodUsage, classes: Classes, nodes:
    Nodes, scan: NodeScan, groups: Groups, workloads: Workloads, physics: Physics, marks: Marks, queue: Queue, presence:
    Presence, k: Scheduling, admission: Admission, log: Log, kind, n, now):
    """A step in the life of node ``n``; while it is silent, only its end. A machine that is being deleted boots no
    further."""
    if kind == EV_ADDRESS:
        address_is_cool(clock, heap, groups, nodes, pods, links, n, now)
        return
    if nodes.flags[n] & FLAG_SILENT and kind != EV_NODE_GONE:
        return
    if nodes.state[n] == NODE_DELETING and kind in (EV_NODE_REGISTER, EV_NODE_READY):
        return
    if kind == EV_NODE_REGISTER and nodes.times[n, T_REGISTERED] >= 0:
        return  # a machine that was silent boots again: its Node object is there
    if kind == EV_NODE_REGISTER:
        register_node(clock, nodes, workloads, presence, marks, n, now)
        log_event(clock, log, now, LOG_NODE_ADDED, nodes.group[n], nodes.ordinal[n], 0, 0)
        if lacks_block(groups, nodes, n):
            log_event(clock, log, now, LOG_NO_CIDR, nodes.group[n], nodes.ordinal[n], 0, 0)
        add_daemons(
            clock, heap, wheels, pods, links, usage, nodes, groups, workloads, marks, admission, n, False, now)
        if clock.values[UNSCHEDULABLE] > 0:  # pods that tolerate the not-ready taint
            capacity_gained(clock, queue, pods, links, classes, nodes, presence, k, n, now)
    elif kind == EV_NODE_READY:
        if not is_connected(groups, nodes, n):
            return
        ready_node(clock, heap, nodes, workloads, groups, presence, marks, n, now)
        log_event(clock, log, now, LOG_NODE_READY, nodes.group[n], nodes.ordinal[n], 0, 0)
    elif kind == EV_NODE_OPEN:
        nodes.flags[n] &= ~FLAG_NOT_READY
        clock.values[CAPACITY_VERSION] += 1
        node_changed(presence, nodes, n)
        if clock.values[UNSCHEDULABLE] > 0:
            capacity_gained(clock, queue, pods, links, classes, nodes, presence, k, n, now)
    elif kind == EV_NODE_GONE:
        hide_images(presence, k.extras, n)
        lose_node(
            clock, heap, wheels, pods, links, usage, classes, nodes, scan, groups, workloads, physics, marks, presence,
            admission, k.volumes, log, n, now)
# fmt: on


# fmt: off
@inline_kernel
def dispatch(
    clock: Clock, heap: Heap, wheels: Wheels, pods: Pods, links: PodLinks, usage: PodUsage, classes: Classes, nodes:
    Nodes, scan: NodeScan, groups: Groups, workloads: Workloads, physics: Physics, marks: Marks, queue: Queue, presence:
    Presence, k: Scheduling, startup: Startup, hpas: HpaLinks, heal: SelfHeal, lifetimes: Lifetimes,
    admission: Admission, log: Log, code, now):
    """Carry out one due event; the caller has made room for all that it can add."""
    kind = kind_of(code)
    i = entity_of(code)
    if kind == EV_SCALE:
        w = hpas.workload[i]
        set_desired(clock, wheels, workloads, marks, w, hpas.target[i], now + max(1, clock.params[P_SCALE_TO_POD]))
        touch(marks, w, PODS_CHANGED)
        notice(workloads, heal, w, now)
    elif kind == EV_POD_READY:
        if same(pods.uid[i], code):
            become_ready(clock, pods, links, usage, workloads, nodes, scan, physics, marks, startup, i, now)
            if k.extras.image_bytes.shape[0] > 0 and pods.state[i] == POD_READY:
                show_images(nodes, presence, k.extras, pods.pod_class[i], pods.node[i])
    elif kind == EV_POD_GONE:
        if same(pods.uid[i], code) and (pods.node[i] < 0 or nodes.flags[pods.node[i]] & FLAG_SILENT == 0):
            set_dark(pods, physics, marks, i, 0)
            take_pod_away(
                clock, pods, links, classes, nodes, groups, workloads, marks, queue, presence, k, log, heap, i, now)
    elif kind == EV_POD_LEFT:
        if same(pods.uid[i], code):
            set_dark(pods, physics, marks, i, 0)
    elif kind == EV_POD_ATTACH:
        if same(pods.uid[i], code) and waits(pods, i):
            at = now
            if not has_address(groups, nodes, pods, links, k.rules, i):
                log_event(clock, log, now, LOG_NO_ADDRESS, pods.workload[i], pods.ordinal[i], 0, 0)
                at = NEVER
            elif set_of(k.volumes, pods.workload[i]) >= 0:
                at = attached_ms(k.volumes, pods, nodes, i, now)
                if at == NEVER:
                    log_event(clock, log, now, LOG_MULTI_ATTACH, pods.workload[i], pods.ordinal[i], 0, 0)
            if at < NEVER:
                take_address(groups, nodes, pods, k.rules, i)
                begin_start(clock, heap, pods, workloads, nodes, startup, i, 0, at)
    elif kind == EV_POD_TRY:
        if same(pods.uid[i], code):
            requeue(clock, queue, pods, links, classes, i, pods.uid[i], now)
    elif kind == EV_RECORDED:
        follow_record(
            clock, heap, wheels, pods, links, usage, classes, nodes, scan, workloads, physics, marks, presence,
            admission, lifetimes, log, i, now)
    elif same(nodes.uid[i], code):
        node_event(
            clock, heap, wheels, pods, links, usage, classes, nodes, scan, groups, workloads, physics, marks, queue,
            presence, k, admission, log, kind, i, now)
# fmt: on
