"""Brings autoscaling/v1 and v2beta1 to the form of autoscaling/v2. Marks (file, line) are kept.

Source: k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go and v2beta1/conversion.go.
"""

from __future__ import annotations

from typing import Any

from capsim.scenario.document import Reader, SourceList, SourceMap, mark_of

ANNOTATION = "autoscaling.alpha.kubernetes.io/"
DEFAULT_CPU_PERCENT = 80
TARGET_FIELDS = {
    "targetAverageUtilization": ("Utilization", "averageUtilization"),
    "targetAverageValue": ("AverageValue", "averageValue"),
    "averageValue": ("AverageValue", "averageValue"),
    "targetValue": ("Value", "value"),
}


def v2_metrics(spec: SourceMap, version: str, annotations: Any) -> SourceList:
    """The metrics of a spec of any version, with the default of the API: CPU at 80 %."""
    metrics = SourceList(mark=spec.mark)
    if version == "v1":
        percent = spec.get("targetCPUUtilizationPercentage")
        if percent is not None:
            key = "targetCPUUtilizationPercentage"
            metrics.append(cpu_metric(percent, spec, key))
        old = _from_annotation(annotations, "metrics")
        metrics.extend(_converted(metric) for metric in old or [])
    elif isinstance(spec.get("metrics"), SourceList):
        given = spec["metrics"]
        metrics = given if version != "v2beta1" else SourceList([_converted(m) for m in given], given.mark)
    if not metrics:
        metrics = SourceList([cpu_metric(DEFAULT_CPU_PERCENT, spec, "metrics")], spec.mark)
    return metrics


def v2_behavior(spec: SourceMap, version: str, annotations: Any) -> Any:
    """The behavior of a spec of any version, or None."""
    return _lower(_from_annotation(annotations, "behavior")) if version == "v1" else spec.get("behavior")


def cpu_metric(percent: Any, container: SourceMap, key: str) -> SourceMap:
    """A Resource metric on CPU utilisation, marked with the place of `key`."""
    mark = mark_of(container, key)
    target = _map({"type": "Utilization", "averageUtilization": percent}, mark)
    resource = _map({"name": "cpu", "target": target}, mark)
    return _map({"type": "Resource", "resource": resource}, mark)


def _map(values: dict[str, Any], mark: Any) -> SourceMap:
    result = SourceMap(values, mark)
    result.marks = dict.fromkeys(values, mark)
    return result


def _from_annotation(annotations: Any, name: str) -> Any:
    """JSON in an annotation as a source value at the annotation's line; None when absent or unreadable."""
    text = annotations.get(ANNOTATION + name) if isinstance(annotations, SourceMap) else None
    if not isinstance(text, str):
        return None
    reader = Reader(text, "")
    reader.read()
    return _marked(reader.documents[0], mark_of(annotations, ANNOTATION + name)) if reader.documents else None


def _marked(value: Any, mark: Any) -> Any:
    if isinstance(value, SourceMap):
        return _map({key: _marked(item, mark) for key, item in value.items()}, mark)
    return SourceList([_marked(item, mark) for item in value], mark) if isinstance(value, SourceList) else value


def _lower(value: Any) -> Any:
    """The annotation's behavior is written with Go's field names (ScaleUp, SelectPolicy, …)."""
    if isinstance(value, SourceMap):
        return _map({key[:1].lower() + key[1:]: _lower(item) for key, item in value.items()}, value.mark)
    return SourceList([_lower(item) for item in value], value.mark) if isinstance(value, SourceList) else value


def _converted(metric: Any) -> Any:
    """One v2beta1 metric as v2: names and targets move into `metric` and `target`."""
    if not isinstance(metric, SourceMap):
        return metric
    result = metric.copy()
    for source, body in metric.items():
        if source != "type" and isinstance(body, SourceMap):
            result.put(source, _converted_source(source, body), mark_of(metric, source))
    return result


def _converted_source(source: str, body: SourceMap) -> SourceMap:
    result, target = SourceMap(mark=body.mark), SourceMap(mark=body.mark)
    name = SourceMap(mark=body.mark)
    for key, value in body.items():
        mark = mark_of(body, key)
        if key == "target" and source == "object":
            result.put("describedObject", value, mark)
        elif key in TARGET_FIELDS:
            kind, field = TARGET_FIELDS[key]
            target.put("type", kind, mark)
            target.put(field, value, mark)
        elif key == "metricName":
            name.put("name", value, mark)
        elif key in ("selector", "metricSelector"):
            name.put("selector", value, mark)
        else:
            result.put(key, value, mark)
    if name:
        result.put("metric", name, name.mark)
    result.put("target", target, target.mark)
    return result
