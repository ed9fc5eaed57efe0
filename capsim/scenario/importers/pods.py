"""Pods of a dump: what each one is, where it runs, and the specs that many of them share."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import orjson

from capsim.scenario.importers.build import copied, packed
from capsim.scenario.importers.redact import mapping, redacted_metadata, redacted_pod_spec, sequence

FINISHED = ("Succeeded", "Failed")
OWN_LABELS = frozenset(
    {
        "pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash", "pod-template-generation",
        "controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
        "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
    }
)  # fmt: skip
"""Labels that controllers put on pods: they would make each pod one of its own kind."""
SPEC_KEYS = (
    "containers", "initContainers", "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "overhead",
    "resources", "priority", "priorityClassName", "preemptionPolicy", "terminationGracePeriodSeconds", "schedulerName",
    "hostNetwork", "runtimeClassName", "volumes", "schedulingGates", "restartPolicy",
)  # fmt: skip
LONGEST_NAME = 253
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_WHOLE = re.compile(r"[+-]?\d{1,9}")
CONTAINER_KEYS = ("name", "image", "resources", "ports", "restartPolicy")


class Owner(NamedTuple):
    """The controller that a reference names."""

    version: str
    kind: str
    name: str


class PodSeen(NamedTuple):
    """One pod; `spec` is an index into `PodSpecs`."""

    namespace: str
    name: str
    owner: Owner | None
    node: str
    phase: str
    deleting: bool
    mirror: bool
    hash: str
    """Value of the label pod-template-hash."""
    spec: int
    containers: int
    file: str
    line: int
    deletion_weight: int = 0

    @property
    def finished(self) -> bool:
        """It holds nothing any more."""
        return self.phase in FINISHED


class PodSpecs:
    """Specs of pods, each different one once: without the node, and without what controllers and admission add."""

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._texts: list[bytes] = []

    def add(self, spec: dict[str, Any], labels: dict[str, Any], owner: Owner | None) -> int:
        """The index of a spec."""
        kept = {key: spec[key] for key in SPEC_KEYS if key in spec}
        for key in ("containers", "initContainers"):
            if key in kept:
                listed = sequence(kept[key])
                kept[key] = [{k: c[k] for k in CONTAINER_KEYS if k in c} for c in listed if isinstance(c, dict)]
        kept = redacted_pod_spec(kept)
        if owner is not None and owner.kind == "DaemonSet" and "affinity" in kept:
            kept["affinity"] = _without_target(mapping(kept["affinity"]))
        own = {key: value for key, value in labels.items() if key not in OWN_LABELS}
        text = packed([own, kept])
        index = self._index.setdefault(text, len(self._texts))
        if index == len(self._texts):
            self._texts.append(text)
        return index

    def template(self, index: int) -> dict[str, Any]:
        """A pod template with that spec: `{metadata, spec}`, a copy."""
        labels, spec = orjson.loads(self._texts[index])
        return {"metadata": {"labels": labels}, "spec": spec}

    def __len__(self) -> int:
        return len(self._texts)


def _without_target(affinity: dict[str, Any]) -> dict[str, Any]:
    """Affinity without the node that the DaemonSet controller writes into each of its pods."""
    copy: dict[str, Any] = copied(affinity)
    required = mapping(mapping(copy.get("nodeAffinity")).get("requiredDuringSchedulingIgnoredDuringExecution"))
    terms = []
    for term in sequence(required.get("nodeSelectorTerms")):
        if isinstance(term, dict):
            term.pop("matchFields", None)
            if term.get("matchExpressions"):
                terms.append(term)
    if terms:
        required["nodeSelectorTerms"] = terms
    elif "nodeAffinity" in copy:
        copy["nodeAffinity"].pop("requiredDuringSchedulingIgnoredDuringExecution", None)
    return copy


def pod_seen(content: dict[str, Any], namespace: str, specs: PodSpecs, file: str, line: int) -> PodSeen:
    """What is kept of a Pod object."""
    metadata, status = mapping(content.get("metadata")), mapping(content.get("status"))
    spec = mapping(content.get("spec"))
    labels, annotations = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
    owner = owner_of(metadata)
    return PodSeen(
        namespace=namespace,
        name=str(metadata.get("name")),
        owner=owner,
        node=str(spec.get("nodeName") or ""),
        phase=str(status.get("phase") or ("Running" if spec.get("nodeName") else "Pending")),
        deleting=metadata.get("deletionTimestamp") is not None,
        mirror="kubernetes.io/config.mirror" in annotations or (owner is not None and owner.kind == "Node"),
        hash=str(labels.get("pod-template-hash") or ""),
        spec=specs.add(spec, labels, owner),
        containers=len(sequence(spec.get("containers"))),
        file=file,
        line=line,
        deletion_weight=_cost(annotations.get(DELETION_COST)),
    )


def _cost(value: Any) -> int:
    """A pod-deletion-cost; upstream takes what is no whole number for 0."""
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else 0


def owner_of(metadata: dict[str, Any]) -> Owner | None:
    """The controller among the owner references."""
    for reference in sequence(metadata.get("ownerReferences")):
        if isinstance(reference, dict) and reference.get("controller"):
            version, kind, name = (reference.get(key) for key in ("apiVersion", "kind", "name"))
            if isinstance(kind, str) and isinstance(name, str) and kind and name and len(name) <= LONGEST_NAME:
                return Owner(str(version), kind, name)
    return None


def pod_object(pod: PodSeen, specs: PodSpecs, name: str) -> dict[str, Any]:
    """The pod as a bare Pod object of that name."""
    template = specs.template(pod.spec)
    metadata = {**redacted_metadata(template["metadata"]), "name": name, "namespace": pod.namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
