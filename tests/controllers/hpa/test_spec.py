"""Specs as arrays: units, defaults, what is refused, and state that survives a change of the spec."""

from __future__ import annotations

import pytest

from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import (
    ControllerSettings,
    carry_over,
    compile_metric,
    compile_specs,
    new_state,
    quantity_float,
)


def resource(name="cpu", **target):
    return {"type": "Resource", "resource": {"name": name, "target": target}}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (resource(averageUtilization=50), (t.RESOURCE_UTILIZATION, t.RESOURCE_CPU, 50)),
        (resource("memory", averageValue="500Mi"), (t.RESOURCE_AVERAGE, t.RESOURCE_MEMORY, 524_288_000_000)),
        (resource(averageValue="0.1"), (t.RESOURCE_AVERAGE, t.RESOURCE_CPU, 100)),
        (resource(averageValue="1u"), (t.RESOURCE_AVERAGE, t.RESOURCE_CPU, 1)),
        (resource(), (t.RESOURCE_AVERAGE, t.RESOURCE_CPU, 0)),
        ({"type": "CheddarCheese"}, (t.UNKNOWN_SOURCE, t.RESOURCE_NONE, 1)),
        (
            {"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": 30}}},
            (t.EXTERNAL_VALUE, t.RESOURCE_NONE, 30_000),
        ),
    ],
)
def test_metrics(metric, expected):
    assert compile_metric(metric) == expected


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (resource(averageUtilization=0), "target 0; allowed: above 0"),
        (resource(averageValue="-1"), "allowed: above 0"),
        (resource(type="Value", value="1"), "metric Resource with target type Value; allowed: Resource Utilization"),
        ({"type": "Pods"}, "without its source"),
    ],
)
def test_metrics_that_are_refused(metric, words):
    with pytest.raises(ValueError, match=words):
        compile_metric(metric)


def with_rules(**rules):
    return {"maxReplicas": 2, "behavior": {"scaleUp": rules}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"minReplicas": 3, "maxReplicas": 2}, "minReplicas 3, maxReplicas 2"),
        (with_rules(selectPolicy="Best"), "selectPolicy Best; allowed: Max, Min"),
        (with_rules(policies=[{"type": "Node", "value": 1, "periodSeconds": 1}]), "policy type Node; allowed: Pods"),
    ],
)
def test_specs_that_are_refused(spec, words):
    with pytest.raises(ValueError, match=words):
        compile_specs([spec])


def test_policies_and_metrics_are_sliced_per_hpa():
    behavior = {"scaleDown": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 90}]}}
    container = {"name": "cpu", "container": "app", "target": {"averageUtilization": 30}}
    metrics = [resource(averageUtilization=50), {"type": "ContainerResource", "containerResource": container}]
    hpas = [{"maxReplicas": 3, "behavior": behavior, "metrics": metrics}, {"maxReplicas": 4, "behavior": {}}]
    specs = compile_specs(hpas, container_index=lambda h, name: {"app": 1}[name])
    assert specs.row[:, [t.S_METRIC_FIRST, t.S_METRIC_END]].tolist() == [[0, 2], [2, 3]]
    assert specs.row[:, [t.S_UP_FIRST, t.S_UP_END, t.S_DOWN_FIRST, t.S_DOWN_END]].tolist() == [
        [0, 2, 2, 3],
        [3, 5, 5, 6],
    ]
    assert specs.policy[2].tolist() == [t.PODS_POLICY, 2, 90_000]
    assert specs.metric[:, t.M_CONTAINER].tolist() == [-1, 1, -1]
    assert specs.row[:, t.S_DOWN_LONGEST_MS].tolist() == [90_000, 15_000]
    assert specs.row[:, t.S_DOWN_WINDOW_MS].tolist() == [300_000, 300_000]


def test_tolerance_of_the_behavior_needs_the_gate():
    spec = {"maxReplicas": 3, "behavior": {"scaleUp": {"tolerance": "50m"}, "scaleDown": {"tolerance": 0}}}
    assert compile_specs([spec]).tolerance_ratio.tolist() == [[0.05, 0.0]]
    settings = ControllerSettings(tolerance_ratio=0.2, configurable_tolerance=False)
    assert compile_specs([spec], settings).tolerance_ratio.tolist() == [[0.2, 0.2]]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", 0.1), ("100m", 0.1), ("0", 0.0), ("2", 2.0), ("0.05", 0.05), ("0.3", 0.3), ("2k", 2000.0)],
)
def test_quantities_as_floats(text, value):
    assert quantity_float(text) == value


def test_state_survives_a_wider_window():
    before = compile_specs([{"maxReplicas": 30, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}])
    after = compile_specs([{"maxReplicas": 30, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}}}])
    state = new_state(before)
    for i in range(10):
        k.stabilized(before, state, 0, i * 15_000, 5, 5 + i % 3)
    k.store_event(before, state, 0, 140_000, 5, 8)
    wider = carry_over(state, after)
    assert wider.log.shape[1] > state.log.shape[1]
    assert wider.row[0, t.R_LOG_LENGTH] == state.row[0, t.R_LOG_LENGTH]
    assert wider.up[0, 0].tolist() == [140_000, 3]
    assert k.stabilized(after, wider, 0, 200_000, 9, 2) == 7
    narrow = carry_over(wider, before)
    assert (
        narrow.row[0, t.R_LOG_LENGTH] == state.log.shape[1]
        or narrow.row[0, t.R_LOG_LENGTH] == wider.row[0, t.R_LOG_LENGTH]
    )
