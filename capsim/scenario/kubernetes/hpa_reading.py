"""Reads HorizontalPodAutoscalers with the API server's checks."""

from __future__ import annotations

from typing import Any

from capsim.scenario.document import SourceList, SourceMap, describe, mark_of
from capsim.scenario.kubernetes.fields import FieldCheck, coverage
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.hpa_versions import v2_behavior, v2_metrics
from capsim.scenario.kubernetes.pod_reading import plain
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, group_and_version, reads
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.merge import suggestion
from capsim.units import parse_quantity

SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
TARGETS = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
SCALABLE = ("Deployment", "ReplicaSet", "StatefulSet")

_FIELDS = "apiVersion kind metadata spec status"
coverage("V2HorizontalPodAutoscaler", _FIELDS)
coverage("V1HorizontalPodAutoscaler", _FIELDS)


@reads(
    "autoscaling",
    "HorizontalPodAutoscaler",
    {"v2": "V2HorizontalPodAutoscaler", "v2beta2": "V2HorizontalPodAutoscaler", "v2beta1": None,
     "v1": "V1HorizontalPodAutoscaler"},
    into="hpas",
    order=90,
)  # fmt: skip
def read_hpa(source: Source, reading: Reading) -> Hpa | None:
    """Reads a HorizontalPodAutoscaler of any version; None after a problem, or when its target is not simulated."""
    return _HpaReader(source, reading).read()


