"""Workloads, nodes, HPAs of every version, PDBs, dumps of live clusters, kinds that are only listed."""

from __future__ import annotations

import pytest

from capsim.scenario import from_manifests, load
from tests.scenario.samples import DEPLOYMENT, HPA, SERVICE, read

TEMPLATE = "{metadata: {labels: {a: b}}, spec: {containers: [{name: c}]}}"


def test_workload_kinds():
    reading = read(f"""
{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: d, namespace: kube-system}},
  spec: {{selector: {{matchLabels: {{a: b}}}}, template: {TEMPLATE}}}}}
---
{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: r}},
  spec: {{replicas: 3, selector: {{matchExpressions: [{{key: a, operator: In, values: [b]}}]}}, template: {TEMPLATE}}}}}
---
{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: e}},
  spec: {{selector: {{matchLabels: {{a: b}}}}, template: {TEMPLATE}}}}}
---
{{apiVersion: extensions/v1beta1, kind: Deployment, metadata: {{name: old}}, spec: {{template: {TEMPLATE}}}}}
""")
    assert reading.problems == []
    assert {w.key: w.replicas for w in reading.models["workloads"]} == {
        "kube-system/DaemonSet/d": 0,
        "default/ReplicaSet/r": 3,
        "default/Deployment/e": 1,
        "default/Deployment/old": 1,
    }


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            f"{{selector: {{matchLabels: {{a: c}}}}, template: {TEMPLATE}}}",
            "spec.selector: the selector does not match",
        ),
        (f"{{template: {TEMPLATE}}}", "spec.selector: the selector does not match"),
        (
            f"{{replicas: -1, selector: {{matchLabels: {{a: b}}}}, template: {TEMPLATE}}}",
            "spec.replicas: negative; found -1",
        ),
        (f"{{replicas: '2', selector: {{matchLabels: {{a: b}}}}, template: {TEMPLATE}}}", "spec.replicas: wrong type"),
        (f"{{selector: {{matchExpressions: [{{key: a, operator: Is}}]}}, template: {TEMPLATE}}}", "unknown operator"),
        (f"{{selector: {{matchExpressions: [{{key: a, operator: In}}]}}, template: {TEMPLATE}}}", "wrong values"),
        ("{selector: {matchLabels: {a: b}}}", "spec.template.spec.containers: no containers"),
    ],
)
def test_bad_workloads(spec, problem):
    reading = read(f"{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: e}}, spec: {spec}}}")
    assert any(problem in str(p) for p in reading.problems), [str(p) for p in reading.problems]


def test_unknown_versions():
    reading = read("{apiVersion: apps/v9, kind: Deployment, metadata: {name: e}}")
    assert "apiVersion: unknown version; found v9; allowed: apps/v1" in str(reading.problems[0])


def test_nodes():
    reading = read("""
apiVersion: v1
kind: Node
metadata: {name: n, labels: {zone: a}}
spec: {unschedulable: true, taints: [{key: k, effect: NoSchedule}], podCIDR: 10.0.0.0/24}
status:
  allocatable: {cpu: 3920m, memory: 8063156Ki, pods: '110', hugepages-2Mi: '0'}
  capacity: {cpu: '4', memory: 8165556Ki, pods: '110'}
  somethingNew: true
""")
    assert reading.problems == []
    (node,) = reading.models["nodes"]
    assert node.allocatable == {"cpu": 3920, "memory": 8063156 * 1024, "pods": 110, "hugepages-2Mi": 0}
    assert node.labels == {"kubernetes.io/hostname": "n", "zone": "a"}
    assert (node.unschedulable, node.taints[0].key, node.group) == (True, "k", None)


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("{}", "status.allocatable: nothing to allocate"),
        ("{spec: {taints: [{key: k, effect: Never}]}, status: {capacity: {cpu: 1}}}", "wrong taint; found 'Never'"),
        ("{spec: {taints: [{effect: NoExecute}]}, status: {capacity: {cpu: 1}}}", "spec.taints[0].key: wrong taint"),
        ("{status: {capacity: {cpu: lots}}}", "status.capacity.cpu: not a quantity"),
    ],
)
def test_bad_nodes(rest, problem):
    reading = read(f"<<: {rest}\napiVersion: v1\nkind: Node\nmetadata: {{name: n}}\n")
    assert problem in str(reading.problems[0])


def hpa(spec, version="v2", metadata="{name: h}"):
    head = f"apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {metadata}\n"
    target = "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}\n"
    return read(f"{DEPLOYMENT}---\n{head}spec:\n{target}{spec}")


def metrics_of(target):
    return f"  maxReplicas: 5\n  metrics: [{{type: Resource, resource: {{name: cpu, {target}}}}}]\n"


CPU_50 = [
    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
]


