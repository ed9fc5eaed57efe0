"""The state of a run at time 0, still without pods and nodes (``start.py`` brings those)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capsim.controllers.cluster_autoscaler.tables import empty_tables
from capsim.controllers.hpa.spec import new_state
from capsim.controllers.scheduler.build import page_rows
from capsim.engine.build.adapter import build_adapter, build_self_heal
from capsim.engine.build.addresses import with_subnets
from capsim.engine.build.admission import build_admission
from capsim.engine.build.cluster import (
    build_groups,
    empty_nodes,
    empty_scan,
    node_capacity,
    resource_names,
)
from capsim.engine.build.control import (
    build_clock,
    build_links,
    build_marks,
    build_params,
    build_samples,
    build_specs,
    build_wheels,
    hpa_period_ms,
)
from capsim.engine.build.jobs import build_jobs
from capsim.engine.build.lifetimes import build_lifetimes
from capsim.engine.build.names import Names, first_rows
from capsim.engine.build.rollouts import Plan, build_rollouts
from capsim.engine.build.scheduling import (
    build_classes,
    build_scheduling,
    compile_scheduler,
    shape_book,
    shape_of_group,
    shape_of_object,
    watches_binds,
)
from capsim.engine.build.serving import build_calls, build_connections, build_serving
from capsim.engine.build.startup import build_startup
from capsim.engine.build.tables import empty_heap, empty_log, empty_pods, empty_queue
from capsim.engine.build.traffic import build_traffic
from capsim.engine.build.warmth import build_warmth, burning, with_warmth
from capsim.engine.build.workloads import build_containers, build_physics, build_workloads
from capsim.engine.recorder import SAMPLE_COLUMNS
from capsim.engine.state import State
from capsim.scenario.scenario import Scenario
from capsim.state.tables import P_WATCHERS, PODS, Classes, Groups, Queue
from capsim.state.tables_scheduler import PAGE

SAMPLE_BYTES = 8 * 2**20
"""Samples are drained when their buffer is full."""


@dataclass(frozen=True)
class Capacity:
    """Rows that tables begin with; they grow when a run needs more, and the bytes of the result do not change."""

    pods: int = 0
    nodes: int = 0
    heap: int = 0
    queue: int = 0
    buffers: int = 1024


SMALLEST = Capacity(pods=1, nodes=1, heap=1, queue=1, buffers=1)
"""For tests: everything has to grow."""


def fill_daemons(groups: Groups, classes: Classes, rows: Iterable[int]) -> None:
    """Which DaemonSets run on which group, and what they request on each of its nodes; ``rows`` are those of the
    revisions that new pods have."""
    groups.daemon_eligible[:] = 0
    groups.daemons[:] = 0
    for g in range(groups.hash.shape[0]):
        for w in rows:
            if classes.shape_reason[w, groups.shapes[g, 0]] < 0:
                groups.daemon_eligible[g, w] = 1
                groups.daemons[g] += classes.request[w]


def most_pods(scenario: Scenario, groups: Groups) -> int:
    """Most pods that a node of the scenario can hold."""
    objects = (int(node.allocatable.get("pods", 110)) for node in scenario.objects.nodes)
    return max([110, *objects, *(int(row[PODS]) for row in groups.template)])


def sample_rows(rows: int, scenario: Scenario) -> int:
    """Samples that fit into the recorder's buffer, or all of a short run."""
    most = -(-scenario.duration_ms // scenario.sample_interval_ms) + 1
    return min(most, max(2, SAMPLE_BYTES // (rows * SAMPLE_COLUMNS * 8)))


def queue_for(wanted: Capacity, pod_rows: int, scratch_rows: int, names: Names) -> Queue:
    """The scheduler's queue, empty."""
    return empty_queue(wanted.queue or pod_rows, scratch_rows, len(names.reasons), max(1, min(wanted.buffers, 64)))


def assemble(scenario: Scenario, plan: Plan, capacity: Capacity | None = None) -> tuple[State, Names]:
    """Tables of the scenario, with the revisions of ``plan`` in it, and every loop at its phase."""
    count, wanted = len(scenario.objects.workloads), capacity or Capacity()
    names = Names(resources=resource_names(scenario), members=plan.members, owners=plan.owners)
    workloads = build_workloads(scenario, names, len(scenario.node_groups) + 1, plan.hashes)
    book = shape_book(scenario, names)
    groups = build_groups(scenario, names, count, lambda group, zone: shape_of_group(book, names, group, zone))
    names.object_shapes.update((node.name, shape_of_object(book, names, node)) for node in scenario.objects.nodes)
    groups = with_subnets(groups, scenario)
    program, facts = compile_scheduler(scenario, names, book)
    group_count, classes = groups.hash.shape[0], build_classes(scenario, names, program)
    fill_daemons(groups, classes, first_rows(names))
    containers, traffic = build_containers(scenario, names), build_traffic(scenario, names)
    specs, period = build_specs(scenario), hpa_period_ms(scenario)
    links = build_links(scenario, names, workloads, period)
    node_rows = page_rows((wanted.nodes or node_capacity(scenario)) + PAGE * len(book.shapes))
    pod_rows = wanted.pods or max(64, 2 * sum(w.replicas for w in scenario.objects.workloads) + 4 * node_rows)
    pods, pod_links, usage = empty_pods(pod_rows)
    params = build_params(scenario, step_rows=2 * most_pods(scenario, groups) + count + 16)
    presence, scheduling = build_scheduling(scenario, names, program, facts, book, node_rows, pod_rows)
    params[P_WATCHERS] = int(watches_binds(program))
    physics = build_physics(scenario, names, containers)._replace(warm=build_warmth(scenario, names, containers))
    buffered = 1 if wanted.buffers == 1 else sample_rows(count + group_count + 1, scenario)
    state = State(
        clock=build_clock(scenario, params),
        heap=empty_heap(wanted.heap or max(256, 2 * pod_rows)),
        wheels=build_wheels(scenario, traffic, links, max(1, count), traffic.start.shape[0] - 1),
        pods=pods,
        links=pod_links,
        usage=with_warmth(usage, scenario, pod_rows),
        classes=classes,
        nodes=empty_nodes(node_rows, len(names.resources)),
        scan=empty_scan(node_rows, len(names.groups)),
        groups=groups,
        workloads=workloads,
        physics=physics,
        containers=containers,
        traffic=traffic,
        serving=build_serving(scenario, names, physics),
        calls=build_calls(scenario, names, traffic, buffered),
        connections=build_connections(scenario, names, physics, buffered),
        marks=build_marks(max(1, count), group_count, node_rows),
        queue=queue_for(wanted, pod_rows, max(pod_rows, 2 * most_pods(scenario, groups), node_rows), names),
        presence=presence,
        scheduling=scheduling,
        startup=build_startup(scenario, node_rows)._replace(burns=burning(scenario)),
        hpas=links,
        adapter=build_adapter(scenario, names, pod_rows),
        heal=build_self_heal(scenario, names),
        rollouts=build_rollouts(scenario, plan, workloads),
        autoscaler=empty_tables(len(names.resources)),
        admission=build_admission(scenario, names),
        jobs=build_jobs(scenario, plan.crons, workloads),
        lifetimes=build_lifetimes(scenario, names),
        specs=specs,
        hpa=new_state(specs, period),
        log=empty_log(wanted.buffers, wanted.buffers, wanted.buffers),
        samples=build_samples(count, group_count, buffered),
    )
    return state, names
