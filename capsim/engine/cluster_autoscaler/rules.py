"""Rules between pods (host ports, pod affinity, topology spread) as counters per topology domain.

Source: kube-scheduler plugins nodeports, interpodaffinity, podtopologyspread, as the Cluster Autoscaler calls them.
Not modelled: preferred terms (they reject nothing), namespace selectors other than "all", minDomains, matchLabelKeys,
nodeTaintsPolicy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.scenario.kubernetes.workload import Workload
from capsim.state.tables import I64

HOSTNAME = "kubernetes.io/hostname"
Json = Mapping[str, Any]


def selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector matches; an empty one matches everything."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for one in selector.get("matchExpressions") or []:
        key, operator, values = one.get("key"), one.get("operator"), one.get("values") or []
        has = key in labels
        matched = {
            "In": has and labels.get(key) in values,
            "NotIn": not has or labels.get(key) not in values,
            "Exists": has,
            "DoesNotExist": not has,
        }.get(str(operator), False)
        if not matched:
            return False
    return True


class Rules:
    """Counters and the rules that read them, per kind."""

    def __init__(self, workloads: Sequence[Workload]) -> None:
        self.workloads = workloads
        self.keys = [HOSTNAME]
        self.counters: dict[str, int] = {}
        self.rules: list[list[list[int]]] = [[] for _ in workloads]
        self.adds: list[list[list[int]]] = [[] for _ in workloads]
        for c, workload in enumerate(workloads):
            self._ports(c, workload)
            self._spread(c, workload)
            for name, rule in (("podAffinity", ca.AFFINITY), ("podAntiAffinity", ca.ANTI_AFFINITY)):
                for term in required(workload, name):
                    self._affinity(c, workload, rule, term)
        for c, workload in enumerate(workloads):
            for term in required(workload, "podAntiAffinity"):
                self._existing(c, workload, term)

    def _key(self, name: str) -> int:
        if name not in self.keys:
            self.keys.append(name)
        return self.keys.index(name)

    def _counter(self, name: Any, key: int, raised_by: Sequence[int]) -> int:
        text = json.dumps([name, key], sort_keys=True, default=str)
        if text not in self.counters:
            self.counters[text] = len(self.counters)
            for c in raised_by:
                self.adds[c].append([self.counters[text], key])
        return self.counters[text]

    def _matched(self, workload: Workload, term: Json) -> list[int]:
        """Kinds whose pods a term selects."""
        selector = term.get("labelSelector")
        namespaces = term.get("namespaces") or [workload.namespace]
        everywhere = term.get("namespaceSelector") == {}
        if selector is None:
            return []
        return [
            c
            for c, other in enumerate(self.workloads)
            if (everywhere or other.namespace in namespaces) and selects(selector, other.template.labels)
        ]

    def _ports(self, c: int, workload: Workload) -> None:
        for port in ports(workload):
            users = [i for i, other in enumerate(self.workloads) if port in ports(other)]
            self.rules[c].append([ca.PORT, self._counter(["port", *port], 0, users), 0, 0, 0])

    def _spread(self, c: int, workload: Workload) -> None:
        for one in workload.template.topology_spread:
            if one.get("whenUnsatisfiable", "DoNotSchedule") != "DoNotSchedule":
                continue
            key = self._key(str(one.get("topologyKey")))
            those = self._matched(workload, one)
            counter = self._counter(["pods", workload.namespace, one.get("labelSelector")], key, those)
            self.rules[c].append([ca.SPREAD, counter, key, int(one.get("maxSkew", 1)), int(c in those)])

    def _affinity(self, c: int, workload: Workload, rule: int, term: Json) -> None:
        key = self._key(str(term.get("topologyKey")))
        those = self._matched(workload, term)
        counter = self._counter(["pods", workload.namespace, dict(term)], key, those)
        self.rules[c].append([rule, counter, key, 0, int(c in those)])

    def _existing(self, c: int, workload: Workload, term: Json) -> None:
        key = self._key(str(term.get("topologyKey")))
        counter = self._counter(["owners", c, dict(term)], key, [c])
        for other in self._matched(workload, term):
            self.rules[other].append([ca.EXISTING_ANTI_AFFINITY, counter, key, 0, 0])

    def arrays(self) -> tuple[I64, I64, I64, I64]:
        """Offsets and rows of rules, offsets and rows of counters raised."""
        return (*_csr(self.rules, 5), *_csr(self.adds, 2))

    def shape_domains(self, shapes: Sequence[Mapping[str, str]]) -> I64:
        """[shapes, keys] topology domain by label, -1 where the label is missing; the hostname's is not used."""
        values: dict[tuple[int, str], int] = {}
        found = np.full((max(1, len(shapes)), len(self.keys)), -1, np.int64)
        for s, labels in enumerate(shapes):
            for k, key in enumerate(self.keys):
                if key in labels:
                    found[s, k] = values.setdefault((k, labels[key]), len(values))
        return found


def required(workload: Workload, name: str) -> list[Json]:
    """Required terms of podAffinity or podAntiAffinity."""
    part = (workload.template.affinity or {}).get(name) or {}
    return list(part.get("requiredDuringSchedulingIgnoredDuringExecution") or [])


def ports(workload: Workload) -> list[tuple[str, int]]:
    """(protocol, port) that a pod takes on its node."""
    return [(protocol, port) for c in workload.template.containers for _, protocol, port in c.host_ports]


def _csr(lists: list[list[list[int]]], width: int) -> tuple[I64, I64]:
    at = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    return at, np.array([row for one in lists for row in one], np.int64).reshape(-1, width)
