"""Which pods a label selector or an affinity term means, over all classes of a run at once.

Source: apimachinery/pkg/labels, kube-scheduler v1.34.1 framework/types.go (AffinityTerm.Matches).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capsim.scenario.kubernetes.labels import selects

NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Face:
    """What other pods see of a pod: its namespace and its labels."""

    namespace: str
    labels: tuple[tuple[str, str], ...]
    terms: str = ""
    """What it asks of others, as text: owners of a term are told apart from others with the same labels."""


def face(namespace: str, labels: Mapping[str, str], terms: str = "") -> Face:
    """Face of a pod."""
    return Face(namespace, tuple(sorted(labels.items())), terms)


@dataclass
class Crowd:
    """All faces of a run, with an index of their labels."""

    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Labels of the namespaces that are known; every other has the label with its name only."""
    faces: list[Face] = field(default_factory=list)
    labels: list[dict[str, str]] = field(default_factory=list)
    _rows: dict[Face, int] = field(default_factory=dict)
    _by_label: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    _known: dict[Any, frozenset[int]] = field(default_factory=dict)

    def add(self, one: Face) -> int:
        """Row of a face, added if it is new. No selection may have been asked for yet."""
        if one not in self._rows:
            row = len(self.faces)
            self._rows[one] = row
            self.faces.append(one)
            self.labels.append(dict(one.labels))
            for label in one.labels:
                self._by_label.setdefault(label, set()).add(row)
        return self._rows[one]

    def select(self, selector: Mapping[str, Any] | None, spaces: frozenset[str] | None) -> frozenset[int]:
        """Rows of the faces in namespaces ``spaces`` (None: all) that ``selector`` selects."""
        key = (repr(selector), spaces)
        if key not in self._known:
            rows = (row for row in self._candidates(selector) if selects(selector, self.labels[row]))
            self._known[key] = frozenset(r for r in rows if spaces is None or self.faces[r].namespace in spaces)
        return self._known[key]

    def _candidates(self, selector: Mapping[str, Any] | None) -> Iterable[int]:
        """Faces that could match: those with the rarest of the labels that the selector insists on."""
        if selector is None:
            return ()
        sets: list[set[int]] = [
            self._by_label.get(label, set()) for label in (selector.get("matchLabels") or {}).items()
        ]
        for expression in selector.get("matchExpressions") or []:
            if expression.get("operator") == "In":
                values = expression.get("values") or []
                sets.append(set().union(*(self._by_label.get((expression["key"], v), set()) for v in values)))
        if not sets:
            return range(len(self.faces))
        return min(sets, key=len)

    def spaces_of(self, term: Mapping[str, Any], own: str) -> frozenset[str] | None:
        """Namespaces that an affinity term looks at; None: all."""
        listed, selector = term.get("namespaces") or [], term.get("namespaceSelector")
        if selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions"):
            return None
        if not listed and selector is None:
            return frozenset((own,))
        chosen = set(listed)
        if selector is not None:
            every = {*self.namespaces, *(f.namespace for f in self.faces)}
            chosen |= {name for name in every if selects(selector, self.labels_of_namespace(name))}
        return frozenset(chosen)

    def labels_of_namespace(self, name: str) -> Mapping[str, str]:
        """Labels of a namespace, with the one that the API server sets."""
        return {NAMESPACE_NAME: name, **self.namespaces.get(name, {})}

    def meant_by(self, term: Mapping[str, Any], owner: Face) -> frozenset[int]:
        """Rows of the faces that an affinity term of a pod with face ``owner`` selects."""
        selector = with_label_keys(term.get("labelSelector"), term, dict(owner.labels))
        return self.select(selector, self.spaces_of(term, owner.namespace))


def with_label_keys(
    selector: Mapping[str, Any] | None, term: Mapping[str, Any], labels: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """The selector with matchLabelKeys and mismatchLabelKeys resolved against the pod's own labels."""
    keys: Sequence[tuple[str, str]] = [
        *((key, "In") for key in term.get("matchLabelKeys") or []),
        *((key, "NotIn") for key in term.get("mismatchLabelKeys") or []),
    ]
    added = [{"key": k, "operator": op, "values": [labels[k]]} for k, op in keys if k in labels]
    if selector is None or not added:
        return selector
    return {**selector, "matchExpressions": [*(selector.get("matchExpressions") or []), *added]}
