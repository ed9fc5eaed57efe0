"""From what was collected to the parts of a scenario: objects, node groups, placement, usage, and the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from capsim.errors import Problem
from capsim.scenario.importers.cluster import GroupEntry, group_entries, labels_in_use, node_sources
from capsim.scenario.importers.collect import Dump
from capsim.scenario.importers.findings import Findings, Log
from capsim.scenario.importers.groups import Group, node_groups, node_seen
from capsim.scenario.importers.ingress import ingress_classes
from capsim.scenario.importers.measured import usage_now
from capsim.scenario.importers.owners import members
from capsim.scenario.importers.reading import read_all
from capsim.scenario.importers.stand_ins import Chosen, chosen_workloads, with_admitted
from capsim.scenario.importers.static_pods import without_static_pods
from capsim.scenario.importers.stream import Input, Progress, Stream
from capsim.scenario.importers.totals import totals_of
from capsim.scenario.kubernetes.objects import SYSTEM_PRIORITY_CLASSES
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.workload import Workload

Placement = dict[str, dict[str, int]]
MOST_COSTS = 500
"""Pods of a workload whose pod-deletion-cost is kept."""


@dataclass
class Imported:
    """The parts of a scenario, not yet written."""

    name: str
    groups: list[GroupEntry] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    placement: Placement = field(default_factory=dict)
    deletion_costs: dict[str, list[int]] = field(default_factory=dict)
    usage: dict[str, dict[str, Any]] = field(default_factory=dict)
    ingress_classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    autoscaler: dict[str, Any] | None = None
    autoscaler_source: str = ""
    nodes_are_guessed: bool = False
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True)
class Options:
    """What a user can add to what the files say."""

    name: str = "imported"
    namespace: str = "default"
    """For objects that name none."""
    nodes: str | None = None
    """A node shape such as 3x4cpu-16Gi, for files without Node objects."""
    prices: dict[str, float] = field(default_factory=dict)
    """USD per hour by machine type or node group."""


def read_dump(
    paths: Sequence[Input], namespace: str = "default", progress: Progress | None = None
) -> tuple[Dump, Stream]:
    """Everything in files, folders, globs or standard input (`-`). Raises ScenarioError when nothing is there."""
    stream = Stream(paths, progress)
    dump = Dump(namespace)
    dump.read(stream)
    return dump, stream


def imported(paths: Sequence[Input], options: Options, progress: Progress | None = None) -> Imported:
    """The scenario's parts. Raises ScenarioError when no file is there; problems of parts are in `findings`."""
    dump, stream = read_dump(paths, options.namespace, progress)
    return assembled(dump, stream, options)


def assembled(dump: Dump, stream: Stream, options: Options) -> Imported:
    """The scenario's parts of what was collected."""
    log = Log()
    groups = node_groups([node_seen(item) for item in dump.of_kind("Node")])
    roots = members(dump)
    static = without_static_pods(roots, groups, dump, log)
    chosen = [with_admitted(one, dump, log) for one in chosen_workloads(dump, roots, log)] + static
    sources = node_sources(groups, labels_in_use(chosen), log)
    reading, problems = read_all(dump, chosen, sources, log)
    result = _parts(dump, reading, chosen, groups, options, log)
    _say_what_is_odd(dump, log)
    found = [*stream.problems, *dump.problems, *problems]
    result.findings = _findings(dump, stream, result, reading, chosen, groups, found, log)
    return result


def _parts(
    dump: Dump, reading: Reading, chosen: list[Chosen], groups: list[Group], options: Options, log: Log
) -> Imported:
    models = reading.models
    workloads: dict[str, Workload] = {workload.key: workload for workload in models.get("workloads", [])}
    by_key = {one.key: one for one in chosen}
    known_nodes = {node.name for node in models.get("nodes", [])}
    result = Imported(options.name)
    result.groups = group_entries(
        [g for g in groups if any(n.name in known_nodes for n in g.nodes)], dump, options.prices, log
    )
    result.nodes = [node.manifest() for node in models.get("nodes", [])]
    result.objects = _manifests(reading)
    result.placement = _placement(workloads, by_key, known_nodes, log)
    result.deletion_costs = _deletion_costs(by_key, result.placement)
    result.usage = usage_now(dump, workloads, by_key, models.get("hpas", []), log)
    result.ingress_classes = ingress_classes(dump, models.get("ingresses", []), models.get("ingress_classes", []), log)
    if dump.autoscaler is not None:
        result.autoscaler = dump.autoscaler.flags
        result.autoscaler_source = dump.autoscaler.object_name
        _say_autoscaler(dump, log)
    if not result.nodes:
        from capsim.scenario.importers.without_nodes import guessed_groups

        result.groups = guessed_groups(list(workloads.values()), options.nodes, log)
        result.nodes_are_guessed = True
    return result


def _manifests(reading: Reading) -> list[dict[str, Any]]:
    models = reading.models
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in reading.namespaces.items()
    ]
    classes = [
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value}
        for name, value in reading.priority_classes.items()
        if name not in SYSTEM_PRIORITY_CLASSES
    ]
    for made in classes:
        name = made["metadata"]["name"]  # type: ignore[index]
        made |= {"globalDefault": True} if name == reading.default_priority_class else {}
        made |= {"preemptionPolicy": "Never"} if name in reading.never_preempting else {}
    listed = [*(models.get(part, []) for part in models if part != "nodes")]
    return [*namespaces, *classes, *(model.manifest() for part in listed for model in part)]


