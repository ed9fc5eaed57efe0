"""Nodes, node groups and their shapes as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from capsim.engine.build.names import STATIC_GROUP, Names
from capsim.rng import name_hash
from capsim.scenario.cluster import NodeGroup
from capsim.scenario.distribution import Distribution
from capsim.scenario.scenario import Scenario
from capsim.state.tables import (
    EPHEMERAL,
    F64,
    G_MAX,
    G_MIN,
    I64,
    NEVER,
    PODS,
    Groups,
    Nodes,
    NodeScan,
)
from capsim.state.tables_addresses import NET_COLUMNS
from capsim.world.distributions import KINDS

CORE_RESOURCES = ["cpu", "memory", "ephemeral-storage", "pods"]
ZONE = "topology.kubernetes.io/zone"
_FOREVER_MS = 1e15


def resource_names_of(requests: Iterable[Mapping[str, int]], offers: Iterable[Mapping[str, int]]) -> list[str]:
    """Resource columns: the four core ones, then every extended resource that a pod requests or a node offers."""
    seen: dict[str, None] = dict.fromkeys(CORE_RESOURCES)
    for amounts in (*requests, *offers):
        seen.update((name, None) for name in amounts if not name.startswith("attachable-volumes-"))
    return list(seen)


def resource_names(scenario: Scenario) -> list[str]:
    """Resource columns of a scenario."""
    offers = [
        *(group.allocatable() for group in scenario.node_groups),
        *(n.allocatable for n in scenario.objects.nodes),
    ]
    return resource_names_of((workload.template.requests() for workload in scenario.objects.workloads), offers)


def vector(resources: dict[str, int], names: Sequence[str]) -> list[int]:
    """A resource dict as a row."""
    return [int(resources.get(name, 0)) for name in names]


def node_vector(resources: dict[str, int], names: Sequence[str]) -> list[int]:
    """Allocatable of a Node object as a row; a node that does not say how many pods it holds holds 110."""
    row = vector(resources, names)
    if "pods" not in resources:
        row[PODS] = 110
    if "ephemeral-storage" not in resources:
        row[EPHEMERAL] = 1 << 50
    return row


def distribution_row(d: Distribution) -> list[float]:
    """kind, mean, standard deviation, min, max in ms."""
    high = _FOREVER_MS if d.max_ms is None else float(d.max_ms)
    return [float(KINDS[d.kind]), float(d.mean_ms), float(d.stddev_ms), float(d.min_ms), high]


def group_labels(group: NodeGroup, zone: str) -> dict[str, str]:
    """Labels of a node of the group, well-known ones included (without its hostname)."""
    labels = {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "capsim.io/node-group": group.name,
    }
    if group.instance.instance_type:
        labels["node.kubernetes.io/instance-type"] = group.instance.instance_type
    if zone:
        labels[ZONE] = zone
    return labels | dict(group.labels)


def build_groups(scenario: Scenario, names: Names, workloads: int, shape: Callable[[NodeGroup, str], int]) -> Groups:
    """Node groups, and the static group last. Fills group names and prices of ``names``; ``shape`` gives the shape of
    a group's nodes in a zone."""
    groups = scenario.node_groups
    count = len(groups) + 1
    zones = max([1, *(len(g.zones) for g in groups)])
    width = len(names.resources)
    table = empty_groups(count, zones, width, workloads)
    for g, group in enumerate(groups):
        names.groups.append(group.name)
        names.prices.append(group.price_per_hour_usd)
        rows = [shape(group, zone) for zone in group.zones or [""]]
        table.shapes[g, : len(rows)] = rows
        table.zones[g] = len(rows)
        table.size[g, G_MIN] = group.min
        table.size[g, G_MAX] = group.max
        table.template[g] = vector(group.allocatable(), names.resources)
        table.boot[g] = distribution_row(group.boot_delay)
        table.register[g] = distribution_row(group.register_delay)
        table.delete_ms[g] = group.delete_delay_ms
        table.hash[g] = name_hash(f"nodegroup/{group.name}")
        table.managed[g] = 1
        table.pod_ips[g] = NEVER if group.pod_ips is None else group.pod_ips
    names.groups.append(STATIC_GROUP)
    names.prices.append(0.0)
    table.zones[count - 1] = 1
    table.hash[count - 1] = name_hash(STATIC_GROUP)
    return table


def empty_groups(count: int, zones: int, width: int, workloads: int) -> Groups:
    """Zeroed rows for ``count`` groups."""
    return Groups(
        size=np.zeros((count, 4), np.int64),
        shapes=np.zeros((count, zones), np.int64),
        zones=np.zeros(count, np.int64),
        template=np.zeros((count, width), np.int64),
        boot=np.zeros((count, 5)),
        register=np.zeros((count, 5)),
        delete_ms=np.zeros(count, np.int64),
        hash=np.zeros(count, np.int64),
        count=np.zeros((count, 4), np.int64),
        allocatable=np.zeros((count, width), np.int64),
        requested=np.zeros((count, width), np.int64),
        daemons=np.zeros((count, width), np.int64),
        daemon_eligible=np.zeros((count, max(1, workloads)), np.int64),
        managed=np.zeros(count, np.int64),
        pod_ips=np.full(count, NEVER, np.int64),
        net=np.zeros((count, NET_COLUMNS), np.int64),
        subnet=np.zeros((0, 2), np.int64),
    )


def empty_nodes(rows: int, width: int) -> Nodes:
    """``rows`` free node slots."""
    return Nodes(
        state=np.zeros(rows, np.int64),
        flags=np.zeros(rows, np.int64),
        group=np.zeros(rows, np.int64),
        shape=np.zeros(rows, np.int64),
        ordinal=np.zeros(rows, np.int64),
        uid=np.full(rows, -1, np.int64),
        allocatable=np.zeros((rows, width), np.int64),
        requested=np.zeros((rows, width), np.int64),
        nonzero=np.zeros((rows, 2), np.int64),
        first_pod=np.full(rows, -1, np.int64),
        excess_milli=np.zeros(rows),
        version=np.zeros(rows, np.int64),
        times=np.full((rows, 6), -1, np.int64),
        net=np.tile(np.array([-1, -1, 0, 0, 0, 0], np.int64), (rows, 1)),
    )


def empty_scan(rows: int, groups: int) -> NodeScan:
    """What is kept beside ``rows`` node slots of ``groups`` groups."""
    return NodeScan(
        contended=np.zeros(rows, np.int64),
        mark=np.zeros(rows, np.int64),
        unremovable_ms=np.zeros(rows, np.int64),
        threshold=np.full(groups, 0.5),
    )


def node_capacity(scenario: Scenario) -> int:
    """Node slots to begin with: those of the start and some more, or the groups' maxima when they are small."""
    start = len(scenario.objects.nodes) + sum(g.initial for g in scenario.node_groups)
    most = len(scenario.objects.nodes) + sum(g.max for g in scenario.node_groups)
    return max(1, min(most, start + max(16, start // 2)))


def widest_node_milli(scenario: Scenario) -> float:
    """CPU of the largest node: what a pod without a limit can use at most."""
    sizes = [g.allocatable()["cpu"] for g in scenario.node_groups]
    sizes += [n.allocatable.get("cpu", 0) for n in scenario.objects.nodes]
    return float(max(sizes, default=1000))


def array(values: Sequence[int]) -> I64:
    """int64 array."""
    return np.array(values, dtype=np.int64)


def floats(values: Sequence[float]) -> F64:
    """float64 array."""
    return np.array(values, dtype=np.float64)
