"""The cluster at time 0: nodes, DaemonSet pods, replicas.

``settled``: every workload has the replicas that its HPA holds under the traffic of the start, all Ready for an hour,
and where an autoscaler is on, the nodes that they need. ``declared``: replicas as written. ``recorded``: the same, the
pods of ``placement`` on their nodes before the scheduler places the others. ``empty``: nodes only; the controllers
create everything from time 0 on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from capsim.controllers.hpa import tables as hpa
from capsim.engine import growth, volumes
from capsim.engine.actions import ACT_BEGIN, ACT_NODE_READY, ACT_RETRY, ACT_SCALE, ACT_START_PODS
from capsim.engine.addresses import is_possible, settle_addresses
from capsim.engine.autoscaler import next_ordinal
from capsim.engine.build.adapter import settle_adapter
from capsim.engine.build.admission import room_for
from capsim.engine.build.cluster import node_vector
from capsim.engine.build.control import set_leaf
from capsim.engine.build.lifetimes import start_lifetimes
from capsim.engine.build.names import first_rows
from capsim.engine.build.rollouts import start_rollout
from capsim.engine.build.startup import settle_images
from capsim.engine.cluster_autoscaler.settle import next_growth
from capsim.errors import RunError
from capsim.state.tables import (
    BINDER,
    CPU,
    EVENTS_LEFT,
    FLAG_UNSCHEDULABLE,
    G_LAST,
    G_TARGET,
    L_CAP,
    L_COST,
    L_IDLE,
    NODE_READY,
    NODE_TOP,
    UNSCHEDULABLE,
)
from capsim.state.tables_adapter import A_MEASURE, MEASURE_RPS
from capsim.state.tables_jobs import J_STATE, JOB_RUNNING
from capsim.state.tables_rollout import D_PHASE, PROGRESSING

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

SETTLED_MS = -3_600_000
"""Since when the pods and nodes of the start have been Ready."""


def start(sim: Simulation) -> None:
    """Bring the cluster to its initial state."""
    start_group_nodes(sim)
    start_node_objects(sim)
    start_daemons(sim)
    settled = sim.scenario.initial_state != "empty"
    replicas = initial_replicas(sim)
    if sim.scenario.initial_state == "recorded":
        start_recorded(sim, replicas)
    for w in in_priority_order(sim):
        if settled:
            start_workload(sim, w, replicas[w])
        else:
            declare_workload(sim, w, replicas[w])
    start_jobs(sim)
    settle_images(sim)
    sim.act(ACT_BEGIN, 1, now_ms=0)
    # What is pending in a recorded cluster was pending there: the autoscaler finds it at its first loop.
    if settled and sim.scenario.initial_state != "recorded" and sim.scenario.cluster_autoscaler is not None:
        settle_nodes(sim)
    settle_addresses(sim)
    if settled:
        settle_adapter(sim)
    start_lifetimes(sim)


def start_jobs(sim: Simulation) -> None:
    """Jobs that run begin with the run: none has a pod yet."""
    for w in range(sim.state.jobs.setting.shape[0]):
        if sim.state.jobs.setting[w, J_STATE] == JOB_RUNNING:
            sim.act(ACT_SCALE, w, 0, 0, now_ms=0)


def start_recorded(sim: Simulation, replicas: list[int]) -> None:
    """The pods of ``placement``, Ready for long on the nodes where they were; ``replicas`` becomes what is left."""
    slots = slots_by_name(sim)
    rows = {key: w for w, key in enumerate(sim.names.workloads)}
    for key, nodes in sim.scenario.placement.items():
        w = rows[key]
        targets = [slots[name] for name, count in nodes.items() for _ in range(count)]
        sim.state.workloads.desired[w] = sim.state.workloads.announced[w] = len(targets)
        create_on(sim, w, targets)
        replicas[sim.names.owner(w)] -= len(targets)


def slots_by_name(sim: Simulation) -> dict[str, int]:
    """Every Ready node's slot."""
    nodes = sim.state.nodes
    ready = [n for n in range(int(sim.state.clock.values[NODE_TOP])) if nodes.state[n] == NODE_READY]
    return {sim.names.node(int(nodes.group[n]), int(nodes.ordinal[n])): n for n in ready}


