"""The objects of a dump through the readers of manifests: models, and notes about every field that has no place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from capsim.errors import Problem
from capsim.scenario.apply import sourced
from capsim.scenario.document import Mark, SourceMap, mark_of
from capsim.scenario.importers.collect import Dump, Item
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.pods import PodSpecs
from capsim.scenario.importers.redact import mapping
from capsim.scenario.importers.stand_ins import GROUPS, Chosen
from capsim.scenario.kubernetes.fields import FORMER_FIELDS, UNKNOWN, field_types
from capsim.scenario.kubernetes.objects import SYSTEM_PRIORITY_CLASSES
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, group_and_version, is_known, read_objects, type_of
from capsim.scenario.kubernetes.workload import Workload


def source_of(content: dict[str, Any], group: str, kind: str, namespace: str, name: str, mark: Mark) -> Source:
    """An object as the readers take it."""
    return Source(group, kind, namespace, name, sourced(content, mark))


def read_all(dump: Dump, workloads: list[Chosen], nodes: list[Source], log: Log) -> tuple[Reading, list[Problem]]:
    """Models of everything that a scenario can hold. Problems are those of objects that are left out."""
    reading = Reading(lenient=True)
    reading.priority_classes.update(SYSTEM_PRIORITY_CLASSES)
    renamed = {c.root.key: c for c in workloads if c.root.key != c.key}
    sources = [_workload(chosen) for chosen in workloads] + nodes
    for item in dump.items.values():
        if GROUPS.get(item.kind) == item.group or (item.group, item.kind) == ("", "Node"):
            continue  # workloads and nodes were looked at together
        if is_known(item.group, item.kind) and item.content:
            sources.append(_other(item, renamed, log))
        else:
            sources.append(source_of(_bare(item), item.group, item.kind, item.namespace, item.name, _mark(item)))
    sources += _missing_classes(dump.specs, workloads, {s.name for s in sources if s.kind == "PriorityClass"}, log)
    for source in sources:
        _without_unknown(source, log)
    read_objects(sources, reading)
    problems = _sorted_out(reading, log)
    _without_lost_classes(reading)
    return reading, problems


def _mark(item: Item) -> Mark:
    return Mark(item.file, item.line)


def _bare(item: Item) -> dict[str, Any]:
    version = f"{item.group}/v1" if item.group else "v1"
    return {"apiVersion": version, "kind": item.kind, "metadata": {"name": item.name, "namespace": item.namespace}}


def _workload(chosen: Chosen) -> Source:
    content = {**chosen.content, "kind": chosen.kind}
    return source_of(content, chosen.group, chosen.kind, chosen.namespace, chosen.name, Mark(chosen.file, chosen.line))


def _other(item: Item, renamed: dict[str, Chosen], log: Log) -> Source:
    content = {key: value for key, value in item.content.items() if key != "status"}
    if item.kind == "PriorityClass":
        content["apiVersion"] = "scheduling.k8s.io/v1"  # earlier versions had the same fields
    if item.kind == "HorizontalPodAutoscaler":
        content = _retargeted(item, content, renamed, log)
    group = "autoscaling" if item.kind == "HorizontalPodAutoscaler" else item.group
    return source_of(content, group, item.kind, item.namespace, item.name, _mark(item))


def _retargeted(item: Item, content: dict[str, Any], renamed: dict[str, Chosen], log: Log) -> dict[str, Any]:
    """An HPA of something that a ReplicaSet stands for scales that ReplicaSet."""
    spec = mapping(content.get("spec"))
    target = mapping(spec.get("scaleTargetRef"))
    stand_in = renamed.get(f"{item.namespace}/{target.get('kind')}/{target.get('name')}")
    if stand_in is None:
        return content
    text = "it scales the ReplicaSet that stands for its target"
    log.note(
        "not_modelled", "HorizontalPodAutoscaler.spec.scaleTargetRef", text, stand_in.root.key, item.file, item.line
    )
    changed = {"apiVersion": "apps/v1", "kind": stand_in.kind, "name": stand_in.name}
    return {**content, "spec": {**spec, "scaleTargetRef": changed}}


def _missing_classes(specs: PodSpecs, workloads: list[Chosen], present: set[str], log: Log) -> list[Source]:
    """PriorityClasses that pods name and the dump does not hold: with the priority that running pods have, else 0."""
    wanted: dict[str, int | None] = {}
    for chosen in workloads:
        spec = mapping(chosen.content.get("spec"))
        pod = spec if chosen.kind == "Pod" else mapping(mapping(spec.get("template")).get("spec"))
        name = pod.get("priorityClassName")
        if isinstance(name, str) and name and name not in present and name not in SYSTEM_PRIORITY_CLASSES:
            known = pod.get("priority")
            wanted[name] = known if isinstance(known, int) else wanted.get(name)
    made = []
    for name, priority in wanted.items():
        source = (
            "the pods that have it" if priority is not None else "nothing: 0 is the default of pods without a class"
        )
        sure: Any = "sure" if priority is not None else "a guess"
        log.guess(
            f"PriorityClass {name} has the value {priority or 0}", source, sure, "kubectl get priorityclasses -o yaml"
        )
        content = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
        content["value"] = priority or 0  # type: ignore[assignment]
        made.append(source_of(content, "scheduling.k8s.io", "PriorityClass", "", name, Mark("", 0)))
    return made


def _without_unknown(source: Source, log: Log) -> None:
    """Takes fields out that Kubernetes does not know (yet), and lists them: a scenario with them would be refused."""
    version = group_and_version(str(source.content.get("apiVersion", "")))[1]
    type_name = type_of(source.group, source.kind, version)
    if type_name is not None:
        _prune(source.content, type_name, source, "", log)


def _prune(value: Any, type_name: str, source: Source, path: str, log: Log) -> None:
    if type_name.startswith("[]"):
        for item in value if isinstance(value, list) else ():
            _prune(item, type_name[2:], source, path, log)
        return
    known = field_types().get(type_name)
    if known is None or not isinstance(value, SourceMap):
        return
    for key in list(value):
        inner = f"{path}.{key}" if path else key
        if key in known:
            _prune(value[key], known[key], source, inner, log)
        elif type_name != "NodeStatus" and key not in FORMER_FIELDS.get(type_name, ()):
            mark = mark_of(value, key)
            del value[key]
            text = "a field that this version of capsim does not know"
            log.note("not_modelled", inner, text, source.object_name, mark.file, mark.line)


def _without_lost_classes(reading: Reading) -> None:
    """A PriorityClass that could not be read leaves pods their priority, not its name."""
    workloads: list[Workload] = reading.models.get("workloads", [])
    for index, workload in enumerate(workloads):
        template = workload.template
        if template.priority_class_name and template.priority_class_name not in reading.priority_classes:
            changed = template.model_copy(update={"priority_class_name": ""})
            workloads[index] = workload.model_copy(update={"template": changed})


def _sorted_out(reading: Reading, log: Log) -> list[Problem]:
    """Unknown fields only have no effect; every other problem is an object that was left out."""
    serious = []
    for problem in reading.problems:
        if problem.message.startswith(UNKNOWN):
            field = problem.key.rpartition(": ")[2]
            text = "a field that this version of capsim does not know"
            log.note("not_modelled", field, text, problem.key.partition(":")[0], problem.file, problem.line or 0)
        else:
            # What stands in the wrong place may be anything, a secret too: it is not quoted.
            quoted = "" if problem.message.startswith("wrong type") else problem.found
            serious.append(replace(problem, found=quoted))
    listed: tuple[Literal["ignored", "not_modelled"], ...] = ("ignored", "not_modelled")
    for section in listed:
        for line in reading.lines(section):
            log.note(section, line.field, line.text, line.object, line.file, line.line)
    for line in [*reading.lines("guessed"), *reading.lines("warnings")]:
        where = line.object or line.field
        log.guess(f"{line.field}: {line.text}", f"{where}, as capsim run would", "likely")
    return serious
