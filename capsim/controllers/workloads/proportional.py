"""Scaling a Deployment in the middle of a rollout: its ReplicaSets share the change in proportion to their sizes.

Source: kubernetes v1.36 pkg/controller/deployment/sync.go (isScalingEvent, scale) and util/deployment_util.go
(FindActiveOrLatest, IsSaturated, GetReplicaSetProportion).
"""

from __future__ import annotations

from capsim.controllers.workloads.replica_sets import annotate, resize, total_size
from capsim.controllers.workloads.rollout_bounds import max_surge
from capsim.jit import inline_kernel, kernel
from capsim.state.tables import Clock, Log, Marks, Wheels, Workloads
from capsim.state.tables_rollout import (
    D_RECREATE,
    R_AVAILABLE,
    R_CREATED,
    R_EXISTS,
    R_MOST,
    R_SHARE,
    R_WANTED,
    Rollouts,
)

UNSHARED = -1


@inline_kernel
def is_scaling(workloads: Workloads, rollouts: Rollouts, w):
    """Whether spec.replicas differs from what some active ReplicaSet was last told."""
    r = workloads.next_revision[w]
    while r >= 0:
        if workloads.desired[r] > 0 and rollouts.revision[r, R_WANTED] != workloads.desired[w]:
            return True
        r = workloads.next_revision[r]
    return False


@inline_kernel
def only_active(workloads: Workloads, rollouts: Rollouts, w, new):
    """The only ReplicaSet with replicas, the newest when none has any, -1 when several have."""
    count = 0
    active = latest = -1
    r = workloads.next_revision[w]
    while r >= 0:
        if workloads.desired[r] > 0:
            count += 1
            active = r
        if rollouts.revision[r, R_EXISTS] == 1 and (
            latest < 0 or rollouts.revision[r, R_CREATED] > rollouts.revision[latest, R_CREATED]
        ):
            latest = r
        r = workloads.next_revision[r]
    if count == 0:
        return new if rollouts.revision[new, R_EXISTS] == 1 else latest
    return active if count == 1 else -1


@inline_kernel
def part_of(workloads: Workloads, rollouts: Rollouts, w, r, left):
    """Replicas, at most ``left`` (of either sign), that ReplicaSet ``r`` takes of a change."""
    size = workloads.desired[r]
    wanted = workloads.desired[w]
    change = -size
    if wanted > 0:
        most = wanted + max_surge(rollouts, w, wanted)
        # Half a replica is rounded away from zero; sizes are not negative.
        change = int(float(size) * float(most) / float(max(1, rollouts.revision[r, R_MOST])) + 0.5) - size
    return min(change, left) if left > 0 else max(change, left)


@inline_kernel
def largest_unshared(workloads: Workloads, rollouts: Rollouts, w, growing):
    """The largest active ReplicaSet without a share; of equal ones the newest when growing, else the oldest."""
    found = -1
    r = workloads.next_revision[w]
    while r >= 0:
        if workloads.desired[r] > 0 and rollouts.revision[r, R_SHARE] == UNSHARED:
            if found < 0 or workloads.desired[r] > workloads.desired[found]:
                found = r
            elif workloads.desired[r] == workloads.desired[found]:
                newer = rollouts.revision[r, R_CREATED] > rollouts.revision[found, R_CREATED]
                if newer == growing:
                    found = r
        r = workloads.next_revision[r]
    return found


@inline_kernel
def clear_shares(workloads: Workloads, rollouts: Rollouts, w):
    """No ReplicaSet has a share yet."""
    r = workloads.next_revision[w]
    while r >= 0:
        rollouts.revision[r, R_SHARE] = UNSHARED
        r = workloads.next_revision[r]


@kernel
def share_change(
    clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, now
):
    """Scale all active ReplicaSets in proportion; the largest takes what rounding leaves over."""
    wanted = workloads.desired[w]
    allowed = wanted + max_surge(rollouts, w, wanted) if wanted > 0 else 0
    change = allowed - total_size(workloads, w)
    clear_shares(workloads, rollouts, w)
    first = r = largest_unshared(workloads, rollouts, w, change > 0)
    left = change
    while r >= 0:
        part = part_of(workloads, rollouts, w, r, left) if left != 0 else 0
        rollouts.revision[r, R_SHARE] = workloads.desired[r] + part
        left -= part
        r = largest_unshared(workloads, rollouts, w, change > 0)
    rollouts.revision[first, R_SHARE] = max(0, rollouts.revision[first, R_SHARE] + left)
    r = workloads.next_revision[w]
    while r >= 0:
        if rollouts.revision[r, R_SHARE] != UNSHARED:
            if not resize(clock, wheels, workloads, marks, rollouts, log, w, r, rollouts.revision[r, R_SHARE], now):
                annotate(workloads, rollouts, w, r)
        r = workloads.next_revision[r]


@kernel
def scale_replica_sets(
    clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, new, now
):
    """The Deployment was scaled, or is paused: bring its ReplicaSets to its size without rolling on."""
    wanted = workloads.desired[w]
    single = only_active(workloads, rollouts, w, new)
    if single >= 0:
        if not resize(clock, wheels, workloads, marks, rollouts, log, w, single, wanted, now):
            annotate(workloads, rollouts, w, single)
        return
    saturated = workloads.desired[new] == wanted and rollouts.revision[new, R_AVAILABLE] == wanted
    saturated = saturated and rollouts.revision[new, R_WANTED] == wanted
    if rollouts.setting[w, D_RECREATE] == 0 and not saturated:
        share_change(clock, wheels, workloads, marks, rollouts, log, w, now)
        return
    r = workloads.next_revision[w]
    while r >= 0:
        if r == new or not saturated:
            annotate(workloads, rollouts, w, r)
        else:
            resize(clock, wheels, workloads, marks, rollouts, log, w, r, 0, now)
        r = workloads.next_revision[r]