def create_on(sim: Simulation, w: int, targets: list[int]) -> None:
    """One pod of workload ``w`` on each of these nodes, whatever is free there."""
    if has_claims(sim, w):
        for n in volumes.in_order(sim, w, targets):
            sim.state.queue.scratch[0] = n
            create_with_claims(sim, w, -1, 2)
        return
    sim.make_room(pods=len(targets))
    while targets:
        sim.state.queue.scratch[: len(targets)] = targets
        done = sim.act(ACT_START_PODS, w, len(targets), -1, 2, now_ms=SETTLED_MS)
        targets = targets[done:]
        if targets:
            make_room_to_fail(sim)
            sim.make_room(pods=len(targets))


def in_priority_order(sim: Simulation) -> list[int]:
    """Workloads in the order in which the scheduler would see their pods: by priority, then as written."""
    priority = sim.state.classes.priority
    names = sim.names
    rows = [w for w in range(len(names.workloads)) if w not in names.daemonsets]
    return sorted(rows, key=lambda w: (-int(priority[w]), names.owner(w), w))


def bring_up(sim: Simulation, group: int, ordinal: int, shape: int = -1) -> int:
    """A node that has been Ready for long, of the group's shape unless one is given; returns its slot."""
    n = sim.add_node(group, ordinal, boots=False, shape=shape, now_ms=SETTLED_MS)
    sim.state.groups.size[group, G_LAST] = max(int(sim.state.groups.size[group, G_LAST]), ordinal)
    return n


def start_group_nodes(sim: Simulation) -> None:
    """The groups' initial nodes."""
    objects = [node.group for node in sim.scenario.objects.nodes]
    for g, group in enumerate(sim.scenario.node_groups):
        count = max(0, group.initial - objects.count(group.name))
        for ordinal in range(1, count + 1):
            sim.act(ACT_NODE_READY, bring_up(sim, g, ordinal), now_ms=SETTLED_MS)
        sim.state.groups.size[g, G_TARGET] = group.initial


def start_node_objects(sim: Simulation) -> None:
    """Node objects: static, or members of the group that they name."""
    names = sim.names
    static = len(names.groups) - 1
    groups = {name: g for g, name in enumerate(names.groups)}
    for node in sim.scenario.objects.nodes:
        g = groups.get(node.group or "", static)
        ordinal = int(sim.state.groups.size[g, G_LAST]) + 1
        names.node_names[g, ordinal] = node.name
        names.node_prices[g, ordinal] = node.price_per_hour_usd if g == static else names.prices[g]
        n = bring_up(sim, g, ordinal, names.object_shapes[node.name])
        sim.state.nodes.allocatable[n] = node_vector(dict(node.allocatable), names.resources)
        sim.act(ACT_NODE_READY, n, now_ms=SETTLED_MS)
        if node.unschedulable:
            sim.state.nodes.flags[n] |= FLAG_UNSCHEDULABLE


def slot_of(sim: Simulation, name: str) -> int:
    """The slot of the node called ``name``, -1 when there is none."""
    nodes = sim.state.nodes
    for n in range(int(sim.state.clock.values[NODE_TOP])):
        if nodes.state[n] == NODE_READY and sim.names.node(int(nodes.group[n]), int(nodes.ordinal[n])) == name:
            return n
    return -1


def create(sim: Simulation, w: int, count: int, target: int = -1, *, fixed: bool = False) -> None:
    """Create ``count`` pods of workload ``w`` that have been Ready for long where they fit.

    Those that admission refuses are missing: their controller looks at once.
    """
    allowed = min(count, room_for(sim.state, w))
    if allowed < count and not fixed:
        owner = sim.names.owner(w)
        for row in {w, owner}:
            sim.state.workloads.reconcile_ms[row] = 0
            set_leaf(sim.state.wheels.replicas, row, 0)
        count = allowed
    if has_claims(sim, w):
        for _ in range(count):
            create_with_claims(sim, w, target, int(fixed))
        return
    sim.make_room(pods=count, queue=sim.waiting + count)
    while count > 0:
        done = sim.act(ACT_START_PODS, w, count, target, int(fixed), now_ms=SETTLED_MS)
        count -= done
        if count > 0:
            make_room_to_fail(sim)
            sim.make_room(pods=count, queue=sim.waiting + count)


def has_claims(sim: Simulation, w: int) -> bool:
    """Whether the pods of workload ``w`` have volumes."""
    return sim.names.claims is not None and w in sim.names.claims.set_of


