"""Pods and nodes of Cluster Autoscaler recordings as the tables that capsim's autoscaler reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capsim.controllers.cluster_autoscaler import tables as t
from capsim.controllers.cluster_autoscaler.drain_rules import Drainage, outcome
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.predicates import REJECT_STATIC
from capsim.state.tables import I64
from capsim.units import parse_duration_ms

Json = Mapping[str, Any]
CPU, MEMORY, PODS, GPU = 0, 1, 3, 4
RESOURCES = 5
GPU_LABEL = "TestGPULabel/accelerator"
HOSTNAME = "kubernetes.io/hostname"
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
STARTUP_PREFIXES = ("startup-taint.cluster-autoscaler.kubernetes.io/", "ignore-taint.cluster-autoscaler.kubernetes.io/")
PREFIX = "cluster-autoscaler.kubernetes.io/"
DEFAULT_GRACE_SEC = 30


@dataclass(frozen=True)
class Kind:
    """A pod's spec, labels, annotations and controller; equal kinds are one row."""

    spec: Any
    owner: int
    owner_kind: str
    namespace: str
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    daemonset: bool


@dataclass
class Kinds:
    """The kinds of one case, and the shapes of its nodes; arrays are built when asked for and something is new."""

    options: Options
    kinds: dict[Kind, int] = field(default_factory=dict)
    specs: list[Json] = field(default_factory=list)
    owners: dict[tuple[str, str, str], int] = field(default_factory=dict)
    shapes: dict[tuple[Any, Any], int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=lambda: ["node(s) didn't match Pod's node affinity/selector"])
    """Texts of static reasons, from REJECT_STATIC on."""
    built: tuple[int, int] = (-1, -1)
    table: t.Kinds | None = None

    # -- names to rows -----------------------------------------------------------------------------------------------

    def owner_of(self, pod: Json) -> int:
        """Row of a pod's controller, -1: none."""
        owner = pod.get("owner")
        if not owner:
            return -1
        return self.owners.setdefault((pod.get("ns", "default"), owner["kind"], owner["name"]), len(self.owners))

    def kind_of(self, pod: Json, daemonset: bool = False) -> int:
        """Row of a pod's kind."""
        annotations = dict(pod.get("annotations", {}))
        kind = Kind(
            repr([(key, pod[key]) for key in sorted(pod) if key not in NOT_SPEC]),
            self.owner_of(pod),
            "DaemonSet" if daemonset else (pod.get("owner") or {}).get("kind", ""),
            pod.get("ns", "default"),
            tuple(sorted(pod.get("labels", {}).items())),
            tuple(sorted(annotations.items())),
            daemonset,
        )
        if kind not in self.kinds:
            self.kinds[kind] = len(self.kinds)
            self.specs.append({**pod, "spec_key": kind.spec})
        return self.kinds[kind]

    def shape_of(self, labels: Mapping[str, str], taints: list[Json]) -> int:
        """Row of a node's labels and lasting taints."""
        key = (
            tuple(sorted((k, v) for k, v in labels.items() if k != HOSTNAME)),
            tuple((x["key"], x.get("value", ""), x.get("effect", "NoSchedule")) for x in taints if lasting(x)),
        )
        return self.shapes.setdefault(key, len(self.shapes))

    # -- arrays ------------------------------------------------------------------------------------------------------

    def arrays(self) -> t.Kinds:
        """The table of kinds."""
        if self.table is None or self.built != (len(self.kinds), len(self.shapes)):
            self.table = self._build()
            self.built = (len(self.kinds), len(self.shapes))
        return self.table

    def _build(self) -> t.Kinds:
        kinds = list(self.kinds)
        rules, adds = self._rules(kinds)
        similar: dict[Any, int] = {}
        return t.Kinds(
            np.array([request(spec) for spec in self.specs], np.int64).reshape(-1, RESOURCES),
            np.array([[s.get("cpu", 0), s.get("mem", 0), s.get("gpu", 0)] for s in self.specs], np.int64).reshape(
                -1, 3
            ),
            np.array([s.get("priority", 0) for s in self.specs], np.int64),
            np.array([similar.setdefault((k.owner, k.labels, k.spec), len(similar)) for k in kinds], np.int64),
            np.array([k.owner for k in kinds], np.int64),
            np.array([flags(k, s) for k, s in zip(kinds, self.specs, strict=True)], np.int64),
            np.array([delay(k) for k in kinds], np.int64),
            np.array([tolerated(s) for s in self.specs], np.int64),
            np.array([[self._static(s, shape) for shape in self.shapes] for s in self.specs], np.int64).reshape(
                len(kinds), len(self.shapes)
            ),
            *rows(rules, 5),
            *rows(adds, 2),
            np.full((len(kinds), 2), t.MOVE, np.int64),
            np.array([s.get("grace", DEFAULT_GRACE_SEC) * 1000 for s in self.specs], np.int64),
        )

    def _static(self, spec: Json, shape: tuple[Any, Any]) -> int:
        labels, taints = dict(shape[0]), shape[1]
        for key, value, effect in taints:
            if effect != "PreferNoSchedule" and not tolerates(spec, key, value, effect):
                text = f"node(s) had untolerated taint {{{key}: {value}}}"
                if text not in self.reasons:
                    self.reasons.append(text)
                return REJECT_STATIC + self.reasons.index(text)
        matches = all(labels.get(key) == value for key, value in spec.get("node_selector", {}).items())
        return -1 if matches else REJECT_STATIC

    def topology_keys(self) -> list[str]:
        """Topology keys that rules use, the hostname first."""
        keys = [HOSTNAME]
        for spec in self.specs:
            key = (spec.get("spread") or {}).get("key")
            if key and key not in keys:
                keys.append(key)
        return keys

    def _rules(self, kinds: list[Kind]) -> tuple[list[list[list[int]]], list[list[list[int]]]]:
        """Rules and counters raised, per kind."""
        counters: dict[Any, int] = {}
        keys = self.topology_keys()
        rules: list[list[list[int]]] = [[] for _ in kinds]
        adds: list[list[list[int]]] = [[] for _ in kinds]

        def matched(namespace: str, wanted: Mapping[str, str]) -> list[int]:
            return [
                i
                for i, k in enumerate(kinds)
                if k.namespace == namespace and all(dict(k.labels).get(a) == b for a, b in wanted.items())
            ]

        def counter(name: Any, raised_by: list[int], key: int) -> int:
            if name not in counters:
                counters[name] = len(counters)
                for i in raised_by:
                    adds[i].append([counters[name], key])
            return counters[name]

        for i, (kind, spec) in enumerate(zip(kinds, self.specs, strict=True)):
            if "host_port" in spec:
                users = [j for j, s in enumerate(self.specs) if s.get("host_port") == spec["host_port"]]
                rules[i].insert(0, [t.PORT, counter(("port", spec["host_port"]), users, 0), 0, 0, 0])
            for name, rule in (("affinity", t.AFFINITY), ("anti_affinity", t.ANTI_AFFINITY)):
                if name in spec:
                    wanted = spec[name]
                    term = (kind.namespace, tuple(sorted(wanted.items())))
                    those = matched(kind.namespace, wanted)
                    rules[i].append([rule, counter(("pods", term), those, 0), 0, 0, int(i in those)])
            spread = spec.get("spread")
            if spread and not spread.get("soft"):
                key = keys.index(spread["key"])
                those = matched(kind.namespace, dict(kind.labels))
                c = counter(("pods", (kind.namespace, kind.labels), key), those, key)
                rules[i].append([t.SPREAD, c, key, spread["max_skew"], int(i in those)])
        for i, (kind, spec) in enumerate(zip(kinds, self.specs, strict=True)):
            if "anti_affinity" in spec:
                wanted = spec["anti_affinity"]
                term = (kind.namespace, tuple(sorted(wanted.items())))
                c = counter(("owners", term), [], 0)
                adds[i].append([c, 0])
                for j in matched(kind.namespace, wanted):
                    if not any(r[0] == t.EXISTING_ANTI_AFFINITY and r[1] == c for r in rules[j]):
                        rules[j].append([t.EXISTING_ANTI_AFFINITY, c, 0, 0, 0])
        return rules, adds

    def shape_domains(self) -> I64:
        """[S, keys] topology domain of each shape."""
        keys = self.topology_keys()
        values: dict[tuple[int, str], int] = {}
        found = np.full((len(self.shapes), len(keys)), -1, np.int64)
        for s, (labels, _) in enumerate(self.shapes):
            for k, key in enumerate(keys):
                value = dict(labels).get(key)
                if value is not None:
                    found[s, k] = values.setdefault((k, value), len(values))
        return found

    def set_drain(self, replicas: Mapping[int, int], budgets: I64) -> None:
        """Fill the outcomes of the drain rules: ``replicas`` by controller, ``budgets`` [B, K] by kind."""
        table = self.arrays()
        for i, (kind, spec) in enumerate(zip(self.kinds, self.specs, strict=True)):
            of = drainage(kind, spec)
            covered = bool(budgets.size) and bool((budgets[:, i] == 1).any())
            for terminal in (0, 1):
                table.drain[i, terminal] = outcome(of, self.options, replicas.get(kind.owner), covered, bool(terminal))


