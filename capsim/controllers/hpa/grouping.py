"""Which pods count for a per-pod metric, and their sums (upstream: ``groupPods`` and ``calculatePodRequests``).

The replica calculators need sums, never lists: a caller that knows a thousand identical settled pods adds them in one
step, and classifies only young, pending or dying ones one by one.
"""

from __future__ import annotations

from capsim.controllers.hpa.codes import COUNTED, FAILED, IGNORED, MISSING, PENDING, READY_ABSENT, READY_FALSE, UNREADY
from capsim.controllers.hpa.releases import RULE_PENDING_IS_MISSING
from capsim.controllers.hpa.tables import (
    CONTAINER_UTILIZATION,
    G_ALL_USAGE,
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
    G_UNREADY,
    G_UNREADY_REQUEST,
    G_USAGE,
    GATHERED_CELLS,
    M_KIND,
    M_TARGET,
    NO_TIME,
    RESOURCE_UTILIZATION,
)
from capsim.jit import inline_kernel

NO_REQUEST, NO_CONTAINER = -1, -2


@inline_kernel
def clear(gathered):
    """Empty the cells before the pods of one metric are added."""
    for i in range(GATHERED_CELLS):
        gathered[i] = 0


@inline_kernel
def classify(
    phase, deleting, has_value, is_cpu, start_ms, ready, ready_ms, sampled_ms, window_ms, now_ms, init_ms, delay_ms
):
    """IGNORED, UNREADY, MISSING or COUNTED for one pod.

    ``start_ms`` is status.startTime (NO_TIME: not set), ``ready`` and ``ready_ms`` the Ready condition and its last
    transition, ``sampled_ms`` and ``window_ms`` the sample's timestamp and window, ``init_ms`` and ``delay_ms`` the
    CPU initialisation period and the initial readiness delay. With the same sample the answer changes only at
    ``start_ms + init_ms``.
    """
    if deleting or phase == FAILED:
        return IGNORED
    if phase == PENDING:
        return UNREADY
    if not has_value:
        return MISSING
    if is_cpu:
        if ready == READY_ABSENT or start_ms == NO_TIME:
            return UNREADY
        if start_ms + init_ms > now_ms:
            # Still initialising: only samples taken wholly after the pod became ready count.
            if ready == READY_FALSE or sampled_ms < ready_ms + window_ms:
                return UNREADY
        elif ready == READY_FALSE and start_ms + delay_ms > ready_ms:
            # Not ready and, as far as can be told, never was.
            return UNREADY
    return COUNTED


@inline_kernel
def percent_of_missing(specs, m):
    """What a pod without sample stands for on a scale-down, in percent of its request (Utilization targets only)."""
    kind = specs.metric[m, M_KIND]
    if kind in (RESOURCE_UTILIZATION, CONTAINER_UTILIZATION):
        return max(specs.metric[m, M_TARGET], 100)
    return 0


@inline_kernel
def add_counted(gathered, pods, usage, request):
    """Add ``pods`` pods that count, with the sums of their usage and of their requests (milli)."""
    gathered[G_LISTED] += pods
    gathered[G_RETURNED] += pods
    gathered[G_READY] += pods
    gathered[G_METRICS] += pods
    gathered[G_MATCHED] += pods
    gathered[G_USAGE] += usage
    gathered[G_ALL_USAGE] += usage
    gathered[G_REQUEST] += request


@inline_kernel
def add_pods(gathered, group, pods, returned, usage_each, request_each, missing_percent):
    """Add ``pods`` equal pods by their class.

    ``returned`` is 1 if the metrics API has a sample of each of them (even one without the wanted value), else 0;
    ``request_each`` is NO_REQUEST where a container has none, NO_CONTAINER where the metric's container is not in the
    pod: errors for Utilization targets only. ``missing_percent`` is that of ``percent_of_missing``.
    """
    if request_each < 0:
        gathered[G_NO_REQUEST if request_each == NO_REQUEST else G_NO_CONTAINER] += pods
        request_each = 0
    if group == COUNTED:
        add_counted(gathered, pods, pods * usage_each, pods * request_each)
        return
    gathered[G_LISTED] += pods
    gathered[G_RETURNED] += pods * returned
    if group == UNREADY:
        gathered[G_UNREADY] += pods
        gathered[G_UNREADY_REQUEST] += pods * request_each
    elif group == MISSING:
        gathered[G_MISSING] += pods
        gathered[G_MISSING_REQUEST] += pods * request_each
        gathered[G_MISSING_FALLBACK] += pods * (request_each * missing_percent // 100)


@inline_kernel
def add_pod(gathered, group, has_value, usage, request, missing_percent):
    """Add one pod by its class; ``request`` and ``missing_percent`` as in ``add_pods``."""
    pods = 1 if group >= IGNORED else 0  # not a constant, or numba compiles add_pods once more for it
    returned = 1 if has_value else 0
    add_pods(gathered, group, pods, returned, usage, request, max(missing_percent, 100))


@inline_kernel
def add_waiting(gathered, rules, pods, request_each, missing_percent):
    """Add ``pods`` equal pods that are pending, without sample; arguments as in ``add_pods``."""
    group = MISSING if rules & RULE_PENDING_IS_MISSING != 0 else UNREADY
    add_pods(gathered, group, pods, 0, 0, request_each, missing_percent)


@inline_kernel
def add_stranger(gathered, usage):
    """Add a sample whose pod is not listed (any more): it counts as a metric, not as usage against requests."""
    gathered[G_RETURNED] += 1
    gathered[G_METRICS] += 1
    gathered[G_ALL_USAGE] += usage
