"""Deployments that are rolled out: from one ReplicaSet to the next, within what the strategy allows.

Source: kubernetes v1.36 pkg/controller/deployment (rolling.go, recreate.go, progress.go, sync.go). A sync that changes
something is followed by another, as upstream's by its watch of ReplicaSets (``P_ROLLOUT_STEP``).

Not modelled: podReplacementPolicy, collisions of hashes, ReplicaSets that the API server refuses.
"""

from __future__ import annotations

from capsim.controllers.workloads.proportional import is_scaling, scale_replica_sets
from capsim.controllers.workloads.replica_sets import (
    annotate,
    bring_in,
    count_available,
    forget_revisions,
    oldest_with,
    resize,
    size_of_new,
    total_available,
    total_size,
)
from capsim.controllers.workloads.replicas import active_pods
from capsim.controllers.workloads.rollout_bounds import max_unavailable
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.calendar import tree_set
from capsim.state.eventlog import LOG_ROLLED_OUT, LOG_ROLLOUT_LATE, log_event
from capsim.state.tables import (
    NEVER,
    P_ROLLOUT_STEP,
    POD_READY,
    POD_TERMINATING,
    Clock,
    Log,
    Marks,
    PodLinks,
    Pods,
    Wheels,
    Workloads,
)
from capsim.state.tables_rollout import (
    COMPLETE,
    D_DEADLINE_MS,
    D_HISTORY,
    D_PAUSED,
    D_PHASE,
    D_PROGRESS_MS,
    D_RECREATE,
    D_SEEN_AVAILABLE,
    D_SEEN_OLD,
    D_SEEN_READY,
    D_SEEN_UPDATED,
    D_TEMPLATE,
    PROGRESSING,
    R_AVAILABLE,
    R_CREATED,
    R_EXISTS,
    TIMED_OUT,
    Rollouts,
)


@kernel
def shrink_unhealthy(
    clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, new, most, now
):
    """Old replicas that are not available go first, up to ``most``, from the oldest ReplicaSet on."""
    done = 0
    r = oldest_with(workloads, rollouts, w, new, -1)
    while r >= 0 and done < most:
        after = rollouts.revision[r, R_CREATED]
        down = min(most - done, workloads.desired[r] - rollouts.revision[r, R_AVAILABLE])
        if down > 0:
            resize(clock, wheels, workloads, marks, rollouts, log, w, r, workloads.desired[r] - down, now)
            done += down
        r = oldest_with(workloads, rollouts, w, new, after)
    return done


@kernel
def shrink_old(
    clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, new, most, now
):
    """Old replicas go, up to ``most``, from the oldest ReplicaSet on."""
    done = 0
    r = oldest_with(workloads, rollouts, w, new, -1)
    while r >= 0 and done < most:
        after = rollouts.revision[r, R_CREATED]
        down = min(most - done, workloads.desired[r])
        resize(clock, wheels, workloads, marks, rollouts, log, w, r, workloads.desired[r] - down, now)
        done += down
        r = oldest_with(workloads, rollouts, w, new, after)
    return done


@kernel
def roll(clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, new, now):
    """One step of a rolling update; returns whether a size changed (rolloutRolling)."""
    wanted = workloads.desired[w]
    created = bring_in(rollouts, w, new)
    if created:
        annotate(workloads, rollouts, w, new)
    size = size_of_new(workloads, rollouts, w, new) if workloads.desired[new] < wanted else wanted
    if resize(clock, wheels, workloads, marks, rollouts, log, w, new, size, now) and not created:
        return True
    old = total_size(workloads, w) - workloads.desired[new]
    least = wanted - max_unavailable(rollouts, w, wanted)
    unavailable_new = workloads.desired[new] - rollouts.revision[new, R_AVAILABLE]
    most = old + workloads.desired[new] - least - unavailable_new
    if old == 0 or most <= 0:
        return created
    done = shrink_unhealthy(clock, wheels, workloads, marks, rollouts, log, w, new, most, now)
    spare = total_available(workloads, rollouts, w) - least
    if spare > 0:
        done += shrink_old(clock, wheels, workloads, marks, rollouts, log, w, new, spare, now)
    return created or done > 0


