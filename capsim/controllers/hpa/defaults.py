"""HorizontalPodAutoscaler objects of any served version as a full autoscaling/v2 spec: conversion and API defaults.

Sources: k8s.io/kubernetes/pkg/apis/autoscaling (v1/conversion.go, v2/defaults.go), v1.36.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]

DEFAULT_METRICS: list[Spec] = [
    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
]
DEFAULT_SCALE_UP: Spec = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DEFAULT_SCALE_DOWN: Spec = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
METRICS_ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics"
NO_TARGET = ""
BEHAVIOR_ANNOTATION = "autoscaling.alpha.kubernetes.io/behavior"


def full_spec(hpa: Mapping[str, Any]) -> Spec:
    """The v2 spec of an HPA, every default filled in; takes an object (apiVersion, spec, ...) or a bare v2 spec.

    Raises ValueError for a version other than autoscaling/v1, v2 and v2beta2 and for a spec without maxReplicas.
    """
    version = hpa.get("apiVersion", "autoscaling/v2")
    if version not in ("autoscaling/v1", "autoscaling/v2", "autoscaling/v2beta2"):
        raise ValueError(f"HorizontalPodAutoscaler of version {version}; allowed: autoscaling/v1, autoscaling/v2")
    spec = dict(hpa["spec"]) if "spec" in hpa else dict(hpa)
    if version == "autoscaling/v1":
        spec = _from_v1(hpa, spec)
    if spec.get("maxReplicas") is None:
        raise ValueError("HorizontalPodAutoscaler without maxReplicas")
    if spec.get("minReplicas") is None:
        spec["minReplicas"] = 1
    if not spec.get("metrics"):
        spec["metrics"] = DEFAULT_METRICS
    if spec.get("behavior") is not None:
        behavior = spec["behavior"]
        spec["behavior"] = {
            "scaleUp": _filled(behavior.get("scaleUp"), DEFAULT_SCALE_UP),
            "scaleDown": _filled(behavior.get("scaleDown"), DEFAULT_SCALE_DOWN),
        }
    return spec


def target_type_of(source_type: str, target: Mapping[str, Any]) -> str:
    """Utilization, AverageValue, Value or NO_TARGET, found as the controller does: by field, for Object by type."""
    if source_type == "Object" and target.get("type"):
        return str(target["type"])
    if target.get("averageValue") is not None:
        return "AverageValue"
    if target.get("averageUtilization") is not None:
        return "Utilization"
    return "Value" if target.get("value") is not None else NO_TARGET


def _filled(rules: Mapping[str, Any] | None, defaults: Spec) -> Spec:
    """Defaults, replaced field by field where the rules say something (a list of policies as a whole)."""
    return {**defaults, **{key: value for key, value in (rules or {}).items() if value is not None}}


def _from_v1(hpa: Mapping[str, Any], spec: Spec) -> Spec:
    """autoscaling/v1 keeps what it has no field for as JSON (in v1's spelling) in two annotations."""
    annotations = hpa.get("metadata", {}).get("annotations") or {}
    metrics = [_metric_from_v1(metric) for metric in json.loads(annotations.get(METRICS_ANNOTATION, "[]"))]
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    if metrics:
        spec["metrics"] = metrics
    if BEHAVIOR_ANNOTATION in annotations:
        behavior = json.loads(annotations[BEHAVIOR_ANNOTATION])
        spec["behavior"] = {key[0].lower() + key[1:]: _lower_keys(value) for key, value in behavior.items()}
    return spec


def _metric_from_v1(metric: Mapping[str, Any]) -> Spec:
    kind = metric["type"]
    key = kind[0].lower() + kind[1:]
    old = metric[key]
    if kind in ("Resource", "ContainerResource"):
        if old.get("targetAverageUtilization") is not None:
            target: Spec = {"type": "Utilization", "averageUtilization": old["targetAverageUtilization"]}
        else:
            target = {"type": "AverageValue", "averageValue": old.get("targetAverageValue")}
        source: Spec = {"name": old["name"], "target": target}
        if "container" in old:
            source["container"] = old["container"]
        return {"type": kind, key: source}
    average = old.get("targetAverageValue") or old.get("averageValue")
    target = {"type": "AverageValue", "averageValue": average}
    if average is None:
        target = {"type": "Value", "value": old.get("targetValue")}
    selector = old.get("metricSelector") or old.get("selector")
    identifier = {"name": old["metricName"], **({"selector": selector} if selector else {})}
    described = {"describedObject": old["target"]} if kind == "Object" else {}
    return {"type": kind, key: {"metric": identifier, "target": target, **described}}


def _lower_keys(value: Any) -> Any:
    """Internal Go field names in the annotation (``StabilizationWindowSeconds``) as the API spells them."""
    if isinstance(value, Mapping):
        return {key[0].lower() + key[1:]: _lower_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower_keys(item) for item in value]
    return value
