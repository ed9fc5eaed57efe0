"""Node objects and node groups of the scenario, from the nodes of a dump."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from capsim.scenario.document import Mark
from capsim.scenario.importers.collect import Dump
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.groups import ROLE, TYPE_LABELS, ZONE_LABELS, Group, NodeSeen, lasting_taints
from capsim.scenario.importers.reading import source_of
from capsim.scenario.importers.redact import mapping, sequence
from capsim.scenario.importers.stand_ins import Chosen
from capsim.scenario.kubernetes.node import GROUP_LABEL
from capsim.scenario.kubernetes.registry import Source
from capsim.units import format_milli, quantity_bytes

HOSTNAME = "kubernetes.io/hostname"
SET_BY_CAPSIM = (HOSTNAME, "kubernetes.io/os", "beta.kubernetes.io/os", "beta.kubernetes.io/arch", GROUP_LABEL,
                 *TYPE_LABELS, *ZONE_LABELS)  # fmt: skip
GIB = 2**30


class GroupEntry(NamedTuple):
    """One element of `nodeGroups`, and comments: by key, and above it all (key "")."""

    values: dict[str, Any]
    comments: dict[str, str]


def node_sources(groups: list[Group], used_labels: set[str], log: Log) -> list[Source]:
    """Node objects as members of their groups; labels that tell nodes apart and that nobody asks for are left out."""
    single = _identities([node for group in groups for node in group.nodes], used_labels)
    for key, count in single.items():
        text = "differs from node to node and no pod asks for it"
        log.note("ignored", f"Node label {key}", text, count=count)
    return [_node_source(node, group.name * group.sound, single, log) for group in groups for node in group.nodes]


def _identities(nodes: list[NodeSeen], used: set[str]) -> dict[str, int]:
    values: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for node in nodes:
        for key, value in node.labels.items():
            values.setdefault(key, set()).add(value)
            counts[key] += 1
    kept = {*used, HOSTNAME, GROUP_LABEL}
    return {k: n for k, n in counts.items() if k not in kept and n > 3 and len(values[k]) > 0.9 * n}


def _node_source(node: NodeSeen, group: str, single: dict[str, int], log: Log) -> Source:
    labels = {key: value for key, value in node.labels.items() if key not in single}
    taints = [{k: v for k, v in zip(("key", "value", "effect"), t, strict=True) if v} for t in lasting_taints(node)]
    lost = len(node.taints) - len(taints)
    if lost:
        log.note("ignored", "Node.spec.taints", "passing taints (not-ready, unreachable, to be deleted)", count=lost)
    if not node.ready:
        log.guess("nodes that are not Ready are cordoned", "status.conditions", "likely", "wait until they are Ready")
    spec = {"taints": taints, "unschedulable": node.unschedulable or not node.ready}
    content = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": {**labels, **({GROUP_LABEL: group} if group else {})}},
        "spec": {key: value for key, value in spec.items() if value},
        "status": {"capacity": node.capacity, "allocatable": node.allocatable},
    }
    return source_of(content, "", "Node", "", node.name, Mark(node.item.file, node.item.line))


def labels_in_use(workloads: list[Chosen]) -> set[str]:
    """Keys of node labels that pods select by, spread over or prefer."""
    found: set[str] = set()
    for chosen in workloads:
        spec = mapping(chosen.content.get("spec"))
        pod = spec if chosen.kind == "Pod" else mapping(mapping(spec.get("template")).get("spec"))
        found.update(mapping(pod.get("nodeSelector")))
        for constraint in sequence(pod.get("topologySpreadConstraints")):
            found.add(str(mapping(constraint).get("topologyKey")))
        _keys(pod.get("affinity"), found)
    return found


def _keys(value: Any, found: set[str]) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            found.update(str(item[name]) for name in ("key", "topologyKey") if name in item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def group_entries(groups: list[Group], dump: Dump, prices: dict[str, float], log: Log) -> list[GroupEntry]:
    """The scenario's `nodeGroups`."""
    for group in groups:
        if not group.sound:
            what = "nodes without CPU or memory are static: no node group is made of them"
            log.guess(what, "status.capacity", "likely", count=len(group.nodes))
    return [_entry(group, dump, prices, log) for group in groups if group.sound]


