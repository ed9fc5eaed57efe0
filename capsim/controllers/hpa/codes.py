"""Outcomes, conditions, reasons and errors of the controller as small integers, and upstream's names for them."""

from __future__ import annotations

# What a pod is to a per-pod metric.
IGNORED, UNREADY, MISSING, COUNTED = 0, 1, 2, 3
# Pod phases, and the status of the Ready condition.
PENDING, RUNNING, SUCCEEDED, FAILED = 0, 1, 2, 3
READY_ABSENT, READY_FALSE, READY_TRUE, READY_UNKNOWN = 0, 1, 2, 3

# What begin() asks of its caller: gather every metric, or nothing (replicas outside min and max, scaling disabled).
GATHER, CORRECT, DISABLED = 0, 1, 2

# Outcome of a sync (R_OUTCOME). PARTIAL: some metrics failed, the rest decided.
OK, PARTIAL, FAILED_METRICS, FAILED_GET_SCALE, FAILED_UPDATE_SCALE = 0, 1, 2, 3, 4

# Conditions: type -> code -> (status, reason). 0: not set.
NO_CONDITION = 0
ABLE_GET, ABLE_GET_FAILED, ABLE_READY, ABLE_UP_STABILIZED, ABLE_DOWN_STABILIZED = 1, 2, 3, 4, 5
ABLE_RESCALED, ABLE_UPDATE_FAILED = 6, 7
ACTIVE_VALID, ACTIVE_DISABLED, ACTIVE_NO_RESOURCE, ACTIVE_NO_CONTAINER, ACTIVE_NO_PODS = 1, 2, 3, 4, 5
ACTIVE_NO_OBJECT, ACTIVE_NO_EXTERNAL, ACTIVE_AMBIGUOUS, ACTIVE_INVALID_SELECTOR, ACTIVE_INVALID_TYPE = 6, 7, 8, 9, 10
LIMITED_NOT, LIMITED_SCALE_UP, LIMITED_SCALE_DOWN, LIMITED_TOO_FEW, LIMITED_TOO_MANY = 1, 2, 3, 4, 5
ZERO_YES, ZERO_NO = 1, 2

ABLE_TO_SCALE = {
    ABLE_GET: ("True", "SucceededGetScale"),
    ABLE_GET_FAILED: ("False", "FailedGetScale"),
    ABLE_READY: ("True", "ReadyForNewScale"),
    ABLE_UP_STABILIZED: ("True", "ScaleUpStabilized"),
    ABLE_DOWN_STABILIZED: ("True", "ScaleDownStabilized"),
    ABLE_RESCALED: ("True", "SucceededRescale"),
    ABLE_UPDATE_FAILED: ("False", "FailedUpdateScale"),
}
SCALING_ACTIVE = {
    ACTIVE_VALID: ("True", "ValidMetricFound"),
    ACTIVE_DISABLED: ("False", "ScalingDisabled"),
    ACTIVE_NO_RESOURCE: ("False", "FailedGetResourceMetric"),
    ACTIVE_NO_CONTAINER: ("False", "FailedGetContainerResourceMetric"),
    ACTIVE_NO_PODS: ("False", "FailedGetPodsMetric"),
    ACTIVE_NO_OBJECT: ("False", "FailedGetObjectMetric"),
    ACTIVE_NO_EXTERNAL: ("False", "FailedGetExternalMetric"),
    ACTIVE_AMBIGUOUS: ("False", "AmbiguousSelector"),
    ACTIVE_INVALID_SELECTOR: ("False", "InvalidSelector"),
    ACTIVE_INVALID_TYPE: ("False", "InvalidMetricSourceType"),
}
SCALING_LIMITED = {
    LIMITED_NOT: ("False", "DesiredWithinRange"),
    LIMITED_SCALE_UP: ("True", "ScaleUpLimit"),
    LIMITED_SCALE_DOWN: ("True", "ScaleDownLimit"),
    LIMITED_TOO_FEW: ("True", "TooFewReplicas"),
    LIMITED_TOO_MANY: ("True", "TooManyReplicas"),
}
SCALED_TO_ZERO = {ZERO_YES: ("True", "ScaledToZero"), ZERO_NO: ("False", "NotScaledToZero")}

# Why the size changes (R_REASON). REASON_ABOVE_TARGET names the metric in R_METRIC.
REASON_NONE, REASON_ABOVE_MAX, REASON_BELOW_MIN, REASON_ABOVE_TARGET, REASON_BELOW_TARGET = 0, 1, 2, 3, 4

# Why a metric proposed nothing (P_ERROR). ERROR_UNAVAILABLE (the metrics API does not answer) and ERROR_EMPTY (it has
# no value) are set by whoever gathers (G_ERROR); ERROR_EMPTY also follows from pods without any sample.
NO_ERROR, ERROR_UNAVAILABLE, ERROR_EMPTY = 0, 1, 2
ERROR_NO_PODS, ERROR_NO_READY, ERROR_NO_REQUEST, ERROR_NO_CONTAINER = 3, 4, 5, 6
ERROR_NO_MATCH, ERROR_COUNT_READY, ERROR_UNKNOWN_SOURCE, ERROR_NO_TARGET = 7, 8, 9, 10
