"""From pod templates and nodes to the scheduler's tables: classes, rules, peer groups, shapes, index.

Everything that depends on specs only is worked out here, once; the kernels see numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capsim.controllers.scheduler.extras import ExtraFacts, compile_parts
from capsim.controllers.scheduler.groups import GroupBook
from capsim.controllers.scheduler.profiles import compile_profiles
from capsim.controllers.scheduler.reasons import reason_texts
from capsim.controllers.scheduler.requests import nonzero_of_pod, scored_requests
from capsim.controllers.scheduler.rules import RuleMaker
from capsim.controllers.scheduler.selectors import Crowd, face
from capsim.controllers.scheduler.shapes import LabelUse, ShapeBook
from capsim.controllers.scheduler.static import (
    intolerable_preferences,
    preferred_weight,
    shape_reason,
    taint_texts,
    tolerated_flags,
)
from capsim.scenario.kube_scheduler import KubeSchedulerConfiguration, Profile, default_constraints
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.state.tables import FLAG_NOT_READY, FLAG_TO_BE_DELETED, FLAG_UNSCHEDULABLE, I64, PODS
from capsim.state.tables_scheduler import (
    CLASS_EVEN,
    CLASS_HOST_NETWORK,
    CLASS_IMAGES,
    CLASS_NEEDS_KEYS,
    CLASS_NEVER_PREEMPTS,
    CLASS_PREFERS,
    CLASS_SOFT,
    IMAGE_LOCALITY,
    IMAGES,
    K_HOST,
    K_KIND,
    MEMO_IMAGES,
    PORTS_REFUSED,
    RULE_COLUMNS,
    RULE_SOFT,
    Profiles,
    Rules,
)


@dataclass(frozen=True)
class ClassSpec:
    """One pod class: pods that the scheduler cannot tell apart."""

    namespace: str
    template: PodTemplate
    labels: Mapping[str, str]
    owner_selector: Mapping[str, Any] | None = None
    """Selector of the ReplicaSet, StatefulSet or ReplicationController that owns the pods; None: none of them does."""
    daemonset: bool = False
    volume_row: int = -1
    """Row of Extras.volume."""
    attach: tuple[int, ...] = ()
    """Volumes to attach per driver."""
    claims: tuple[int, ...] = ()
    """ReadWriteOncePod claims, numbered."""
    blocked: str = ""
    """Why no node is even tried (PreFilter); empty: they are."""


@dataclass
class World:
    """What the classes are compiled against."""

    configuration: KubeSchedulerConfiguration
    resources: list[str]
    services: Sequence[tuple[str, Mapping[str, str]]] = ()
    """(namespace, selector) of every Service."""
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    extras: ExtraFacts = field(default_factory=ExtraFacts)


@dataclass
class Program:
    """The compiled form of a set of classes over a book of shapes."""

    profiles: Profiles
    rules: Rules
    groups: GroupBook
    reasons: list[str]
    request: I64
    nonzero: I64
    tolerates: I64
    shape_reason: I64
    signature: I64
    """[C] classes with the same own scores and filters share one."""
    part_start: I64
    part: I64
    attach: I64
    host_groups: list[tuple[int, ...]]
    """Peer groups that each class counts per node."""


def profile_of(configuration: KubeSchedulerConfiguration, template: PodTemplate) -> int:
    """Row of the profile that a pod asks for; pods of other schedulers are taken for the first's."""
    names = [profile.scheduler_name for profile in configuration.profiles]
    return names.index(template.scheduler_name) if template.scheduler_name in names else 0


def label_use(classes: Sequence[ClassSpec], configuration: KubeSchedulerConfiguration) -> LabelUse:
    """Which node labels matter."""
    use = LabelUse()
    for one in classes:
        use.note_template(one.template)
    for profile in configuration.profiles:
        added = profile.arguments("NodeAffinity").added_affinity
        if added:
            use.note_template(PodTemplate(containers=(), affinity={"nodeAffinity": added}))
        for constraint in default_constraints(profile.arguments("PodTopologySpread"))[0]:
            use.topology[str(constraint.get("topologyKey"))] = None
    return use


