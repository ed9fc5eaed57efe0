"""The replica calculators: what one metric proposes, from the sums in ``HpaState.gathered``.

Upstream: ``replica_calculator.go``, v1.36. ``propose`` writes proposal, metric value, utilisation and error of one
metric to its row of ``HpaState.metric``.
"""

from __future__ import annotations

from capsim.controllers.hpa.arithmetic import (
    INT32_MAX,
    INT64_MAX,
    INT64_MAX_AS_FLOAT,
    INT64_MIN,
    ceil_int32,
    ceil_int64,
    quotient,
    wrap_int32,
)
from capsim.controllers.hpa.codes import (
    ERROR_COUNT_READY,
    ERROR_EMPTY,
    ERROR_NO_CONTAINER,
    ERROR_NO_MATCH,
    ERROR_NO_PODS,
    ERROR_NO_READY,
    ERROR_NO_REQUEST,
    ERROR_NO_TARGET,
    ERROR_UNKNOWN_SOURCE,
    NO_ERROR,
)
from capsim.controllers.hpa.releases import RULE_MISSING_AT_ONE, RULE_TOLERANCE_BY_DISTANCE
from capsim.controllers.hpa.tables import (
    CONTAINER_UTILIZATION,
    EXTERNAL_AVERAGE,
    EXTERNAL_VALUE,
    G_ALL_USAGE,
    G_ERROR,
    G_LISTED,
    G_MATCHED,
    G_METRICS,
    G_MISSING,
    G_MISSING_FALLBACK,
    G_MISSING_REQUEST,
    G_NO_CONTAINER,
    G_NO_REQUEST,
    G_READY,
    G_REQUEST,
    G_RETURNED,
    G_RUNNING_READY,
    G_UNREADY,
    G_UNREADY_REQUEST,
    G_USAGE,
    M_KIND,
    M_TARGET,
    OBJECT_AVERAGE,
    OBJECT_VALUE,
    P_ERROR,
    P_REPLICAS,
    P_UTILIZATION,
    P_VALUE,
    RESOURCE_UTILIZATION,
    S_RULES,
    TOLERANCE_DOWN,
    TOLERANCE_UP,
    UNKNOWN_SOURCE,
)
from capsim.jit import inline_kernel, kernel


@inline_kernel
def within_tolerance(ratio, tolerance_up_ratio, tolerance_down_ratio, rules):
    """Whether a usage ratio is close enough to 1 to change nothing (both ends included)."""
    if rules & RULE_TOLERANCE_BY_DISTANCE != 0:
        return abs(1.0 - ratio) <= tolerance_up_ratio
    return 1.0 - tolerance_down_ratio <= ratio and ratio <= 1.0 + tolerance_up_ratio


@inline_kernel
def rounded_replicas(ratio, pods, current, holds):
    """ceil(ratio * pods), unless the change is within tolerance (``holds``) or would go against the ratio."""
    if holds:
        return current
    replicas = ceil_int32(ratio * pods)
    if (ratio < 1.0 and replicas > current) or (ratio > 1.0 and replicas < current):
        return current
    return replicas


@inline_kernel
def utilization_ratio(usage, request, target_percent):
    """(ratio, utilisation in whole percent): the percentage is cut before it is compared with the target."""
    percent = wrap_int32(quotient(usage * 100, request))
    return float(percent) / float(target_percent), percent


@inline_kernel
def pod_metric_error(gathered, needs_request):
    """Why a per-pod metric cannot propose anything, or NO_ERROR, in the order in which upstream notices."""
    if gathered[G_ERROR] != NO_ERROR:
        return gathered[G_ERROR]
    if gathered[G_RETURNED] == 0:
        return ERROR_EMPTY
    if gathered[G_LISTED] == 0:
        return ERROR_NO_PODS
    if gathered[G_METRICS] == 0:
        return ERROR_NO_READY
    if needs_request:
        if gathered[G_NO_REQUEST] > 0:
            return ERROR_NO_REQUEST
        if gathered[G_NO_CONTAINER] > 0:
            return ERROR_NO_CONTAINER
        if gathered[G_REQUEST] <= 0:
            return ERROR_NO_MATCH
    return NO_ERROR


@inline_kernel
def utilization_replicas(g, target, current, up, down, rules):
    """(replicas, mean usage, percent of the request) for a Utilization target; the caller excludes errors."""
    ratio, percent = utilization_ratio(g[G_USAGE], g[G_REQUEST], target)
    mean = quotient(g[G_USAGE], g[G_MATCHED])
    rebalance = g[G_UNREADY] > 0 and ratio > 1.0
    if not rebalance and g[G_MISSING] == 0:
        if within_tolerance(ratio, up, down, rules):
            return current, mean, percent
        return ceil_int32(ratio * g[G_READY]), mean, percent
    usage, request, metrics = g[G_USAGE], g[G_REQUEST], g[G_METRICS]
    if ratio != 1.0:
        # Missing pods stand for their request when scaling down, for nothing when scaling up.
        request += g[G_MISSING_REQUEST]
        metrics += g[G_MISSING]
        if ratio < 1.0:
            usage += g[G_MISSING_FALLBACK]
    if rebalance:
        request += g[G_UNREADY_REQUEST]
        metrics += g[G_UNREADY]
    again, _ = utilization_ratio(usage, request, target)
    holds = within_tolerance(again, up, down, rules) or (ratio < 1.0 and again > 1.0) or (ratio > 1.0 and again < 1.0)
    return rounded_replicas(again, metrics, current, holds), mean, percent


