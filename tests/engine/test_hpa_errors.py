"""HPAs that cannot work: upstream's events, conditions and texts, and nothing scales."""

from __future__ import annotations

import pytest

from capsim import load, run
from capsim.errors import ScenarioError
from capsim.study.explain.hpa import explain_hpa
from tests.engine.test_happenings import BASE
from tests.engine.test_happenings import told as happened

pytestmark = pytest.mark.plain

SCENARIO = """
apiVersion: capsim/v1
name: errors
duration: 10m
nodeGroups: [{name: n, instance: {cpu: 8, memory: 16Gi}, max: 2, initial: 2}]
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, resources: RESOURCES}]}
  - apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: web}
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
      minReplicas: MINIMUM
      maxReplicas: 8
      metrics: METRICS
services: {web: {workloads: [web]}}
workloads: {web: {containers: {c: {cpuPerRequest: 10m}}}}
traffic: {web: 200}
"""
CPU = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"
REQUESTS = "{requests: {cpu: 500m}}"


@pytest.fixture
def told(tmp_path):
    def tell(metrics, resources=REQUESTS, more="", minimum="1"):
        text = SCENARIO.replace("METRICS", metrics).replace("RESOURCES", resources).replace("MINIMUM", minimum)
        path = tmp_path / "errors.yaml"
        path.write_text(text + more)
        return load(path)

    return tell


def warnings(result):
    events = result.events[result.events.type == "Warning"]
    return [(row.reason, row.message) for row in events.itertuples()]


def test_a_utilization_target_without_a_request(told):
    scenario = told(f"[{CPU}]", "{requests: {memory: 1Gi}}")
    result = run(scenario)
    pod = result.pods[result.pods.workload == "default/Deployment/web"].name.iloc[0]
    inner = (
        "failed to get cpu resource metric value: failed to get cpu utilization: missing request for cpu in "
        f"container c of Pod {pod}"
    )
    assert warnings(result) == [
        ("FailedGetResourceMetric", inner),
        ("FailedComputeMetricsReplicas", f"invalid metrics (1 invalid out of 1), first error is: {inner}"),
    ]
    sync = explain_hpa(scenario, "web", 600_000)[-1]
    (active,) = [condition for condition in sync.conditions if condition.type == "ScalingActive"]
    assert (active.status, active.reason) == ("False", "FailedGetResourceMetric")
    assert sync.desired == sync.current == 2
    assert [warning.kind for warning in result.summary.warnings] == ["hpa-failed"]


def test_a_container_that_does_not_exist(told):
    body = "{name: cpu, container: proxy, target: {type: Utilization, averageUtilization: 50}}"
    scenario = told(f"[{{type: ContainerResource, containerResource: {body}}}]")
    assert "no container proxy" in scenario.inventory.warnings[0].text
    assert [reason for reason, _ in warnings(run(scenario))] == [
        "FailedGetContainerResourceMetric",
        "FailedComputeMetricsReplicas",
    ]


def test_one_metric_of_two_fails(told):
    """The other may scale up, not down; each kind of failure is told once."""
    pods = "{type: Pods, pods: {metric: {name: nothing}, target: {type: AverageValue, averageValue: 1}}}"
    result = run(told(f"[{CPU}, {pods}]"))
    assert [reason for reason, _ in warnings(result)] == ["FailedGetPodsMetric"]
    desired = result.series["workloads"].desired_replicas.iloc[-1]
    assert desired == 8  # 400 % of the request at two pods


