"""How many pods a rollout may have too many, and how many too few.

Source: kubernetes v1.36 pkg/controller/deployment/util/deployment_util.go (ResolveFenceposts, MaxUnavailable): a surge
in percent is rounded up, unavailable pods in percent are rounded down, and if both come to 0 one may be unavailable.
"""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables_rollout import (
    D_RECREATE,
    D_SURGE,
    D_SURGE_IS_PERCENT,
    D_UNAVAILABLE,
    D_UNAVAILABLE_IS_PERCENT,
    Rollouts,
)


@inline_kernel
def scaled_up(bound, is_percent, total):
    """A bound in pods, or in percent of ``total``, rounded up."""
    return (bound * total + 99) // 100 if is_percent == 1 else bound


@inline_kernel
def max_surge(rollouts: Rollouts, w, replicas):
    """Pods that Deployment ``w`` may have above ``replicas``."""
    if rollouts.setting[w, D_RECREATE] == 1:
        return 0
    surge = rollouts.setting[w, D_SURGE]
    if rollouts.setting[w, D_SURGE_IS_PERCENT] == 1:  # Python calls this one too: it calls no other kernel
        return (surge * replicas + 99) // 100
    return surge


@inline_kernel
def max_unavailable(rollouts: Rollouts, w, replicas):
    """Pods of Deployment ``w`` that may be unavailable out of ``replicas``."""
    if rollouts.setting[w, D_RECREATE] == 1 or replicas == 0:
        return 0
    most = rollouts.setting[w, D_UNAVAILABLE]
    if rollouts.setting[w, D_UNAVAILABLE_IS_PERCENT] == 1:
        most = most * replicas // 100
    if most == 0 and max_surge(rollouts, w, replicas) == 0:
        most = 1
    return min(most, replicas)