@kernel
def recreate(
    clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, new, now
):
    """All old pods go, and when the last is gone the new ones come; returns whether a size changed."""
    if shrink_old(clock, wheels, workloads, marks, rollouts, log, w, new, total_size(workloads, w), now) > 0:
        return True
    r = workloads.next_revision[w]
    while r >= 0:
        if r != new and active_pods(workloads, r) + workloads.count[r, POD_TERMINATING] > 0:
            return False
        r = workloads.next_revision[r]
    if bring_in(rollouts, w, new):
        annotate(workloads, rollouts, w, new)
    return resize(clock, wheels, workloads, marks, rollouts, log, w, new, workloads.desired[w], now)


@kernel
def tell_progress(clock: Clock, workloads: Workloads, rollouts: Rollouts, log: Log, w, new, now):
    """Bring the status up to date; returns when the progress deadline passes (DeploymentTimedOut)."""
    s = rollouts.setting
    updated = active_pods(workloads, new)
    old = ready = 0
    r = workloads.next_revision[w]
    while r >= 0:
        ready += workloads.count[r, POD_READY]
        if r != new:
            old += active_pods(workloads, r)
        r = workloads.next_revision[r]
    available = total_available(workloads, rollouts, w)
    moved = updated > s[w, D_SEEN_UPDATED] or old < s[w, D_SEEN_OLD]
    moved = moved or ready > s[w, D_SEEN_READY] or available > s[w, D_SEEN_AVAILABLE]
    s[w, D_SEEN_UPDATED], s[w, D_SEEN_OLD] = updated, old
    s[w, D_SEEN_READY], s[w, D_SEEN_AVAILABLE] = ready, available
    wanted = workloads.desired[w]
    if s[w, D_PHASE] == COMPLETE or s[w, D_PAUSED] == 1:
        return NEVER
    if rollouts.revision[new, R_EXISTS] == 1 and updated == wanted and old == 0 and available == wanted:
        s[w, D_PHASE] = COMPLETE
        log_event(clock, log, now, LOG_ROLLED_OUT, w, new, 0, 0)
        return NEVER
    if moved:
        s[w, D_PROGRESS_MS] = now
        s[w, D_PHASE] = PROGRESSING
    due = s[w, D_PROGRESS_MS] + s[w, D_DEADLINE_MS]
    if s[w, D_PHASE] == PROGRESSING and due < now:
        s[w, D_PHASE] = TIMED_OUT
        log_event(clock, log, now, LOG_ROLLOUT_LATE, w, new, 0, 0)
    return due + 1 if s[w, D_PHASE] == PROGRESSING else NEVER


@inline_kernel
def take_step(
    clock: Clock, wheels: Wheels, workloads: Workloads, marks: Marks, rollouts: Rollouts, log: Log, w, new, now
):
    """What the sync does: scale, or go on with the rollout; returns whether another sync follows."""
    if rollouts.setting[w, D_PAUSED] == 1 or is_scaling(workloads, rollouts, w):
        if rollouts.revision[new, R_EXISTS] == 1:
            bring_in(rollouts, w, new)
        scale_replica_sets(clock, wheels, workloads, marks, rollouts, log, w, new, now)
        return rollouts.setting[w, D_PAUSED] == 0
    if rollouts.setting[w, D_RECREATE] == 1:
        return recreate(clock, wheels, workloads, marks, rollouts, log, w, new, now)
    return roll(clock, wheels, workloads, marks, rollouts, log, w, new, now)


@separate_kernel
def sync_deployment(
    clock: Clock,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    workloads: Workloads,
    marks: Marks,
    rollouts: Rollouts,
    log: Log,
    w,
    now,
):
    """One sync of Deployment ``w``; the log has room for an event of each revision and two more."""
    soonest = count_available(pods, links, workloads, rollouts, w, now)
    new = rollouts.setting[w, D_TEMPLATE]
    again = take_step(clock, wheels, workloads, marks, rollouts, log, w, new, now)
    due = tell_progress(clock, workloads, rollouts, log, w, new, now)
    if rollouts.setting[w, D_PHASE] == COMPLETE and rollouts.setting[w, D_PAUSED] == 0:
        forget_revisions(workloads, rollouts, w, new, rollouts.setting[w, D_HISTORY])
    due = min(due, soonest)
    if again:
        due = min(due, now + clock.params[P_ROLLOUT_STEP])
    workloads.reconcile_ms[w] = due
    tree_set(wheels.replicas, w, due)