@inline_kernel
def average_replicas(g, target, current, up, down, rules):
    """(replicas, mean usage) for a target per pod in milli-units; the caller excludes errors."""
    mean = quotient(g[G_ALL_USAGE], g[G_METRICS])
    ratio = float(mean) / float(target)
    rebalance = g[G_UNREADY] > 0 and ratio > 1.0
    if not rebalance and g[G_MISSING] == 0:
        if within_tolerance(ratio, up, down, rules):
            return current, mean
        return ceil_int32(ratio * g[G_READY]), mean
    usage, metrics = g[G_ALL_USAGE], g[G_METRICS]
    if ratio != 1.0 or rules & RULE_MISSING_AT_ONE != 0:
        # Missing pods stand for the target when scaling down, for nothing when scaling up.
        metrics += g[G_MISSING]
        if ratio < 1.0:
            usage += g[G_MISSING] * target
    if rebalance:
        metrics += g[G_UNREADY]
    again = float(quotient(usage, metrics)) / float(target)
    holds = within_tolerance(again, up, down, rules) or (ratio < 1.0 and again > 1.0) or (ratio > 1.0 and again < 1.0)
    return rounded_replicas(again, metrics, current, holds), mean


@inline_kernel
def value_replicas(g, value, target, current, up, down, rules):
    """(replicas, error) for a target that the whole metric is compared with (Object and External, type Value)."""
    ratio = float(value) / float(target)
    if current == 0:
        return ceil_int32(ratio), NO_ERROR
    if within_tolerance(ratio, up, down, rules):
        return current, NO_ERROR
    if g[G_LISTED] == 0:
        return 0, ERROR_COUNT_READY
    replicas = ratio * g[G_RUNNING_READY]
    return INT32_MAX if replicas > INT32_MAX else ceil_int32(replicas), NO_ERROR


@inline_kernel
def value_per_pod_replicas(external, value, target, status_replicas, up, down, rules):
    """(replicas, value per pod) for Object and External of type AverageValue: status replicas, not the spec's.

    External values are held at the largest integers, Object values are not, as upstream has it.
    """
    if external and value < 0:
        value = INT64_MAX
    wanted = float(value) / float(target)
    replicas = INT32_MAX if external and wanted > INT32_MAX else ceil_int32(wanted)
    if status_replicas != 0 and within_tolerance(
        float(value) / (float(target) * float(status_replicas)), up, down, rules
    ):
        replicas = status_replicas
    if external and float(value) >= INT64_MAX_AS_FLOAT:
        return replicas, INT64_MAX
    return replicas, ceil_int64(float(value) / float(status_replicas)) if status_replicas != 0 else INT64_MIN


@kernel
def propose(specs, state, h, m, current, status_replicas):
    """Turn the sums in ``state.gathered`` into the proposal of metric row ``m`` of HPA ``h``.

    For Object and External metrics G_USAGE holds the value (milli), G_LISTED and G_RUNNING_READY the pods.
    """
    g = state.gathered
    kind = specs.metric[m, M_KIND]
    target = specs.metric[m, M_TARGET]
    up = specs.tolerance_ratio[h, TOLERANCE_UP]
    down = specs.tolerance_ratio[h, TOLERANCE_DOWN]
    rules = specs.row[h, S_RULES]
    replicas, value, percent = 0, 0, -1
    if kind == UNKNOWN_SOURCE:
        error = ERROR_UNKNOWN_SOURCE
    elif target <= 0:
        error = ERROR_NO_TARGET
    elif kind in (OBJECT_VALUE, EXTERNAL_VALUE):
        error = g[G_ERROR]
        if error == NO_ERROR:
            value = g[G_USAGE]
            replicas, error = value_replicas(g, value, target, current, up, down, rules)
    elif kind in (OBJECT_AVERAGE, EXTERNAL_AVERAGE):
        error = g[G_ERROR]
        if error == NO_ERROR:
            external = kind == EXTERNAL_AVERAGE
            replicas, value = value_per_pod_replicas(external, g[G_USAGE], target, status_replicas, up, down, rules)
    else:
        by_request = kind in (RESOURCE_UTILIZATION, CONTAINER_UTILIZATION)
        error = pod_metric_error(g, by_request)
        if error == NO_ERROR and by_request:
            replicas, value, percent = utilization_replicas(g, target, current, up, down, rules)
        elif error == NO_ERROR:
            replicas, value = average_replicas(g, target, current, up, down, rules)
    state.metric[m, P_REPLICAS] = replicas
    state.metric[m, P_VALUE] = value
    state.metric[m, P_UTILIZATION] = percent
    state.metric[m, P_ERROR] = error
    return error