NOT_SPEC = (
    "name", "count", "owner", "labels", "annotations", "node", "age", "deleted_ago", "phase", "nominated", "ns",
    "numbering",
)  # fmt: skip
"""Keys of a recorded pod that are not part of its spec."""


def lasting(taint: Json) -> bool:
    """Whether a taint stays on a template: not one of the autoscaler's, of conditions, or of start-up."""
    key = taint["key"]
    return key not in (TO_BE_DELETED, "DeletionCandidateOfClusterAutoscaler") and not key.startswith(STARTUP_PREFIXES)


def rows(lists: list[list[list[int]]], width: int) -> tuple[I64, I64]:
    """Lists per kind as offsets and one array."""
    at = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    flat = [row for one in lists for row in one]
    return at, np.array(flat, np.int64).reshape(-1, width)


def request(spec: Json) -> list[int]:
    """Resource vector of a pod: containers or init containers, whichever is more, and a pod."""
    cpu, mem = max(spec.get("cpu", 0), spec.get("init_cpu", 0)), max(spec.get("mem", 0), spec.get("init_mem", 0))
    return [cpu, mem, 0, 1, spec.get("gpu", 0)]


def flags(kind: Kind, spec: Json) -> int:
    """Bits of ``Kinds.flags``."""
    return (
        (t.DAEMON if kind.daemonset else 0)
        | (t.MIRROR if spec.get("mirror") else 0)
        | (t.WANTS_GPU if spec.get("gpu") else 0)
    )


