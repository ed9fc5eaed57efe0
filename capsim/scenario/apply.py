"""Events that apply an object: the written object is merged over the one that exists and read like a manifest."""

from __future__ import annotations

from typing import Any

from capsim.errors import Problem
from capsim.scenario.document import Mark, SourceList, SourceMap, mark_of
from capsim.scenario.event import Scale
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import identified, read_objects
from capsim.scenario.kubernetes.resource_quota import ResourceQuota
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.merge import merged
from capsim.scenario.names import Keys

APPLIED = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
ALLOWED = (
    "an existing HorizontalPodAutoscaler, Deployment, StatefulSet, DaemonSet, ResourceQuota, or a ReplicaSet's "
    "spec.replicas"
)
Applied = Hpa | Workload | ResourceQuota


def resolve_applied(root: SourceMap, objects: KubeObjects, reading: Reading) -> None:
    """Replaces `events[].apply.object` by the model of what results: an Hpa, a Deployment, a ResourceQuota, or a Scale
    of a workload.

    Applied objects follow one another in time: each is merged over what the earlier ones left.
    """
    events = root.get("events")
    current: dict[str, Applied] = {f"{h.namespace}/HorizontalPodAutoscaler/{h.name}": h for h in objects.hpas}
    current.update((f"{q.namespace}/ResourceQuota/{q.name}", q) for q in objects.quotas)
    current.update((w.key, w) for w in objects.workloads if w.kind in APPLIED)
    items = events if isinstance(events, SourceList) else []
    for index in _by_time(items):
        apply = items[index].get("apply")
        if isinstance(apply, SourceMap) and isinstance(apply.get("object"), SourceMap):
            path = f"events[{index}].apply.object"
            applied = _applied(apply["object"], path, objects, current, reading)
            if applied is not None:
                apply["object"] = applied


def _by_time(items: list[Any]) -> list[int]:
    from capsim.units import parse_duration_ms

    def time(index: int) -> int:
        try:
            return parse_duration_ms(items[index].get("at"))
        except ValueError:
            return 0  # reported where it stands

    return sorted((i for i, item in enumerate(items) if isinstance(item, SourceMap)), key=time)


def _applied(
    written: SourceMap, path: str, objects: KubeObjects, current: dict[str, Applied], reading: Reading
) -> Applied | Scale | None:
    metadata = written.get("metadata")
    name = metadata.get("name") if isinstance(metadata, SourceMap) else None
    namespace = metadata.get("namespace") or "default" if isinstance(metadata, SourceMap) else "default"
    key = f"{namespace}/{written.get('kind')}/{name}"
    if key in reading.failed:
        return None
    before = current.get(key)
    if isinstance(before, Hpa):
        return _hpa(written, before, key, objects, current, reading)
    if isinstance(before, ResourceQuota):
        return _quota(written, before, key, current, reading)
    if before is not None:
        return _workload(written, path, before, current, reading)
    known = [*current, *(w.key for w in objects.workloads)]
    hint = Keys(known).matching(str(name))
    mark = mark_of(written, "metadata")
    problem = Problem("no such object", mark.file, mark.line or None, path, key, " or ".join(hint) or ALLOWED)
    reading.problems.append(problem)
    return None


def _hpa(
    written: SourceMap,
    before: Hpa,
    key: str,
    objects: KubeObjects,
    current: dict[str, Applied],
    reading: Reading,
) -> Hpa | None:
    whole = merged(sourced(before.manifest(), written.mark), written, ("object",))
    whole.setdefault("apiVersion", "autoscaling/v2")
    again = Reading(reading.lenient)
    for workload in objects.workloads:
        again.add("workloads", workload)
    for other in (h for k, h in current.items() if k != key and isinstance(h, Hpa)):
        again.add("hpas", other)
    read_objects(identified(whole, (whole, "kind"), again), again)
    reading.problems += again.problems
    hpas = [h for h in again.models["hpas"] if (h.namespace, h.name) == (before.namespace, before.name)]
    if hpas:
        current[key] = hpas[0]
    return hpas[0] if hpas else None


def _quota(
    written: SourceMap, before: ResourceQuota, key: str, current: dict[str, Applied], reading: Reading
) -> ResourceQuota | None:
    whole = merged(sourced(before.manifest(), written.mark), written, ("object",))
    again = Reading(reading.lenient)
    read_objects(identified(whole, (whole, "kind"), again), again)
    reading.problems += again.problems
    found: list[ResourceQuota] = again.models.get("quotas", [])
    if not found:
        return None
    if found[0].scopes != before.scopes:
        mark = mark_of(written, "spec")
        message = "a ResourceQuota's scopes cannot be changed"
        reading.problems.append(Problem(message, mark.file, mark.line or None, f"{key}: spec.scopes", "", "spec.hard"))
        return None
    current[key] = found[0]
    return found[0]


def _workload(
    written: SourceMap, path: str, workload: Workload, current: dict[str, Applied], reading: Reading
) -> Scale | Workload | None:
    """The replicas that an applied workload asks for, or the whole Deployment where more than those differs."""
    before = sourced(workload.manifest(), written.mark)
    after = merged(before, written, ("object",))
    again = Reading(reading.lenient)
    again.priority_classes = reading.priority_classes
    read_objects(identified(after, (after, "kind"), again), again)
    reading.problems += again.problems
    models = again.models.get("workloads", [])
    if not models:
        return None
    result: Workload = models[0]
    if workload.kind != "DaemonSet" and result == workload.model_copy(update={"replicas": result.replicas}):
        current[workload.key] = result
        return Scale(target=workload.key, replicas=result.replicas)
    fixed = "spec.selector" if result.selector != workload.selector else "spec" if workload.kind == "ReplicaSet" else ""
    if fixed:
        mark = mark_of(written, "spec")
        message = f"a {workload.kind}'s {fixed} cannot be changed"
        reading.problems.append(Problem(message, mark.file, mark.line or None, path, "", ALLOWED))
        return None
    current[workload.key] = result
    return result


def sourced(value: Any, mark: Mark) -> Any:
    """Plain values as source values that all stand at one mark."""
    if isinstance(value, dict):
        result = SourceMap({key: sourced(item, mark) for key, item in value.items()}, mark)
        result.marks = dict.fromkeys(value, mark)
        return result
    if isinstance(value, list):
        items = SourceList([sourced(item, mark) for item in value], mark)
        items.marks = [mark] * len(value)
        return items
    return value