def create_with_claims(sim: Simulation, w: int, target: int, fixed: int) -> None:
    """One pod of workload ``w``: its class depends on where its volumes are, and theirs on where it goes."""
    before = int(sim.state.workloads.pod_class[w])
    sim.make_room(pods=1, queue=sim.waiting + 1)
    make_room_to_fail(sim)
    sim.state.workloads.pod_class[w] = volumes.class_at_start(sim, w)
    sim.act(ACT_START_PODS, w, 1, target, fixed, now_ms=SETTLED_MS)
    sim.state.workloads.pod_class[w] = before
    volumes.settle(sim, int(sim.state.workloads.last_pod[w]))


def make_room_to_fail(sim: Simulation) -> None:
    """Rows for another diagnosis and another few events."""
    queue = sim.state.queue
    if queue.diagnosis_count[0] + 1 >= queue.diagnoses.shape[0]:
        sim.state = growth.grow_diagnoses(sim.state, growth.doubled(queue.diagnoses.shape[0]))
    sim.ensure_log("events", 0, 1024)


def start_daemons(sim: Simulation) -> None:
    """One pod of each DaemonSet on every node that it is meant for."""
    for n in range(int(sim.state.clock.values[NODE_TOP])):
        if sim.state.nodes.state[n] == NODE_READY:
            start_daemons_of(sim, n)


def start_daemons_of(sim: Simulation, n: int) -> None:
    """The DaemonSet pods of node ``n``."""
    for w in first_rows(sim.names):
        if sim.state.classes.shape_reason[w, sim.state.nodes.shape[n]] < 0:
            sim.state.workloads.desired[sim.names.owner(w)] += 1
            create(sim, w, 1, n)


def start_workload(sim: Simulation, w: int, replicas: int) -> None:
    """Replicas of a workload, placed by the scheduler or on the node that a bare Pod names."""
    if w in sim.plan.crons.slots:
        return
    if w in sim.names.members:
        start_rollout(sim, w, replicas)
        w = sim.names.members[w][0]
    workload = sim.scenario.objects.workloads[w]
    node = workload.template.node_name
    n = -1 if node is None else slot_of(sim, node)
    if node is not None and n < 0 and replicas > 0:
        if workload.kind == "Pod":  # collected as an orphan; the inventory says so
            return
        raise RunError(f"{workload.key}: nodeName {node!r} names no node of the start")
    sim.state.workloads.desired[w] += replicas
    sim.state.workloads.announced[w] += replicas
    create(sim, w, replicas, n, fixed=n >= 0)


def declare_workload(sim: Simulation, w: int, replicas: int) -> None:
    """``empty``: the controller creates the pods from time 0 on; bare Pods are simply there."""
    if w in sim.plan.crons.slots:
        return
    if w in sim.names.members:
        sim.state.rollouts.setting[w, D_PHASE] = PROGRESSING
    if sim.names.workloads[w].split("/")[1] == "Pod":
        start_workload(sim, w, replicas)
    else:
        sim.act(ACT_SCALE, w, replicas, 0, now_ms=0)


def initial_replicas(sim: Simulation) -> list[int]:
    """Replicas of each workload at time 0."""
    declared = [workload.replicas for workload in sim.scenario.objects.workloads]
    if sim.scenario.initial_state == "empty":  # the record creates them, too
        declared = [0 if w.key in sim.scenario.lifetimes else w.replicas for w in sim.scenario.objects.workloads]
    if sim.scenario.initial_state != "settled":
        return declared
    for h in range(len(sim.scenario.objects.hpas)):
        w = int(sim.state.hpas.workload[h])
        if declared[w] > 0:
            declared[w] = steady_replicas(sim, h, sim.names.rows(w)[0], declared[w])
    return declared


def steady_replicas(sim: Simulation, h: int, w: int, declared: int) -> int:
    """Fewest replicas, within min and max, at which no metric of HPA ``h`` asks for more, under the first rates.

    Looked at are the CPU of whole pods and their requests per second. A workload without such a metric (or where it
    fails, for want of a request) or without load keeps what is declared, within min and max.
    """
    specs = sim.state.specs
    low, high = int(specs.row[h, hpa.S_MIN]), int(specs.row[h, hpa.S_MAX])
    rps = offered(sim, w)
    metrics = range(int(specs.row[h, hpa.S_METRIC_FIRST]), int(specs.row[h, hpa.S_METRIC_END]))
    if rps is None:
        return min(max(declared, low), high)
    enough = [enough_for(sim, w, m, rps) for m in metrics if is_pod_cpu(sim, w, m)]
    enough += [math.ceil(rps * 1000.0 / specs.metric[m, hpa.M_TARGET] - 1e-9) for m in metrics if is_pod_rps(sim, m)]
    return min(max(max(enough, default=declared), low), high)


