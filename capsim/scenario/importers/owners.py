"""Which workload a pod belongs to: owner references followed up to what a user would name."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from capsim.scenario.importers.collect import Dump
from capsim.scenario.importers.pods import Owner, PodSeen, owner_of
from capsim.scenario.importers.redact import mapping


class Root(NamedTuple):
    """The top of a chain of owners; `kind` Pod: the pod has none."""

    namespace: str
    kind: str
    name: str

    @property
    def key(self) -> str:
        """namespace/Kind/name."""
        return f"{self.namespace}/{self.kind}/{self.name}"


class Members:
    """The pods of one root that hold resources, those that are finished apart."""

    def __init__(self) -> None:
        self.running: list[PodSeen] = []
        self.finished = 0

    def usual_spec(self) -> int:
        """The spec that most of the pods have (of equals the one seen last: a rollout ends there)."""
        counts = Counter(pod.spec for pod in self.running)
        most = max(counts.values())
        return max(spec for spec, count in counts.items() if count == most)

    def on_nodes(self) -> Counter[str]:
        """Pods by node; pods that have none are left out."""
        return Counter(pod.node for pod in self.running if pod.node)


def members(dump: Dump) -> dict[Root, Members]:
    """Every root of the pods in a dump, in the order of the pods."""
    parents = {
        (item.namespace, item.kind, item.name): owner_of(mapping(item.content.get("metadata")))
        for item in dump.of_kind("ReplicaSet", "Job")
    }
    found: dict[Root, Members] = {}
    for pod in dump.pods.values():
        group = found.setdefault(root_of(pod, parents), Members())
        if pod.finished:
            group.finished += 1
        else:
            group.running.append(pod)
    return found


def root_of(pod: PodSeen, parents: dict[tuple[str, str, str], Owner | None]) -> Root:
    """The root of a pod. A static pod (owned by its Node) is its own: the kubelet runs it."""
    owner = pod.owner
    if owner is None or owner.kind == "Node":
        return Root(pod.namespace, "Pod", pod.name)
    above = parents.get((pod.namespace, owner.kind, owner.name))
    if above is not None:
        return Root(pod.namespace, above.kind, above.name)
    known = (pod.namespace, owner.kind, owner.name) in parents
    if owner.kind == "ReplicaSet" and not known and pod.hash and owner.name.endswith(f"-{pod.hash}"):
        # The ReplicaSet is not in the dump: its name is <deployment>-<hash>.
        return Root(pod.namespace, "Deployment", owner.name.removesuffix(f"-{pod.hash}"))
    return Root(pod.namespace, owner.kind, owner.name)
