"""What can be said of a pod class and a node shape once and for all: tolerations, node selector, node affinity.

Source: kube-scheduler v1.34.1, plugins/tainttoleration and plugins/nodeaffinity. The results fill
``Classes.shape_reason``; taints that come and go (not-ready, ToBeDeleted, unschedulable) are flags of the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from capsim.controllers.scheduler.filters import REASON_AFFINITY, REASON_FIT
from capsim.scenario.cluster import Taint
from capsim.scenario.kubernetes.pod import PodTemplate, Toleration
from capsim.state.tables import FLAG_NOT_READY, FLAG_TO_BE_DELETED, FLAG_UNSCHEDULABLE

BLOCKING = ("NoSchedule", "NoExecute")
RUNTIME_TAINTS = {
    FLAG_NOT_READY: Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule"),
    FLAG_TO_BE_DELETED: Taint(key="ToBeDeletedByClusterAutoscaler", effect="NoSchedule"),
    FLAG_UNSCHEDULABLE: Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule"),
}
DAEMONSET_TOLERATES = FLAG_NOT_READY | FLAG_UNSCHEDULABLE
"""The DaemonSet controller adds tolerations for these taints to its pods."""


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
    flags = DAEMONSET_TOLERATES if daemonset else 0
    for flag, taint in RUNTIME_TAINTS.items():
        if untolerated(template.tolerations, [taint]) is None:
            flags |= flag
    return flags


def matches_node(template: PodTemplate, labels: Mapping[str, str]) -> bool:
    """NodeAffinity's filter: the node selector and the required terms (any term, all of its expressions)."""
    if any(labels.get(key) != value for key, value in template.node_selector.items()):
        return False
    node_affinity = (template.affinity or {}).get("nodeAffinity") or {}
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term_matches(term, labels) for term in required.get("nodeSelectorTerms") or [])


def _term_matches(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    expressions = term.get("matchExpressions") or []
    fields = term.get("matchFields") or []
    if not expressions and not fields:
        return False
    if any(not _expression_matches(e, {"metadata.name": labels.get("kubernetes.io/hostname", "")}) for e in fields):
        return False
    return all(_expression_matches(e, labels) for e in expressions)


def _expression_matches(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
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


def shape_reason(
    template: PodTemplate,
    labels: Mapping[str, str],
    taints: Sequence[Taint],
    taint_index: Mapping[str, int],
    resources: int,
) -> int:
    """-1 when nodes of the shape pass, else the reason: the index of the taint's text, or REASON_AFFINITY."""
    taint = untolerated(template.tolerations, taints)
    if taint is not None:
        return REASON_FIT + resources + taint_index[taint_text(taint)]
    return -1 if matches_node(template, labels) else REASON_AFFINITY


def taint_text(taint: Taint) -> str:
    """A taint as FailedScheduling messages write it (v1.34)."""
    return f"{{{taint.key}: {taint.value}}}"
