"""Scenario events: what somebody does, or what breaks, changes the cluster as it would a real one."""

from __future__ import annotations

import pytest

from capsim import load, run
from capsim.scenario import KubeObjects
from capsim.scenario.event import TimedEvent
from capsim.scenario.kubernetes.node import NodeObject
from tests.engine.clusters import cluster, deployment, group

pytestmark = [pytest.mark.plain]

BASE = """
apiVersion: capsim/v1
name: events
duration: 10m
nodeGroups:
  - {name: n, instance: {cpu: 1, memory: 4Gi}, max: 6, initial: 2, bootDelay: 60s, registerDelay: 40s}
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, resources: {requests: {cpu: 500m}, limits: {cpu: 1}}}]}
  - apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: web}
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
      minReplicas: 2
      maxReplicas: 8
      metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
services: {web: {workloads: [web]}}
workloads: {web: {containers: {c: {cpuPerRequest: 10m}}}}
traffic: {web: 70}
events:
"""


def told(tmp_path, event: str, base: str = BASE):
    path = tmp_path / "events.yaml"
    path.write_text(base + f"  - {event}\n")
    return run(load(path))


def web(result, column="ready"):
    frame = result.series["workloads"]
    return frame[frame["workload"] == "default/Deployment/web"].set_index("time_ms")[column]


def test_scale_holds_until_the_autoscaler_disagrees(tmp_path):
    result = told(tmp_path, "{at: 2m, scale: {target: web, replicas: 4}}")
    assert web(result, "desired_replicas_max").loc[120_000] == 4
    assert web(result)[180_000] == 4
    assert web(result).iloc[-1] == 2, "70 rps need 2 pods; the window of 5 minutes has passed"


def test_added_nodes_boot(tmp_path):
    result = told(tmp_path, "{at: 1m, addNodes: {group: n, count: 2}}")
    new = result.nodes[result.nodes["requested_ms"] == 60_000]
    assert new["name"].tolist() == ["n-3", "n-4"]
    assert new["registered_ms"].tolist() == [100_000, 100_000]
    assert new["ready_ms"].tolist() == [120_000, 120_000]


def test_nodes_that_are_there_at_once(tmp_path):
    result = told(tmp_path, "{at: 1m, addNodes: {group: n, count: 1, immediately: true}}")
    assert result.nodes.set_index("name").loc["n-3", "ready_ms"] == 60_000


def test_drain_moves_the_pods_and_closes_the_node(tmp_path):
    result = told(tmp_path, "{at: 1m, drain: {node: n-1}}", BASE.replace("cpu: 1, memory", "cpu: 2, memory"))
    moved = result.pods[(result.pods["node"] == "n-1") & (result.pods["workload"] == "default/Deployment/web")]
    assert (moved["deleted_ms"] == 60_000).all()
    assert web(result).iloc[-1] == 2
    alive = result.pods[result.pods["gone_ms"].isna()]
    assert set(alive["node"]) == {"n-2"}
    assert result.nodes["gone_ms"].isna().all(), "a drained node stays until somebody removes it"


def test_a_failed_node_takes_its_pods_along(tmp_path):
    result = told(tmp_path, "{at: 1m, fail: {node: n-1}}", BASE.replace("cpu: 1, memory", "cpu: 2, memory"))
    assert result.nodes.set_index("name").loc["n-1", "gone_ms"] == 60_000
    assert web(result).iloc[-1] == 2
    assert web(result, "ready_min")[60_000] < 2


def test_a_changed_autoscaler_takes_effect_at_its_next_sync(tmp_path):
    object_ = (
        "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {minReplicas: 4}}"
    )
    result = told(tmp_path, f"{{at: 2m, apply: {{object: {object_}}}}}")
    assert web(result, "desired_replicas_max")[120_000] == 4
    reasons = result.events[result.events["reason"] == "SuccessfulRescale"]["message"]
    assert reasons.iloc[0] == "New size: 4; reason: Current number of replicas below Spec.MinReplicas"


def test_an_event_on_a_node_that_is_gone_is_told_not_fatal(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text(BASE + "  - {at: 1m, fail: {node: n-1}}\n  - {at: 2m, drain: {node: n-1}}\n")
    events = run(load(path)).events
    assert "no such node any more" in events[events["time_ms"] == 120_000]["message"].str.cat()


def test_what_static_nodes_cost_is_in_the_series_until_they_are_gone():
    rented = NodeObject(
        name="rented", allocatable={"cpu": 2000, "pods": 110}, capacity={"cpu": 2000}, price_per_hour_usd=1.2
    )
    objects = KubeObjects(nodes=[rented], workloads=[deployment()])
    fail = TimedEvent.model_validate({"at_ms": 210_000, "fail": {"node": "rented"}}, by_name=True)
    base = cluster([], [group(price_per_hour_usd=0.6)], objects=objects, sample_interval_ms=60_000, events=[fail])
    result = run(base)
    assert result.nodes.set_index("name").cost_usd["rented"] == pytest.approx(1.2 * 3.5 / 60)
    groups = result.series["node_groups"]
    static = groups[groups.node_group == "(static)"]
    assert static.cost_usd.iloc[:5].tolist() == pytest.approx([0.02, 0.02, 0.02, 0.01, 0.0])
    assert result.series["totals"].cost_usd.sum() == pytest.approx(result.nodes.cost_usd.sum())
