"""StatefulSets: pods with ordinals that keep their names, made, removed and replaced one after the other.

Source: kubernetes v1.36 pkg/controller/statefulset/stateful_set_control.go (updateStatefulSet). One sync does one
thing; what follows waits for the pod that was made to become available, or for the one that was deleted to be gone.

Not modelled: the revision of pods that an OnDelete set makes anew (they get the
new one).
"""

from __future__ import annotations

from capsim.controllers.workloads.admission import (
    after_attempt,
    forget_burst,
    is_asked,
    is_refused,
)
from capsim.controllers.workloads.replicas import active_pods, delete_pod, try_after_creation
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.calendar import tree_set
from capsim.state.eventlog import LOG_STATEFUL_CREATE, LOG_STATEFUL_DELETE, log_event
from capsim.state.revisions import count_revisions, first_revision
from capsim.state.tables import (
    CONTROLLER_GCRA,
    NEVER,
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
from capsim.state.tables_admission import B_REFUSED, QUEUE_STATEFUL_SETS, Admission
from capsim.state.tables_rollout import (
    D_CURRENT,
    D_FIRST,
    D_MIN_READY_MS,
    D_ON_DELETE,
    D_PARALLEL,
    D_PARTITION,
    D_TEMPLATE,
    D_UNAVAILABLE,
    D_UNAVAILABLE_IS_PERCENT,
    Rollouts,
)
from capsim.state.tables_volumes import Volumes
from capsim.state.transitions import client_ready, client_take, create_pod
from capsim.state.volumes import class_for

HEALTHY, WAITING, LEAVING = 0, 1, 2


@kernel
def list_ordinals(pods: Pods, links: PodLinks, workloads: Workloads, queue: Queue, w, first, limit):
    """Write the pod of each of the first ``limit`` ordinals into ``queue.scratch``, -1: there is none."""
    for k in range(limit):
        queue.scratch[k] = -1
    r = first_revision(workloads, w)
    while r >= 0:
        p = workloads.first_pod[r]
        while p >= 0:
            k = pods.ordinal[p] - first
            if 0 <= k < limit:
                queue.scratch[k] = p
            p = links.workload_next[p]
        r = workloads.next_revision[r]


@inline_kernel
def health(pods: Pods, p, least_ms, now):
    """Whether pod ``p`` is available, comes up, or terminates."""
    if pods.state[p] == POD_TERMINATING:
        return LEAVING
    if pods.state[p] == POD_READY and pods.ready_ms[p] + least_ms <= now:
        return HEALTHY
    return WAITING


@inline_kernel
def available_at(pods: Pods, p, least_ms):
    """When a Ready pod becomes available; NEVER for others."""
    return pods.ready_ms[p] + least_ms if pods.state[p] == POD_READY else NEVER


@inline_kernel
def revision_for(workloads: Workloads, rollouts: Rollouts, w, k):
    """The row in which the pod of the ``k``-th ordinal is made."""
    if workloads.next_revision[w] < 0:
        return w
    return rollouts.setting[w, D_CURRENT] if k < rollouts.setting[w, D_PARTITION] else rollouts.setting[w, D_TEMPLATE]


@kernel
def make(
    clock: Clock,
    heap: Heap,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    marks: Marks,
    rollouts: Rollouts,
    admission: Admission,
    volumes: Volumes,
    log: Log,
    w,
    k,
    now,
):
    """Create the pod of the ``k``-th ordinal if client and admission let it; returns when to look again.

    A refusal ends the sync of an ordered set; a parallel one tries the others of its batch, too.
    """
    interval, burst = clock.params[P_CTRL_INTERVAL], clock.params[P_CTRL_BURST]
    at_ms = client_ready(clock, CONTROLLER_GCRA, interval, burst, now)
    if at_ms > now:
        return at_ms
    client_take(clock, CONTROLLER_GCRA, interval, now)
    row = revision_for(workloads, rollouts, w, k)
    pace_ms = max(client_ready(clock, CONTROLLER_GCRA, interval, burst, now), now + max(1, clock.params[P_POD_TO_POD]))
    parallel = rollouts.setting[w, D_PARALLEL] == 1
    if is_asked(admission, row):
        missing = max(1, workloads.desired[w] - active_pods(workloads, w))
        name = rollouts.setting[w, D_FIRST] + k + admission.burst[w, B_REFUSED]
        refused = is_refused(clock, workloads, admission, log, row, w, name, now)
        size = missing if parallel else 1
        again_ms = after_attempt(admission, w, refused, missing, size, pace_ms, QUEUE_STATEFUL_SETS, now)
        if refused:
            return again_ms
    p = create_pod(clock, pods, links, usage, workloads, marks, row, -1, now)
    pods.ordinal[p] = rollouts.setting[w, D_FIRST] + k
    pods.pod_class[p] = class_for(volumes, workloads, row, pods.ordinal[p])
    try_after_creation(clock, heap, pods, p, now)
    log_event(clock, log, now, LOG_STATEFUL_CREATE, w, pods.ordinal[p], 0, 0)
    return pace_ms if parallel else NEVER


@kernel
def first_to_make(pods: Pods, queue: Queue, rollouts: Rollouts, w, count, now):
    """(place of the first ordinal without a pod or -1, whether one before it has to be waited for, until when)."""
    least_ms = rollouts.setting[w, D_MIN_READY_MS]
    ordered = rollouts.setting[w, D_PARALLEL] == 0
    soonest = NEVER
    for k in range(count):
        p = queue.scratch[k]
        if p < 0:
            return k, False, soonest
        if health(pods, p, least_ms, now) != HEALTHY:
            soonest = min(soonest, available_at(pods, p, least_ms))
            if ordered:
                return -1, True, soonest
    return -1, False, soonest


@kernel
def last_above(pods: Pods, links: PodLinks, workloads: Workloads, rollouts: Rollouts, w, count, now):
    """(the pod of the highest ordinal that is not wanted, of those that do not terminate unless all wait for one; the
    lowest of them that is not healthy); -1: none."""
    bound = rollouts.setting[w, D_FIRST] + count
    least_ms = rollouts.setting[w, D_MIN_READY_MS]
    ordered = rollouts.setting[w, D_PARALLEL] == 0
    highest = lowest_ill = -1
    r = first_revision(workloads, w)
    while r >= 0:
        p = workloads.first_pod[r]
        while p >= 0:
            if pods.ordinal[p] >= bound:
                state = health(pods, p, least_ms, now)
                if (ordered or state != LEAVING) and (highest < 0 or pods.ordinal[p] > pods.ordinal[highest]):
                    highest = p
                if state != HEALTHY and (lowest_ill < 0 or pods.ordinal[p] < pods.ordinal[lowest_ill]):
                    lowest_ill = p
            p = links.workload_next[p]
        r = workloads.next_revision[r]
    return highest, lowest_ill


@inline_kernel
def max_unavailable_of(rollouts: Rollouts, w, replicas):
    """Pods that may be unavailable in a rolling update: shares are rounded down, at least 1."""
    most = rollouts.setting[w, D_UNAVAILABLE]
    if rollouts.setting[w, D_UNAVAILABLE_IS_PERCENT] == 1:
        most = most * replicas // 100
    return max(1, most)


@kernel
def next_of_several(pods: Pods, queue: Queue, rollouts: Rollouts, w, count, most, now):
    """The same where ``most`` pods may be unavailable: the next one may go in the same sync."""
    s = rollouts.setting
    unavailable = updated = 0
    soonest = NEVER
    for k in range(count):
        p = queue.scratch[k]
        updated += pods.workload[p] == s[w, D_TEMPLATE]
        if health(pods, p, s[w, D_MIN_READY_MS], now) != HEALTHY:
            unavailable += 1
            soonest = min(soonest, available_at(pods, p, s[w, D_MIN_READY_MS]))
    if updated == count and unavailable == 0:
        s[w, D_CURRENT] = s[w, D_TEMPLATE]
    if unavailable >= most or s[w, D_ON_DELETE] == 1:
        return -1, soonest
    for k in range(count - 1, s[w, D_PARTITION] - 1, -1):
        p = queue.scratch[k]
        if pods.workload[p] != s[w, D_TEMPLATE] and pods.state[p] != POD_TERMINATING:
            return p, now
    return -1, soonest


@kernel
def next_to_replace(pods: Pods, workloads: Workloads, queue: Queue, rollouts: Rollouts, w, count, now):
    """(the pod of the highest ordinal of an old revision, -1: none or one above it is waited for; until when)."""
    s = rollouts.setting
    least_ms = s[w, D_MIN_READY_MS]
    most = max_unavailable_of(rollouts, w, workloads.desired[w])
    if most > 1:
        return next_of_several(pods, queue, rollouts, w, count, most, now)
    updated = 0
    for k in range(count - 1, -1, -1):
        p = queue.scratch[k]
        if pods.workload[p] == s[w, D_TEMPLATE]:
            updated += 1
        elif k >= s[w, D_PARTITION] and s[w, D_ON_DELETE] == 0 and pods.state[p] != POD_TERMINATING:
            return p, NEVER
        if health(pods, p, least_ms, now) != HEALTHY:
            return -1, available_at(pods, p, least_ms)
    if updated == count:
        s[w, D_CURRENT] = s[w, D_TEMPLATE]
    return -1, NEVER


@inline_kernel
def to_remove(pods: Pods, links: PodLinks, workloads: Workloads, queue: Queue, rollouts: Rollouts, w, count, now):
    """(the pod to delete now, -1: none; when to look again): surplus ones first, then those of old revisions."""
    highest, lowest_ill = last_above(pods, links, workloads, rollouts, w, count, now)
    if highest < 0:
        if workloads.next_revision[w] < 0:
            return -1, NEVER
        return next_to_replace(pods, workloads, queue, rollouts, w, count, now)
    if rollouts.setting[w, D_PARALLEL] == 1:
        return highest, now + 1
    ill = health(pods, highest, rollouts.setting[w, D_MIN_READY_MS], now) != HEALTHY
    if pods.state[highest] == POD_TERMINATING or (ill and highest != lowest_ill):
        return -1, available_at(pods, highest, rollouts.setting[w, D_MIN_READY_MS])
    return highest, NEVER


@separate_kernel
def sync_stateful(
    clock: Clock,
    heap: Heap,
    wheels: Wheels,
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
    queue: Queue,
    rollouts: Rollouts,
    admission: Admission,
    volumes: Volumes,
    log: Log,
    w,
    now,
):
    """One sync of StatefulSet ``w``; a free pod row, heap and log room are there."""
    count_revisions(workloads, w)
    pods_now = active_pods(workloads, w) + workloads.count[w, POD_TERMINATING]
    # Among so many ordinals and one more, one has no pod, or all are wanted.
    limit = min(workloads.desired[w], min(pods_now + 1, queue.scratch.shape[0]))
    list_ordinals(pods, links, workloads, queue, w, rollouts.setting[w, D_FIRST], limit)
    k, waits, due = first_to_make(pods, queue, rollouts, w, limit, now)
    if k >= 0:
        # fmt: off
        due = min(due, make(
            clock, heap, pods, links, usage, workloads, marks, rollouts, admission, volumes, log, w, k, now))
        # fmt: on
    else:
        forget_burst(admission, w, now)
    if k < 0 and not waits:
        p, again_ms = to_remove(pods, links, workloads, queue, rollouts, w, limit, now)
        while p >= 0:
            log_event(clock, log, now, LOG_STATEFUL_DELETE, w, pods.ordinal[p], 0, 0)
            # fmt: off
            delete_pod(
                clock, heap, pods, links, classes, usage, workloads, nodes, scan, physics, marks, presence, p, now)
            # fmt: on
            p = -1
            if again_ms == now:
                p, again_ms = to_remove(pods, links, workloads, queue, rollouts, w, limit, now)
        due = min(due, again_ms)
    workloads.reconcile_ms[w] = due
    tree_set(wheels.replicas, w, due)
