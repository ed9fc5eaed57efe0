"""DaemonSets that are rolled out, or whose pods admission can refuse: a pod on every node that they are meant for.

Source: kubernetes v1.36 pkg/controller/daemon (daemon_controller.go: manage, syncNodes; update.go: rollingUpdate). One
sync creates one pod at most; what follows comes ``podToPod`` later, so that a burst takes its batches as upstream's.
Which node goes first is chance upstream, and the lowest slot here.

All other DaemonSets have no sync of their own: ``engine/dispatch.py`` makes their pods when a node registers.

Not modelled: back-off of failed pods.
"""

from __future__ import annotations

from capsim.controllers.workloads.admission import (
    after_attempt,
    forget_burst,
    is_asked,
    is_refused,
)
from capsim.controllers.workloads.replicas import delete_pod, try_after_creation
from capsim.controllers.workloads.rollout_bounds import scaled_up
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.calendar import tree_set
from capsim.state.eventlog import LOG_DAEMON_CREATE, LOG_DAEMON_DELETE, log_event
from capsim.state.revisions import count_revisions, first_revision
from capsim.state.tables import (
    CONTROLLER_GCRA,
    FLAG_TO_BE_DELETED,
    NEVER,
    NODE_READY,
    NODE_REGISTERED,
    NODE_TOP,
    P_CTRL_BURST,
    P_CTRL_INTERVAL,
    P_POD_TO_POD,
    POD_READY,
    POD_TERMINATING,
    Classes,
    Clock,
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
    Wheels,
    Workloads,
)
from capsim.state.tables_admission import B_REFUSED, QUEUE_DAEMON_SETS, Admission
from capsim.state.tables_rollout import (
    D_MIN_READY_MS,
    D_ON_DELETE,
    D_SURGE,
    D_SURGE_IS_PERCENT,
    D_TEMPLATE,
    D_UNAVAILABLE,
    D_UNAVAILABLE_IS_PERCENT,
    Rollouts,
)
from capsim.state.transitions import client_ready, client_take, create_pod


@inline_kernel
def is_synced(workloads: Workloads, admission: Admission, w):
    """Whether DaemonSet ``w`` has syncs of its own."""
    return workloads.next_revision[w] >= 0 or is_asked(admission, w)


@inline_kernel
def runs_on(classes: Classes, nodes: Nodes, row, n):
    """Whether a pod of ``row`` is wanted on node slot ``n`` (NodeShouldRunDaemonPod)."""
    known = nodes.state[n] in (NODE_REGISTERED, NODE_READY) and nodes.flags[n] & FLAG_TO_BE_DELETED == 0
    return known and classes.shape_reason[row, nodes.shape[n]] < 0


@inline_kernel
def stays_on(classes: Classes, nodes: Nodes, row, n):
    """Whether a pod of ``row`` may stay on node slot ``n``: labels and static taints decide, not a drain."""
    return classes.shape_reason[row, nodes.shape[n]] < 0


@kernel
def map_pods(pods: Pods, links: PodLinks, workloads: Workloads, scan: NodeScan, queue: Queue, w, row, top):
    """Pods by node: how many into ``scan.mark``, of those that do not terminate the one of revision ``row`` into
    ``queue.ranks`` and the oldest of another into ``queue.scratch`` (-1: none)."""
    for n in range(top):
        queue.ranks[n] = queue.scratch[n] = -1
    r = first_revision(workloads, w)
    while r >= 0:
        p = workloads.first_pod[r]
        while p >= 0:
            n = pods.target[p]
            scan.mark[n] += 1
            if pods.state[p] != POD_TERMINATING:
                if r == row:
                    queue.ranks[n] = p
                elif queue.scratch[n] < 0 or pods.uid[p] < pods.uid[queue.scratch[n]]:
                    queue.scratch[n] = p
            p = links.workload_next[p]
        r = workloads.next_revision[r]


@inline_kernel
def available_ms(pods: Pods, p, least_ms):
    """When pod ``p`` is or was available; NEVER as long as it is not Ready."""
    return pods.ready_ms[p] + least_ms if pods.state[p] == POD_READY else NEVER


