"""What a drain does with the pods of a kind, and why a pod blocks it.

Rules in upstream's order; the first that says something decides. What depends on the pod (long terminating, terminal
phase) or on the moment (disruption budgets) is left to the simulation.

Source: cluster-autoscaler simulator/drainability/rules, utils/drain/drain.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.tables import BLOCK, MOVE, MOVE_UNLESS_PDB, SKIP

REASONS = (
    "NoReason", "ControllerNotFound", "MinReplicasReached", "NotReplicated", "LocalStorageRequested",
    "NotSafeToEvictAnnotation", "UnmovableKubeSystemPod", "NotEnoughPdb", "UnexpectedError",
)  # fmt: skip
NOT_ENOUGH_PDB = REASONS.index("NotEnoughPdb")
REPLICATED = frozenset({"ReplicationController", "Job", "ReplicaSet", "StatefulSet"})
LISTED = REPLICATED
"""Controllers that the autoscaler looks up."""


@dataclass(frozen=True)
class Drainage:
    """What the drain rules ask of a pod's kind."""

    owner_kind: str = ""
    daemonset: bool = False
    mirror: bool = False
    safe_to_evict: str = ""
    """Value of the annotation cluster-autoscaler.kubernetes.io/safe-to-evict."""
    local_storage: bool = False
    """An emptyDir on disk or a hostPath that no annotation excuses."""
    system: bool = False
    """In kube-system."""


def blocked(reason: str) -> int:
    """The outcome of a rule that blocks."""
    return BLOCK + REASONS.index(reason)


def outcome(of: Drainage, options: Options, replicas: int | None, has_budget: bool, terminal: bool) -> int:
    """What a drain does with such a pod: SKIP, MOVE, MOVE_UNLESS_PDB or BLOCK + reason.

    ``replicas`` is what its controller wants, None when there is no such controller.
    """
    if of.mirror:
        return SKIP
    if options.skip_custom and of.owner_kind in LISTED:
        if replicas is None:
            return blocked("ControllerNotFound")
        if of.owner_kind in ("ReplicationController", "ReplicaSet") and replicas < options.min_replica_count:
            return blocked("MinReplicasReached")
    if of.daemonset or of.safe_to_evict == "true" or terminal:
        return MOVE
    if not of.owner_kind or (options.skip_custom and of.owner_kind not in REPLICATED):
        return blocked("NotReplicated")
    if options.skip_system and of.system and not has_budget:
        return blocked("UnmovableKubeSystemPod")
    if of.safe_to_evict == "false":
        return blocked("NotSafeToEvictAnnotation")
    if options.skip_local_storage and of.local_storage:
        return blocked("LocalStorageRequested")
    return MOVE_UNLESS_PDB