@pytest.mark.parametrize(
    ("version", "spec"),
    [
        ("v1", "  maxReplicas: 5\n  targetCPUUtilizationPercentage: 50\n"),
        ("v2beta1", metrics_of("targetAverageUtilization: 50")),
        ("v2beta2", metrics_of("target: {type: Utilization, averageUtilization: 50}")),
    ],
)
def test_older_versions_of_an_hpa(version, spec):
    reading = hpa(spec, version)
    assert reading.problems == []
    (found,) = reading.models["hpas"]
    assert (found.min_replicas, found.max_replicas, found.metrics) == (1, 5, CPU_50)


def test_the_default_metric():
    (found,) = hpa("  maxReplicas: 5\n").models["hpas"]
    assert found.metrics[0]["resource"]["target"]["averageUtilization"] == 80


def test_annotations_of_a_v1_hpa():
    metrics = '[{"type":"External","external":{"metricName":"q","targetAverageValue":"30"}}]'
    behavior = (
        '{"ScaleDown":{"StabilizationWindowSeconds":60,"Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":60}]}}'
    )
    prefix = "autoscaling.alpha.kubernetes.io"
    metadata = f"{{name: h, annotations: {{{prefix}/metrics: '{metrics}', {prefix}/behavior: '{behavior}'}}}}"
    reading = hpa("  maxReplicas: 5\n", "v1", metadata)
    assert reading.problems == []
    (found,) = reading.models["hpas"]
    assert found.metrics == [
        {
            "type": "External",
            "external": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "30"}},
        }
    ]
    assert found.behavior == {
        "scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}
    }


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("", "spec.maxReplicas: missing"),
        ("  maxReplicas: '5'\n", "spec.maxReplicas: wrong type; found '5'; allowed: a whole number"),
        ("  maxReplicas: 0\n", "maxReplicas is below minReplicas; found 0; allowed: at least 1"),
        ("  {minReplicas: 0, maxReplicas: 2}\n", "minReplicas: below 1; found 0"),
        ("  {maxReplicas: 2, metrics: [{type: Cpu}]}\n", "unknown metric type; found 'Cpu'; allowed: Resource"),
        ("  {maxReplicas: 2, metrics: [{type: Resource}]}\n", "metrics[0].resource: missing"),
        ("  {maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu}}]}\n", "resource.target: missing"),
        ("  {maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]}\n",
         "target.averageUtilization: missing or not positive"),
        ("  {maxReplicas: 2, metrics: [{type: Resource, resource: {name: cpu, target: {type: Percent}}}]}\n",
         "target.type: unknown type; found 'Percent'; allowed: Utilization"),
        ("  {maxReplicas: 2, behavior: {scaleUp: {stabilizationWindowSeconds: 4000}}}\n", "out of range; found 4000"),
        ("  {maxReplicas: 2, behavior: {scaleUp: {selectPolicy: Most}}}\n", "unknown policy; found 'Most'"),
        ("  {maxReplicas: 2, behavior: {scaleDown: {policies: [{type: Pods, value: 0, periodSeconds: 15}]}}}\n",
         "policies[0].value: out of range; found 0"),
        ("  {maxReplicas: 2, behavior: {scaleDown: {policies: [{type: Pods, value: 1}]}}}\n", "periodSeconds: missing"),
    ],
)  # fmt: skip
def test_bad_hpas(spec, problem):
    # The braces continue the mapping of the spec.
    if "{" in spec:
        spec = "  <<: " + spec.strip() + "\n"
    reading = hpa(spec)
    assert any(problem in str(p) for p in reading.problems), [str(p) for p in reading.problems]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{kind: Deployment, name: ap}", 'its target does not exist, did you mean "app"?; found Deployment default/ap'),
        ("{kind: DaemonSet, name: d}", "cannot be scaled; found DaemonSet; allowed: Deployment, ReplicaSet"),
        ("{kind: Deployment}", "spec.scaleTargetRef: missing or incomplete"),
    ],
)
def test_targets_of_hpas(target, problem):
    daemon_set = f"""{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: d}},
      spec: {{selector: {{matchLabels: {{a: b}}}}, template: {TEMPLATE}}}}}"""
    reading = read(
        f"{DEPLOYMENT}---\n{daemon_set}\n---\n"
        f"{{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{name: h}},"
        f" spec: {{maxReplicas: 2, scaleTargetRef: {target}}}}}"
    )
    assert problem in str(reading.problems[0])


def test_two_hpas_on_one_target_are_legal():
    reading = read(f"{DEPLOYMENT}---\n{HPA}---\n{HPA.replace('{name: app}', '{name: two}', 1)}")
    assert [hpa.target_key for hpa in reading.models["hpas"]] == ["default/Deployment/app"] * 2


def test_an_hpa_of_a_kind_that_is_not_modelled():
    reading = read(
        "{apiVersion: v1, kind: ReplicationController, metadata: {name: db, namespace: default}}\n---\n"
        "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h},"
        " spec: {maxReplicas: 2, scaleTargetRef: {kind: ReplicationController, name: db}}}"
    )
    assert reading.problems == []
    assert "its target is a ReplicationController" in reading.lines("not_modelled")[-1].text


