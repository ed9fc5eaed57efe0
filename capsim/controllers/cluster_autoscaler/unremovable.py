"""Why a node stays, in upstream's words, and for how long it is not asked again.

Source: cluster-autoscaler simulator/cluster.go (UnremovableReason), core/scaledown/unremovable/nodes.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from capsim.state.tables import I64

NONE = np.empty(0, np.int64)

REASONS = (
    "NoReason", "ScaleDownDisabledAnnotation", "ScaleDownUnreadyDisabled", "NotAutoscaled", "NotUnneededLongEnough",
    "NotUnreadyLongEnough", "NodeGroupMinSizeReached", "MinimalResourceLimitExceeded", "CurrentlyBeingDeleted",
    "NotUnderutilized", "NotUnneededOtherReason", "RecentlyUnremovable", "NoPlaceToMovePods", "BlockedByPod",
    "UnexpectedError",
)  # fmt: skip


REASONS_TO_STAY = (
    "RecentlyUnremovable", "CurrentlyBeingDeleted", "ScaleDownDisabledAnnotation", "NotAutoscaled",
    "ScaleDownUnreadyDisabled", "NotUnderutilized",
)  # fmt: skip
"""Why a node is not simulated at all, in the order in which upstream asks."""


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
    """By slot, of the nodes that were simulated."""
    _others: tuple[I64, I64] = field(default_factory=lambda: (NONE, NONE))

    def start(self, present: set[int], now_ms: int) -> None:
        """A new loop: forget reasons, nodes that are gone (not among uids ``present``) and times that are over."""
        self.reasons, self._others = {}, (NONE, NONE)
        if self.until_ms:
            self.until_ms = {uid: t for uid, t in self.until_ms.items() if t > now_ms and uid in present}

    def looked_at(self, slots: I64, reasons: I64) -> None:
        """Nodes that are not simulated; ``reasons`` point into REASONS_TO_STAY. Most loops tell nobody: they are put
        into words by ``told`` only."""
        self._others = (slots, reasons)

    def told(self) -> list[Unremovable]:
        """Every node that stays."""
        others = zip(self._others[0].tolist(), self._others[1].tolist(), strict=True)
        early = {slot: Unremovable(slot, REASONS_TO_STAY[reason]) for slot, reason in others}
        return list((early | self.reasons).values())

    def add(self, one: Unremovable) -> None:
        """Note why a node stays."""
        self.reasons[one.slot] = one