def _entry(group: Group, dump: Dump, prices: dict[str, float], log: Log) -> GroupEntry:
    pattern = group.nodes[0]
    count = len(group.nodes)
    low, high, why = _bounds(group, dump, log)
    price = prices.get(group.name, prices.get(pattern.instance_type))
    values: dict[str, Any] = {
        "name": group.name,
        "instance": _instance(pattern),
        "kubeReserved": _reserved(pattern, log),
        "evictionHard": {"memory": 0, "ephemeral-storage": 0},
        "labels": _common_labels(group.nodes),
        "taints": [dict(zip(("key", "value", "effect"), taint, strict=True)) for taint in lasting_taints(pattern)],
        "zones": sorted({node.zone for node in group.nodes if node.zone}),
        "attachLimits": _attach_limits(group, dump),
        "min": low,
        "max": high,
        "initial": count,
        "pricePerHour": 0.0 if price is None else price,
    }
    log.guess(f"nodes grouped by {group.origin}", "labels and shapes of the Node objects", _sure(group.sure))
    log.guess("bootDelay 60s of node groups", "nothing in a dump: capsim's default", "a guess",
              "time from a scale-up event to Ready of a new node")  # fmt: skip
    if price is None:
        log.guess("pricePerHour 0 of node groups", "nothing in a dump", "a guess",
                  "--price TYPE=USD, such as --price m7i.xlarge=0.2016")  # fmt: skip
    comments = {
        "": f"{count} node(s), {group.origin}: {group.sure}. The first is {pattern.name}.",
        "kubeReserved": "capacity - allocatable of the first node; it contains the eviction thresholds",
        "min": why,
        "pricePerHour": "from --price" if price is not None else "not in a dump: USD per node and hour",
    }
    _other_resources(pattern, group.name, log)
    kept = {key: value for key, value in values.items() if value not in ({}, [])}
    return GroupEntry(kept, comments)


def _sure(text: str) -> Any:
    return text


def _attach_limits(group: Group, dump: Dump) -> dict[str, int]:
    """Volumes of each CSI driver that every node of the group attaches, by the CSINodes."""
    names = {node.name for node in group.nodes}
    found: dict[str, int] = {}
    for item in dump.of_kind("CSINode"):
        for driver in sequence(mapping(item.content.get("spec")).get("drivers")) if item.name in names else ():
            count = mapping(mapping(driver).get("allocatable")).get("count")
            if isinstance(count, int) and count >= 0:
                name = str(mapping(driver).get("name"))
                found[name] = min(count, found.get(name, count))
    return found


def _instance(node: NodeSeen) -> dict[str, Any]:
    instance: dict[str, Any] = {
        "cpu": format_milli(node.amount("cpu")),
        "memory": quantity_bytes(node.amount("memory")),
        "ephemeralStorage": quantity_bytes(node.amount("ephemeral-storage") or 100 * GIB),
        "pods": node.amount("pods", of_capacity=False) or 110,
    }
    if node.amount("nvidia.com/gpu"):
        instance["gpus"] = node.amount("nvidia.com/gpu", of_capacity=False)
    if node.instance_type:
        instance["instanceType"] = node.instance_type
    return instance


def _reserved(node: NodeSeen, log: Log) -> dict[str, Any]:
    if not node.allocatable or not node.capacity:
        log.guess("nothing is reserved on nodes", "status.allocatable or capacity is missing", "a guess",
                  "kubectl get nodes -o yaml")  # fmt: skip
    found = {}
    for resource, write in (("cpu", format_milli), ("memory", quantity_bytes), ("ephemeral-storage", quantity_bytes)):
        kept = node.amount(resource) - node.amount(resource, of_capacity=False)
        if kept > 0:
            found[resource] = write(kept)
    return found


def _common_labels(nodes: list[NodeSeen]) -> dict[str, str]:
    common = set(nodes[0].labels.items())
    for node in nodes[1:]:
        common &= set(node.labels.items())
    kept = {
        k: v for k, v in sorted(common) if k not in SET_BY_CAPSIM and (len(nodes) > 1 or not k.startswith("k8s.io/"))
    }
    if kept.get("kubernetes.io/arch") == "amd64":
        del kept["kubernetes.io/arch"]
    return kept


def _other_resources(node: NodeSeen, group: str, log: Log) -> None:
    for name in node.allocatable:
        if "/" in name and name != "nvidia.com/gpu" and node.amount(name):
            text = "new nodes of a group do not offer it (nodes that exist do)"
            log.note("not_modelled", f"resource {name}", text, group)


def _bounds(group: Group, dump: Dump, log: Log) -> tuple[int, int, str]:
    """Fewest and most nodes, and from what."""
    count = len(group.nodes)
    if any(
        key.startswith(ROLE) and key.removeprefix(ROLE) in ("control-plane", "master") for key in group.nodes[0].labels
    ):
        return count, count, "a control plane does not scale"
    sizes = dict(dump.group_sizes)
    if dump.autoscaler is not None:
        sizes |= dump.autoscaler.groups
    label = group.name
    for name, (low, high) in sizes.items():
        if name == label or label in name.replace("_", "-").lower():
            log.guess(
                "min and max of node groups", "flags or status of the Cluster Autoscaler, matched by name", "likely"
            )
            return min(low, count), max(high, count), f"from the Cluster Autoscaler's {name}"
    if dump.autoscaler is None:
        return count, count, "no Cluster Autoscaler in the dump: the number of nodes stays"
    source = "nothing: the Cluster Autoscaler discovers them"
    log.guess("min 0 and max twice the nodes of node groups", source, "a guess",
              "sizes of the cloud's node groups, or the ConfigMap cluster-autoscaler-status")  # fmt: skip
    return 0, 2 * count, "a guess: the Cluster Autoscaler's bounds are not in the dump"
