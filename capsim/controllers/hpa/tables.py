"""What the HPA controller knows: the specs of all autoscalers and their state, as arrays with one row per HPA.

Times and durations are int64 milliseconds. CPU is in milli-cores, memory in milli-bytes, every other metric in
milli-units, as upstream computes (``MilliValue``); targets of kind Utilization are whole percent of the request.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEVER = 1 << 60
"""A time after the end of every run."""
NO_TIME = -(1 << 60)
"""Stands for an API time that is not set (a pod without startTime)."""

# Columns of HpaSpecs.row.
S_MIN, S_MAX, S_BEHAVIOR, S_UP_WINDOW_MS, S_DOWN_WINDOW_MS, S_UP_SELECT, S_DOWN_SELECT = 0, 1, 2, 3, 4, 5, 6
S_UP_FIRST, S_UP_END, S_DOWN_FIRST, S_DOWN_END, S_UP_LONGEST_MS, S_DOWN_LONGEST_MS = 7, 8, 9, 10, 11, 12
S_METRIC_FIRST, S_METRIC_END, S_ZERO_GATE, S_HAS_EXTERNAL = 13, 14, 15, 16
S_CPU_INIT_MS, S_READY_DELAY_MS, S_LIMIT_FACTOR, S_LIMIT_FLOOR, S_RULES = 17, 18, 19, 20, 21
SPEC_COLUMNS = 22
# Columns of HpaSpecs.tolerance_ratio.
TOLERANCE_UP, TOLERANCE_DOWN = 0, 1
# Columns of HpaSpecs.policy, their types, and the values of selectPolicy.
POLICY_TYPE, POLICY_VALUE, POLICY_PERIOD_MS = 0, 1, 2
PODS_POLICY, PERCENT_POLICY = 0, 1
SELECT_MAX, SELECT_MIN, SELECT_DISABLED = 0, 1, 2
# Columns of HpaSpecs.metric.
M_KIND, M_RESOURCE, M_TARGET, M_CONTAINER = 0, 1, 2, 3
METRIC_COLUMNS = 4
# Kinds of metric: where the value comes from and what the target means.
RESOURCE_UTILIZATION, RESOURCE_AVERAGE, CONTAINER_UTILIZATION, CONTAINER_AVERAGE = 0, 1, 2, 3
PODS_AVERAGE, OBJECT_VALUE, OBJECT_AVERAGE, EXTERNAL_VALUE, EXTERNAL_AVERAGE, UNKNOWN_SOURCE = 4, 5, 6, 7, 8, 9
# Resources: only CPU has rules of its own (initialisation, readiness).
RESOURCE_NONE, RESOURCE_CPU, RESOURCE_MEMORY, RESOURCE_OTHER = 0, 1, 2, 3

# Columns of HpaState.row: the status (desired replicas, conditions), what the last sync made of its metrics, and the
# lengths of the logs.
R_DESIRED, R_LAST_SCALE_MS, R_ABLE, R_ACTIVE, R_LIMITED, R_ZERO = 0, 1, 2, 3, 4, 5
R_OUTCOME, R_RECOMMENDATION, R_STABILIZED, R_REASON, R_METRIC, R_INVALID, R_FIRST_INVALID = 6, 7, 8, 9, 10, 11, 12
R_LOGGED, R_LOG_OPEN, R_LOG_FIRST, R_LOG_LENGTH, R_UP_EVENTS, R_DOWN_EVENTS, R_OVERFLOW = 13, 14, 15, 16, 17, 18, 19
STATE_COLUMNS = 20
# Columns of HpaState.log (a run of equal recommendations) and of the scale events.
LOG_VALUE, LOG_FIRST_MS, LOG_LAST_MS = 0, 1, 2
EVENT_MS, EVENT_CHANGE = 0, 1
# Columns of HpaState.metric: what each metric of the last sync proposed.
P_REPLICAS, P_VALUE, P_UTILIZATION, P_ERROR = 0, 1, 2, 3
PROPOSAL_COLUMNS = 4

# Cells of HpaState.gathered: the pods behind one metric, added up (grouping.py fills them, replicas.py reads them).
G_ERROR, G_LISTED, G_RUNNING_READY, G_RETURNED, G_READY, G_METRICS, G_MATCHED = 0, 1, 2, 3, 4, 5, 6
G_USAGE, G_REQUEST, G_ALL_USAGE, G_MISSING, G_MISSING_REQUEST, G_MISSING_FALLBACK = 7, 8, 9, 10, 11, 12
G_UNREADY, G_UNREADY_REQUEST, G_NO_REQUEST, G_NO_CONTAINER = 13, 14, 15, 16
GATHERED_CELLS = 17


class HpaSpecs(NamedTuple):
    """Specs and controller settings; made by :func:`capsim.controllers.hpa.spec.compile_specs`, read by kernels."""

    row: NDArray[np.int64]
    """[hpas, SPEC_COLUMNS]: columns S_*; without behavior the down window is the controller's flag."""
    tolerance_ratio: NDArray[np.float64]
    """[hpas, 2]: up, down."""
    policy: NDArray[np.int64]
    """[policies, 3]: type, value (pods or percent), period; an HPA has S_UP_FIRST:S_UP_END, S_DOWN_FIRST:S_DOWN_END."""
    metric: NDArray[np.int64]
    """[metrics, METRIC_COLUMNS]: kind, resource, target (percent or milli), container index or -1;
    S_METRIC_FIRST:S_METRIC_END of an HPA."""


class HpaState(NamedTuple):
    """Everything that the controller remembers between syncs, and the scratch cells of the sync at hand."""

    row: NDArray[np.int64]
    """[hpas, STATE_COLUMNS]: columns R_*."""
    log: NDArray[np.int64]
    """[hpas, capacity, 3]: ring of runs of equal recommendations (value, first, last), oldest at R_LOG_FIRST."""
    up: NDArray[np.int64]
    """[hpas, capacity, 2]: scale-up events (time, pods added); slots are reused in upstream's order."""
    down: NDArray[np.int64]
    """[hpas, capacity, 2]: scale-down events (time, pods removed)."""
    metric: NDArray[np.int64]
    """[metrics, PROPOSAL_COLUMNS]: proposal, value, utilisation in percent (-1: none), error of the last sync."""
    gathered: NDArray[np.int64]
    """[GATHERED_CELLS]: the metric being gathered, columns G_*."""
