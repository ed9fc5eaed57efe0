"""What can be said of a pod class and a node shape once and for all: tolerations, node selector, node affinity.

Source: kube-scheduler v1.34.1, plugins/tainttoleration and plugins/nodeaffinity. The results fill
``Classes.shape_reason`` and ``Rules.shape_raw``; taints that come and go (not-ready, ToBeDeleted, unschedulable) are
flags of the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from capsim.controllers.scheduler.reasons import (
    PASS,
    REASON_AFFINITY,
    REASON_ENFORCED,
    REASON_FIT,
    REASON_NODE_NAME,
)
from capsim.controllers.scheduler.shapes import NODE_NAME, NodeShape
from capsim.scenario.cluster import Taint
from capsim.scenario.kubernetes.pod import PodTemplate, Toleration
from capsim.scenario.pod_quota import is_best_effort
from capsim.state.tables import (
    FLAG_DISK_PRESSURE,
    FLAG_MEMORY_PRESSURE,
    FLAG_NOT_READY,
    FLAG_SILENT,
    FLAG_TO_BE_DELETED,
    FLAG_UNREACHABLE,
    FLAG_UNSCHEDULABLE,
)

BLOCKING = ("NoSchedule", "NoExecute")
RUNTIME_TAINTS = {
    FLAG_NOT_READY: Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule"),
    FLAG_TO_BE_DELETED: Taint(key="ToBeDeletedByClusterAutoscaler", effect="NoSchedule"),
    FLAG_MEMORY_PRESSURE: Taint(key="node.kubernetes.io/memory-pressure", effect="NoSchedule"),
    FLAG_DISK_PRESSURE: Taint(key="node.kubernetes.io/disk-pressure", effect="NoSchedule"),
    FLAG_UNREACHABLE: Taint(key="node.kubernetes.io/unreachable", effect="NoSchedule"),
    FLAG_UNSCHEDULABLE: Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule"),
}
DAEMONSET_TOLERATES = FLAG_NOT_READY | FLAG_UNSCHEDULABLE | FLAG_MEMORY_PRESSURE | FLAG_DISK_PRESSURE
"""The DaemonSet controller adds tolerations for these taints to its pods."""
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration covers one taint (core/v1 Toleration.ToleratesTaint)."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    if toleration.operator in ("Lt", "Gt"):
        return _compares(toleration, taint)
    return bool(toleration.key) and toleration.value == taint.value


def _compares(toleration: Toleration, taint: Taint) -> bool:
    try:
        have, bound = int(taint.value), int(toleration.value)
    except ValueError:
        return False
    return have < bound if toleration.operator == "Lt" else have > bound


def untolerated(tolerations: Iterable[Toleration], taints: Iterable[Taint]) -> Taint | None:
    """The first NoSchedule or NoExecute taint that no toleration covers."""
    listed = list(tolerations)
    for taint in taints:
        if taint.effect in BLOCKING and not any(tolerates(t, taint) for t in listed):
            return taint
    return None


def tolerated_flags(template: PodTemplate, daemonset: bool) -> int:
    """Bit set of the node flags whose taint the class tolerates."""
    flags = FLAG_SILENT | (DAEMONSET_TOLERATES if daemonset else 0)
    if not is_best_effort(template):  # admission adds the toleration (plugin/pkg/admission/podtolerationrestriction)
        flags |= FLAG_MEMORY_PRESSURE
    for flag, taint in RUNTIME_TAINTS.items():
        if untolerated(template.tolerations, [taint]) is None:
            flags |= flag
    return flags


def intolerable_preferences(template: PodTemplate, taints: Iterable[Taint]) -> int:
    """PreferNoSchedule taints that no toleration covers (TaintToleration's score)."""
    considered = [t for t in template.tolerations if t.effect in ("", "PreferNoSchedule")]
    return sum(
        taint.effect == "PreferNoSchedule" and not any(tolerates(t, taint) for t in considered) for taint in taints
    )


def matches_node(template: PodTemplate, labels: Mapping[str, str]) -> bool:
    """NodeAffinity's filter: the node selector and the required terms (any term, all of its expressions)."""
    if any(labels.get(key) != value for key, value in template.node_selector.items()):
        return False
    return matches_required((template.affinity or {}).get("nodeAffinity"), labels)


def matches_required(node_affinity: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a node passes the required terms of a nodeAffinity; ``labels`` hold its name under metadata.name."""
    required = (node_affinity or {}).get(REQUIRED)
    if required is None:
        return True
    return any(term_matches(term, labels) for term in required.get("nodeSelectorTerms") or [])


def preferred_weight(node_affinity: Mapping[str, Any] | None, labels: Mapping[str, str]) -> int:
    """Summed weights of the preferred terms that match (an empty term matches every node)."""
    total = 0
    for preferred in (node_affinity or {}).get(PREFERRED) or []:
        term = preferred.get("preference") or {}
        empty = not term.get("matchExpressions") and not term.get("matchFields")
        if empty or term_matches(term, labels):
            total += int(preferred.get("weight", 0))
    return total


def term_matches(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a node selector term matches; an empty one matches nothing."""
    expressions = term.get("matchExpressions") or []
    fields = term.get("matchFields") or []
    if not expressions and not fields:
        return False
    if any(not expression_matches(e, {NODE_NAME: labels.get(NODE_NAME, "")}) for e in fields):
        return False
    return all(expression_matches(e, labels) for e in expressions)


def expression_matches(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """One requirement of a node selector."""
    key, operator = str(expression.get("key")), expression.get("operator")
    values = [str(v) for v in expression.get("values") or []]
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    try:
        have, bound = int(labels[key]), int(values[0])
    except (KeyError, ValueError, IndexError):
        return False
    return have > bound if operator == "Gt" else have < bound


def named_nodes(template: PodTemplate) -> frozenset[str] | None:
    """Names of the only nodes that PreFilter leaves, when every required term names nodes; None: all nodes."""
    required = ((template.affinity or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}
    union: set[str] = set()
    for term in required.get("nodeSelectorTerms") or []:
        names: set[str] | None = None
        for field in term.get("matchFields") or []:
            if field.get("key") == NODE_NAME and field.get("operator") == "In":
                values = {str(value) for value in field.get("values") or []}
                names = values if names is None else names & values
        if names is None:
            return None
        union |= names
    return frozenset(union) if union else None


def shape_reason(
    template: PodTemplate,
    shape: NodeShape,
    taint_index: Mapping[str, int],
    resources: int,
    added: Mapping[str, Any] | None = None,
    off: frozenset[str] = frozenset(),
) -> int:
    """PASS where nodes of the shape pass, else the reason: a taint's text, or one of NodeAffinity's.

    ``added`` is the profile's addedAffinity; ``off`` names filters that the profile has switched off.
    """
    if "NodeAffinity" not in off:
        named = named_nodes(template)
        if named is not None and shape.labels.get(NODE_NAME) not in named:
            return REASON_NODE_NAME
    taint = None if "TaintToleration" in off else untolerated(template.tolerations, shape.taints)
    if taint is not None:
        return REASON_FIT + resources + taint_index[taint_text(taint)]
    if "NodeAffinity" in off:
        return PASS
    if not matches_required(added, shape.labels):
        return REASON_ENFORCED
    return PASS if matches_node(template, shape.labels) else REASON_AFFINITY


def taint_text(taint: Taint) -> str:
    """A taint as FailedScheduling messages write it (v1.34)."""
    return f"{{{taint.key}: {taint.value}}}"


def taint_texts(shapes: Sequence[NodeShape]) -> list[str]:
    """Texts of all taints that can keep a pod off, sorted."""
    return sorted({taint_text(t) for shape in shapes for t in shape.taints if t.effect in BLOCKING})
