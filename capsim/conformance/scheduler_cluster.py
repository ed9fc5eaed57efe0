"""A recorded case as the scheduler's tables: the same builder and kernels that a run uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capsim.conformance.scheduler_objects import (
    Json,
    allocatable_of,
    controller_selector,
    key_of,
    labels_of,
    namespace_of,
    node_taints,
    start_ms_of,
    template_of,
)
from capsim.conformance.scheduler_volumes import VolumeBook
from capsim.controllers.scheduler import doors
from capsim.controllers.scheduler.build import (
    empty_classes,
    empty_cycle,
    empty_presence,
    empty_shapes,
    empty_views,
    log_length,
    page_rows,
)
from capsim.controllers.scheduler.extras import ExtraFacts, empty_extras, normalised_image
from capsim.controllers.scheduler.program import ClassSpec, Program, World, compile_program, label_use
from capsim.controllers.scheduler.shapes import ShapeBook, unique_keys
from capsim.engine.build.cluster import empty_nodes, resource_names_of
from capsim.engine.build.tables import empty_pods
from capsim.scenario.kube_scheduler import KubeSchedulerConfiguration, Profile
from capsim.scenario.kubernetes.labels import selects
from capsim.state import tables as t
from capsim.state.tables_scheduler import (
    CANDIDATE_NODE_COLUMNS,
    PAGE,
    Budgets,
    Nominations,
    Preemption,
    Scheduling,
)
from capsim.state.tables_volumes import no_volumes


@dataclass
class Case:
    """Tables of one case, and names for their rows."""

    tables: doors.Tables
    program: Program
    pod_keys: list[str]
    slots: list[int]
    """Node index of the recording -> slot."""
    resources: list[str]
    volumes: VolumeBook
    profile: Profile
    gates: list[list[str]]
    blocked: list[str | None]
    """Why no node is tried for the pod."""
    rows: dict[str, int] = field(default_factory=dict)


def build(case: Json, indexed: bool) -> Case:
    """All nodes and pods of a case; those of ``pods`` run, those of ``pending`` wait."""
    nodes, running, waiting = case["nodes"], case.get("pods") or [], case["pending"]
    pods = [*running, *waiting]
    configuration = configuration_of(case.get("config") or {})
    templates = [template_of(pod) for pod in pods]
    book_of_volumes = VolumeBook(case)
    specs, of_pod = class_specs(case, pods, templates, book_of_volumes)
    resources = resource_names_of(
        [template.requests() for template in templates], [allocatable_of(node) for node in nodes]
    )
    use = label_use(specs, configuration)
    book = ShapeBook(use, unique_keys([labels_of(node) for node in nodes]))
    shape_of = [book.shape(labels_of(n), node_taints(n), n["metadata"]["name"]) for n in nodes]
    slots, rows = paged(shape_of)
    facts = facts_of(nodes, book_of_volumes, slots, rows)
    world = World(
        configuration,
        resources,
        [(namespace_of(s), (s.get("spec") or {}).get("selector") or {}) for s in case.get("services") or []],
        {n["metadata"]["name"]: labels_of(n) for n in case.get("namespaces") or []},
        facts,
    )
    program = compile_program(specs, book, world)
    tables = make_tables(case, program, book, facts, resources, rows, of_pod, pods)
    fill_nodes(tables, nodes, shape_of, slots, resources, book_of_volumes)
    tables.clock.params[t.P_TREE_NODES] = 0 if indexed else 1 << 40
    made = Case(
        tables,
        program,
        [key_of(pod) for pod in pods],
        slots,
        resources,
        book_of_volumes,
        configuration.profiles[0],
        [template.scheduling_gates for template in templates],
        [book_of_volumes.of_pod(pod).blocked for pod in pods],
    )
    made.rows = {key: row for row, key in enumerate(made.pod_keys)}
    by_name = {node["metadata"]["name"]: slot for node, slot in zip(nodes, slots, strict=True)}
    for p, pod in enumerate(running):
        if pod["spec"].get("nodeName") in by_name:
            run_pod(tables, p, by_name[pod["spec"]["nodeName"]], pod)
    return made


def run_pod(tables: doors.Tables, p: int, n: int, pod: Json) -> None:
    """A pod that runs from the start."""
    doors.settle_on(tables, p, n, start_ms_of(pod))
    if pod["metadata"].get("deletionTimestamp"):
        doors.terminate(tables, p)


def configuration_of(config: Json) -> KubeSchedulerConfiguration:
    """The recording's settings as a KubeSchedulerConfiguration; absent percentage = all nodes."""
    return KubeSchedulerConfiguration.model_validate(
        {
            "profiles": [{"pluginConfig": config.get("pluginConfig") or []}],
            "percentageOfNodesToScore": config.get("percentageOfNodesToScore", 100),
        }
    )


def class_specs(
    case: Json, pods: Sequence[Json], templates: Sequence[Any], volumes: VolumeBook
) -> tuple[list[ClassSpec], list[int]]:
    """One class per distinct pod, and the class of every pod."""
    specs: list[ClassSpec] = []
    of_pod: list[int] = []
    known: dict[str, int] = {}
    for pod, template in zip(pods, templates, strict=True):
        owner = controller_selector(pod, case)
        use = volumes.of_pod(pod)
        key = repr((namespace_of(pod), sorted(labels_of(pod).items()), template, owner, use))
        if key not in known:
            known[key] = len(specs)
            specs.append(
                ClassSpec(namespace_of(pod), template, labels_of(pod), owner, False, use.row, use.attach, use.claims)
            )
        of_pod.append(known[key])
    return specs, of_pod


