"""Subnets that node groups name: they exist, for every zone, and hold the machines of the start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from capsim.scenario.cluster import NodeGroup
from capsim.scenario.merge import suggestion
from capsim.scenario.scenario import Scenario

Fault = tuple[tuple[Any, ...], str, str, str]
"""Path, message, found, allowed."""


def subnet_of(named: str | dict[str, str] | None, zone: str) -> str | None:
    """Name of the subnet in ``zone``; None: there is none."""
    return named.get(zone) if isinstance(named, dict) else named


def pods_named(group: NodeGroup) -> str | dict[str, str] | None:
    """Subnet of the group's pods, as written."""
    pods = group.pod_addresses
    return None if pods is None else pods.subnet if pods.subnet is not None else group.subnet


def subnet_faults(scenario: Scenario) -> Iterator[Fault]:
    """What is wrong with them."""
    for index, group in enumerate(scenario.node_groups):
        path: tuple[Any, ...] = ("nodeGroups", index)
        yield from named_faults(scenario, group, group.subnet, (*path, "subnet"))
        if group.pod_addresses is None:
            continue
        where = (*path, "podAddresses")
        if pods_named(group) is None:
            yield where, "pods get their addresses from a subnet, and none is named", "", "subnet, of the group or here"
            continue
        yield from named_faults(scenario, group, group.pod_addresses.subnet, (*where, "subnet"))
        yield from small_faults(scenario, group, where)
    yield from full_faults(scenario)


def named_faults(
    scenario: Scenario, group: NodeGroup, named: str | dict[str, str] | None, path: tuple[Any, ...]
) -> Iterator[Fault]:
    """Names of subnets, and zones without one."""
    known = sorted(scenario.subnets)
    if isinstance(named, dict):
        for zone in sorted(set(group.zones) - set(named)):
            yield path, "a zone of the group has no subnet", zone, ", ".join(group.zones)
        for zone in sorted(set(named) - set(group.zones)):
            yield (*path, zone), "the group has no nodes in this zone", zone, ", ".join(group.zones) or "no zones"
    for name in named.values() if isinstance(named, dict) else [named] if named is not None else []:
        if name not in scenario.subnets:
            message = "no such subnet" + suggestion(name, known)
            yield path, message, name, ", ".join(known) or "subnets: {name: {cidr: …}}"


def small_faults(scenario: Scenario, group: NodeGroup, path: tuple[Any, ...]) -> Iterator[Fault]:
    """Blocks that no subnet holds."""
    assert group.pod_addresses is not None
    block = group.pod_addresses.block_size()
    for zone in group.zones or [""]:
        name = subnet_of(pods_named(group), zone)
        if name in scenario.subnets and scenario.subnets[name].size() < block:
            size = scenario.subnets[name].size()
            yield path, f"a block of {block} addresses does not fit into subnet {name}", str(block), f"at most {size}"


def full_faults(scenario: Scenario) -> Iterator[Fault]:
    """Subnets that are too small for the machines of the start and the ranges that they get for good."""
    taken: Counter[str] = Counter()
    for group in scenario.node_groups:
        zones, pods = group.zones or [""], group.pod_addresses
        for ordinal in range(group.initial):
            zone = zones[ordinal % len(zones)]
            taken[subnet_of(group.subnet, zone) or ""] += 1
            if pods is not None and pods.node_mask is not None:
                taken[subnet_of(pods_named(group), zone) or ""] += pods.block_size()
    for name, spec in scenario.subnets.items():
        if taken[name] > spec.size():
            message = f"the nodes of the start take {taken[name]} addresses"
            yield ("subnets", name), message, str(spec.size()), f"at least {taken[name]}"
