"""The HPA that is asked about, its pods, and the changes that it is compared with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from capsim.controllers.hpa.defaults import full_spec
from capsim.controllers.hpa.messages import source as source_of
from capsim.controllers.hpa.spec import ControllerSettings
from capsim.errors import Problem, ScenarioError
from capsim.scenario.document import SourceList, SourceMap, mark_of
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, load_kinds, read_objects
from capsim.scenario.merge import Setting, suggestion
from capsim.study.hpa_replay.flags import is_flag, with_flags
from capsim.study.hpa_replay.pods import is_line, read_sources, resources_of, stand_in

AS_GIVEN = "as given"
KIND = "HorizontalPodAutoscaler"
SOURCE_KEYS = ("resource", "containerResource", "pods", "object", "external")
_NEXT_SETTING = re.compile(r",(?=[\w.\\/\[\]-]+=)")


@dataclass(frozen=True)
class Variant:
    """One HPA to replay: a v2 spec with all defaults, and the controller's settings."""

    label: str
    spec: dict[str, Any]
    settings: ControllerSettings
    template: PodTemplate

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """autoscaling/v2 metrics."""
        metrics: list[dict[str, Any]] = self.spec["metrics"]
        return metrics


@dataclass(frozen=True)
class Question:
    """The HPA as given, and with each of the changes."""

    namespace: str
    name: str
    target: str
    variants: list[Variant] = field(default_factory=list)

    @property
    def base(self) -> Variant:
        """The HPA as given."""
        return self.variants[0]


def metric_key(metric: Any) -> str:
    """What columns and settings call a metric: ``cpu``, ``container/cpu`` or the name of a custom metric."""
    about = source_of(metric)
    if "metric" in about:
        return str(about["metric"]["name"])
    name = str(about.get("name", ""))
    return f"{about['container']}/{name}" if about.get("container") else name


def read_question(
    hpa: str, name: str | None, pods: str | None, sets: Sequence[str] = (), flags: Sequence[str] = ()
) -> Question:
    """The HPA of a file, with its pods, and a variant for each of ``sets`` (``key=value[,key=value…]``).

    Raises ScenarioError with every problem, as the API server would refuse it.
    """
    load_kinds()
    reading = Reading(lenient=True)
    sources = read_sources(hpa, "--hpa", reading)
    if pods is not None and not is_line(pods):
        sources += [one for one in read_sources(pods, "--pods", reading) if one.kind != KIND]
    if reading.problems:
        raise ScenarioError(reading.problems)
    autoscalers = [one for one in sources if one.kind == KIND]
    chosen = _chosen(autoscalers, name, hpa)
    _refuse_rivals(chosen, autoscalers)
    others = [one for one in sources if one.kind != KIND]
    resources = resources_of(pods) if pods is not None and is_line(pods) else None
    base = with_flags(ControllerSettings(), flags)
    variants = [_variant(AS_GIVEN, chosen, others, resources, base)]
    variants += [_changed(text, chosen, others, resources, base) for text in sets]
    target = chosen.get("spec", "scaleTargetRef", "name")
    return Question(chosen.namespace, chosen.name, str(target), variants)


def _chosen(found: list[Source], name: str | None, file: str) -> Source:
    names = sorted(one.name for one in found)
    if name is not None:
        found = [one for one in found if name in (one.name, f"{one.namespace}/{one.name}")]
    if len(found) == 1:
        return found[0]
    if not names:
        raise ScenarioError(Problem(f"holds no {KIND}", file, key="--hpa", allowed=f"a file with a {KIND}"))
    if not found:
        message = f"no such {KIND}{suggestion(name or '', names)}"
        raise ScenarioError(Problem(message, file, key="--name", found=repr(name), allowed=", ".join(names)))
    allowed = f"--name with one of {', '.join(names)}"
    raise ScenarioError(
        Problem(f"holds several of kind {KIND}", file, key="--hpa", found=str(len(found)), allowed=allowed)
    )


def _refuse_rivals(chosen: Source, autoscalers: list[Source]) -> None:
    """Upstream's controller works for neither of two HPAs on one target (condition AmbiguousSelector)."""

    def target_of(one: Source) -> tuple[Any, ...]:
        return one.namespace, one.get("spec", "scaleTargetRef", "kind"), one.get("spec", "scaleTargetRef", "name")

    rivals = [one for one in autoscalers if one is not chosen and target_of(one) == target_of(chosen)]
    if rivals and all(target_of(chosen)):
        mark = mark_of(*rivals[0].at("spec", "scaleTargetRef"))
        message = (
            "another HPA of the same target: the controller acts for neither (ScalingActive False, AmbiguousSelector)"
        )
        found = f"{chosen.name} and {', '.join(one.name for one in rivals)}"
        raise ScenarioError(
            Problem(message, mark.file, mark.line or None, rivals[0].object_name, found, "one for each target")
        )


