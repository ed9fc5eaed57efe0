"""Syncs as the controller made them, one line each."""

from __future__ import annotations

import pytest

from capsim.engine.run import run_scenario
from capsim.errors import ScenarioError
from capsim.scenario import load
from capsim.study.explain.hpa import explain_hpa
from capsim.study.explain.hpa_words import line

DEPLOYMENT = """
- apiVersion: apps/v1
  kind: Deployment
  metadata: {{name: {name}}}
  spec:
    replicas: {replicas}
    selector: {{matchLabels: {{app: {name}}}}}
    template:
      metadata: {{labels: {{app: {name}}}}}
      spec: {{containers: [{{name: c, resources: {{requests: {{cpu: 100m, memory: 64Mi}}}}}}]}}
- apiVersion: autoscaling/v2
  kind: HorizontalPodAutoscaler
  metadata: {{name: {name}}}
  spec:
    scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}
    minReplicas: 1
    maxReplicas: 4
    metrics: [{metric}]
"""
MEMORY = "{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 64Mi}}}"
QUEUE = "{type: Pods, pods: {metric: {name: queue}, target: {type: AverageValue, averageValue: 5}}}"


@pytest.fixture
def cases(tmp_path):
    """HPAs above their max, on a workload of 0 replicas, by memory, and by a metric that nobody serves."""
    head = (
        "apiVersion: capsim/v1\nduration: 2m\ninitialState: declared\ncontrolPlane: {phases: zero}\n"
        "nodeGroups: [{name: n, instance: {cpu: 4, memory: 8Gi}, min: 1, max: 1}]\nobjects:"
    )
    each = {"above": (6, MEMORY), "zero": (0, MEMORY), "memory": (2, MEMORY), "queue": (2, QUEUE)}
    for name, (replicas, metric) in each.items():
        head += DEPLOYMENT.format(name=name, replicas=replicas, metric=metric)
    file = tmp_path / "cases.yaml"
    file.write_text(head)
    return load(file)


def test_every_sync_of_the_rush_hour(app10):
    scenario = load(app10, sets=["duration=30m"])
    syncs = explain_hpa(scenario, "app10", scenario.duration_ms)
    events = run_scenario(scenario).events
    sizes = events[events["reason"] == "SuccessfulRescale"]["message"].str.extract(r"New size: (\d+)")[0].astype(int)
    assert [sync.desired for sync in syncs if sync.desired != sync.current] == sizes.tolist()
    assert len(syncs) == len(range(syncs[0].time_ms, 30 * 60_000 + 1, 15_018))
    lines = [line(sync) for sync in syncs]
    assert "2 replicas (2 Ready)  cpu resource 60% / 75% = 0.80 -> 2  recommended 2, stays 2: " in lines[0]
    assert any(
        "pods counted, 2 unready)" in text and "limited to 10: the desired replica count is" in text for text in lines
    )
    assert any("recommended 2, stabilised to" in text and "(8 Ready, 2 not yet)" in text for text in lines)
    assert any(text.endswith("10 => 2: All metrics below target") for text in lines)
    assert any("2 => 4: cpu resource utilization (percentage of request) above target" in text for text in lines)


def test_one_sync(app10):
    scenario = load(app10, sets=["duration=30m"])
    syncs = explain_hpa(scenario, "default/app10", scenario.duration_ms)
    assert explain_hpa(scenario, "app10", scenario.duration_ms, at_ms=syncs[14].time_ms + 1) == [syncs[14]]
    assert explain_hpa(scenario, "app10", scenario.duration_ms, at_ms=scenario.duration_ms * 9) == [syncs[-1]]
    assert explain_hpa(scenario, "app10", scenario.duration_ms, at_ms=syncs[0].time_ms - 1) == []
    found = syncs[14].as_dict()
    assert found["conditions"][0]["type"] == "AbleToScale"
    assert found["metrics"][0]["target"] == 75


def test_without_a_recommendation(cases):
    first = {name: explain_hpa(cases, name, cases.duration_ms)[0] for name in ("above", "zero", "queue", "memory")}
    assert line(first["above"]).endswith(
        "6 replicas (6 Ready)  6 => 4: Current number of replicas above Spec.MaxReplicas"
    )
    assert line(first["zero"]).endswith("stays 0: scaling is disabled since the replica count of the target is zero")
    assert "stays 2: the HPA was unable to compute the replica count: " in line(first["queue"])
    assert first["queue"].metrics[0].proposal is None
    assert "memory resource 32 MiB / 64 MiB = 0.50 -> 1" in line(first["memory"])
    assert first["memory"].counted is None  # all HPAs sync at the same instant here


def test_an_hpa_that_is_applied_anew(app10, tmp_path):
    cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"
    text = (
        f"apiVersion: capsim/v1\nextends: {app10}\nduration: 5m\nevents:\n- at: 2m\n  apply:\n    object:\n"
        "      apiVersion: autoscaling/v2\n      kind: HorizontalPodAutoscaler\n      metadata: {name: app10}\n"
        "      spec:\n        scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app10}\n"
        f"        minReplicas: 2\n        maxReplicas: 10\n        metrics: [{MEMORY}, {cpu}]\n"
    )
    (tmp_path / "anew.yaml").write_text(text)
    scenario = load(tmp_path / "anew.yaml")
    syncs = explain_hpa(scenario, "app10", scenario.duration_ms)
    targets = [[metric.target for metric in sync.metrics] for sync in syncs]
    assert targets[0] == [75]
    assert targets[-1] == [64 * 2**20 * 1000, 50]
    assert syncs[-1].metrics[0].name == "memory resource"


def test_unknown_names(cases):
    with pytest.raises(ScenarioError, match="did you mean hpa/memory"):
        explain_hpa(cases, "memry", 0)
    with pytest.raises(ScenarioError, match="allowed: default/above, default/zero"):
        explain_hpa(cases, "xyz", 0)
