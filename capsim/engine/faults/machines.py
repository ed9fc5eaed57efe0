"""Machines that fail: one by one, by zones, taken back by the cloud, or at random; and their replacement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.actions import ACT_ANSWER, ACT_CORDON, ACT_SILENCE
from capsim.engine.autoscaler import next_ordinal
from capsim.engine.faults import lifecycle
from capsim.engine.faults.cluster import (
    name_of,
    node_named,
    nodes_there,
    note_pods,
    pods_bound,
    pods_on,
    slot_of_uid,
    tell,
    zone_of,
)
from capsim.engine.faults.disk import note_end
from capsim.engine.faults.drains import begin as begin_drain
from capsim.engine.outage import ANSWERS, REBOOTED
from capsim.rng import STREAM_FAULT, draw, name_hash
from capsim.state.tables import (
    FLAG_SILENT,
    FLAG_UNREACHABLE,
    G_DELETING,
    G_EXIST,
    G_TARGET,
    NODE_DELETING,
    NODE_READY,
    T_READY,
)

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.engine.faults.faults import Faults
    from capsim.scenario.chaos import Fail, SpotReclaim, ZoneOutage
    from capsim.scenario.scenario import Scenario


def fail(sim: Simulation, event: Fail) -> int:
    """A node fails in one of the modes; 0 when there is no such node. Its group's target stays."""
    n = node_named(sim, event.node_name)
    if n < 0:
        return 0
    fail_node(sim, n, event.mode, event.duration_ms)
    return 1


def fail_node(sim: Simulation, n: int, mode: str, duration_ms: int | None) -> None:
    """The node in slot ``n`` fails; one that is silent already only where it is gone for good now."""
    uid, repair = int(sim.state.nodes.uid[n]), lifecycle.has_auto_repair(sim, n)
    if mode == "gone":
        group = int(sim.state.nodes.group[n])
        lifecycle.lose(sim, n)
        if repair is not None:
            sim.faults.agenda.add(sim.now_ms + repair, "repair", uid, group)
        return
    if uid not in sim.faults.silent:
        silence(sim, n)
    since = sim.faults.silent[uid]
    if mode == "terminated":
        found = max(sim.now_ms, lifecycle.detection_ms(sim, n, since))
        sim.faults.agenda.add(lifecycle.orphans_ms(sim, found), "orphans", uid)
    elif duration_ms is not None:
        sim.faults.agenda.add(
            sim.now_ms + duration_ms, "back", uid, since, REBOOTED if mode == "unreachable" else ANSWERS
        )
    if repair is not None:
        sim.faults.agenda.add(sim.now_ms + repair, "repair", uid, int(sim.state.nodes.group[n]))


def silence(sim: Simulation, n: int) -> None:
    """The machine does not answer from now on; the controller will find out."""
    uid = int(sim.state.nodes.uid[n])
    sim.faults.silent[uid] = sim.now_ms
    for p in pods_on(sim, n):
        note_end(sim, p)
    sim.act(ACT_SILENCE, n)
    if sim.state.nodes.times[n, T_READY] != -1 and not sim.state.nodes.flags[n] & FLAG_UNREACHABLE:
        sim.faults.agenda.add(lifecycle.detection_ms(sim, n, sim.now_ms), "detect", uid, sim.now_ms)


def back(sim: Simulation, uid: int, since_ms: int, how: int) -> None:
    """A silent machine answers again: rebooted, or reached again."""
    n = slot_of_uid(sim, uid)
    if n < 0 or sim.faults.silent.get(uid) != since_ms or zone_of(sim, n) in sim.faults.dead_zones:
        return
    known = bool(sim.state.nodes.flags[n] & FLAG_UNREACHABLE)
    if known and how == ANSWERS:
        # Its pods run; that they are Ready is known when the kubelet reports the next time.
        every = sim.scenario.control_plane.kubelet.node_status_update_frequency_ms
        report = lifecycle.tick_at(sim, "node_status", every, sim.now_ms, name_of(sim, n))
        if report > sim.now_ms:
            sim.faults.agenda.add(report, "back", uid, since_ms, how)
            return
    del sim.faults.silent[uid]
    sim.make_room(heap=pods_bound(sim, n) + 8)
    sim.act(ACT_ANSWER, n, how)
    for p in pods_on(sim, n):
        note_pods(sim, int(sim.state.pods.workload[p]))
    if known:
        sim.faults.agenda.add(lifecycle.monitor_tick(sim, sim.now_ms), "reachable", uid)


def zone_outage(sim: Simulation, event: ZoneOutage) -> None:
    """No node of the zone answers, and none comes up there."""
    sim.faults.dead_zones[event.zone] = event.mode
    for n in nodes_there(sim):
        if zone_of(sim, n) == event.zone and int(sim.state.nodes.uid[n]) not in sim.faults.silent:
            silence(sim, n)
    if event.duration_ms is not None:
        sim.faults.agenda.add(sim.now_ms + event.duration_ms, "zone_back", event.zone)


def zone_back(sim: Simulation, zone: str) -> None:
    """The zone works again, with all of its machines that are still there."""
    mode = sim.faults.dead_zones.pop(zone, None)
    how = REBOOTED if mode == "unreachable" else ANSWERS
    for n in nodes_there(sim):
        uid = int(sim.state.nodes.uid[n])
        if zone_of(sim, n) == zone and uid in sim.faults.silent:
            back(sim, uid, sim.faults.silent[uid], how)
    tell(sim, f"zone {zone} answers again")


