"""One sync of one HPA, in the four steps that the caller's loop goes through (upstream: ``reconcileAutoscaler``).

``begin`` -> gather and ``propose`` each metric -> ``decide`` -> the caller updates the scale -> ``commit``.
"""

from __future__ import annotations

from capsim.controllers.hpa.codes import (
    ABLE_DOWN_STABILIZED,
    ABLE_GET,
    ABLE_GET_FAILED,
    ABLE_READY,
    ABLE_RESCALED,
    ABLE_UP_STABILIZED,
    ABLE_UPDATE_FAILED,
    ACTIVE_AMBIGUOUS,
    ACTIVE_DISABLED,
    ACTIVE_INVALID_TYPE,
    ACTIVE_NO_CONTAINER,
    ACTIVE_NO_EXTERNAL,
    ACTIVE_NO_OBJECT,
    ACTIVE_NO_PODS,
    ACTIVE_NO_RESOURCE,
    ACTIVE_VALID,
    CORRECT,
    DISABLED,
    FAILED_GET_SCALE,
    FAILED_METRICS,
    FAILED_UPDATE_SCALE,
    GATHER,
    NO_CONDITION,
    NO_ERROR,
    OK,
    PARTIAL,
    REASON_ABOVE_MAX,
    REASON_ABOVE_TARGET,
    REASON_BELOW_MIN,
    REASON_BELOW_TARGET,
    REASON_NONE,
    ZERO_NO,
    ZERO_YES,
)
from capsim.controllers.hpa.limits import limit_by_behavior, limit_by_default, next_limit_change_ms, store_scale_event
from capsim.controllers.hpa.log import highest_since, lowest_since, open_log, record
from capsim.controllers.hpa.releases import RULE_ZERO_BY_MIN
from capsim.controllers.hpa.tables import (
    CONTAINER_AVERAGE,
    CONTAINER_UTILIZATION,
    M_KIND,
    NEVER,
    NO_TIME,
    OBJECT_AVERAGE,
    OBJECT_VALUE,
    P_ERROR,
    P_REPLICAS,
    PODS_AVERAGE,
    R_ABLE,
    R_ACTIVE,
    R_DESIRED,
    R_FIRST_INVALID,
    R_INVALID,
    R_LAST_SCALE_MS,
    R_LIMITED,
    R_LOGGED,
    R_METRIC,
    R_OUTCOME,
    R_REASON,
    R_RECOMMENDATION,
    R_STABILIZED,
    R_ZERO,
    RESOURCE_AVERAGE,
    RESOURCE_UTILIZATION,
    S_BEHAVIOR,
    S_DOWN_END,
    S_DOWN_FIRST,
    S_DOWN_WINDOW_MS,
    S_HAS_EXTERNAL,
    S_MAX,
    S_METRIC_END,
    S_METRIC_FIRST,
    S_MIN,
    S_RULES,
    S_UP_END,
    S_UP_FIRST,
    S_UP_WINDOW_MS,
    S_ZERO_GATE,
    UNKNOWN_SOURCE,
)
from capsim.jit import inline_kernel, kernel


@inline_kernel
def clear_outcome(state, h):
    """Forget what the sync before said of itself; status and conditions stay."""
    row = state.row
    row[h, R_OUTCOME] = OK
    row[h, R_RECOMMENDATION] = -1
    row[h, R_STABILIZED] = -1
    row[h, R_REASON] = REASON_NONE
    row[h, R_METRIC] = -1
    row[h, R_INVALID] = 0
    row[h, R_FIRST_INVALID] = -1
    row[h, R_LOGGED] = 0


@inline_kernel
def begin(specs, state, h, now_ms, current):
    """First step: GATHER (the metrics are needed), CORRECT (replicas are outside min and max) or DISABLED."""
    clear_outcome(state, h)
    row = state.row
    row[h, R_ABLE] = ABLE_GET
    open_log(state, h, now_ms, current)
    if specs.row[h, S_ZERO_GATE] == 0:
        row[h, R_ZERO] = NO_CONDITION
    if current == 0:
        if specs.row[h, S_RULES] & RULE_ZERO_BY_MIN != 0 and specs.row[h, S_MIN] == 0:
            return GATHER
        if row[h, R_ZERO] == ZERO_YES and (specs.row[h, S_MIN] != 0 or specs.row[h, S_HAS_EXTERNAL] != 0):
            return GATHER
        row[h, R_ACTIVE] = ACTIVE_DISABLED
        return DISABLED
    if current > specs.row[h, S_MAX] or current < specs.row[h, S_MIN]:
        return CORRECT
    return GATHER


