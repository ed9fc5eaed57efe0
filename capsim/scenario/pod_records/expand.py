"""`pods:` at the top of a scenario: each table becomes ReplicaSets, their lifetimes, and where they were at the start.

The limit of a record, at most k pods of a workload on one node, is a topologySpreadConstraint over hostnames with
maxSkew k and more minDomains than there are nodes: then the least crowded domain counts as empty (KEP-3022), so that
the skew of a node is what it holds. Required anti-affinity could say k = 1 only.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from capsim.errors import Problem, ScenarioError
from capsim.scenario.document import Mark, SourceList, SourceMap, describe, mark_of
from capsim.scenario.explain import problems_of
from capsim.scenario.files import relative_to
from capsim.scenario.lifetimes import PodsFile
from capsim.scenario.merge import cleaned
from capsim.scenario.model import quantity_of
from capsim.scenario.pod_records.table import PodTable, read_pods
from capsim.scenario.scenario import ScenarioKeys
from capsim.scenario.traces.where import Where

ALLOWED = "a list of tables: [{file: pods.csv, workload: app, created: created, …}]"
ALL_DOMAINS = 2**31 - 1
HASH_LABEL = "pod-template-hash"
S = TypeVar("S", SourceMap, SourceList)
Kind = tuple[str, tuple[int, ...], int]
"""Workload, amounts, limit per node: what pods of one ReplicaSet have in common."""


def expand_pods(root: SourceMap) -> list[Problem]:
    """Adds the objects, `lifetimes`, `workloads` and `placement` of the tables to ``root``; returns what is wrong."""
    tables = root.get("pods")
    if tables is None:
        return []
    if not isinstance(tables, SourceList):
        mark = mark_of(root, "pods")
        return [Problem("wrong type", mark.file, mark.line or None, "pods", describe(tables), ALLOWED)]
    problems: list[Problem] = []
    for index, entry in enumerate(tables):
        mark = mark_of(tables, index)
        if not isinstance(entry, SourceMap):
            problems.append(Problem("wrong type", mark.file, mark.line or None, "pods", describe(entry), ALLOWED))
            continue
        try:
            spec = PodsFile.model_validate(cleaned(entry), by_alias=True, by_name=False)
        except ValidationError as error:
            problems += _below(problems_of(error, entry, PodsFile), f"pods[{index}]")
            continue
        at = mark_of(entry, "file")
        where = Where(relative_to(at, spec.file), f"pods[{index}]", at.file, at.line or None)
        try:
            _Expansion(root, spec, entry, where).add(read_pods(spec, where, _start(root)))
        except ScenarioError as error:
            problems += error.problems
    return problems


def _below(problems: list[Problem], key: str) -> list[Problem]:
    return [Problem(p.message, p.file, p.line, f"{key}.{p.key}", p.found, p.allowed) for p in problems]


def _start(root: SourceMap) -> datetime:
    """Start of the run; where it is wrong it is told elsewhere."""
    written = root.get("start")
    try:
        return ScenarioKeys.model_validate({} if written is None else {"start": written}).start
    except ValidationError:
        return datetime(2026, 1, 1, tzinfo=UTC)


class _Expansion:
    """Adds the pods of one table to a tree. Raises ScenarioError for a template of another shape."""

    def __init__(self, root: SourceMap, spec: PodsFile, entry: SourceMap, where: Where) -> None:
        self.root, self.spec, self.where = root, spec, where
        self.mark = mark_of(entry, "file")
        self.template: SourceMap = entry.get("template") or SourceMap(mark=self.mark)
        self.metadata = self._part(self.template, "", "metadata", dict)
        self.labels = self._part(self.metadata, "metadata", "labels", dict)
        self.pod_spec = self._part(self.template, "", "spec", dict)
        self.containers = self._part(self.pod_spec, "spec", "containers", list)
        self.constraints = self._part(self.pod_spec, "spec", "topologySpreadConstraints", list)
        self.behaviour = entry.get("behaviour")

    def add(self, table: PodTable) -> None:
        """ReplicaSets for all kinds of pods. Raises ScenarioError when two workloads would have one name."""
        kinds: dict[Kind, list[int]] = {}
        for i, name in enumerate(self._names(table)):
            amounts = tuple(values[i] for values in table.amounts.values())
            kinds.setdefault((name, amounts, table.most[i]), []).append(i)
        seen: Counter[str] = Counter()
        objects = self._list("objects")
        for kind, rows in kinds.items():
            seen[kind[0]] += 1
            objects.append(self._replica_set(kind, seen[kind[0]], table, rows))
            objects.marks.append(self.mark)

    def _names(self, table: PodTable) -> list[str]:
        """Name of each pod's workload, as Kubernetes allows it."""
        written: dict[tuple[str, ...], str] = {}
        taken: dict[str, tuple[str, ...]] = {}
        problems = []
        for words, line in zip(table.workload, table.lines, strict=True):
            if words in written:
                continue
            name = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")
            if not name or len(name) > 50:
                problems.append(self.where.in_trace("no name for a workload", line, repr("-".join(words)), _NAMES))
            elif taken.setdefault(name, words) != words:
                found = f"{'-'.join(words)!r} and {'-'.join(taken[name])!r}, both {name}"
                problems.append(self.where.in_trace("two workloads of one name", line, found, "different names"))
            written[words] = name
        if problems:
            raise ScenarioError(problems)
        return [written[words] for words in table.workload]

    def _replica_set(self, kind: Kind, number: int, table: PodTable, rows: list[int]) -> SourceMap:
        app, amounts, most = kind
        name = app if number == 1 else f"{app}-{number}"
        key = f"{self.spec.namespace}/ReplicaSet/{name}"
        created = [int(table.created_ms[i]) for i in rows]
        lifetimes: dict[str, Any] = {"createdMs": created, "deletedMs": [int(table.deleted_ms[i]) for i in rows]}
        there = [table.nodes[i] for i in rows] if table.nodes else []
        if there:
            lifetimes["nodes"] = there
            held = Counter(node for node, at in zip(there, created, strict=True) if node and at < 0)
            if held:
                self._put("placement", key, dict(held))
        self._put("lifetimes", key, lifetimes)
        if self.behaviour is not None and key not in self._map("workloads"):
            self._map("workloads").put(key, self.behaviour, self.mark)
        labels = {"app": app, HASH_LABEL: str(number)}
        head = {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
        metadata = {"name": name, "namespace": self.spec.namespace}
        spec = {
            "replicas": sum(at < 0 for at in created),
            "selector": {"matchLabels": labels},
            "template": self._template(labels, self._resources(table, amounts), most),
        }
        found: SourceMap = _sourced({**head, "metadata": metadata, "spec": spec}, self.mark)
        return found

    def _resources(self, table: PodTable, amounts: tuple[int, ...]) -> dict[str, dict[str, Any]]:
        """Requests and limits of the one container."""
        found: dict[str, dict[str, Any]] = {"requests": {}, "limits": {}}
        for (kind, resource), amount in zip(table.amounts, amounts, strict=True):
            if amount > 0:
                found[kind][resource] = quantity_of(resource).write(amount)
        return {kind: values for kind, values in found.items() if values}

    def _template(self, labels: dict[str, str], resources: dict[str, Any], most: int) -> dict[str, Any]:
        """The template of all, with labels, resources and limit of these."""
        metadata = {**self.metadata, "labels": {**self.labels, **labels}}
        spec = {**self.pod_spec, "containers": [{"name": "main", "resources": resources}, *self.containers]}
        if most:
            limit = {
                "maxSkew": most,
                "minDomains": ALL_DOMAINS,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": labels["app"]}},
            }
            spec["topologySpreadConstraints"] = [*self.constraints, limit]
        return {**self.template, "metadata": metadata, "spec": spec}

    def _part(self, parent: dict[str, Any], path: str, key: str, kind: type) -> Any:
        """What the template has there, an empty one for nothing. Raises ScenarioError for another type."""
        found = parent.get(key)
        if found is None or isinstance(found, kind):
            return kind() if found is None else found
        where, allowed = ".".join(filter(None, ("template", path, key))), "a mapping" if kind is dict else "a list"
        raise ScenarioError([self.where.in_scenario("wrong type", where, describe(found), allowed)])

    def _map(self, section: str) -> SourceMap:
        return self._section(section, SourceMap)

    def _list(self, section: str) -> SourceList:
        return self._section(section, SourceList)

    def _section(self, section: str, kind: type[S]) -> S:
        """A section of the file to add to; one that is of another type stays, and is told of by who reads it."""
        found = self.root.get(section)
        if found is None:
            found = kind(mark=self.mark)
            self.root.put(section, found, self.mark)
        return found if isinstance(found, kind) else kind(mark=self.mark)

    def _put(self, section: str, key: str, value: Any) -> None:
        self._map(section).put(key, _sourced(value, self.mark), self.mark)


_NAMES = "a text with letters or digits, at most 50 of them"


def _sourced(value: Any, mark: Mark) -> Any:
    """Plain mappings and lists with the same mark everywhere; what has marks keeps them."""
    if isinstance(value, (SourceMap, SourceList)):
        return value
    if isinstance(value, dict):
        found = SourceMap(mark=mark)
        for key, item in value.items():
            found.put(key, _sourced(item, mark), mark)
        return found
    if isinstance(value, list):
        items = SourceList([_sourced(item, mark) for item in value], mark)
        items.marks = [mark] * len(items)
        return items
    return value
