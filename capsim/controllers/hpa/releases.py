"""Rules of the HPA controller that changed between releases, as bits for the kernels.

Source: kubernetes pull requests named below (pkg/controller/podautoscaler) and the CHANGELOG of the release that has
them first. Recordings prove v1.36 only.
"""

from __future__ import annotations

RULE_PENDING_IS_MISSING = 1
"""Before 1.16 (#79657): a Pending pod counts as a pod without metrics: at 100 % of its request on a scale-down."""
RULE_MISSING_AT_ONE = 2
"""Before 1.28 (#117845): at a ratio of exactly 1.0, targets per pod count pods without metrics as 0."""
RULE_TOLERANCE_BY_DISTANCE = 4
"""Before 1.33 (#130797): within tolerance is ``|1 - ratio| <= tolerance``, so that 55 % against 50 % scales."""
RULE_ZERO_BY_MIN = 8
"""Before 1.36 (#135118): at 0 replicas the HPA works when minReplicas is 0, whoever scaled to zero."""
RULE_CURRENT_IS_STATUS = 16
"""Before 1.16 (#79035): the HPA starts from status.replicas, and so writes a rollout's surge into spec.replicas."""

FIRST_AMBIGUOUS = (1, 27)
"""AmbiguousSelector (#112011); before, both HPAs work, each on what it wants."""
FIRST_SIDECAR_REQUESTS = (1, 29)
"""Requests of sidecars count (#120001)."""
FIRST_POD_REQUESTS = (1, 34)
"""Requests of the pod as a whole count (#132430)."""
FIRST_TOLERANCE_FIELD = (1, 35)
"""``behavior.*.tolerance`` is on by default (HPAConfigurableTolerance, #133128; behind a gate in 1.33 and 1.34)."""
LATEST = (1, 36)


def release_of(text: str) -> tuple[int, int]:
    """``1.36`` -> (1, 36)."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def rules_of(release: tuple[int, int]) -> int:
    """The bits of the rules that hold in ``release``."""
    changed = (
        (RULE_PENDING_IS_MISSING, (1, 16)),
        (RULE_CURRENT_IS_STATUS, (1, 16)),
        (RULE_MISSING_AT_ONE, (1, 28)),
        (RULE_TOLERANCE_BY_DISTANCE, (1, 33)),
        (RULE_ZERO_BY_MIN, (1, 36)),
    )
    return sum(rule for rule, first in changed if release < first)