@inline_kernel
def fail_get_scale(state, h):
    """Instead of all steps: the scale subresource of the target could not be read."""
    clear_outcome(state, h)
    state.row[h, R_OUTCOME] = FAILED_GET_SCALE
    state.row[h, R_ABLE] = ABLE_GET_FAILED


@inline_kernel
def fail_ambiguous(state, h):
    """Instead of gathering and ``decide``: pods of the target belong to another HPA, too."""
    state.row[h, R_OUTCOME] = FAILED_METRICS
    state.row[h, R_ACTIVE] = ACTIVE_AMBIGUOUS


@inline_kernel
def failed_metric_code(kind):
    """ScalingActive's code when a metric of this kind cannot be had."""
    if kind in (RESOURCE_UTILIZATION, RESOURCE_AVERAGE):
        return ACTIVE_NO_RESOURCE
    if kind in (CONTAINER_UTILIZATION, CONTAINER_AVERAGE):
        return ACTIVE_NO_CONTAINER
    if kind == PODS_AVERAGE:
        return ACTIVE_NO_PODS
    if kind in (OBJECT_VALUE, OBJECT_AVERAGE):
        return ACTIVE_NO_OBJECT
    if kind == UNKNOWN_SOURCE:
        return ACTIVE_INVALID_TYPE
    return ACTIVE_NO_EXTERNAL


@inline_kernel
def recommend(specs, state, h, current):
    """The largest proposal, or -1 when no metric works, or when some fail and the rest would scale down."""
    row = state.row
    first, end = specs.row[h, S_METRIC_FIRST], specs.row[h, S_METRIC_END]
    replicas, winner, invalid, first_invalid = 0, -1, 0, -1
    for m in range(first, end):
        if state.metric[m, P_ERROR] != NO_ERROR:
            if invalid == 0:
                first_invalid = m - first
            invalid += 1
        elif replicas == 0 or state.metric[m, P_REPLICAS] > replicas:
            replicas = state.metric[m, P_REPLICAS]
            winner = m - first
    row[h, R_INVALID] = invalid
    row[h, R_FIRST_INVALID] = first_invalid
    if invalid >= end - first or (invalid > 0 and replicas < current):
        row[h, R_OUTCOME] = FAILED_METRICS
        row[h, R_ACTIVE] = failed_metric_code(specs.metric[first + first_invalid, M_KIND])
        return -1
    if invalid > 0:
        row[h, R_OUTCOME] = PARTIAL
    row[h, R_ACTIVE] = ACTIVE_VALID
    row[h, R_METRIC] = winner
    return max(replicas, 0)


@inline_kernel
def stabilize(specs, state, h, now_ms, current, recommended):
    """Hold a recommendation against the log, then log it."""
    row = state.row
    if specs.row[h, S_BEHAVIOR] == 0:
        held, _ = highest_since(state, h, now_ms - specs.row[h, S_DOWN_WINDOW_MS], recommended)
        code = ABLE_DOWN_STABILIZED
    else:
        lowest, _ = lowest_since(state, h, now_ms - specs.row[h, S_UP_WINDOW_MS] + 1, recommended)
        highest, _ = highest_since(state, h, now_ms - specs.row[h, S_DOWN_WINDOW_MS] + 1, recommended)
        held = min(max(current, lowest), highest)
        code = ABLE_UP_STABILIZED if recommended >= current else ABLE_DOWN_STABILIZED
    record(specs, state, h, now_ms, recommended)
    row[h, R_ABLE] = code if held != recommended else ABLE_READY
    row[h, R_RECOMMENDATION] = recommended
    row[h, R_STABILIZED] = held
    return held


@inline_kernel
def normalise(specs, state, h, now_ms, current, recommended):
    """From the recommendation to the replicas to set: stabilisation, policies, min and max."""
    held = stabilize(specs, state, h, now_ms, current, recommended)
    if specs.row[h, S_BEHAVIOR] == 0:
        desired, limited = limit_by_default(specs, h, current, held)
    else:
        desired, limited = limit_by_behavior(specs, state, h, now_ms, current, held)
    state.row[h, R_LIMITED] = limited
    return desired


