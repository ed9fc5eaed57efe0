"""Subnets in a run: who gets what is free again, machines that the cloud has no address for, and the start.

What happens often (pods come and go) is compiled, ``state/addresses.py``; here is what is rare. A subnet that has
addresses again gives them first to nodes that wait for their range, then to pods in the order in which they were
bound, then to machines. Not modelled: clouds that try another zone's subnet instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.actions import ACT_ATTACH, ACT_CONNECT
from capsim.engine.autoscaler import log, next_ordinal
from capsim.scenario.subnet_checks import pods_named, subnet_of
from capsim.state.eventlog import LOG_NOTE
from capsim.state.tables import (
    ADDRESS_DUE,
    CAPACITY_VERSION,
    G_DELETING,
    G_EXIST,
    G_TARGET,
    NEVER,
    NODE_DELETING,
    NODE_FREE,
    POD_STARTING,
    T_REGISTERED,
)
from capsim.state.tables_addresses import (
    N_BLOCKS,
    N_MACHINE,
    N_PODS,
    N_USED,
    N_WAITS,
    NET_BLOCK,
    NET_FIXED,
    NET_LOST,
    NET_WARM,
    SN_FREE,
    SN_WANTED,
)
from capsim.state.tables_scheduler import CLASS_HOST_NETWORK

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

MACHINE = (
    "node group {}: subnet {} has no free address: the machine is not created (AWS: InsufficientFreeAddressesInSubnet)"
)


def row_in(sim: Simulation, named: str | dict[str, str] | None, group: int, ordinal: int) -> int:
    """Row of the subnet for a node, -1: none is named."""
    zones = sim.scenario.node_groups[group].zones or [""]
    name = subnet_of(named, zones[(ordinal - 1) % len(zones)])
    return -1 if name is None else list(sim.scenario.subnets).index(name)


def machine_row(sim: Simulation, group: int, ordinal: int) -> int:
    """Row of the subnet that a machine of the group gets its address from, -1: nobody counts."""
    if not sim.scenario.subnets or group >= len(sim.scenario.node_groups):
        return -1
    return row_in(sim, sim.scenario.node_groups[group].subnet, group, ordinal)


def is_possible(sim: Simulation, group: int, ordinal: int) -> bool:
    """Whether there is an address for a machine of the group."""
    s = machine_row(sim, group, ordinal)
    return s < 0 or bool(sim.state.groups.subnet[s, SN_FREE] > 0)


def is_created(sim: Simulation, group: int, ordinal: int) -> bool:
    """The same; if not, the cloud creates the machine when there is one, and says so."""
    if is_possible(sim, group, ordinal):
        return True
    s = machine_row(sim, group, ordinal)
    sim.state.groups.subnet[s, SN_WANTED] = 1
    sim.state.clock.values[CAPACITY_VERSION] += 1  # its group's target and its machines part: autoscalers look again
    sim.faults.orders[group] = sim.faults.orders.get(group, 0) + 1
    sim.sink.notes.append(MACHINE.format(sim.names.groups[group], list(sim.scenario.subnets)[s]))
    log(sim, sim.now_ms, LOG_NOTE, 0, len(sim.sink.notes) - 1, 0, 0)
    return False


def cancel(sim: Simulation, group: int, count: int) -> int:
    """A group shall have ``count`` machines less: those that were never created go first; how many are left to go."""
    orders = sim.faults.orders
    dropped = min(count, orders.get(group, 0))
    if dropped:
        orders[group] -= dropped
        sim.state.groups.size[group, G_TARGET] -= dropped
        sim.state.clock.values[CAPACITY_VERSION] += 1
        if not orders[group]:
            del orders[group]
    return count - dropped


def new_node(sim: Simulation, n: int) -> None:
    """The machine in slot ``n`` takes its address; where its pods get theirs."""
    groups, nodes = sim.state.groups, sim.state.nodes
    g, ordinal = int(nodes.group[n]), int(nodes.ordinal[n])
    if not sim.scenario.subnets or g >= len(sim.scenario.node_groups):
        return
    nodes.net[n] = 0
    nodes.net[n, N_MACHINE] = machine_row(sim, g, ordinal)
    nodes.net[n, N_PODS] = row_in(sim, pods_named(sim.scenario.node_groups[g]), g, ordinal)
    if nodes.net[n, N_MACHINE] >= 0:
        groups.subnet[nodes.net[n, N_MACHINE], SN_FREE] -= 1


def settle_addresses(sim: Simulation) -> None:
    """At the start every node has the addresses of its pods, and what it keeps free if there is as much."""
    s = sim.state
    if not sim.scenario.subnets:
        return
    for n in np.flatnonzero((s.nodes.state != NODE_FREE) & (s.nodes.net[:, N_PODS] >= 0)).tolist():
        net, row = s.groups.net[s.nodes.group[n]], int(s.nodes.net[n, N_PODS])
        used = len(pods_with_address(sim, n))
        need = -(-(used + int(net[NET_LOST])) // int(net[NET_BLOCK])) if used else 0
        most = need + max(0, int(s.groups.subnet[row, SN_FREE]) // int(net[NET_BLOCK]) - need)
        blocks = -(-(used + int(net[NET_WARM])) // int(net[NET_BLOCK]))
        blocks = max(1, need) if net[NET_FIXED] else max(need, min(blocks, most))
        s.nodes.net[n, [N_BLOCKS, N_USED]] = blocks, used
        s.groups.subnet[row, SN_FREE] -= blocks * int(net[NET_BLOCK])


def pods_with_address(sim: Simulation, n: int) -> list[int]:
    """Pods of a node that have an address of its subnet."""
    s, found = sim.state, []
    p = int(s.nodes.first_pod[n])
    while p >= 0:
        shares = s.scheduling.rules.flag[s.pods.pod_class[p]] & CLASS_HOST_NETWORK
        if not shares and s.pods.step_ms[p] != NEVER:
            found.append(p)
        p = int(s.links.node_next[p])
    return found


def hand_out(sim: Simulation) -> None:
    """Subnets that somebody waits for have addresses."""
    v = sim.state.clock.values
    if not v[ADDRESS_DUE]:
        return
    v[ADDRESS_DUE] = 0
    subnet = sim.state.groups.subnet
    for row in np.flatnonzero((subnet[:, SN_WANTED] == 1) & (subnet[:, SN_FREE] > 0)).tolist():
        subnet[row, SN_WANTED] = 0
        give_ranges(sim, row)
        ask_pods(sim, row)
        create_machines(sim, row)


def nodes_of(sim: Simulation, row: int) -> list[int]:
    """Slots of the nodes whose pods are in subnet ``row``, the oldest first."""
    nodes = sim.state.nodes
    there = (nodes.state != NODE_FREE) & (nodes.state != NODE_DELETING) & (nodes.net[:, N_PODS] == row)
    slots = np.flatnonzero(there)
    found: list[int] = slots[np.argsort(nodes.uid[slots])].tolist()
    return found


def give_ranges(sim: Simulation, row: int) -> None:
    """Nodes that are to have a range for good, and have none, get it; those that have booted are Ready now."""
    groups, nodes = sim.state.groups, sim.state.nodes
    for n in nodes_of(sim, row):
        net = groups.net[nodes.group[n]]
        if not net[NET_FIXED] or nodes.net[n, N_BLOCKS] or nodes.times[n, T_REGISTERED] < 0:
            continue
        if groups.subnet[row, SN_FREE] < net[NET_BLOCK]:
            groups.subnet[row, SN_WANTED] = 1
            return
        nodes.net[n, N_BLOCKS] = 1
        groups.subnet[row, SN_FREE] -= net[NET_BLOCK]
        if nodes.net[n, N_WAITS]:
            nodes.net[n, N_WAITS] = 0
            sim.make_room(heap=4)
            sim.act(ACT_CONNECT, n)


def ask_pods(sim: Simulation, row: int) -> None:
    """Pods that wait for an address ask again, as many as there may be addresses for."""
    pods, slots = sim.state.pods, nodes_of(sim, row)
    waiting = (pods.state == POD_STARTING) & (pods.step_ms == NEVER) & np.isin(pods.node, slots)
    rows = np.flatnonzero(waiting)
    rows = rows[np.lexsort((pods.uid[rows], pods.bound_ms[rows]))]
    free = int(sim.state.groups.subnet[row, SN_FREE])
    sim.make_room(heap=free + 4)
    for p in rows[:free].tolist():
        sim.act(ACT_ATTACH, p)
    if len(rows) > free:
        sim.state.groups.subnet[row, SN_WANTED] = 1


def create_machines(sim: Simulation, row: int) -> None:
    """Machines that the cloud had no address for, as long as their groups want them."""
    orders = sim.faults.orders
    for g in sorted(orders):
        while orders.get(g, 0) > 0:
            groups = sim.state.groups
            there = int(groups.count[g, G_EXIST] - groups.count[g, G_DELETING])
            ordinal = next_ordinal(sim, g) if there < groups.size[g, G_TARGET] else 0
            if ordinal and not is_possible(sim, g, ordinal):
                groups.subnet[machine_row(sim, g, ordinal), SN_WANTED] = 1
                break
            orders[g] -= 1
            if ordinal:
                sim.add_node(g, ordinal, boots=True)
        if orders.get(g) == 0:
            del orders[g]
