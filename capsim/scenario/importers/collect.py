"""Collects what a dump holds: counts of everything, and the parts of objects that a scenario is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from capsim.errors import Problem
from capsim.scenario.importers.autoscaler import AutoscalerSeen, autoscaler_seen, group_sizes
from capsim.scenario.importers.pods import PodSeen, PodSpecs, pod_seen
from capsim.scenario.importers.redact import mapping, redacted, sequence
from capsim.scenario.importers.stream import Found
from capsim.scenario.kubernetes.registry import group_and_version, is_namespaced
from capsim.units import cpu_milli, memory_bytes

SYNONYMS = {("extensions", kind): "apps" for kind in ("Deployment", "ReplicaSet", "DaemonSet")} | {
    ("extensions", "Ingress"): "networking.k8s.io"
}
"""Groups under which old API servers show the same objects."""
TEMPLATED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "ReplicationController")
"""Kinds whose containers count as those of templates."""
KEPT_WHOLE = frozenset(
    {
        ("apps", "Deployment"), ("apps", "ReplicaSet"), ("apps", "StatefulSet"), ("apps", "DaemonSet"),
        ("batch", "Job"), ("batch", "CronJob"), ("", "ReplicationController"), ("", "Node"), ("", "Namespace"),
        ("", "Service"), ("autoscaling", "HorizontalPodAutoscaler"), ("policy", "PodDisruptionBudget"),
        ("scheduling.k8s.io", "PriorityClass"), ("karpenter.sh", "NodePool"),
        ("", "ResourceQuota"), ("", "LimitRange"),
        ("", "PersistentVolumeClaim"), ("networking.k8s.io", "Ingress"), ("networking.k8s.io", "IngressClass"),
        ("", "PersistentVolume"), ("storage.k8s.io", "StorageClass"), ("storage.k8s.io", "CSINode"),
    }
)  # fmt: skip
"""Kinds of which the content is used; of others only who they are."""
HOOK = "helm.sh/hook"
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


class Item(NamedTuple):
    """One object: redacted content (empty where it is not used) and where it stands."""

    group: str
    kind: str
    namespace: str
    name: str
    content: dict[str, Any]
    file: str
    line: int


class Dump:
    """What was read."""

    def __init__(self, namespace: str = "default") -> None:
        self.default_namespace = namespace
        self.kinds: Counter[str] = Counter()
        self.api_versions: dict[str, Counter[str]] = {}
        self.items: dict[tuple[str, str, str, str], Item] = {}
        self.pods: dict[tuple[str, str], PodSeen] = {}
        self.specs = PodSpecs()
        self.autoscaler: AutoscalerSeen | None = None
        self.group_sizes: dict[str, tuple[int, int]] = {}
        self.hpa_usage: dict[tuple[str, str], dict[str, Any]] = {}
        self.pod_usage: dict[tuple[str, str], tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self.duplicates: Counter[str] = Counter()
        self.without_namespace: Counter[str] = Counter()
        self.hooks: Counter[str] = Counter()
        """Objects that Helm makes only while it installs or tests."""
        self.containers: Counter[str] = Counter()
        """Containers in templates, by kind."""
        self.containers_without_requests: Counter[str] = Counter()
        self.replicas: Counter[str] = Counter()

    def of_kind(self, *kinds: str) -> list[Item]:
        """The objects of these kinds, in order."""
        return [item for item in self.items.values() if item.kind in kinds]

    def read(self, objects: Iterable[Found]) -> None:
        """Adds objects."""
        for found in objects:
            self._add(found)

    def _fail(self, found: Found, message: str, key: str = "", allowed: str = "") -> None:
        self.problems.append(Problem(message, found.file, found.line, key, allowed=allowed))

    def _add(self, found: Found) -> None:
        content = found.content
        kind, version, metadata = content.get("kind"), content.get("apiVersion"), content.get("metadata")
        if not isinstance(kind, str) or not isinstance(version, str):
            missing = "kind" if not isinstance(kind, str) else "apiVersion"
            self._fail(found, "not a Kubernetes object: it is left out", missing, "a mapping with apiVersion and kind")
            return
        self.kinds[kind] += 1
        self.api_versions.setdefault(kind, Counter())[version] += 1
        name = mapping(metadata).get("name")
        if not isinstance(name, str) or not name:
            self._unnamed(found, kind, metadata)
            return
        if "status" not in content and HOOK in mapping(mapping(metadata).get("annotations")):
            self.hooks[kind] += 1
            return
        group, _ = group_and_version(version)
        group = SYNONYMS.get((group, kind), group)
        namespace = self._namespace(group, kind, mapping(metadata).get("namespace"))
        if kind == "Pod" and group == "":
            self._pod(found, namespace, name)
        elif group == "metrics.k8s.io":
            self._metrics(kind, namespace, name, content)
        else:
            self._object(found, Item(group, kind, namespace, name, content, found.file, found.line))

    def _unnamed(self, found: Found, kind: str, metadata: Any) -> None:
        if kind == "Kustomization" or kind.endswith("List"):
            return  # a list without items, or a file that only kustomize reads
        generated = mapping(metadata).get("generateName")
        text = "only generateName" if generated else "no name"
        self._fail(found, f"{kind} with {text}: it is left out", "metadata.name", "a name")

    def _namespace(self, group: str, kind: str, written: Any) -> str:
        if isinstance(written, str) and written:
            return written
        if is_namespaced(group, kind):
            self.without_namespace[kind] += 1
            return self.default_namespace
        return ""

    def _object(self, found: Found, item: Item) -> None:
        self._look(item)
        key = (item.group, item.kind, item.namespace, item.name)
        kept = item._replace(content=redacted(item.content) if key[:2] in KEPT_WHOLE else {})
        earlier = self.items.get(key)
        if earlier is not None:
            self.duplicates[item.kind] += 1
            if not _is_newer(kept.content, earlier.content):
                return
        elif item.kind in TEMPLATED:
            self._count(item)
        self.items[key] = kept

    def _look(self, item: Item) -> None:
        """What has to be seen before the content is redacted."""
        if item.kind == "Deployment" and (seen := autoscaler_seen(item.content)) is not None:
            self.autoscaler = seen
        elif item.kind == "ConfigMap" and item.name == "cluster-autoscaler-status":
            self.group_sizes |= group_sizes(str(mapping(item.content.get("data")).get("status", "")))
        elif item.kind == "HorizontalPodAutoscaler":
            self.hpa_usage[item.namespace, item.name] = {
                "status": mapping(item.content.get("status")),
                "annotations": mapping(mapping(item.content.get("metadata")).get("annotations")),
            }

    def _count(self, item: Item) -> None:
        """Containers of templates and replicas, kind by kind, as `kubectl get` lists them."""
        spec = mapping(item.content.get("spec"))
        containers = sequence(mapping(mapping(spec.get("template")).get("spec")).get("containers"))
        self.containers[item.kind] += len(containers)
        self.containers_without_requests[item.kind] += sum(
            not mapping(mapping(mapping(container).get("resources")).get("requests")) for container in containers
        )
        if item.kind != "DaemonSet":
            replicas = spec.get("parallelism" if item.kind == "Job" else "replicas")
            self.replicas[item.kind] += 1 if replicas is None else int(replicas) if isinstance(replicas, int) else 0

    def _pod(self, found: Found, namespace: str, name: str) -> None:
        if (namespace, name) in self.pods:
            self.duplicates["Pod"] += 1
            return
        self.pods[namespace, name] = pod_seen(found.content, namespace, self.specs, found.file, found.line)

    def _metrics(self, kind: str, namespace: str, name: str, content: dict[str, Any]) -> None:
        """`kubectl get podmetrics -A -o yaml`: what pods use right now."""
        if kind != "PodMetrics":
            return
        cpu = memory = 0
        for container in sequence(content.get("containers")):
            usage = mapping(mapping(container).get("usage"))
            try:
                cpu += cpu_milli(usage.get("cpu", 0))
                memory += memory_bytes(usage.get("memory", 0))
            except (ValueError, TypeError):
                continue
        self.pod_usage[namespace, name] = (cpu, memory)


def _is_newer(content: dict[str, Any], earlier: dict[str, Any]) -> bool:
    """Whether the same object in another API version should replace it: v2 before v2beta2 before v1."""
    return _rank(content) > _rank(earlier)


def _rank(content: dict[str, Any]) -> tuple[int, int, int]:
    match = _VERSION.fullmatch(group_and_version(str(content.get("apiVersion", "")))[1])
    if match is None:
        return (0, 0, 0)
    major, stage, minor = match.groups()
    stable = {None: 2, "beta": 1, "alpha": 0}[stage]
    # v2beta2 knows more than v1: the major version counts first.
    return (int(major), stable, int(minor or 0))
