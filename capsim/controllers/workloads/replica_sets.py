"""What the Deployment controller reads of its ReplicaSets, and how it changes their sizes.

Source: kubernetes v1.36 pkg/controller/deployment (sync.go, util/deployment_util.go).
"""

from __future__ import annotations

from capsim.controllers.workloads.replicas import active_pods, wake_replicas
from capsim.controllers.workloads.rollout_bounds import max_surge
from capsim.jit import inline_kernel, kernel
from capsim.state.eventlog import LOG_SCALING_REPLICA_SET, log_event
from capsim.state.marks import PODS_CHANGED, touch
from capsim.state.tables import (
    CAPACITY_VERSION,
    NEVER,
    POD_READY,
    Clock,
    Log,
    Marks,
    PodLinks,
    Pods,
    Wheels,
    Workloads,
)
from capsim.state.tables_rollout import (
    D_MIN_READY_MS,
    D_NUMBER,
    R_AVAILABLE,
    R_CREATED,
    R_EXISTS,
    R_MOST,
    R_NUMBER,
    R_WANTED,
    Rollouts,
)


@kernel
def count_available(pods: Pods, links: PodLinks, workloads: Workloads, rollouts: Rollouts, w, now):
    """Available pods of each revision of ``w``, into R_AVAILABLE; returns when the next one becomes available."""
    least_ms = rollouts.setting[w, D_MIN_READY_MS]
    soonest = NEVER
    r = workloads.next_revision[w]
    while r >= 0:
        available = workloads.count[r, POD_READY]
        if least_ms > 0 and available > 0:
            available = 0
            p = workloads.first_pod[r]
            while p >= 0:
                if pods.state[p] == POD_READY:
                    if pods.ready_ms[p] + least_ms <= now:
                        available += 1
                    else:
                        soonest = min(soonest, pods.ready_ms[p] + least_ms)
                p = links.workload_next[p]
        rollouts.revision[r, R_AVAILABLE] = available
        r = workloads.next_revision[r]
    return soonest


@inline_kernel
def total_size(workloads: Workloads, w):
    """spec.replicas of all ReplicaSets of ``w``."""
    total = 0
    r = workloads.next_revision[w]
    while r >= 0:
        total += workloads.desired[r]
        r = workloads.next_revision[r]
    return total


@inline_kernel
def total_available(workloads: Workloads, rollouts: Rollouts, w):
    """Available pods of all ReplicaSets of ``w``."""
    total = 0
    r = workloads.next_revision[w]
    while r >= 0:
        total += rollouts.revision[r, R_AVAILABLE]
        r = workloads.next_revision[r]
    return total


@inline_kernel
def annotate(workloads: Workloads, rollouts: Rollouts, w, r):
    """Write what the Deployment wants, and what it allows, on ReplicaSet ``r``."""
    wanted = workloads.desired[w]
    rollouts.revision[r, R_WANTED] = wanted
    rollouts.revision[r, R_MOST] = wanted + max_surge(rollouts, w, wanted)


@kernel
def resize(
    clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, r, replicas, now
):
    """Set spec.replicas of ReplicaSet ``r`` and tell it; its controller acts at this instant. Returns whether it
    changed."""
    if workloads.desired[r] == replicas:
        return False
    annotate(workloads, rollouts, w, r)
    clock.values[CAPACITY_VERSION] += 1
    log_event(clock, log, now, LOG_SCALING_REPLICA_SET, r, workloads.desired[r], replicas, 0)
    workloads.desired[r] = workloads.announced[r] = replicas
    wake_replicas(wheels, workloads, r, now)
    touch(marks, r, PODS_CHANGED)
    return True


@inline_kernel
def size_of_new(workloads: Workloads, rollouts: Rollouts, w, r):
    """Replicas that the new ReplicaSet ``r`` may have now (NewRSNewReplicas, for a rolling update)."""
    wanted = workloads.desired[w]
    room = wanted + max_surge(rollouts, w, wanted) - total_size(workloads, w)
    if room <= 0:
        return workloads.desired[r]
    return workloads.desired[r] + min(room, wanted - workloads.desired[r])


@inline_kernel
def bring_in(rollouts: Rollouts, w, r):
    """ReplicaSet ``r`` is the new one: it has the highest revision number. Returns whether it had to be created."""
    created = rollouts.revision[r, R_EXISTS] == 0
    if created or rollouts.revision[r, R_NUMBER] != rollouts.setting[w, D_NUMBER]:
        rollouts.setting[w, D_NUMBER] += 1
        rollouts.revision[r, R_NUMBER] = rollouts.setting[w, D_NUMBER]
    if created:
        rollouts.revision[r, R_EXISTS] = 1
        rollouts.revision[r, R_CREATED] = rollouts.setting[w, D_NUMBER]
    return created


@inline_kernel
def oldest_with(workloads: Workloads, rollouts: Rollouts, w, new, after):
    """The ReplicaSet with replicas, other than ``new``, that was created first after creation ``after``; -1: none."""
    found = -1
    r = workloads.next_revision[w]
    while r >= 0:
        created = rollouts.revision[r, R_CREATED]
        if (
            r != new
            and workloads.desired[r] > 0
            and created > after
            and (found < 0 or created < rollouts.revision[found, R_CREATED])
        ):
            found = r
        r = workloads.next_revision[r]
    return found


@kernel
def forget_revisions(workloads: Workloads, rollouts: Rollouts, w, new, limit):
    """Delete the empty ReplicaSets of the lowest revisions beyond ``limit`` (revisionHistoryLimit)."""
    while True:
        empty = 0
        lowest = -1
        r = workloads.next_revision[w]
        while r >= 0:
            if (
                r != new
                and rollouts.revision[r, R_EXISTS] == 1
                and workloads.desired[r] == 0
                and active_pods(workloads, r) == 0
            ):
                empty += 1
                if lowest < 0 or rollouts.revision[r, R_NUMBER] < rollouts.revision[lowest, R_NUMBER]:
                    lowest = r
            r = workloads.next_revision[r]
        if empty <= limit or lowest < 0:
            return
        rollouts.revision[lowest, R_EXISTS] = 0