@inline_kernel
def decide(specs, state, h, now_ms, current, step):
    """Third step: the replicas to set (``current``: nothing to update). ``step`` is what ``begin`` returned."""
    row = state.row
    lowest = specs.row[h, S_MIN]
    if step == DISABLED:
        return current
    if step == CORRECT:
        if current > specs.row[h, S_MAX]:
            row[h, R_REASON] = REASON_ABOVE_MAX
            return specs.row[h, S_MAX]
        row[h, R_REASON] = REASON_BELOW_MIN
        return lowest
    recommended = recommend(specs, state, h, current)
    if recommended < 0:
        return current
    if recommended > current:
        row[h, R_REASON] = REASON_ABOVE_TARGET
    elif recommended < current:
        row[h, R_REASON] = REASON_BELOW_TARGET
    desired = normalise(specs, state, h, now_ms, current, recommended)
    if current == 0 and lowest > 0 and desired < lowest:
        # Scaled to zero by the HPA, and minReplicas was raised since.
        desired = lowest
        if row[h, R_REASON] == REASON_NONE:
            row[h, R_REASON] = REASON_BELOW_MIN
    return desired


@inline_kernel
def commit(specs, state, h, now_ms, current, desired, updated):
    """Last step: what the sync leaves behind; ``updated`` is false if the scale update was refused."""
    row = state.row
    if row[h, R_OUTCOME] == FAILED_METRICS:
        return
    if desired != current:
        if not updated:
            row[h, R_OUTCOME] = FAILED_UPDATE_SCALE
            row[h, R_ABLE] = ABLE_UPDATE_FAILED
            return
        row[h, R_ABLE] = ABLE_RESCALED
        row[h, R_LAST_SCALE_MS] = now_ms
        store_scale_event(specs, state, h, now_ms, current, desired)
        if specs.row[h, S_ZERO_GATE] != 0:
            by_hpa = desired == 0 and specs.row[h, S_MIN] == 0 and specs.row[h, S_HAS_EXTERNAL] != 0
            row[h, R_ZERO] = ZERO_YES if by_hpa else ZERO_NO
    row[h, R_DESIRED] = desired


@kernel
def next_change_ms(specs, state, h, now_ms, current):
    """Earliest time at which a sync with the inputs of the one at ``now_ms`` could end otherwise, or NEVER.

    Inputs are the proposals, the replicas that the sync began with (``current``) and the spec. What pods do with time
    alone (``classify``: end of CPU initialisation) is the caller's to add. A sync that changed the replicas, or was
    refused to, answers ``now_ms + 1``. A failing sync fails again at every tick, each time with its Warning events.
    """
    row = state.row
    outcome = row[h, R_OUTCOME]
    if outcome in (FAILED_METRICS, FAILED_GET_SCALE):
        return NEVER
    if outcome == FAILED_UPDATE_SCALE or row[h, R_DESIRED] != current:
        return now_ms + 1
    if row[h, R_LOGGED] == 0:
        return NEVER
    recommended = row[h, R_RECOMMENDATION]
    soonest_ms = NEVER
    down_ms = specs.row[h, S_DOWN_WINDOW_MS]
    if specs.row[h, S_BEHAVIOR] == 0:
        _, last_ms = highest_since(state, h, now_ms - down_ms, recommended)
        return last_ms + down_ms + 1 if last_ms != NO_TIME else NEVER
    _, last_ms = highest_since(state, h, now_ms - down_ms + 1, recommended)
    if last_ms != NO_TIME:
        soonest_ms = last_ms + down_ms
    up_ms = specs.row[h, S_UP_WINDOW_MS]
    _, last_ms = lowest_since(state, h, now_ms - up_ms + 1, recommended)
    if last_ms != NO_TIME:
        soonest_ms = min(soonest_ms, last_ms + up_ms)
    if row[h, R_STABILIZED] > current:
        first, end = specs.row[h, S_UP_FIRST], specs.row[h, S_UP_END]
        soonest_ms = min(soonest_ms, next_limit_change_ms(specs, state, h, first, end, now_ms))
    elif row[h, R_STABILIZED] < current:
        first, end = specs.row[h, S_DOWN_FIRST], specs.row[h, S_DOWN_END]
        soonest_ms = min(soonest_ms, next_limit_change_ms(specs, state, h, first, end, now_ms))
    return soonest_ms
