"""Why a node stays, in upstream's words, and for how long it is not asked again.

Source: cluster-autoscaler simulator/cluster.go (UnremovableReason), core/scaledown/unremovable/nodes.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REASONS = (
    "NoReason", "ScaleDownDisabledAnnotation", "ScaleDownUnreadyDisabled", "NotAutoscaled", "NotUnneededLongEnough",
    "NotUnreadyLongEnough", "NodeGroupMinSizeReached", "MinimalResourceLimitExceeded", "CurrentlyBeingDeleted",
    "NotUnderutilized", "NotUnneededOtherReason", "RecentlyUnremovable", "NoPlaceToMovePods", "BlockedByPod",
    "UnexpectedError",
)  # fmt: skip


@dataclass(frozen=True)
class Unremovable:
    """One node that stays: the reason, and the pod that blocks it with its own reason."""

    slot: int
    reason: str
    pod: int = -1
    why: str = ""


@dataclass
class UnremovableNodes:
    """Reasons of the last loop that looked, and nodes that are left alone for a while (by uid)."""

    until_ms: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, Unremovable] = field(default_factory=dict)

    def start(self, present: set[int], now_ms: int) -> None:
        """A new loop: forget reasons, nodes that are gone (not among uids ``present``) and times that are over."""
        self.reasons = {}
        if self.until_ms:
            self.until_ms = {uid: t for uid, t in self.until_ms.items() if t > now_ms and uid in present}

    def add(self, one: Unremovable) -> None:
        """Note why a node stays."""
        self.reasons[one.slot] = one