def compile_program(classes: Sequence[ClassSpec], book: ShapeBook, world: World) -> Program:
    """Tables of all classes; every node has its shape by now."""
    crowd = Crowd(world.namespaces)
    faces = [crowd.add(face(one.namespace, one.labels, terms_of(one))) for one in classes]
    groups = GroupBook()
    maker = RuleMaker(classes, faces, crowd, groups, book, world)
    profiles = [world.configuration.profiles[profile_of(world.configuration, one.template)] for one in classes]
    listed = [maker.rules_of(c, profiles[c]) for c in range(len(classes))]
    taints = taint_texts(book.shapes)
    reasons, raw = static_tables(classes, profiles, book, taints, len(world.resources))
    texts = reason_texts(world.resources, taints)
    for c, one in enumerate(classes):
        if one.blocked:
            texts += [] if one.blocked in texts else [one.blocked]
            reasons[c] = texts.index(one.blocked)
    parts, part_start = compile_parts(classes, profiles, world.extras)
    request, nonzero, wanted = request_tables(classes, world.resources)
    rows = [row for rules in listed for row, _ in rules]
    counted = [row for rules in listed for _, row in rules]
    start = np.cumsum([0, *(len(rules) for rules in listed)])
    tolerates = np.array([flags_of(one, p) for one, p in zip(classes, profiles, strict=True)] or [0], np.int64)
    attach = np.zeros((len(classes), len(world.extras.drivers)), np.int64)
    for c, one in enumerate(classes):
        attach[c, : len(one.attach)] = one.attach
    rules = Rules(
        profile=np.array([profile_of(world.configuration, one.template) for one in classes], np.int64),
        wanted=wanted,
        shape_raw=raw,
        start=start.astype(np.int64),
        rule=np.array(rows or [[0] * RULE_COLUMNS], np.int64).reshape(-1, RULE_COLUMNS),
        counted=np.array(counted or [[0] * len(book.shapes)], np.int64).reshape(-1, max(1, len(book.shapes))),
        flag=np.array([flag_of(one, rules) for one, rules in zip(classes, listed, strict=True)], np.int64),
        volume=np.array([one.volume_row for one in classes], np.int64),
        view_row=np.full(len(classes), -1, np.int64),
    )
    program = Program(
        profiles=compile_profiles(world.configuration, world.resources),
        rules=rules,
        groups=groups,
        reasons=texts,
        request=request,
        nonzero=nonzero,
        tolerates=tolerates,
        shape_reason=reasons,
        signature=np.zeros(len(classes), np.int64),
        part_start=part_start,
        part=parts,
        attach=attach,
        host_groups=[maker.host_groups(rules) for rules in listed],
    )
    mark_images(program, len(groups.members))
    mark_even(program.rules)
    mark_soft(program)
    program.signature[:] = signatures(program)
    groups.close(faces)
    return program


def mark_even(rules: Rules) -> None:
    """Mark the classes to which all shapes are even."""
    for c in range(rules.profile.shape[0]):
        raw = rules.shape_raw[c]
        alike = rules.start[c] == rules.start[c + 1] and not rules.flag[c] & CLASS_IMAGES
        if alike and (raw == raw[:, :1]).all():
            rules.flag[c] |= CLASS_EVEN


def images_of(program: Program, c: int) -> list[int]:
    """Images of a class that nodes may have, in the order of its containers."""
    listed = program.part[program.part_start[c, IMAGES] : program.part_start[c, IMAGES + 1]]
    return [image for image in listed.tolist() if image >= 0]


def mark_images(program: Program, groups: int) -> None:
    """Mark the classes for which ImageLocality scores; rows of images in Presence.on_node follow ``groups`` others."""
    for c in range(program.rules.profile.shape[0]):
        images = images_of(program, c)
        if images and program.profiles.weight[program.rules.profile[c], IMAGE_LOCALITY] > 0:
            program.rules.flag[c] |= CLASS_IMAGES
            program.host_groups[c] += tuple(groups + image for image in sorted(set(images)))


def mark_soft(program: Program) -> None:
    """Mark the classes that the short way for soft rules serves: one constraint at most counts by node."""
    rules, places = program.rules, MEMO_IMAGES.bit_length() - 1
    for c in range(rules.profile.shape[0]):
        own = rules.rule[rules.start[c] : rules.start[c + 1]]
        soft = bool((own[:, K_KIND] == RULE_SOFT).all()) and int(own[:, K_HOST].sum()) <= 1
        if soft and len(images_of(program, c)) <= places and not rules.flag[c] & CLASS_EVEN:
            rules.flag[c] |= CLASS_SOFT


