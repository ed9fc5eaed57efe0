"""Node shapes: nodes that no class can tell apart but by their hostname share one.

What tells them apart is taints, the values of topology keys, and of the other labels those that some selector mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capsim.scenario.cluster import Taint
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.state.tables import I64

HOSTNAME = "kubernetes.io/hostname"
NODE_NAME = "metadata.name"
"""The only field that matchFields may name; it is kept like a label."""
ZONES = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
REGIONS = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
_OTHER = "\0other"


@dataclass(frozen=True)
class NodeShape:
    """What all nodes of one kind have in common for the scheduler."""

    labels: Mapping[str, str]
    """Of one of them, its name under ``metadata.name``."""
    taints: tuple[Taint, ...]


@dataclass
class LabelUse:
    """Which labels of nodes the classes ask for."""

    topology: dict[str, None] = field(default_factory=dict)
    """Keys whose values make domains, in the order in which they were met."""
    values: dict[str, set[str]] = field(default_factory=dict)
    """Selector key -> values that are mentioned."""
    compared: set[str] = field(default_factory=set)
    """Keys that are compared as numbers: every value differs."""

    def note_template(self, template: PodTemplate) -> None:
        """Take in the node selector, node affinity, spread constraints and affinity terms of a template."""
        for key, value in template.node_selector.items():
            self.values.setdefault(key, set()).add(value)
        affinity = template.affinity or {}
        for term in node_terms(affinity.get("nodeAffinity")):
            self.note_term(term)
        for constraint in template.topology_spread:
            self.topology[str(constraint.get("topologyKey"))] = None
        for kind in ("podAffinity", "podAntiAffinity"):
            for _, term in pod_terms(affinity.get(kind)):
                self.topology[str(term.get("topologyKey"))] = None

    def note_term(self, term: Mapping[str, Any]) -> None:
        """Take in one node selector term."""
        for expression in [*(term.get("matchExpressions") or []), *(term.get("matchFields") or [])]:
            key = str(expression.get("key"))
            self.values.setdefault(key, set()).update(str(v) for v in expression.get("values") or [])
            if expression.get("operator") in ("Gt", "Lt"):
                self.compared.add(key)

    def reduced(self, labels: Mapping[str, str], by_node: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """What is left of a node's labels; of keys in ``by_node``, whose values all differ, their presence."""
        kept: dict[str, str] = {}
        for key, value in labels.items():
            if key in self.topology and key not in by_node:
                kept[key] = value
            elif key in self.compared or value in self.values.get(key, ()):
                kept[key] = value
            elif key in self.values or key in self.topology:
                kept[key] = _OTHER
        kept["zone"] = zone_of(labels)
        return tuple(sorted(kept.items()))


def node_terms(node_affinity: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    """Required and preferred terms of a nodeAffinity."""
    affinity = node_affinity or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    yield from required.get("nodeSelectorTerms") or []
    for preferred in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []:
        yield preferred.get("preference") or {}


def pod_terms(affinity: Mapping[str, Any] | None) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """(weight, term) of a podAffinity or podAntiAffinity; weight 0: required."""
    affinity = affinity or {}
    for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []:
        yield 0, term
    for preferred in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []:
        yield int(preferred.get("weight", 0)), preferred.get("podAffinityTerm") or {}


def zone_of(labels: Mapping[str, str]) -> str:
    """Region and zone as the scheduler's node tree groups nodes (component-helpers GetZoneKey)."""
    region = next((labels[key] for key in REGIONS if key in labels), "")
    zone = next((labels[key] for key in ZONES if key in labels), "")
    return f"{region}:\0:{zone}" if region or zone else ""


@dataclass
class ShapeBook:
    """Gives every node its shape."""

    use: LabelUse
    by_node: frozenset[str] = frozenset((HOSTNAME,))
    """Topology keys whose values differ from node to node."""
    shapes: list[NodeShape] = field(default_factory=list)
    _rows: dict[Any, int] = field(default_factory=dict)

    def shape(self, labels: Mapping[str, str], taints: Sequence[Taint], name: str) -> int:
        """Row of the shape of a node called ``name``, added if it is new."""
        every = {**labels, NODE_NAME: name}
        key = (self.use.reduced(every, self.by_node), tuple((t.key, t.value, t.effect) for t in taints))
        if key not in self._rows:
            self._rows[key] = len(self.shapes)
            self.shapes.append(NodeShape(every, tuple(taints)))
        return self._rows[key]

    def domains(self) -> tuple[I64, I64]:
        """Domains of every topology key [K, S] and their number [K]."""
        keys = list(self.use.topology)
        table = np.full((max(1, len(keys)), max(1, len(self.shapes))), -1, np.int64)
        counts = np.zeros(max(1, len(keys)), np.int64)
        for k, key in enumerate(keys):
            values: dict[str, int] = {}
            for s, shape in enumerate(self.shapes):
                if key in shape.labels:
                    value = "" if key in self.by_node else shape.labels[key]
                    table[k, s] = values.setdefault(value, len(values))
            counts[k] = len(values)
        return table, counts

    def zones(self) -> I64:
        """Zone of every shape, numbered."""
        rows: dict[str, int] = {}
        found = [rows.setdefault(zone_of(shape.labels), len(rows)) for shape in self.shapes]
        return np.array(found or [0], np.int64)


def unique_keys(nodes: Iterable[Mapping[str, str]], keys: Iterable[str] = (HOSTNAME,)) -> frozenset[str]:
    """Those of ``keys`` whose values differ on all nodes that have them."""
    found, listed = set(), list(nodes)
    for key in keys:
        values = [labels[key] for labels in listed if key in labels]
        if len(set(values)) == len(values):
            found.add(key)
    return frozenset(found)