class _HpaReader:
    def __init__(self, source: Source, reading: Reading) -> None:
        self.source, self.reading = source, reading
        spec = source.get("spec")
        self.spec: SourceMap = spec if isinstance(spec, SourceMap) else SourceMap(mark=source.content.mark)
        self.ok = True

    def read(self) -> Hpa | None:
        version = group_and_version(self.source.content["apiVersion"])[1]
        annotations = self.source.get("metadata", "annotations")
        metrics = v2_metrics(self.spec, version, annotations)
        behavior = v2_behavior(self.spec, version, annotations)
        if version in ("v1", "v2beta1"):
            check = FieldCheck(self.reading, self.source.object_name)
            check.check(metrics, "[]V2MetricSpec", self.spec, "metrics", "spec.metrics")
            check.check(behavior, "V2HorizontalPodAutoscalerBehavior", self.spec, "behavior", "spec.behavior")
            if not check.ok:
                return None
        for index, metric in enumerate(metrics):
            self._check_metric(metric, f"spec.metrics[{index}]")
        self._check_behavior(behavior)
        bounds = self._bounds(metrics)
        target = self._target()
        if not self.ok or target is None or bounds is None:
            return None
        self._check_requests(target, metrics)
        return Hpa(
            namespace=self.source.namespace,
            name=self.source.name,
            target_key=target.key,
            min_replicas=bounds[0],
            max_replicas=bounds[1],
            metrics=plain(metrics),
            behavior=plain(behavior) if behavior is not None else None,
        )

    def _fail(self, at: tuple[Any, Any], path: str, message: str, found: str = "", allowed: str = "") -> None:
        self.ok = False
        self.reading.problem(self.source.object_name, path, message, at, found, allowed)

    def _bounds(self, metrics: SourceList) -> tuple[int, int] | None:
        low: Any = self.spec.get("minReplicas")
        high: Any = self.spec.get("maxReplicas")
        low = 1 if low is None else low
        for key, value in (("minReplicas", low), ("maxReplicas", high)):
            if not isinstance(value, int) or isinstance(value, bool):
                found = "" if value is None else describe(value)
                self._fail(
                    (self.spec, key), f"spec.{key}", "missing" if value is None else "wrong type", found, "1 or more"
                )
                return None
        to_zero = any(metric.get("type") in ("Object", "External") for metric in metrics)
        if low < (0 if to_zero else 1):
            allowed = "1 or more (0 needs an Object or External metric)"
            self._fail((self.spec, "minReplicas"), "spec.minReplicas", "below 1", str(low), allowed)
        if high < max(low, 1):
            where = (self.spec, "maxReplicas")
            self._fail(
                where, "spec.maxReplicas", "maxReplicas is below minReplicas", str(high), f"at least {max(low, 1)}"
            )
        return low, high

    def _check_metric(self, metric: SourceMap, path: str) -> None:
        kind = metric.get("type")
        if kind not in SOURCES:
            self._fail((metric, "type"), f"{path}.type", "unknown metric type", describe(kind), ", ".join(SOURCES))
            return
        body = metric.get(SOURCES[kind])
        if body is None:
            self._fail((metric, "type"), f"{path}.{SOURCES[kind]}", "missing", "", f"the settings of a {kind} metric")
            return
        at = f"{path}.{SOURCES[kind]}"
        if kind in ("Resource", "ContainerResource"):
            if not body.get("name"):
                self._fail((body, "name"), f"{at}.name", "missing", "", "cpu or memory")
            elif body["name"] not in ("cpu", "memory"):
                text = f"the metrics API has no {body['name']}: the metric fails at every sync"
                self.reading.note(
                    "warnings", "HorizontalPodAutoscaler.metrics", text, mark_of(body, "name"), self.source.object_name
                )
            if kind == "ContainerResource" and not body.get("container"):
                self._fail((body, "container"), f"{at}.container", "missing", "", "the name of a container")
        elif not isinstance(body.get("metric"), SourceMap) or not body["metric"].get("name"):
            self._fail((body, "metric"), f"{at}.metric.name", "missing", "", "the name of a metric")
        if kind == "Object" and not (body.get("describedObject") or {}).get("kind"):
            self._fail((body, "describedObject"), f"{at}.describedObject", "missing", "", "apiVersion, kind and name")
        self._check_target(body, f"{path}.{SOURCES[kind]}")

    def _check_target(self, body: SourceMap, path: str) -> None:
        target = body.get("target")
        if target is None:
            self._fail((body, "target"), f"{path}.target", "missing", "", "a target with type and value")
            return
        kind = target.get("type")
        if kind not in TARGETS:
            self._fail((target, "type"), f"{path}.target.type", "unknown type", describe(kind), ", ".join(TARGETS))
            return
        key = TARGETS[kind]
        value = target.get(key)
        if value is None or parse_quantity(value) <= 0:
            found = "" if value is None else describe(value)
            self._fail((target, key), f"{path}.target.{key}", "missing or not positive", found, "a value above 0")

    def _check_behavior(self, behavior: Any) -> None:
        for direction in ("scaleUp", "scaleDown"):
            rules = behavior.get(direction) if behavior else None
            if rules is None:
                continue
            path = f"spec.behavior.{direction}"
            self._between(rules, "stabilizationWindowSeconds", path, 0, 3600)
            select = rules.get("selectPolicy")
            if select not in (None, "Max", "Min", "Disabled"):
                at = (rules, "selectPolicy")
                self._fail(at, f"{path}.selectPolicy", "unknown policy", describe(select), "Max, Min, Disabled")
            for index, policy in enumerate(rules.get("policies") or []):
                self._check_policy(policy, f"{path}.policies[{index}]")

    def _check_policy(self, policy: SourceMap, path: str) -> None:
        if policy.get("type") not in ("Pods", "Percent"):
            found = describe(policy.get("type"))
            self._fail((policy, "type"), f"{path}.type", "unknown type", found, "Pods, Percent")
        for key, low, high in (("value", 1, 2**31 - 1), ("periodSeconds", 1, 1800)):
            if policy.get(key) is None:
                self._fail((policy, key), f"{path}.{key}", "missing", "", f"{low} to {high}")
            self._between(policy, key, path, low, high)

    def _between(self, container: SourceMap, key: str, path: str, low: int, high: int) -> None:
        value = container.get(key)
        if value is not None and not low <= value <= high:
            self._fail((container, key), f"{path}.{key}", "out of range", str(value), f"{low} to {high}")

    def _target(self) -> Workload | None:
        """The workload that is scaled; None when there is none (a problem, or a note)."""
        reference = self.spec.get("scaleTargetRef")
        if not isinstance(reference, SourceMap) or not reference.get("kind") or not reference.get("name"):
            at = self.source.at("spec", "scaleTargetRef")
            self._fail(at, "spec.scaleTargetRef", "missing or incomplete", "", "apiVersion, kind and name")
            return None
        kind, name, namespace = reference["kind"], reference["name"], self.source.namespace
        workload = self.reading.by_key.get(f"{namespace}/{kind}/{name}")
        if workload is not None:
            return self._scalable(workload, reference)
        workloads = self.reading.models.get("workloads", [])
        self._not_found(reference, [w for w in workloads if w.namespace == namespace and w.kind == kind])
        return None

    def _scalable(self, workload: Workload, reference: SourceMap) -> Workload | None:
        path = "spec.scaleTargetRef"
        if workload.kind not in SCALABLE:
            self._fail((reference, "kind"), f"{path}.kind", "cannot be scaled", workload.kind, ", ".join(SCALABLE))
            return None
        return workload

    def _not_found(self, reference: SourceMap, alike: list[Workload]) -> None:
        reading, source = self.reading, self.source
        kind, name = reference["kind"], reference["name"]
        mark = mark_of(reference, "name")
        if f"{source.namespace}/{kind}/{name}" in reading.failed:
            return  # it exists, but has problems of its own
        if any(other[:3] == (kind, source.namespace, name) for other in reading.others):
            reading.others.append((source.kind, source.namespace, source.name, "not modelled"))
            text = f"its target is a {kind}, which is not modelled"
            reading.note("not_modelled", "HorizontalPodAutoscaler", text, mark, source.object_name)
        elif reading.lenient:
            reading.others.append((source.kind, source.namespace, source.name, "ignored"))
            text = "its target is not in these files: it does nothing"
            reading.note("ignored", "HorizontalPodAutoscaler", text, mark, source.object_name)
        else:
            names = [w.name for w in alike]
            message = f"its target does not exist{suggestion(str(name), names)}"
            found, allowed = f"{kind} {source.namespace}/{name}", ", ".join(names) or f"a {kind} of the scenario"
            self._fail((reference, "name"), "spec.scaleTargetRef.name", message, found, allowed)

    def _check_requests(self, target: Workload, metrics: SourceList) -> None:
        for metric in metrics:
            resource = (metric.get("resource") or {}).get("name")
            utilization = ((metric.get("resource") or {}).get("target") or {}).get("type") == "Utilization"
            template = target.template
            bare = [c.name for c in template.containers if resource not in c.requests]
            if resource and utilization and bare and resource not in template.pod_requests:
                text = f"cannot compute {resource} utilisation: no request in container {', '.join(bare)}"
                field, mark = "HorizontalPodAutoscaler.metrics", mark_of(metric, "type")
                self.reading.note("warnings", field, text, mark, self.source.object_name)
