"""How many pods each PodDisruptionBudget lets go now.

Source: kubernetes pkg/controller/disruption (v1.34): expected pods are what the controllers want, healthy ones are
Ready. Not modelled: unhealthyPodEvictionPolicy, the delay of the disruption controller.
"""

from __future__ import annotations

from capsim.controllers.cluster_autoscaler.tables import (
    LIMIT_MAX_PERCENT,
    LIMIT_MAX_UNAVAILABLE,
    LIMIT_MIN_AVAILABLE,
    LIMIT_MIN_PERCENT,
)
from capsim.jit import entry, kernel
from capsim.state.tables import I64, POD_READY


@kernel
def count_budgets(desired: I64, by_state: I64, covered: I64, limit: I64, allowed: I64):
    """Fill ``allowed`` [B], status.disruptionsAllowed; ``desired`` [W], ``by_state`` [W, states] pods, ``covered``
    [2, B, W] kinds of a workload that a budget covers and whose replicas it expects, ``limit`` [B, 2]."""
    for b in range(allowed.shape[0]):
        expected, healthy = 0, 0
        for w in range(desired.shape[0]):
            expected += covered[1, b, w] * desired[w]
            healthy += covered[0, b, w] * by_state[w, POD_READY]
        kind, value = limit[b, 0], limit[b, 1]
        wanted = 0
        if kind == LIMIT_MAX_UNAVAILABLE:
            wanted = max(0, expected - value)
        elif kind == LIMIT_MAX_PERCENT:
            wanted = max(0, expected + -value * expected // 100)
        elif kind == LIMIT_MIN_AVAILABLE:
            wanted = value
        elif kind == LIMIT_MIN_PERCENT:
            wanted = -(-value * expected // 100)
        allowed[b] = max(0, healthy - wanted) if expected > 0 else 0


@entry
def allowed_now(desired: I64, by_state: I64, covered: I64, limit: I64, allowed: I64):
    """``count_budgets``, for Python."""
    count_budgets(desired, by_state, covered, limit, allowed)
