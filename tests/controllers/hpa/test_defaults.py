"""API defaults and conversion of older versions."""

from __future__ import annotations

import json

import pytest

from capsim.controllers.hpa.defaults import NO_TARGET, full_spec, target_type_of


def test_a_bare_spec_gets_upstreams_defaults():
    spec = full_spec({"maxReplicas": 5})
    assert spec["minReplicas"] == 1
    target = {"type": "Utilization", "averageUtilization": 80}
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    assert spec.get("behavior") is None


def test_rules_are_filled_field_by_field():
    spec = full_spec({"maxReplicas": 5, "behavior": {"scaleDown": {"selectPolicy": "Min", "policies": None}}})
    assert spec["behavior"]["scaleDown"] == {
        "selectPolicy": "Min",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    }
    up = spec["behavior"]["scaleUp"]
    assert up["stabilizationWindowSeconds"] == 0
    assert [policy["type"] for policy in up["policies"]] == ["Pods", "Percent"]


V1_METRICS = [
    {"type": "Pods", "pods": {"metricName": "qps", "targetAverageValue": "10"}},
    {"type": "Resource", "resource": {"name": "memory", "targetAverageUtilization": 70}},
    {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app", "targetAverageValue": "1"}},
    {"type": "Object", "object": {"target": {"kind": "Service", "name": "s"}, "metricName": "q", "targetValue": "5"}},
    {"type": "External", "external": {"metricName": "lag", "targetAverageValue": "3"}},
]
V1_POLICY = {"Type": "Pods", "Value": 1, "PeriodSeconds": 30}
V1_BEHAVIOR = {"ScaleDown": {"StabilizationWindowSeconds": 60, "Policies": [V1_POLICY]}}


def test_v1_has_its_cpu_target_last():
    annotations = {
        "autoscaling.alpha.kubernetes.io/metrics": json.dumps(V1_METRICS),
        "autoscaling.alpha.kubernetes.io/behavior": json.dumps(V1_BEHAVIOR),
    }
    spec = full_spec(
        {
            "apiVersion": "autoscaling/v1",
            "metadata": {"annotations": annotations},
            "spec": {"maxReplicas": 9, "minReplicas": 2, "targetCPUUtilizationPercentage": 55},
        }
    )
    assert [metric["type"] for metric in spec["metrics"]] == [*(old["type"] for old in V1_METRICS), "Resource"]
    assert spec["metrics"][3]["object"]["target"] == {"type": "Value", "value": "5"}
    assert spec["metrics"][4]["external"]["target"] == {"type": "AverageValue", "averageValue": "3"}
    assert spec["metrics"][5]["resource"]["target"]["averageUtilization"] == 55
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 60
    assert spec["behavior"]["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 30}]


def test_v1_without_target_is_80_percent():
    spec = full_spec({"apiVersion": "autoscaling/v1", "spec": {"maxReplicas": 3}})
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 80


@pytest.mark.parametrize(
    ("hpa", "words"),
    [
        ({"apiVersion": "autoscaling/v2beta1", "spec": {"maxReplicas": 1}}, "allowed: autoscaling/v1, autoscaling/v2"),
        ({"minReplicas": 1}, "maxReplicas"),
    ],
)
def test_what_is_refused(hpa, words):
    with pytest.raises(ValueError, match=words):
        full_spec(hpa)


def test_the_target_type_follows_the_field():
    assert target_type_of("Resource", {"type": "Utilization", "averageValue": "1"}) == "AverageValue"
    assert target_type_of("Object", {"type": "Value", "averageValue": "1"}) == "Value"
    assert target_type_of("External", {"value": "1"}) == "Value"
    assert target_type_of("Resource", {"type": ""}) == NO_TARGET