def terms_of(one: ClassSpec) -> str:
    """What a class asks of other pods, as text; classes without any share the empty one."""
    affinity = one.template.affinity or {}
    asked = [affinity.get(kind) for kind in ("podAffinity", "podAntiAffinity")]
    return repr((asked, one.claims)) if any(asked) or one.claims else ""


def flags_of(one: ClassSpec, profile: Profile) -> int:
    """Bit set of the node flags that keep no pod of the class off."""
    off = profile.filters_off()
    flags = tolerated_flags(one.template, one.daemonset)
    if "NodeUnschedulable" in off:
        flags |= FLAG_UNSCHEDULABLE
    if "TaintToleration" in off:
        flags |= FLAG_NOT_READY | FLAG_TO_BE_DELETED
    return flags


def flag_of(one: ClassSpec, rules: Sequence[tuple[list[int], list[int]]]) -> int:
    """Bits of Rules.flag."""
    flag = 0
    if one.template.topology_spread and any(row[K_KIND] == RULE_SOFT for row, _ in rules):
        flag |= CLASS_NEEDS_KEYS
    affinity = (one.template.affinity or {}).get("nodeAffinity") or {}
    if affinity.get("preferredDuringSchedulingIgnoredDuringExecution"):
        flag |= CLASS_PREFERS
    if one.template.host_network:
        flag |= CLASS_HOST_NETWORK
    if one.template.preemption_policy == "Never":
        flag |= CLASS_NEVER_PREEMPTS
    return flag


def static_tables(
    classes: Sequence[ClassSpec], profiles: Sequence[Profile], book: ShapeBook, taints: list[str], resources: int
) -> tuple[I64, I64]:
    """Classes.shape_reason [C, S] and Rules.shape_raw [C, 2, S]; templates that ask the same are worked out once."""
    index = {text: i for i, text in enumerate(taints)}
    width = max(1, len(book.shapes))
    reasons, raw = np.zeros((len(classes), width), np.int64), np.zeros((len(classes), 2, width), np.int64)
    known: dict[str, int] = {}
    for c, one in enumerate(classes):
        t, profile = one.template, profiles[c]
        node_affinity = (t.affinity or {}).get("nodeAffinity")
        key = repr((profile.scheduler_name, t.tolerations, sorted(t.node_selector.items()), node_affinity))
        if key in known:
            reasons[c], raw[c] = reasons[known[key]], raw[known[key]]
            continue
        known[key] = c
        added, off = profile.arguments("NodeAffinity").added_affinity, profile.filters_off()
        for s, shape in enumerate(book.shapes):
            reasons[c, s] = shape_reason(t, shape, index, resources, added, off)
            raw[c, 0, s] = intolerable_preferences(t, shape.taints)
            raw[c, 1, s] = preferred_weight(node_affinity, shape.labels) + preferred_weight(added, shape.labels)
    return reasons, raw


def request_tables(classes: Sequence[ClassSpec], resources: Sequence[str]) -> tuple[I64, I64, I64]:
    """Requests [C, R], non-zero CPU and memory [C, 2], and what NodeResourcesFit scores [C, R]."""
    request, wanted = np.zeros((2, len(classes), len(resources)), np.int64)
    nonzero = np.zeros((len(classes), 2), np.int64)
    for c, one in enumerate(classes):
        own, scored = one.template.requests(), scored_requests(one.template)
        request[c] = [own.get(name, 0) for name in resources]
        wanted[c] = [scored.get(name, 0) for name in resources]
        request[c, PODS], wanted[c, PODS] = 1, 0
        nonzero[c] = nonzero_of_pod(one.template)
    return request, nonzero, wanted


def signatures(program: Program) -> list[int]:
    """Row of the signature of every class."""
    rules, known = program.rules, dict[bytes, int]()
    found = []
    for c in range(rules.profile.shape[0]):
        parts = program.part[program.part_start[c, PORTS_REFUSED] : program.part_start[c, IMAGES]]
        of_class = (
            program.request[c], rules.wanted[c], program.shape_reason[c], program.tolerates[c : c + 1],
            rules.profile[c : c + 1], rules.volume[c : c + 1], program.attach[c],
            np.diff(program.part_start[c, : IMAGES + 1]), parts,
        )  # fmt: skip
        found.append(known.setdefault(b"|".join(a.tobytes() for a in of_class), len(known)))
    return found