def paged(shape_of: Sequence[int]) -> tuple[list[int], int]:
    """Slots of the nodes: pages of one shape, nodes of a shape in their order; and the number of rows."""
    next_in: dict[int, int] = {}
    slots, pages = [], 0
    for s in shape_of:
        slot = next_in.get(s, 0)
        if slot % PAGE == 0:
            slot, pages = pages * PAGE, pages + 1
        slots.append(slot)
        next_in[s] = slot + 1
    return slots, page_rows(pages * PAGE)


def facts_of(nodes: Sequence[Json], volumes: VolumeBook, slots: Sequence[int], rows: int) -> ExtraFacts:
    """Images that nodes have, volume drivers and verdicts."""
    facts = ExtraFacts(drivers=volumes.drivers, volume=volumes.table(slots, rows))
    for node in nodes:
        for image in (node.get("status") or {}).get("images") or []:
            for name in image.get("names") or []:
                facts.note_image(normalised_image(name), int(image.get("sizeBytes", 0)))
    return facts


def make_tables(
    case: Json,
    program: Program,
    book: ShapeBook,
    facts: ExtraFacts,
    resources: list[str],
    rows: int,
    of_pod: Sequence[int],
    pods: Sequence[Json],
) -> doors.Tables:
    """Empty tables with a row per pod."""
    count = program.request.shape[0]
    shapes = empty_shapes(book, rows)
    pod_table, links, _ = empty_pods(len(pods))
    pod_table.pod_class[:] = of_pod
    pod_table.uid[:] = np.arange(len(pods))
    pod_table.state[:] = t.POD_PENDING
    priority = np.zeros(count, np.int64)
    for pod, c in zip(pods, of_pod, strict=True):
        priority[c] = int(pod["spec"].get("priority") or 0)
    zero = np.zeros(count, np.int64)
    budgets = budgets_of(case, program, of_pod, pods)
    domains = int(shapes.domains.max(initial=0))
    reasons = len(program.reasons)
    scheduling = Scheduling(
        profiles=program.profiles,
        rules=program.rules,
        shapes=shapes,
        extras=empty_extras(facts, rows, len(program.groups.members)),
        views=empty_views(program, rows, len(book.shapes)),
        cycle=empty_cycle(program, rows, len(book.shapes), domains),
        nominations=Nominations(
            np.zeros(len(pods) + 1, np.int64), np.zeros(len(pods) + 1, np.int64), np.zeros(1, np.int64)
        ),
        volumes=no_volumes(),
    )
    return doors.Tables(
        clock=t.Clock(
            *(np.zeros(columns, np.int64) for columns in (t.CLOCK_COLUMNS, t.COUNTER_COLUMNS, t.PARAM_COLUMNS))
        ),
        classes=empty_classes(program, zero, priority, zero),
        pods=pod_table,
        links=links,
        nodes=empty_nodes(rows, len(resources)),
        presence=empty_presence(program, facts, rows, len(book.shapes), log_length(rows)),
        k=scheduling,
        budgets=budgets,
        preemption=Preemption(
            np.zeros((rows, CANDIDATE_NODE_COLUMNS), np.int64),
            np.zeros(len(pods) + 1, np.int64),
            np.zeros((len(pods) + 1, 3), np.int64),
            np.zeros(reasons + 3, np.int64),
            np.zeros(3, np.int64),
        ),
    )


def budgets_of(case: Json, program: Program, of_pod: Sequence[int], pods: Sequence[Json]) -> Budgets:
    """PodDisruptionBudgets and the classes that each selects; an empty selector selects nothing here, as upstream."""
    listed = case.get("podDisruptionBudgets") or []
    first = {c: pod for pod, c in reversed(list(zip(pods, of_pod, strict=True)))}
    per_class: list[list[int]] = []
    for c in range(program.request.shape[0]):
        pod = first[c]
        found = []
        for b, pdb in enumerate(listed):
            selector = (pdb.get("spec") or {}).get("selector")
            empty = not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))
            if namespace_of(pdb) == namespace_of(pod) and not empty and labels_of(pod):
                found += [b] if selects(selector, labels_of(pod)) else []
        per_class.append(found)
    allowed = [int((pdb.get("status") or {}).get("disruptionsAllowed") or 0) for pdb in listed]
    return Budgets(
        np.cumsum([0, *(len(x) for x in per_class)]).astype(np.int64),
        np.array([b for x in per_class for b in x], np.int64),
        np.array(allowed, np.int64),
        np.zeros(len(listed), np.int64),
    )


def fill_nodes(
    tables: doors.Tables,
    nodes: Sequence[Json],
    shape_of: Sequence[int],
    slots: Sequence[int],
    resources: Sequence[str],
    volumes: VolumeBook,
) -> None:
    """Nodes that are Ready; their age is their place in the recording."""
    facts = tables.k.extras
    columns: dict[str, int] = {}
    for i, node in enumerate(nodes):
        n, s = slots[i], shape_of[i]
        table = tables.nodes
        table.state[n], table.shape[n], table.uid[n] = t.NODE_READY, s, i
        amounts = allocatable_of(node)
        table.allocatable[n] = [amounts.get(name, 0) for name in resources]
        if (node.get("spec") or {}).get("unschedulable"):
            table.flags[n] |= t.FLAG_UNSCHEDULABLE
        tables.presence.page[n // PAGE] = s
        tables.presence.shape_nodes[s] += 1
        for image in (node.get("status") or {}).get("images") or []:
            for name in image.get("names") or []:
                column = columns.setdefault(normalised_image(name), len(columns))
                tables.presence.on_node[facts.image_group[column], n] = 1
                facts.image_nodes[column] += 1
        for d, limit in enumerate(volumes.limits(node["metadata"]["name"])):
            facts.attach_limit[n, d] = limit
    tables.clock.values[t.NODE_TOP] = max(slots, default=-1) + 1
