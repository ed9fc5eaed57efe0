"""What one loop of the Cluster Autoscaler found and did, in upstream's words.

Source: cluster-autoscaler processors/status, core/scaledown/status.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from capsim.controllers.cluster_autoscaler.deletion import Outcome
from capsim.controllers.cluster_autoscaler.equivalence import PodGroup
from capsim.controllers.cluster_autoscaler.expander import Option
from capsim.controllers.cluster_autoscaler.similar_groups import Growth
from capsim.controllers.cluster_autoscaler.unremovable import Unremovable
from capsim.controllers.cluster_autoscaler.view import NodeTemplate
from capsim.state.tables import I64


@dataclass
class ScaleUpStatus:
    """Outcome of the scale-up half of a loop."""

    result: str = "NotTried"
    growths: list[Growth] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    chosen: int = -1
    """Group of the chosen option."""
    trail: list[tuple[str, list[int]]] = field(default_factory=list)
    """What each expander of the chain left."""
    notes: dict[str, str] = field(default_factory=dict)
    triggered: I64 | None = None
    """Pods that the chosen option holds."""
    groups: list[PodGroup] = field(default_factory=list)
    """Equivalence groups of the pods to help."""
    remaining: list[PodGroup] = field(default_factory=list)
    """Groups of pods that no node group helps."""
    awaiting: list[PodGroup] = field(default_factory=list)
    """Groups that another node group could have helped."""
    templates: dict[int, NodeTemplate] = field(default_factory=dict)
    """The new node of each group, as it was simulated."""
    skipped: dict[int, str] = field(default_factory=dict)
    """Node groups that were not considered, and why."""
    error: str = ""
    failed: list[int] = field(default_factory=list)
    """Groups that the cloud refused to grow."""


@dataclass
class ScaledDown:
    """A node whose deletion was started."""

    slot: int
    evicted: list[int]
    """Pods that will be evicted."""
    utilisation: float


@dataclass
class LoopStatus:
    """Outcome of one loop."""

    now_ms: int
    scale_up: ScaleUpStatus = field(default_factory=ScaleUpStatus)
    scale_down: str = "NotTried"
    scaled_down: list[ScaledDown] = field(default_factory=list)
    results: list[Outcome] = field(default_factory=list)
    unremovable: list[Unremovable] = field(default_factory=list)
    error: str = ""
    why_not: str = ""
    """Why the loop ended early, in plain words; empty when it ran to its end."""
    started: bool = True
    """False when the loop was aborted before it looked at the cluster."""

    @property
    def productive(self) -> bool:
        """Whether it grew a group or began to delete a node."""
        return self.scale_up.result == "Successful" or self.scale_down == "NodeDeleteStarted"