def _placement(workloads: dict[str, Workload], chosen: dict[str, Chosen], nodes: set[str], log: Log) -> Placement:
    """Pods of each workload by node; never more than its replicas, and only nodes that are there."""
    found: Placement = {}
    lost: Counter[str] = Counter()
    for key, workload in workloads.items():
        pods = chosen[key].members if key in chosen else None
        if pods is None or workload.kind == "DaemonSet":
            continue
        left = workload.replicas
        placed: dict[str, int] = {}
        for node, count in sorted(pods.on_nodes().items()):
            if node not in nodes:
                lost[node] += count
                continue
            taken = min(count, left)
            left -= taken
            if taken:
                placed[node] = taken
        if placed:
            found[key] = placed
        if (surplus := sum(pods.on_nodes().values()) - workload.replicas) > 0:
            log.guess(
                "pods beyond their workload's replicas left out", "a rollout was going on", "likely", count=surplus
            )
    if lost:
        log.guess(
            "pods on nodes that are not in the dump are placed by the scheduler at the start",
            f"{len(lost)} node names that only pods mention", "a guess",
            "kubectl get nodes -o yaml", sum(lost.values()),
        )  # fmt: skip
    return found


def _deletion_costs(chosen: dict[str, Chosen], placement: Placement) -> dict[str, list[int]]:
    """pod-deletion-cost of the placed pods in the order in which a run creates them, where any has one."""
    found = {}
    for key, nodes in placement.items():
        pods = chosen[key].members
        costs = []
        for node, count in nodes.items():
            there = [pod.deletion_weight for pod in (pods.running if pods else []) if pod.node == node]
            costs += there[:count]
        if any(costs):
            found[key] = costs[:MOST_COSTS]
    return found


def _say_autoscaler(dump: Dump, log: Log) -> None:
    seen = dump.autoscaler
    assert seen is not None
    for flag in seen.ignored:
        log.note("ignored", f"--{flag}", "about how the Cluster Autoscaler runs, not what it decides", seen.object_name)
    for flag in seen.not_modelled:
        log.note("not_modelled", f"--{flag}", "this flag of the Cluster Autoscaler is not modelled", seen.object_name)
    for text in seen.guessed:
        log.guess(text, f"flags of {seen.object_name}", "likely")
    if seen.discovery:
        log.note("ignored", "--node-group-auto-discovery", "groups are those of the nodes' labels", seen.object_name)


def _say_what_is_odd(dump: Dump, log: Log) -> None:
    if dump.without_namespace:
        kinds = ", ".join(dump.without_namespace)
        what = f"objects without a namespace are in {dump.default_namespace}"
        log.guess(what, f"kubectl's default ({kinds})", "likely",
                  "--namespace", dump.without_namespace.total())  # fmt: skip
    for kind, count in dump.hooks.items():
        log.note("ignored", f"{kind} with helm.sh/hook", "is there only while Helm installs or tests", count=count)
    for kind, count in dump.duplicates.items():
        log.note(
            "ignored", f"{kind} objects", "in the files more than once: the first (or newest API) counts", count=count
        )
    for kind, versions in dump.api_versions.items():
        if len(versions) > 1:
            log.note("ignored", f"{kind}.apiVersion", f"mixed API versions: {', '.join(sorted(versions))}")
    deleting = sum(pod.deleting and not pod.finished for pod in dump.pods.values())
    if deleting:
        what = "pods that are being deleted still hold their place"
        log.guess(what, "metadata.deletionTimestamp", "likely", count=deleting)
    finished = sum(pod.finished for pod in dump.pods.values())
    if finished:
        log.note("ignored", "Pod", "finished (Succeeded, Failed): it holds nothing", count=finished)


def _findings(
    dump: Dump, stream: Stream, result: Imported, reading: Reading, chosen: list[Chosen], groups: list[Group],
    problems: list[Problem], log: Log,
) -> Findings:  # fmt: skip
    totals = totals_of(dump, stream, reading, chosen, groups)
    models = reading.models
    for part, singular in (("workloads", "workload"), ("nodes", "node"), ("services", "Service"),
                           ("hpas", "HorizontalPodAutoscaler"), ("pdbs", "PodDisruptionBudget"),
                           ("quotas", "ResourceQuota"), ("ingresses", "Ingress")):  # fmt: skip
        count = len(models.get(part, []))
        if count:
            log.understand(f"{count:,} {singular}{('es' if singular.endswith('s') else 's') * (count != 1)}")
    placed = sum(count for nodes in result.placement.values() for count in nodes.values())
    if placed:
        daemons = sum(daemon.nodes for daemon in totals.daemonsets)
        also = f", and {daemons:,} of DaemonSets" if daemons else ""
        log.understand(f"{placed:,} pods on the nodes where they run now (initialState: recorded){also}")
    if result.autoscaler is not None:
        log.understand(f"the Cluster Autoscaler with {len(result.autoscaler)} flags of {result.autoscaler_source}")
    return Findings(
        source=stream.files,
        totals=totals,
        understood=log.understood,
        guessed=log.guesses(),
        ignored=log.lines("ignored"),
        not_modelled=log.lines("not_modelled"),
        problems=[str(problem) for problem in problems],
    )
