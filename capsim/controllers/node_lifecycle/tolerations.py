"""How long pods stay on a node with the taint node.kubernetes.io/unreachable:NoExecute.

Source: kubernetes v1.36 plugin/pkg/admission/defaulttolerationseconds and pkg/controller/tainteviction
(getMinTolerationTime).
"""

from __future__ import annotations

from collections.abc import Sequence

from capsim.controllers.scheduler.static import tolerates
from capsim.scenario.cluster import Taint
from capsim.scenario.kubernetes.pod import Toleration

UNREACHABLE = Taint(key="node.kubernetes.io/unreachable", effect="NoExecute")


def has_own(tolerations: Sequence[Toleration], key: str) -> bool:
    """Whether admission finds a toleration of the key, so that it adds none."""
    return any(t.key in ("", key) and t.effect in ("", "NoExecute") for t in tolerations)


def stays_ms(tolerations: Sequence[Toleration], default_s: int, taint: Taint = UNREACHABLE) -> int | None:
    """Time from the taint until the pod is evicted; None: it stays.

    ``default_s`` is the API server's ``--default-unreachable-toleration-seconds``.
    """
    if not has_own(tolerations, taint.key):
        return max(0, default_s) * 1000
    matching = [t for t in tolerations if tolerates(t, taint)]
    if not matching:
        return 0
    bounds = [t.seconds for t in matching if t.seconds is not None]
    return max(0, min(bounds)) * 1000 if bounds else None
