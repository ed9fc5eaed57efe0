"""The scheduler's tables of a run: classes of its workloads, shapes of its nodes."""

from __future__ import annotations

import numpy as np

from capsim.controllers.scheduler.build import (
    empty_classes,
    empty_cycle,
    empty_presence,
    empty_shapes,
    empty_views,
    log_length,
)
from capsim.controllers.scheduler.extras import ExtraFacts, empty_extras
from capsim.controllers.scheduler.program import ClassSpec, Program, World, compile_program, label_use
from capsim.controllers.scheduler.shapes import HOSTNAME, ShapeBook
from capsim.engine.build.cluster import ZONE, array, group_labels
from capsim.engine.build.names import Names, Shape
from capsim.engine.build.startup import note_images
from capsim.engine.build.volumes import build_volumes, claim_book
from capsim.engine.build.workloads import drain_flags
from capsim.scenario.cluster import NodeGroup
from capsim.scenario.kube_scheduler import KubeSchedulerConfiguration
from capsim.scenario.kubernetes.node import NodeObject
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.state.tables import Classes, Presence
from capsim.state.tables_scheduler import (
    K_KIND,
    RULE_AFFINITY,
    RULE_CLAIM,
    RULE_SOFT,
    RULE_SPREAD,
    Nominations,
    Scheduling,
)

HASH_LABEL = "pod-template-hash"


def configuration_of(scenario: Scenario) -> KubeSchedulerConfiguration:
    """The scenario's KubeSchedulerConfiguration, or upstream's defaults."""
    return scenario.scheduler.configuration or KubeSchedulerConfiguration()


def class_spec(workload: Workload, template_hash: str) -> ClassSpec:
    """The class of a workload's pods, as its controller makes them."""
    labels, selector = dict(workload.template.labels), None
    if workload.kind in ("Deployment", "ReplicaSet", "StatefulSet"):
        selector = dict(workload.selector)
    if workload.kind == "Deployment":
        labels[HASH_LABEL] = template_hash
        exact = {**(workload.selector.get("matchLabels") or {}), HASH_LABEL: template_hash}
        selector = {**workload.selector, "matchLabels": exact}
    return ClassSpec(workload.namespace, workload.template, labels, selector, workload.kind == "DaemonSet")


def class_specs(scenario: Scenario, names: Names) -> list[ClassSpec]:
    """One class per workload."""
    return [class_spec(workload, names.template_hash(w)) for w, workload in enumerate(scenario.objects.workloads)]


def shape_book(scenario: Scenario, names: Names) -> ShapeBook:
    """A book for the node shapes of a scenario, still without shapes."""
    use = label_use(class_specs(scenario, names), configuration_of(scenario))
    for volume in scenario.objects.volumes:
        for term in ((volume.spec.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or []:
            use.note_term(term)
    return ShapeBook(use)


def shape_of_group(book: ShapeBook, names: Names, group: NodeGroup, zone: str) -> int:
    """Shape of a group's nodes in one zone; their hostnames differ."""
    return note(book, names, book.shape({HOSTNAME: "", **group_labels(group, zone)}, group.taints, ""), zone)


def shape_of_object(book: ShapeBook, names: Names, node: NodeObject) -> int:
    """Shape of a Node object."""
    labels = {HOSTNAME: node.name, **node.labels}
    zone = labels.get(ZONE, labels.get("failure-domain.beta.kubernetes.io/zone", ""))
    return note(book, names, book.shape(labels, node.taints, node.name), zone)


def note(book: ShapeBook, names: Names, row: int, zone: str) -> int:
    """Keep the names of shapes beside the book."""
    while len(names.shapes) < len(book.shapes):
        shape = book.shapes[len(names.shapes)]
        names.shapes.append(Shape(shape.labels, shape.taints, zone))
    return row


def compile_scheduler(scenario: Scenario, names: Names, book: ShapeBook) -> tuple[Program, ExtraFacts]:
    """The program of all classes; every shape is in the book by now."""
    facts = ExtraFacts()
    note_images(scenario, facts)
    names.claims = claims = claim_book(scenario, names, [shape.zone for shape in names.shapes])
    specs = class_specs(scenario, names)
    if claims is not None:
        facts.drivers = claims.binder.drivers
        facts.volume = [[] for _ in claims.verdict_keys]
        specs = claims.specs(specs)
    world = World(
        configuration_of(scenario),
        names.resources,
        [(service.namespace, service.selector) for service in scenario.objects.services],
        scenario.objects.namespaces,
        facts,
    )
    program = compile_program(specs, book, world)
    names.reasons = program.reasons
    return program, facts


def build_classes(scenario: Scenario, names: Names, program: Program) -> Classes:
    """The class table: a row per workload, then those of pods whose volumes are somewhere."""
    count = len(scenario.objects.workloads)
    rows = list(range(count)) if names.claims is None else names.claims.workloads_of_classes(count)
    listed = [scenario.objects.workloads[w] for w in rows]
    classes = empty_classes(
        program,
        array(rows),
        array([w.template.priority for w in listed]),
        array([drain_flags(w) for w in listed]),
    )
    classes.gated[:] = [int(bool(w.template.scheduling_gates)) for w in listed]
    start, kinds = program.rules.start, program.rules.rule[:, K_KIND]
    for c in range(len(listed)):
        own = set(kinds[start[c] : start[c + 1]].tolist())
        classes.watches[c] = int(any(RULE_CLAIM <= kind < RULE_SOFT for kind in own))
    return classes


def watches_binds(program: Program) -> bool:
    """Whether a pod that comes can make a node fit for another: required affinity, hard spread."""
    rules = program.rules
    kinds = rules.rule[: int(rules.start[-1]), K_KIND]
    return bool(np.isin(kinds, (RULE_AFFINITY, RULE_SPREAD)).any())


def build_scheduling(
    scenario: Scenario,
    names: Names,
    program: Program,
    facts: ExtraFacts,
    book: ShapeBook,
    node_rows: int,
    pod_rows: int,
) -> tuple[Presence, Scheduling]:
    """Empty tables for ``node_rows`` node slots, a multiple of the page."""
    shapes = empty_shapes(book, node_rows)
    width = len(book.shapes)
    presence = empty_presence(program, facts, node_rows, width, log_length(node_rows))
    return presence, Scheduling(
        profiles=program.profiles,
        rules=program.rules,
        shapes=shapes,
        extras=empty_extras(facts, node_rows, len(program.groups.members)),
        views=empty_views(program, node_rows, width),
        cycle=empty_cycle(program, node_rows, width, int(shapes.domains.max(initial=0))),
        nominations=Nominations(np.zeros(pod_rows, np.int64), np.zeros(pod_rows, np.int64), np.zeros(1, np.int64)),
        volumes=build_volumes(names.claims, scenario, names, len(scenario.objects.workloads)),
    )