def test_an_hpa_without_requests_is_a_warning():
    reading = read(f"{DEPLOYMENT.replace('resources:', 'x: &x')}---\n{HPA}".replace("        x: &x", "        # "))
    assert "cannot compute cpu utilisation: no request in container main" in reading.lines("warnings")[0].text


@pytest.mark.parametrize(
    ("spec", "bounds"),
    [("{minAvailable: 2}", (2, None)), ("{maxUnavailable: 25%}", (None, "25%")), ("{selector: {}}", (None, None))],
)
def test_pod_disruption_budgets(spec, bounds):
    reading = read(f"{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: p}}, spec: {spec}}}")
    (pdb,) = reading.models["pdbs"]
    assert (pdb.min_available, pdb.max_unavailable) == bounds
    assert pdb.selector == ({} if "selector" in spec else None)


@pytest.mark.parametrize("spec", ["{minAvailable: 1, maxUnavailable: 1}", "{minAvailable: half}", "{minAvailable: -1}"])
def test_bad_pod_disruption_budgets(spec):
    reading = read(f"{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: p}}, spec: {spec}}}")
    assert reading.problems


def test_kinds_that_are_only_listed(folder):
    folder.write("more.yaml", """\
        {apiVersion: v1, kind: Secret, metadata: {name: s, namespace: n},
         data: {password: aHVudGVyMg==}, stringData: {k: hunter2}}
        ---
        {apiVersion: v1, kind: PodTemplate, metadata: {name: j}}
        ---
        {apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: k}}
        """)  # fmt: skip
    scenario = from_manifests(["app.yaml", "more.yaml"], nodes="3x2cpu-8Gi", rps=100)
    assert scenario.objects.other == [
        ("Secret", "n", "s", "ignored"),
        ("PodTemplate", "", "j", "not modelled"),
        ("Service", "", "k", "not modelled"),
    ]
    assert scenario.inventory.kinds["Service"] == 2
    assert [line.field for line in scenario.inventory.not_modelled] == ["PodTemplate", "Service"]
    everything = scenario.dump_resolved() + repr(scenario)
    assert "hunter2" not in everything
    assert "aHVudGVyMg" not in everything


def test_what_controllers_create_is_left_out_of_a_live_dump(folder):
    def owned(kind, name, owner_kind, owner, labels="{app: app}"):
        body = DEPLOYMENT.split("spec:", 1)[1] if kind == "ReplicaSet" else "\n  containers: [{name: main}]\n"
        head = "apps/v1" if kind == "ReplicaSet" else "v1"
        return (
            f"apiVersion: {head}\nkind: {kind}\nmetadata: {{name: {name}, labels: {labels}, ownerReferences: "
            f"[{{kind: {owner_kind}, name: {owner}, controller: true}}]}}\nspec:{body}"
        )

    objects = [
        DEPLOYMENT,
        owned("ReplicaSet", "app-5d4f", "Deployment", "app"),
        owned("Pod", "app-5d4f-x", "ReplicaSet", "app-5d4f"),
        owned("Pod", "app-77aa-y", "ReplicaSet", "app-77aa", "{pod-template-hash: 77aa}"),
        owned("Pod", "lonely", "ReplicaSet", "gone-1"),
        owned("Pod", "done", "Job", "j").replace("spec:", "status: {phase: Succeeded}\nspec:"),
    ]
    folder.write("dump.yaml", "---\n".join(objects))
    scenario = from_manifests("dump.yaml", nodes="3x2cpu-8Gi")
    assert [w.key for w in scenario.objects.workloads] == ["default/Deployment/app", "default/Pod/lonely"]
    assert [(kind, name) for kind, _, name, _ in scenario.objects.other] == [
        ("ReplicaSet", "app-5d4f"), ("Pod", "app-5d4f-x"), ("Pod", "app-77aa-y"), ("Pod", "done"),
    ]  # fmt: skip
    assert scenario.inventory.kinds == {"Deployment": 1, "ReplicaSet": 1, "Pod": 4}


def test_manifests_alone_are_lenient_and_a_scenario_is_strict(folder):
    folder.write("hpa.yaml", HPA.replace("name: app}", "name: gone}"))
    scenario = from_manifests(["app.yaml", "hpa.yaml"][1:], nodes="1x2cpu-8Gi")
    assert scenario.objects.hpas == []
    assert "its target is not in these files" in scenario.inventory.ignored[0].text
    folder.write(
        "scenario.yaml", (folder.path / "scenario.yaml").read_text().replace("app.yaml", "[app.yaml, hpa.yaml]")
    )
    with pytest.raises(Exception, match="its target does not exist"):
        load("scenario.yaml")


def test_services():
    (service,) = read(SERVICE).models["services"]
    assert (service.key, service.selector, service.type) == ("default/app", {"app": "app"}, "ClusterIP")