def delay(kind: Kind) -> int:
    """Annotation pod-scale-up-delay in ms, -1: none."""
    text = dict(kind.annotations).get(PREFIX + "pod-scale-up-delay")
    return -1 if text is None else parse_duration_ms(text)


def tolerates(spec: Json, key: str, value: str, effect: str) -> bool:
    """Whether one of the pod's tolerations covers a taint."""
    for one in spec.get("tolerations", []):
        if one.get("effect", effect) == effect and one.get("key", key) == key:
            if one.get("operator", "Equal") == "Exists" or one.get("value", "") == value:
                return True
    return False


def tolerated(spec: Json) -> int:
    """Bits of node flags that the pod tolerates."""
    named = {
        t.UNSCHEDULABLE: "node.kubernetes.io/unschedulable",
        t.NOT_READY: "node.kubernetes.io/not-ready",
        t.BEING_DELETED: TO_BE_DELETED,
        t.STARTING: STARTUP_PREFIXES[0] + "x",
    }
    return sum(flag for flag, key in named.items() if tolerates(spec, key, "", "NoSchedule"))


def drainage(kind: Kind, spec: Json) -> Drainage:
    """What the drain rules look at."""
    annotations = dict(kind.annotations)
    excused = annotations.get(PREFIX + "safe-to-evict-local-volumes", "").split(",")
    volumes = bool(spec.get("local_storage")) and "vol" not in excused
    return Drainage(
        owner_kind=kind.owner_kind,
        daemonset=kind.daemonset,
        mirror=bool(spec.get("mirror")),
        safe_to_evict=annotations.get(PREFIX + "safe-to-evict", ""),
        local_storage=volumes or bool(spec.get("host_path")),
        system=kind.namespace == "kube-system",
    )
