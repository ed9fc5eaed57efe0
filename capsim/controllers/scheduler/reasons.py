"""Why a node is refused, in kube-scheduler v1.34's words.

A reason is an index into a run's list of texts: the fixed ones below, then one per resource column, then one per taint.
"""

from __future__ import annotations

from capsim.state.tables import PODS

(
    REASON_UNSCHEDULABLE,
    REASON_NODE_NAME,
    REASON_NOT_READY,
    REASON_TO_BE_DELETED,
    REASON_UNREACHABLE,
    REASON_PRESSURE,
    REASON_DISK_PRESSURE,
    REASON_AFFINITY,
    REASON_ENFORCED,
    REASON_PORTS,
    REASON_CLAIM,
    REASON_ATTACH,
    REASON_BIND,
    REASON_VOLUME_NODE,
    REASON_VOLUME_ZONE,
    REASON_SPREAD,
    REASON_SPREAD_KEY,
    REASON_POD_AFFINITY,
    REASON_ANTI,
    REASON_EXISTING,
    REASON_FIT,
) = range(21)
"""REASON_FIT is the first resource column."""

PASS = -1
INSUFFICIENT = -2
"""NodeResourcesFit rejects the node; which resources are short is asked for only by a diagnosis."""

FIXED = (
    ("NodeUnschedulable", "node(s) were unschedulable"),
    ("NodeAffinity", "node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    ("TaintToleration", "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"),
    ("TaintToleration", "node(s) had untolerated taint {ToBeDeletedByClusterAutoscaler: }"),
    ("TaintToleration", "node(s) had untolerated taint {node.kubernetes.io/unreachable: }"),
    ("TaintToleration", "node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }"),
    ("TaintToleration", "node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }"),
    ("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"),
    ("NodeAffinity", "node(s) didn't match scheduler-enforced node affinity"),
    ("NodePorts", "node(s) didn't have free ports for the requested pod ports"),
    (
        "VolumeRestrictions",
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another "
        "pod",
    ),
    ("NodeVolumeLimits", "node(s) exceed max volume count"),
    ("VolumeBinding", "node(s) didn't find available persistent volumes to bind"),
    ("VolumeBinding", "node(s) didn't match PersistentVolume's node affinity"),
    ("VolumeZone", "node(s) had no available volume zone"),
    ("PodTopologySpread", "node(s) didn't match pod topology spread constraints"),
    ("PodTopologySpread", "node(s) didn't match pod topology spread constraints (missing required label)"),
    ("InterPodAffinity", "node(s) didn't match pod affinity rules"),
    ("InterPodAffinity", "node(s) didn't match pod anti-affinity rules"),
    ("InterPodAffinity", "node(s) didn't satisfy existing pods anti-affinity rules"),
)
"""Plugin and text of every fixed reason."""

HELPED_BY_PREEMPTION = frozenset(
    {REASON_PORTS, REASON_CLAIM, REASON_ATTACH, REASON_SPREAD, REASON_ANTI, REASON_EXISTING}
)
"""Fixed reasons with the code Unschedulable: removing pods could help. The others are UnschedulableAndUnresolvable."""


def reason_texts(resources: list[str], taints: list[str]) -> list[str]:
    """Texts of all reasons of a run; ``resources`` by column, ``taints`` as ``{key: value}``."""
    short = ["Too many pods" if column == PODS else f"Insufficient {name}" for column, name in enumerate(resources)]
    return [*(text for _, text in FIXED), *short, *[f"node(s) had untolerated taint {taint}" for taint in taints]]


def plugin_of(reason: int, resources: int) -> str:
    """The plugin that refuses with a reason."""
    if reason < REASON_FIT:
        return FIXED[reason][0]
    return "NodeResourcesFit" if reason < REASON_FIT + resources else "TaintToleration"
