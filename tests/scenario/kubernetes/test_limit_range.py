"""LimitRanges: what upstream's LimitRanger makes of containers without limits or requests."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load

BASE = """
apiVersion: capsim/v1
nodeGroups: [{name: n, instance: {cpu: 8, memory: 16Gi}, max: 1}]
objects:
  - apiVersion: v1
    kind: LimitRange
    metadata: {name: lr}
    spec: {limits: [LIMITS]}
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, resources: RESOURCES}]}
"""


def loaded(tmp_path, limits, resources="{}"):
    path = tmp_path / "limits.yaml"
    path.write_text(BASE.replace("LIMITS", limits).replace("RESOURCES", resources))
    return load(path)


def container(scenario):
    return scenario.objects.workloads[0].template.containers[0]


@pytest.mark.parametrize(
    ("limits", "resources", "request_milli", "limit_milli"),
    [
        ("{type: Container, default: {cpu: 1}, defaultRequest: {cpu: 200m}}", "{}", 200, 1000),
        ("{type: Container, default: {cpu: 1}}", "{}", 1000, 1000),
        ("{type: Container, max: {cpu: 2}}", "{}", 2000, 2000),
        ("{type: Container, min: {cpu: 100m}}", "{}", 100, None),
        ("{type: Container, default: {cpu: 1}, defaultRequest: {cpu: 200m}}", "{requests: {cpu: 300m}}", 300, 1000),
        ("{type: Container, default: {cpu: 1}, defaultRequest: {cpu: 200m}}", "{limits: {cpu: 500m}}", 500, 500),
        ("{type: Pod, max: {cpu: 2}}", "{limits: {cpu: 1}}", 1000, 1000),
    ],
)
def test_defaults(tmp_path, limits, resources, request_milli, limit_milli):
    found = container(loaded(tmp_path, limits, resources))
    assert found.requests.get("cpu") == request_milli
    assert found.limits.get("cpu") == limit_milli


def test_the_resolved_scenario_keeps_them(tmp_path):
    scenario = loaded(tmp_path, "{type: Container, default: {cpu: 1}, defaultRequest: {memory: 64Mi}}")
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert container(load(again)) == container(scenario)


def test_other_namespaces_are_left_alone(tmp_path):
    path = tmp_path / "limits.yaml"
    text = BASE.replace("{name: lr}", "{name: lr, namespace: other}").replace("RESOURCES", "{}")
    path.write_text(text.replace("LIMITS", "{type: Container, default: {cpu: 1}}"))
    assert container(load(path)).requests == {}


@pytest.mark.parametrize(
    ("limits", "resources", "words"),
    [
        (
            "{type: Container, max: {cpu: 1}}",
            "{limits: {cpu: 2}}",
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
        (
            "{type: Container, min: {memory: 1Gi}}",
            "{requests: {memory: 1Mi}}",
            "minimum memory usage per Container is 1Gi",
        ),
    ],
)
def test_a_workload_whose_pods_are_refused_is_warned_of(tmp_path, limits, resources, words):
    warnings = [line.text for line in loaded(tmp_path, limits, resources).inventory.warnings]
    assert any(words in text for text in warnings)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ("{type: Node}", "unknown type"),
        ("{type: Container, default: {cpu: 1}, defaultRequest: {cpu: 2}}", "above the default limit"),
        ("{type: Container, default: {cpu: many}}", "not a quantity"),
        ("{type: Pod, min: {cpu: 2}, max: {cpu: 1}}", "the cpu min is above the max"),
        ("{type: Pod, maxLimitRequestRatio: {cpu: 500m}}", "below 1"),
    ],
)
def test_what_is_no_limit_range(tmp_path, limits, words):
    with pytest.raises(ScenarioError, match=words):
        loaded(tmp_path, limits)
