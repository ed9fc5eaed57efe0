"""Recorded Kubernetes objects (plain JSON, no API-server defaults) as capsim's models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from capsim.scenario.cluster import Taint
from capsim.scenario.kubernetes.pod import Container, PodTemplate, Toleration
from capsim.scenario.kubernetes.pod_reading import amounts

Json = Mapping[str, Any]
OWNERS = {
    "ReplicaSet": "replicaSets",
    "StatefulSet": "statefulSets",
    "ReplicationController": "replicationControllers",
}


def namespace_of(thing: Json) -> str:
    """Namespace, `default` where none is given."""
    return thing["metadata"].get("namespace") or "default"


def key_of(thing: Json) -> str:
    """namespace/name"""
    return f"{namespace_of(thing)}/{thing['metadata']['name']}"


def labels_of(thing: Json) -> dict[str, str]:
    """Labels."""
    return dict(thing["metadata"].get("labels") or {})


def node_taints(node: Json) -> list[Taint]:
    """Taints of a node."""
    return [
        Taint(key=taint["key"], value=taint.get("value") or "", effect=taint["effect"])
        for taint in (node.get("spec") or {}).get("taints") or []
    ]


def allocatable_of(node: Json) -> dict[str, int]:
    """Allocatable in base units; what is not said is 0, as upstream's NodeInfo has it."""
    return amounts((node.get("status") or {}).get("allocatable"))


def start_ms_of(pod: Json) -> int:
    """status.startTime as milliseconds of the epoch, 0 where there is none."""
    text = (pod.get("status") or {}).get("startTime")
    return int(datetime.fromisoformat(text).timestamp() * 1000) if text else 0


def container_of(raw: Json, number: int) -> Container:
    """A container as it stands: limits are not copied to requests."""
    resources = raw.get("resources") or {}
    ports = [
        (port.get("hostIP") or "", port.get("protocol") or "TCP", port["hostPort"])
        for port in raw.get("ports") or []
        if port.get("hostPort")
    ]
    return Container(
        name=raw.get("name") or f"c{number}",
        requests=amounts(resources.get("requests")),
        limits=amounts(resources.get("limits")),
        host_ports=tuple(ports),
        image=raw.get("image") or "",
        restart_policy=raw.get("restartPolicy"),
    )


def toleration_of(raw: Json) -> Toleration:
    """A toleration."""
    return Toleration(
        key=raw.get("key") or "",
        operator=raw.get("operator") or "Equal",
        value=raw.get("value") or "",
        effect=raw.get("effect") or "",
    )


def template_of(pod: Json) -> PodTemplate:
    """The pod's spec as a template."""
    spec = pod["spec"]
    resources = spec.get("resources") or {}
    return PodTemplate(
        labels=labels_of(pod),
        containers=tuple(container_of(c, i) for i, c in enumerate(spec.get("containers") or [])),
        init_containers=tuple(container_of(c, i) for i, c in enumerate(spec.get("initContainers") or [])),
        node_selector=dict(spec.get("nodeSelector") or {}),
        affinity=spec.get("affinity") or None,
        tolerations=tuple(toleration_of(t) for t in spec.get("tolerations") or []),
        topology_spread=list(spec.get("topologySpreadConstraints") or []),
        overhead=amounts(spec.get("overhead")),
        pod_requests=amounts(resources.get("requests")),
        pod_limits={},
        priority=int(spec.get("priority") or 0),
        preemption_policy=spec.get("preemptionPolicy") or "PreemptLowerPriority",
        scheduler_name=spec.get("schedulerName") or "default-scheduler",
        scheduling_gates=[gate["name"] for gate in spec.get("schedulingGates") or []],
    )


def controller_selector(pod: Json, case: Json) -> dict[str, Any] | None:
    """Selector of the ReplicaSet, StatefulSet or ReplicationController that controls the pod, if it exists."""
    for reference in pod["metadata"].get("ownerReferences") or []:
        group = OWNERS.get(reference.get("kind"))
        if reference.get("controller") and group:
            for owner in case.get(group) or []:
                if namespace_of(owner) == namespace_of(pod) and owner["metadata"]["name"] == reference.get("name"):
                    selector = (owner.get("spec") or {}).get("selector") or {}
                    return {"matchLabels": selector} if group == "replicationControllers" else dict(selector)
    return None
