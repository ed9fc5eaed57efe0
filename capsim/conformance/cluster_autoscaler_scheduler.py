"""The simple scheduler of the Cluster Autoscaler recordings.

Priority, then list order; first fit in node list order over Ready nodes that are not cordoned; where nothing fits, pods
of lower priority (lowest, then newest first) make room on the first node where that helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.conformance.cluster_autoscaler_kinds import RESOURCES, request, tolerates
from capsim.conformance.cluster_autoscaler_objects import Node, Pod

if TYPE_CHECKING:
    from capsim.conformance.cluster_autoscaler_world import RecordedWorld


def schedule(world: RecordedWorld) -> None:
    """Bind what can be bound."""
    waiting = [pod for pod in world.listed_pods() if pod.node is None and pod.spec.get("scheduler") is None]
    if not waiting:
        return
    on: dict[int, list[Pod]] = {id(node): [] for node in world.nodes}
    for pod in world.pods:
        if pod.node is not None and not pod.terminal:
            on[id(pod.node)].append(pod)
    for pod in sorted(waiting, key=lambda one: -one.spec.get("priority", 0)):
        node = next((n for n in world.nodes if admits(n, pod) and fits(n, on[id(n)], pod)), None)
        if node is None:
            node = preempt(world, on, pod)
        if node is not None:
            pod.node = node
            on[id(node)].append(pod)


def admits(node: Node, pod: Pod) -> bool:
    """Ready, not cordoned, selector, taints."""
    if not node.ready or node.cordoned:
        return False
    if any(node.labels.get(key) != value for key, value in pod.spec.get("node_selector", {}).items()):
        return False
    return all(
        taint.get("effect") == "PreferNoSchedule"
        or tolerates(pod.spec, taint["key"], taint.get("value", ""), taint.get("effect", "NoSchedule"))
        for taint in node.taints
    )


def fits(node: Node, others: list[Pod], pod: Pod) -> bool:
    """Resources, host port, required anti-affinity of the pod itself."""
    want = request(pod.spec)
    for r in range(RESOURCES):
        used = sum(request(other.spec)[r] for other in others)
        if want[r] > 0 and used + want[r] > int(node.allocatable[r]):
            return False
    port = pod.spec.get("host_port")
    if port is not None and any(other.spec.get("host_port") == port for other in others):
        return False
    against = pod.spec.get("anti_affinity")
    return not against or not any(
        all(other.spec.get("labels", {}).get(key) == value for key, value in against.items()) for other in others
    )


def preempt(world: RecordedWorld, on: dict[int, list[Pod]], pod: Pod) -> Node | None:
    """The first node on which pods of lower priority can make room; they are gone then."""
    own = pod.spec.get("priority", 0)
    for node in world.nodes:
        if not admits(node, pod):
            continue
        others = list(on[id(node)])
        lower = [other for other in others if other.spec.get("priority", 0) < own]
        lower.sort(key=lambda other: (other.spec.get("priority", 0), -other.created_ms, -other.slot))
        victims = []
        for victim in lower:
            others.remove(victim)
            victims.append(victim)
            if fits(node, others, pod):
                for gone in victims:
                    on[id(node)].remove(gone)
                    world.log_event("preempted", gone.name)
                    world.remove_and_replace(gone)
                return node
    return None
