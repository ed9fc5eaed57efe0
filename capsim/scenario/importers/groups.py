"""Node groups of a dump: by the labels that cloud providers and installers put on nodes, else by role and shape."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

from capsim.scenario.importers.collect import Item
from capsim.scenario.importers.redact import mapping, sequence
from capsim.units import parse_quantity

GROUP_LABELS: tuple[tuple[str, str], ...] = (
    ("capsim.io/node-group", "capsim"),
    ("eks.amazonaws.com/nodegroup", "EKS managed node group"),
    ("alpha.eksctl.io/nodegroup-name", "eksctl node group"),
    ("karpenter.sh/nodepool", "Karpenter NodePool"),
    ("karpenter.sh/provisioner-name", "Karpenter Provisioner"),
    ("cloud.google.com/gke-nodepool", "GKE node pool"),
    ("kubernetes.azure.com/agentpool", "AKS agent pool"),
    ("agentpool", "AKS agent pool"),
    ("kops.k8s.io/instancegroup", "kops instance group"),
    ("doks.digitalocean.com/node-pool", "DigitalOcean node pool"),
    ("lke.linode.com/pool-id", "Linode pool"),
    ("k8s.scaleway.com/pool-name", "Scaleway pool"),
    ("ibm-cloud.kubernetes.io/worker-pool-name", "IBM worker pool"),
    ("name.pool.oke.oraclecloud.com", "OKE node pool"),
    ("oke.oraclecloud.com/pool.name", "OKE node pool"),
    ("machine.openshift.io/machineset", "OpenShift MachineSet"),
    ("cluster.x-k8s.io/deployment-name", "Cluster API MachineDeployment"),
    ("node.gardener.cloud/worker-pool", "Gardener worker pool"),
    ("worker.gardener.cloud/pool", "Gardener worker pool"),
    ("rke.cattle.io/rke-machine-pool-name", "Rancher machine pool"),
    ("node-pool", "label node-pool"),
    ("nodepool", "label nodepool"),
    ("pool", "label pool"),
)
"""Labels that name a node's group, the first that is there counts; with what they are a sign of."""
TYPE_LABELS = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
ROLE = "node-role.kubernetes.io/"
TRANSIENT_TAINTS = (
    "node.kubernetes.io/", "ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/disrupt", "karpenter.sh/unregistered", "node.cloudprovider.kubernetes.io/",
    "node.cilium.io/agent-not-ready", "startup-taint.cluster-autoscaler.kubernetes.io/",
)  # fmt: skip
"""Taints that come and go with a node's state; a new node of the group has none of them."""
SAME_MEMORY_RATIO = 0.03
"""Machines of one type differ in the memory that they report by less than this."""


class NodeSeen(NamedTuple):
    """What grouping needs of a Node object."""

    item: Item
    labels: dict[str, str]
    taints: tuple[tuple[str, str, str], ...]
    capacity: dict[str, Any]
    allocatable: dict[str, Any]
    ready: bool
    unschedulable: bool

    @property
    def name(self) -> str:
        """Name of the node."""
        return self.item.name

    @property
    def instance_type(self) -> str:
        """Machine type, empty when no label says so."""
        return next((self.labels[key] for key in TYPE_LABELS if self.labels.get(key)), "")

    @property
    def zone(self) -> str:
        """Zone, empty when no label says so."""
        return next((self.labels[key] for key in ZONE_LABELS if self.labels.get(key)), "")

    def amount(self, resource: str, of_capacity: bool = True) -> int:
        """Base units (cpu in millicores) of a resource; 0 when it is missing or unreadable."""
        first, second = (self.capacity, self.allocatable) if of_capacity else (self.allocatable, self.capacity)
        value = first.get(resource, second.get(resource, 0))
        try:
            return max(0, int(parse_quantity(value) * (1000 if resource == "cpu" else 1)))
        except (ValueError, TypeError):
            return 0


class Group(NamedTuple):
    """Nodes that are alike; the first is the pattern of a new one."""

    name: str
    nodes: list[NodeSeen]
    origin: str
    """What told that they belong together."""
    sure: str

    @property
    def sound(self) -> bool:
        """Whether a new node could be made after the first: it says how much CPU and memory it has."""
        return self.nodes[0].amount("cpu") > 0 and self.nodes[0].amount("memory") > 0