def is_pod_cpu(sim: Simulation, w: int, m: int) -> bool:
    """Whether metric ``m`` is the CPU of whole pods of ``w``, which have a request where one is needed."""
    kind, resource = sim.state.specs.metric[m, [hpa.M_KIND, hpa.M_RESOURCE]]
    if resource != hpa.RESOURCE_CPU:
        return False
    requested = sim.state.containers.pod_request[w, 0] > 0
    return bool(kind == hpa.RESOURCE_AVERAGE or (kind == hpa.RESOURCE_UTILIZATION and requested))


def is_pod_rps(sim: Simulation, m: int) -> bool:
    """Whether metric ``m`` is the requests per second of each pod."""
    row = int(sim.state.adapter.metric[m])
    per_pod = sim.state.specs.metric[m, hpa.M_KIND] == hpa.PODS_AVERAGE
    return bool(per_pod and row >= 0 and sim.state.adapter.series[row, A_MEASURE] == MEASURE_RPS)


def offered(sim: Simulation, w: int) -> float | None:
    """Rate that reaches workload ``w`` at time 0 (shared evenly with others behind the same service), or None."""
    traffic = sim.state.traffic
    feeding = traffic.source[traffic.source_start[w] : traffic.source_start[w + 1]].tolist()
    if not feeding:
        return None
    return sum(
        float(traffic.rate[traffic.cursor[v]] + traffic.calls_rps[v])
        / len({sim.names.owner(other) for other in behind(sim, v)})
        for v in feeding
    )


def behind(sim: Simulation, v: int) -> list[int]:
    """Rows of the workloads behind source ``v``."""
    traffic = sim.state.traffic
    return [int(w) for w in traffic.edge_workload[traffic.edge_start[v] : traffic.edge_start[v + 1]]]


def enough_for(sim: Simulation, w: int, m: int, rps: float) -> int:
    """Replicas at which metric ``m`` is at or below its target."""
    specs, load = sim.state.specs, sim.state.physics.load[w]
    target = float(specs.metric[m, hpa.M_TARGET])
    if specs.metric[m, hpa.M_KIND] == hpa.RESOURCE_UTILIZATION:
        target *= float(sim.state.classes.request[w, CPU]) / 100.0
    free = min(target, load[L_IDLE] + load[L_COST] * load[L_CAP]) - load[L_IDLE]
    if free <= 0.0 or load[L_COST] <= 0.0:
        return int(specs.row[int(sim.state.workloads.hpa[sim.names.owner(w)]), hpa.S_MAX]) if free <= 0.0 else 1
    return max(1, math.ceil(rps * load[L_COST] / free - 1e-9))


def settle_nodes(sim: Simulation) -> None:
    """Where an autoscaler is on: nodes for everything that is pending, at once, until it would add no more."""
    added = False
    while sim.state.clock.values[UNSCHEDULABLE] > 0:
        asked = next_growth(sim.autoscaler)
        for group, count in asked:
            for _ in range(count):
                ordinal = next_ordinal(sim, group)
                if not is_possible(sim, group, ordinal):
                    break
                n = bring_up(sim, group, ordinal)
                sim.act(ACT_NODE_READY, n, now_ms=SETTLED_MS)
                start_daemons_of(sim, n)
                sim.state.groups.size[group, G_TARGET] += 1
        added = added or bool(asked)
        if not asked or not retry_waiting(sim):
            break
    if added:
        settle_images(sim)
        sim.act(ACT_BEGIN, 1, now_ms=0)


def retry_waiting(sim: Simulation) -> bool:
    """Another try for the pending pods of the start; what they said of nodes that came after is forgotten."""
    sim.sink.events.clear()
    sim.state.clock.values[EVENTS_LEFT] = sim.scenario.output.events_cap
    sim.state.log.count[0] = 0
    before = int(sim.state.clock.values[UNSCHEDULABLE])
    for c in sim.state.classes.queue_count.nonzero()[0].tolist():
        make_room_to_fail(sim)
        while sim.act(ACT_RETRY, c, now_ms=SETTLED_MS) > 0 and has_claims(sim, int(sim.state.classes.workload[c])):
            volumes.settle(sim, int(sim.state.clock.values[BINDER]))
            make_room_to_fail(sim)
    return int(sim.state.clock.values[UNSCHEDULABLE]) < before
