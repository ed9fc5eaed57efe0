"""The node lifecycle and taint eviction controllers at work, from the moment at which a node falls silent.

Source: kubernetes v1.36 pkg/controller/nodelifecycle, tainteviction, podgc, and the cloud node lifecycle controller.
Ready becomes Unknown, and endpoints lose the node's pods, at the first look after the grace period; the NoExecute taint
follows at the pace of its zone; pods go when they have tolerated it for long enough, and stay Terminating as long as no
kubelet confirms it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.controllers.node_lifecycle.tolerations import stays_ms
from capsim.controllers.node_lifecycle.zones import FULL, ZoneQueue, eviction_rate, zone_state
from capsim.engine.actions import ACT_EVICT_POD, ACT_LOSE, ACT_UNREACHABLE
from capsim.engine.autoscaler import log
from capsim.engine.build.control import phase_ms
from capsim.engine.faults.cluster import group_of, name_of, nodes_there, pods_bound, pods_on, slot_of_uid, zone_of
from capsim.state.eventlog import LOG_NODE_NOT_READY, LOG_NODE_READY, LOG_TAINT_EVICTION
from capsim.state.tables import FLAG_UNREACHABLE, NODE_READY, NODE_REQUESTED

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

POD_GC_MS = 20_000
"""gcCheckPeriod of the pod garbage collector."""
QUARANTINE_MS = 40_000
"""quarantineTime: pods of a Node that does not exist are deleted that much later."""


def tick_at(sim: Simulation, loop: str, period_ms: int, at_ms: int, name: str = "") -> int:
    """First tick of a periodic loop at or after ``at_ms``."""
    phase = phase_ms(sim.scenario, loop, period_ms, name)
    return phase + -(-(at_ms - phase) // period_ms) * period_ms


def monitor_tick(sim: Simulation, at_ms: int) -> int:
    """The next look of the node lifecycle controller at all nodes."""
    period = sim.scenario.control_plane.kube_controller_manager.node_monitor_period_ms
    return tick_at(sim, "node_monitor", period, at_ms)


def detection_ms(sim: Simulation, n: int, since_ms: int) -> int:
    """When a node that fell silent at ``since_ms`` is called unreachable.

    Its last renewal of the lease (every quarter of nodeLeaseDurationSeconds) was seen at the look that followed it;
    each later look comes a little late, so that the one a grace period later finds the period over.
    """
    plane = sim.scenario.control_plane
    renewal = max(1, plane.kubelet.node_lease_duration_ms // 4)
    last = tick_at(sim, "lease", renewal, since_ms - renewal + 1, name_of(sim, n))
    period = plane.kube_controller_manager.node_monitor_period_ms
    grace = -(-plane.kube_controller_manager.node_monitor_grace_period_ms // period) * period
    return max(monitor_tick(sim, max(last, sim.faults.thawed_ms)) + grace, since_ms)


def detect(sim: Simulation, uid: int, since_ms: int) -> None:
    """The grace period of a silent node is over: Unknown, a NoSchedule taint, its pods leave the endpoints."""
    n = slot_of_uid(sim, uid)
    if n < 0 or sim.faults.silent.get(uid) != since_ms:
        return
    due_ms = detection_ms(sim, n, since_ms)
    if due_ms > sim.now_ms:  # the controller was restarted meanwhile and begins to count anew
        sim.faults.agenda.add(due_ms, "detect", uid, since_ms)
        return
    sim.make_room(heap=pods_bound(sim, n) + 4)
    sim.act(ACT_UNREACHABLE, n, 1)
    log(sim, sim.now_ms, LOG_NODE_NOT_READY, int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n]), 0, 0)
    queue_of(sim, zone_of(sim, n)).waiting.append(uid)
    review(sim)


def queue_of(sim: Simulation, zone: str) -> ZoneQueue:
    """The queue of a zone."""
    flags = sim.scenario.control_plane.kube_controller_manager
    return sim.faults.queues.setdefault(zone, ZoneQueue(flags.node_eviction_rate))


def zone_states(sim: Simulation) -> dict[str, tuple[str, int]]:
    """State and size of every zone, from the Ready conditions of its nodes."""
    threshold = sim.scenario.control_plane.kube_controller_manager.unhealthy_zone_threshold
    counts: dict[str, list[int]] = {}
    nodes = sim.state.nodes
    for n in nodes_there(sim):
        if nodes.state[n] != NODE_REQUESTED:
            count = counts.setdefault(zone_of(sim, n), [0, 0])
            count[0 if nodes.state[n] == NODE_READY else 1] += 1
    return {zone: (zone_state(ready, bad, threshold), ready + bad) for zone, (ready, bad) in counts.items()}


def review(sim: Simulation) -> None:
    """handleDisruption: the pace of each zone follows its state; when no node is Ready at all, nothing is evicted."""
    faults, flags = sim.faults, sim.scenario.control_plane.kube_controller_manager
    now = zone_states(sim)
    faults.states = {zone: state for zone, (state, _) in now.items()}
    all_down = bool(now) and all(state == FULL for state, _ in now.values())
    if all_down and not faults.all_down:
        for uid in faults.tainted:
            n = slot_of_uid(sim, uid)
            if n >= 0:
                queue_of(sim, zone_of(sim, n)).waiting.append(uid)
        faults.tainted.clear()
    faults.all_down = all_down
    for zone, queue in faults.queues.items():
        state, size = now.get(zone, (FULL, 0))
        queue.swap(0.0 if all_down else eviction_rate(state, size, flags), sim.now_ms)
        arm(sim, zone)


def arm(sim: Simulation, zone: str) -> None:
    """Write down when the next node of a zone is tainted."""
    due_ms = sim.faults.queues[zone].due_ms(sim.now_ms)
    if due_ms is not None:
        sim.faults.agenda.add(due_ms, "pump", zone)


def pump(sim: Simulation, zone: str) -> None:
    """Taint the next node of a zone NoExecute, if its bucket lets it."""
    queue = sim.faults.queues[zone]
    due_ms = queue.due_ms(sim.now_ms)
    if due_ms is None or due_ms > sim.now_ms:
        return
    n = slot_of_uid(sim, uid := queue.take(sim.now_ms))
    if n >= 0 and sim.state.nodes.flags[n] & FLAG_UNREACHABLE:
        taint(sim, n, uid)
    arm(sim, zone)


def taint(sim: Simulation, n: int, uid: int) -> None:
    """NoExecute is on: each pod is evicted when it has tolerated it for its time."""
    faults = sim.faults
    faults.taints += 1
    faults.tainted[uid] = faults.taints
    stays = {stay for p in pods_on(sim, n) if (stay := toleration_ms(sim, p)) is not None}
    for stay in sorted(stays):
        faults.agenda.add(sim.now_ms + stay, "evict", uid, faults.taints, stay)


def toleration_ms(sim: Simulation, p: int) -> int | None:
    """How long a pod stays on an unreachable node; None: for ever, as DaemonSet pods do."""
    w = int(sim.state.pods.workload[p])
    if w in sim.names.daemonsets:
        return None
    default_s = sim.scenario.control_plane.kube_apiserver.default_unreachable_toleration_seconds
    return stays_ms(sim.scenario.objects.workloads[w].template.tolerations, default_s)


def evict(sim: Simulation, uid: int, number: int, stay_ms: int) -> None:
    """Delete the pods whose toleration of a taint is over; budgets are not asked."""
    n = slot_of_uid(sim, uid)
    if n < 0 or sim.faults.tainted.get(uid) != number:
        return
    sim.make_room(heap=2 * pods_bound(sim, n) + 4)
    for p in pods_on(sim, n):
        if toleration_ms(sim, p) == stay_ms:
            log(
                sim,
                sim.now_ms,
                LOG_TAINT_EVICTION,
                int(sim.state.pods.workload[p]),
                int(sim.state.pods.ordinal[p]),
                0,
                0,
            )
            sim.act(ACT_EVICT_POD, p)


def reachable(sim: Simulation, uid: int) -> None:
    """The node posts Ready again: its taints go, and evictions that were on their way are called off."""
    n = slot_of_uid(sim, uid)
    if n < 0 or uid in sim.faults.silent or not sim.state.nodes.flags[n] & FLAG_UNREACHABLE:
        return
    sim.faults.tainted.pop(uid, None)
    queue = queue_of(sim, zone_of(sim, n))
    queue.waiting = [other for other in queue.waiting if other != uid]
    sim.make_room(heap=8)
    sim.act(ACT_UNREACHABLE, n, 0)
    log(sim, sim.now_ms, LOG_NODE_READY, int(sim.state.nodes.group[n]), int(sim.state.nodes.ordinal[n]), 0, 0)
    review(sim)


def orphans_ms(sim: Simulation, found_ms: int) -> int:
    """When the pods of a machine that is gone are deleted, after its Node was found NotReady at ``found_ms``.

    The cloud node lifecycle controller deletes the Node at its next look; the pod garbage collector notices at one of
    its own, and acts at the first one after its quarantine.
    """
    period = sim.scenario.control_plane.kube_controller_manager.node_monitor_period_ms
    deleted = tick_at(sim, "cloud_node", period, found_ms)
    noticed = tick_at(sim, "pod_gc", POD_GC_MS, deleted)
    return tick_at(sim, "pod_gc", POD_GC_MS, noticed + QUARANTINE_MS + 1)


def collect_orphans(sim: Simulation, uid: int) -> None:
    """The pods of a machine that is gone are deleted without anybody's confirmation, and its Node is forgotten."""
    n = slot_of_uid(sim, uid)
    if n >= 0:
        lose(sim, n)
        review(sim)


def lose(sim: Simulation, n: int) -> None:
    """The node is gone with everything on it."""
    sim.faults.silent.pop(int(sim.state.nodes.uid[n]), None)
    sim.faults.tainted.pop(int(sim.state.nodes.uid[n]), None)
    rows = 2 * pods_bound(sim, n) + len(sim.names.daemonsets) + 8
    sim.make_room(heap=rows)
    for name, column in (("events", 0), ("pods", 1), ("nodes", 2)):
        sim.ensure_log(name, column, rows)
    extras = sim.state.scheduling.extras
    on_node = sim.state.presence.on_node
    extras.image_nodes[:] -= on_node[extras.image_group, n]
    on_node[extras.image_group, n] = 0
    sim.act(ACT_LOSE, n)


def has_auto_repair(sim: Simulation, n: int) -> int | None:
    """After how long the cloud replaces the machine, None: never."""
    group = group_of(sim, n)
    return None if group is None else group.auto_repair_ms