def node_seen(item: Item) -> NodeSeen:
    """A Node object as grouping sees it."""
    content = item.content
    spec, status = mapping(content.get("spec")), mapping(content.get("status"))
    labels = {str(k): str(v) for k, v in mapping(mapping(content.get("metadata")).get("labels")).items()}
    taints = tuple(
        (str(t.get("key", "")), str(t.get("value") or ""), str(t.get("effect", "")))
        for t in sequence(spec.get("taints"))
        if isinstance(t, dict)
    )
    conditions = {
        str(c.get("type")): c.get("status") for c in sequence(status.get("conditions")) if isinstance(c, dict)
    }
    return NodeSeen(
        item, labels, taints, mapping(status.get("capacity")), mapping(status.get("allocatable")),
        ready=conditions.get("Ready", "True") == "True", unschedulable=bool(spec.get("unschedulable")),
    )  # fmt: skip


def lasting_taints(node: NodeSeen) -> tuple[tuple[str, str, str], ...]:
    """Taints that a new node of the same group would have too."""
    return tuple(taint for taint in node.taints if not taint[0].startswith(TRANSIENT_TAINTS))


def node_groups(nodes: list[NodeSeen]) -> list[Group]:
    """The groups, in the order of their first node; machines of different shape are never in one."""
    labelled: dict[tuple[str, str, str], list[NodeSeen]] = {}
    for node in nodes:
        labelled.setdefault(_named(node), []).append(node)
    found: list[Group] = []
    taken: Counter[str] = Counter()
    for (name, origin, sure), members in labelled.items():
        parts = _by_shape(members)
        for shape, part in parts:
            full = f"{name}-{shape}" if len(parts) > 1 and shape else name
            taken[full] += 1
            unique = full if taken[full] == 1 else f"{full}-{taken[full]}"
            found.append(Group(_clean(unique), part, origin, sure))
    return _unique(found)


def _named(node: NodeSeen) -> tuple[str, str, str]:
    for label, what in GROUP_LABELS:
        if node.labels.get(label):
            return node.labels[label], f"{what} (label {label})", "sure"
    roles = sorted(key.removeprefix(ROLE) for key in node.labels if key.startswith(ROLE) and key != ROLE)
    kind = node.instance_type
    if roles or kind:
        origin = " and ".join(part for part in ("role" * bool(roles), "instance type" * bool(kind)) if part)
        return "-".join([*roles, *([kind] if kind else [])]) or "nodes", f"no group label: {origin}", "likely"
    return "nodes", "no group label, no role: machines of one shape", "a guess"


def _by_shape(nodes: list[NodeSeen]) -> list[tuple[str, list[NodeSeen]]]:
    """Parts of one machine type, size and set of taints; a name for each from what they differ in."""
    parts: list[tuple[tuple[Any, ...], int, list[NodeSeen]]] = []
    known: dict[tuple[Any, ...], list[int]] = {}
    for node in nodes:
        extended = tuple(sorted((k, node.amount(k)) for k in node.allocatable if "/" in k and node.amount(k)))
        arch = node.labels.get("kubernetes.io/arch", "")
        shape = (node.instance_type, node.amount("cpu"), lasting_taints(node), extended, arch)
        memory = node.amount("memory")
        for index in known.get(shape, []):
            if abs(memory - parts[index][1]) <= SAME_MEMORY_RATIO * max(memory, parts[index][1]):
                parts[index][2].append(node)
                break
        else:
            known.setdefault(shape, []).append(len(parts))
            parts.append((shape, memory, [node]))
    return [(_shape_name(shape, memory), part) for shape, memory, part in parts]


def _shape_name(shape: tuple[Any, ...], memory_bytes: int) -> str:
    kind, cpu_milli = shape[0], shape[1]
    return str(kind) if kind else f"{cpu_milli // 1000}cpu-{round(memory_bytes / 2**30)}gi"


def _clean(name: str) -> str:
    text = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")
    return text[:200].rstrip("-.") or "nodes"


def _unique(groups: list[Group]) -> list[Group]:
    """Different names, none of which with a number at its end names a node that exists."""
    nodes = {node.name for group in groups for node in group.nodes}
    taken: set[str] = set()
    result = []
    for group in groups:
        name, number = group.name, 1
        while name in taken or any(n.rpartition("-")[0] == name and n.rpartition("-")[2].isdigit() for n in nodes):
            number += 1
            name = f"{group.name}-group" if number == 2 else f"{group.name}-group{number - 1}"
        taken.add(name)
        result.append(group._replace(name=name))
    return result