@inline_kernel
def max_surge_of(rollouts: Rollouts, w, wanted):
    """Nodes that may have an old and a new pod."""
    return scaled_up(rollouts.setting[w, D_SURGE], rollouts.setting[w, D_SURGE_IS_PERCENT], wanted)


@inline_kernel
def max_unavailable_of(rollouts: Rollouts, w, wanted):
    """Nodes that may be without an available pod (rounded up, unlike a Deployment's); 1 when both bounds are 0."""
    most = scaled_up(rollouts.setting[w, D_UNAVAILABLE], rollouts.setting[w, D_UNAVAILABLE_IS_PERCENT], wanted)
    return 1 if most == 0 and max_surge_of(rollouts, w, wanted) == 0 else most


@kernel
def mark_to_replace(pods: Pods, scan: NodeScan, queue: Queue, rollouts: Rollouts, w, wanted, top, now):
    """Without surge: leave in ``queue.scratch`` the old pods that go now; returns when to look again."""
    least_ms = rollouts.setting[w, D_MIN_READY_MS]
    unavailable = 0
    soonest = NEVER
    for n in range(top):
        old, new = queue.scratch[n], queue.ranks[n]
        if scan.mark[n] > 0 and (old >= 0) == (new >= 0):
            unavailable += 1
        elif new >= 0 and available_ms(pods, new, least_ms) > now:
            soonest = min(soonest, available_ms(pods, new, least_ms))
            unavailable += 1
    room = max_unavailable_of(rollouts, w, wanted) - unavailable
    for n in range(top):
        old = queue.scratch[n]
        if old >= 0 and available_ms(pods, old, least_ms) <= now:
            if queue.ranks[n] >= 0 or room <= 0:
                queue.scratch[n] = -1
            else:
                room -= 1
    return soonest


@kernel
def surge_on(pods: Pods, queue: Queue, rollouts: Rollouts, w, wanted, top, now):
    """With surge: (node for another new pod, -1: none; when to look again). ``queue.scratch`` keeps the old pods that
    go now: those beside an available new one."""
    least_ms = rollouts.setting[w, D_MIN_READY_MS]
    surge = 0
    soonest = NEVER
    first = candidate = -1
    for n in range(top):
        old, new = queue.scratch[n], queue.ranks[n]
        if old < 0:
            continue
        if new < 0:
            if available_ms(pods, old, least_ms) > now:
                first = n if first < 0 else first
            elif candidate < 0:
                candidate = n
        elif available_ms(pods, new, least_ms) > now:
            soonest = min(soonest, available_ms(pods, new, least_ms))
            surge += 1
        if new < 0 or available_ms(pods, new, least_ms) > now:
            queue.scratch[n] = -1
    if first < 0 and surge < max_surge_of(rollouts, w, wanted):
        first = candidate
    return first, soonest


@kernel
def make_on(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    marks: Marks,
    admission: Admission,
    log: Log,
    w,
    row,
    n,
    missing,
    now,
):
    """Create a pod of ``row`` for node ``n`` if client and admission let it; returns when to look again."""
    interval, burst = clock.params[P_CTRL_INTERVAL], clock.params[P_CTRL_BURST]
    at_ms = client_ready(clock, CONTROLLER_GCRA, interval, burst, now)
    if at_ms > now:
        return at_ms
    client_take(clock, CONTROLLER_GCRA, interval, now)
    pace_ms = max(client_ready(clock, CONTROLLER_GCRA, interval, burst, now), now + max(1, clock.params[P_POD_TO_POD]))
    if is_asked(admission, row):
        name = workloads.next_ordinal[row] + admission.burst[w, B_REFUSED]
        refused = is_refused(clock, workloads, admission, log, row, w, name, now)
        again_ms = after_attempt(admission, w, refused, missing, missing, pace_ms, QUEUE_DAEMON_SETS, now)
        if refused:
            return again_ms
    p = create_pod(clock, pods, links, usage, workloads, marks, row, n, now)
    try_after_creation(clock, heap, pods, p, now)
    log_event(clock, log, now, LOG_DAEMON_CREATE, row, pods.ordinal[p], 0, 0)
    return pace_ms