@pytest.mark.parametrize(
    ("metrics", "more", "said"),
    [
        ("[{type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: 0}}}]",
         "metrics: {rps: {measures: rps}}",
         "spec.metrics[0].pods.target.averageValue: missing or not positive; found 0"),
        ("[{type: Pods, pods: {target: {type: AverageValue, averageValue: 1}}}]", "",
         "spec.metrics[0].pods.metric.name: missing"),
        (f"[{CPU}]", "metrics: {rps: {measures: rps, series: 5}}", "metrics.rps: not one source"),
        (f"[{CPU}]", "metrics: {rps: {}}", "metrics.rps: not one source"),
        (f"[{CPU}]", "metrics: {rps: {measures: rqs}}", "metrics.rps.measures"),
        (f"[{CPU}]", "metrics: {busy: {measures: inFlight, rateWindow: 1m}}", "only a rate has a window"),
        (f"[{CPU}]", "metrics: {q: {series: -5}}", "metrics.q.series: negative value"),
        (f"[{CPU}]", "metrics: {q: {series: .nan}}", "metrics.q.series: not a number"),
        (f"[{CPU}]", "metrics: {q: {measures: backlog, of: wob}}", "metrics.q.of: no such service"),
        ("[{type: External, external: {metric: {name: q}, target: {type: AverageValue, averageValue: 1}}}]",
         "metrics: {q: {measures: backlog}}", "metrics.q.of: default/web asks for it: of which service?"),
        ("[{type: Pods, pods: {metric: {name: q}, target: {type: AverageValue, averageValue: 1}}}]",
         "metrics: {q: {series: 5}}", "metrics.q.series: default/web asks for it per pod"),
        (f"[{CPU}]", "selfHeal: [{target: wob}]", "selfHeal[0].target: no such workload"),
        (f"[{CPU}]", "controlPlane: {kubeControllerManager: {release: '1.12'}}", "kubeControllerManager.release"),
    ],
)  # fmt: skip
def test_what_is_refused(told, metrics, more, said):
    with pytest.raises(ScenarioError) as refused:
        told(metrics, more=more)
    assert said in str(refused.value)
    assert "errors.yaml:" in str(refused.value)


def test_zero_replicas_need_the_gate(told):
    external = "[{type: External, external: {metric: {name: q}, target: {type: AverageValue, averageValue: 10}}}]"
    queue = "metrics: {q: {series: {steps: [[0s, 0], [8m, 100]]}}}\n"
    with pytest.raises(ScenarioError, match="minReplicas 0, which needs the feature gate"):
        told(external, more=queue, minimum="0")
    gate = "controlPlane: {kubeControllerManager: {HPAScaleToZero: true}, prometheus: {scrape-interval: 15s}}\n"
    result = run(told(external, more=queue + gate, minimum="0"))
    desired = result.series["workloads"].set_index("time_ms").desired_replicas
    assert desired[360_000] == desired[420_000] == 0
    assert desired.iloc[-1] == 8


def test_a_number_is_a_release_too(told):
    more = "controlPlane: {kubeControllerManager: {release: 1.30}}"
    assert told(f"[{CPU}]", more=more).control_plane.kube_controller_manager.release == "1.30"


def test_a_metric_that_nobody_asks_for_and_a_selector_are_noted(told):
    named = "{metric: {name: rps, selector: {matchLabels: {path: a}}}, target: {type: AverageValue, averageValue: 1}}"
    more = "metrics: {rps: {measures: rps}, rsp: {measures: rps}}"
    inventory = told(f"[{{type: Pods, pods: {named}}}]", more=more).inventory
    assert any(
        'no HorizontalPodAutoscaler asks for it, did you mean "rps"?' in line.text for line in inventory.warnings
    )
    assert any("the selector of metric rps is not looked at" in line.text for line in inventory.not_modelled)


def test_a_scenario_with_metrics_runs_again_from_its_resolved_text(told, tmp_path):
    external = "[{type: External, external: {metric: {name: q}, target: {type: AverageValue, averageValue: 10}}}]"
    more = "metrics: {q: {series: {steps: [[0s, 10], [3m, 60]]}}}\nselfHeal: [{target: web, replicas: 3}]\n"
    scenario = told(external, more=more)
    path = tmp_path / "again.yaml"
    path.write_text(scenario.dump_resolved())
    assert load(path) == scenario


def test_a_failure_is_told_with_the_metrics_of_its_time(tmp_path):
    """The HPA that is applied later has fewer metrics than the one that failed."""
    cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}"
    pods = "{type: Pods, pods: {metric: {name: nobody}, target: {type: AverageValue, averageValue: 1}}}"
    assert f"[{cpu}]" in BASE
    kind = "apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler"
    later = f"{{{kind}, metadata: {{name: web}}, spec: {{metrics: [{cpu}]}}}}"
    result = happened(tmp_path, f"{{at: 5m, apply: {{object: {later}}}}}", BASE.replace(f"[{cpu}]", f"[{cpu}, {pods}]"))
    failed = result.events[result.events["reason"] == "FailedGetPodsMetric"]
    assert len(failed)
    assert failed["message"].str.contains("nobody").all()
    assert (failed["time_ms"] < 300_000).all()