def _changed(
    text: str,
    chosen: Source,
    others: list[Source],
    resources: dict[str, dict[str, str]] | None,
    base: ControllerSettings,
) -> Variant:
    """The HPA with one set of changes; settings whose key is a flag of the controller change that."""
    content, flags, problems = chosen.content, [], []
    for part in _NEXT_SETTING.split(text):
        if is_flag(part):
            flags.append(part)
            continue
        setting = Setting(part)
        path = _path(setting.path, content)
        content = setting.apply(content, path) if not setting.problems else content
        problems += setting.problems
    if problems:
        raise ScenarioError(problems)
    source = Source(chosen.group, chosen.kind, chosen.namespace, chosen.name, content)
    return _variant(text, source, others, resources, with_flags(base, flags))


def _path(path: list[str], content: SourceMap) -> list[str]:
    """The path of a setting in the object: metrics may be named (``spec.metrics.cpu.target…``), not only counted."""
    if path[0] != "spec":
        path = ["spec", *path]
    spec = content.get("spec")
    metrics = spec.get("metrics") if isinstance(spec, SourceMap) else None
    if path[1:2] != ["metrics"] or len(path) < 4 or not isinstance(metrics, SourceList) or path[2].isdigit():
        return path
    for index, metric in enumerate(metrics):
        if isinstance(metric, SourceMap) and metric.get("type") and metric_key(metric) == path[2]:
            kind = str(metric["type"])
            own = [] if path[3] in (*SOURCE_KEYS, "type") else [kind[0].lower() + kind[1:]]
            return [*path[:2], str(index), *own, *path[3:]]
    names = [metric_key(metric) for metric in metrics if isinstance(metric, SourceMap) and metric.get("type")]
    message = f"the HPA has no metric {path[2]!r}{suggestion(path[2], names)}"
    raise ScenarioError(Problem(message, key=f"--set {'.'.join(path)}", allowed=", ".join(names)))


def _variant(
    label: str,
    chosen: Source,
    others: list[Source],
    resources: dict[str, dict[str, str]] | None,
    settings: ControllerSettings,
) -> Variant:
    """Checks an HPA as the API server does, with its target or a stand-in for it."""
    reading = Reading(lenient=True)
    reference = chosen.get("spec", "scaleTargetRef")
    target = _target(reference, chosen, others)
    if target is None or resources is not None:
        target = stand_in(reference, chosen.namespace, resources or {})
        chosen = _pointing_at_deployment(chosen)
    read_objects([target, chosen], reading)
    if reading.problems:
        raise ScenarioError(reading.problems)
    if not reading.models.get("hpas"):
        kind = reference.get("kind") if isinstance(reference, SourceMap) else None
        raise ScenarioError(
            Problem("its target cannot be replayed", key=chosen.object_name, found=str(kind), allowed="--pods cpu=…")
        )
    spec = full_spec(reading.models["hpas"][0].manifest())
    return Variant(label, spec, settings, reading.models["workloads"][0].template)


def _target(reference: Any, chosen: Source, others: list[Source]) -> Source | None:
    if not isinstance(reference, SourceMap):
        return None
    wanted = (reference.get("kind"), reference.get("name"), chosen.namespace)
    found = [one for one in others if (one.kind, one.name, one.namespace) == wanted]
    return found[0] if found and found[0].kind in ("Deployment", "ReplicaSet") else None


def _pointing_at_deployment(chosen: Source) -> Source:
    """The HPA with a Deployment as its target, whatever kind it really scales: only its pods matter here."""
    spec = chosen.get("spec")
    reference = chosen.get("spec", "scaleTargetRef")
    if not isinstance(reference, SourceMap) or not reference.get("kind") or not reference.get("name"):
        return chosen
    reference, spec, content = reference.copy(), spec.copy(), chosen.content.copy()
    reference["kind"], reference["apiVersion"] = "Deployment", "apps/v1"
    spec["scaleTargetRef"], content["spec"] = reference, spec
    return Source(chosen.group, chosen.kind, chosen.namespace, chosen.name, content)