# fmt: off
@kernel
def delete_marked(
    clock: Clock, heap: Heap, pods: Pods, links: PodLinks, classes: Classes, usage: PodUsage, workloads: Workloads,
    nodes: Nodes, scan: NodeScan, physics: Physics, marks: Marks, presence: Presence, queue: Queue, log: Log, row, top,
    now):
    """Delete the pods in ``queue.scratch``, and those of revision ``row`` on nodes that it is no longer meant for."""
    for n in range(top):
        for p in (queue.scratch[n], -1 if stays_on(classes, nodes, row, n) else queue.ranks[n]):
            if p >= 0 and pods.state[p] != POD_TERMINATING:
                log_event(clock, log, now, LOG_DAEMON_DELETE, pods.workload[p], pods.ordinal[p], 0, 0)
                delete_pod(
                    clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now)


@kernel
def delete_excess(
    clock: Clock, heap: Heap, pods: Pods, links: PodLinks, classes: Classes, usage: PodUsage, workloads: Workloads,
    nodes: Nodes, scan: NodeScan, physics: Physics, marks: Marks, presence: Presence, queue: Queue, log: Log, w, row,
    now):
    """A rollout that overtakes another with surge: of the pods of other revisions than ``row`` a node keeps the oldest
    (podsShouldBeOnNode). Returns how many are deleted."""
    count = 0
    r = first_revision(workloads, w)
    while r >= 0:
        p = workloads.first_pod[r]
        while p >= 0:
            after = links.workload_next[p]
            if r != row and pods.state[p] != POD_TERMINATING and queue.scratch[pods.target[p]] != p:
                log_event(clock, log, now, LOG_DAEMON_DELETE, r, pods.ordinal[p], 0, 0)
                delete_pod(
                    clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now)
                count += 1
            p = after
        r = workloads.next_revision[r]
    return count


@separate_kernel
def sync_daemons(
    clock: Clock, heap: Heap, wheels: Wheels, pods: Pods, links: PodLinks, classes: Classes, usage: PodUsage,
    workloads: Workloads, nodes: Nodes, scan: NodeScan, physics: Physics, marks: Marks, presence: Presence,
    queue: Queue, rollouts: Rollouts, admission: Admission, log: Log, w, now):
    """One sync of DaemonSet ``w``; a free pod row, heap and log room are there."""
    due = NEVER
    if is_synced(workloads, admission, w):
        count_revisions(workloads, w)
        top = clock.values[NODE_TOP]
        is_split = workloads.next_revision[w] >= 0
        row = rollouts.setting[w, D_TEMPLATE] if is_split else w
        map_pods(pods, links, workloads, scan, queue, w, row, top)
        wanted = missing = 0
        first = -1
        for n in range(top):
            if runs_on(classes, nodes, row, n):
                wanted += 1
                if scan.mark[n] == 0:
                    missing += 1
                    first = n if first < 0 else first
        workloads.desired[w] = wanted
        if missing == 0:
            forget_burst(admission, w, now)
        if is_split and missing == 0 and rollouts.setting[w, D_ON_DELETE] == 0:
            if max_surge_of(rollouts, w, wanted) == 0:
                due = mark_to_replace(pods, scan, queue, rollouts, w, wanted, top, now)
            elif delete_excess(
                    clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, queue,
                    log, w, row, now) > 0:
                due = now + 1  # the next sync goes on
                queue.scratch[:top] = -1
            else:
                first, due = surge_on(pods, queue, rollouts, w, wanted, top, now)
        else:
            for n in range(top):
                if queue.scratch[n] >= 0 and stays_on(classes, nodes, row, n):
                    queue.scratch[n] = -1
        delete_marked(
            clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, queue, log,
            row, top, now)
        for n in range(top):
            scan.mark[n] = 0
        if first >= 0:
            due = min(due, make_on(
                clock, heap, pods, links, usage, workloads, marks, admission, log, w, row, first, max(1, missing),
                now))
    workloads.reconcile_ms[w] = due
    tree_set(wheels.replicas, w, due)
# fmt: on