def born_in_outage(sim: Simulation, n: int) -> None:
    """A machine that was just asked for does not come up while its zone is down."""
    if zone_of(sim, n) in sim.faults.dead_zones:
        silence(sim, n)


def spot_reclaim(sim: Simulation, event: SpotReclaim) -> int:
    """The cloud announces that it takes nodes back; 0 when there is none to take."""
    if event.node is not None:
        chosen = [n for n in [node_named(sim, event.node)] if n >= 0]
    else:
        g = sim.names.groups.index(str(event.group))
        there = [n for n in nodes_there(sim) if sim.state.nodes.group[n] == g]
        chosen = sorted(there, key=lambda n: chance(sim, int(sim.state.nodes.uid[n])))[: event.count]
    for n in chosen:
        uid = int(sim.state.nodes.uid[n])
        sim.faults.agenda.add(sim.now_ms + event.notice_ms, "terminate", uid)
        if event.drain:
            sim.act(ACT_CORDON, n)
            begin_drain(sim, n)
        tell(sim, f"node {name_of(sim, n)} will be reclaimed in {event.notice_ms // 1000} s")
    return int(bool(chosen))


def chance(sim: Simulation, uid: int) -> int:
    """A draw for a node at this moment."""
    return int(draw(sim.scenario.seed & 0x7FFFFFFF, STREAM_FAULT, uid, sim.now_ms & 0x7FFFFFFF))


def terminate(sim: Simulation, uid: int) -> None:
    """The machine is gone; the control plane will find out."""
    n = slot_of_uid(sim, uid)
    if n >= 0 and sim.state.nodes.state[n] != NODE_DELETING:
        fail_node(sim, n, "terminated", None)


def repair(sim: Simulation, uid: int, group: int) -> None:
    """The cloud replaces a machine that is gone, or has not answered for long, as long as the group wants it."""
    n = slot_of_uid(sim, uid)
    if n >= 0:
        if not sim.state.nodes.flags[n] & FLAG_SILENT or sim.state.nodes.state[n] == NODE_DELETING:
            return
        found = max(sim.now_ms, lifecycle.detection_ms(sim, n, sim.faults.silent.get(uid, sim.now_ms)))
        sim.faults.agenda.add(lifecycle.orphans_ms(sim, found), "orphans", uid)
    there = int(sim.state.groups.count[group, G_EXIST] - sim.state.groups.count[group, G_DELETING])
    there -= sum(_is_lost(sim, m) for m in nodes_there(sim) if sim.state.nodes.group[m] == group)
    if there < sim.state.groups.size[group, G_TARGET]:
        sim.add_node(group, next_ordinal(sim, group), boots=True)
        tell(sim, f"node group {sim.names.groups[group]}: the cloud replaces a machine")


def _is_lost(sim: Simulation, n: int) -> bool:
    """Whether a machine is silent and will be collected."""
    uid = int(sim.state.nodes.uid[n])
    return any(entry.what == "orphans" and entry.args[0] == uid for entry in sim.faults.agenda.entries)


def first_failures(faults: Faults, scenario: Scenario) -> None:
    """The first random failure of each group that has them."""
    for g, group in enumerate(scenario.node_groups):
        if group.failures is not None:
            faults.agenda.add(wait_ms(scenario, g, 0), "random", g, 0)


def uniform(scenario: Scenario, g: int, event: int) -> float:
    """A draw of a node group in (0, 1)."""
    entity = name_hash(f"failures/{scenario.node_groups[g].name}")
    return (int(draw(scenario.seed & 0x7FFFFFFF, STREAM_FAULT, entity, event)) + 0.5) / 4294967296.0


def wait_ms(scenario: Scenario, g: int, k: int) -> int:
    """Time to the k-th failure of a group at its largest size."""
    failures, most = scenario.node_groups[g].failures, max(1, scenario.node_groups[g].max)
    assert failures is not None
    return 1 + int(-math.log(uniform(scenario, g, 3 * k)) * failures.mtbf_ms / most)


def random_failure(sim: Simulation, g: int, k: int) -> None:
    """One failure of a group: of the node in a place drawn among its most; an empty place does not fail.

    Failures come as those of a full group, and the ones of nodes that are not there are dropped: each node fails at
    the same rate, whatever the group's size.
    """
    group = sim.scenario.node_groups[g]
    failures = group.failures
    assert failures is not None
    nodes = sim.state.nodes
    ready = np.flatnonzero((nodes.group == g) & (nodes.state == NODE_READY))
    ready = ready[np.argsort(nodes.uid[ready])]
    place = int(uniform(sim.scenario, g, 3 * k + 1) * max(1, group.max))
    if place < len(ready) and int(nodes.uid[ready[place]]) not in sim.faults.silent:
        n = int(ready[place])
        duration = 1 + int(-math.log(uniform(sim.scenario, g, 3 * k + 2)) * failures.mttr_ms)
        tell(sim, f"node {name_of(sim, n)} fails: {failures.mode}")
        fail_node(sim, n, failures.mode, duration)
    sim.faults.agenda.add(sim.now_ms + wait_ms(sim.scenario, g, k + 1), "random", g, k + 1)
