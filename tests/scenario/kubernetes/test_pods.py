"""Pod templates: effective requests as upstream computes them, defaults, checks, notes."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from capsim.scenario import Container, PodTemplate, Toleration
from capsim.scenario.kubernetes.labels import selects
from capsim.scenario.kubernetes.objects import KubeObjects
from tests.scenario.samples import read

MIB = 2**20


def pod(spec, metadata="{name: p}"):
    """The one pod of a spec, which must be right."""
    reading = read(f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\nspec: {spec}\n")
    assert reading.problems == []
    return reading.models["workloads"][0].template


def problems(spec):
    return [str(p) for p in read(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {spec}\n").problems]


def container(name, cpu, memory=0, policy=None):
    requests = {"cpu": cpu, **({"memory": memory} if memory else {})}
    return Container(name=name, requests=requests, restart_policy=policy)


def test_requests_are_the_sum_of_the_containers():
    template = PodTemplate(containers=(container("a", 100, 10), container("b", 200)))
    assert template.requests() == {"cpu": 300, "memory": 10}


def test_a_large_init_container_counts_when_it_is_larger():
    template = PodTemplate(containers=(container("a", 100, 50),), init_containers=(container("i", 500, 10),))
    assert template.requests() == {"cpu": 500, "memory": 50}


def test_sidecars_add_to_containers_and_to_later_init_steps():
    # Upstream: TestPodRequests "restartable init containers" of k8s.io/component-helpers/resource.
    init = (container("i1", 300), container("s", 100, policy="Always"), container("i2", 450))
    template = PodTemplate(containers=(container("a", 200),), init_containers=init)
    assert template.requests() == {"cpu": 550}
    assert PodTemplate(containers=(container("a", 500),), init_containers=init).requests() == {"cpu": 600}


def test_overhead_and_pod_level_requests():
    template = PodTemplate(
        containers=(container("a", 200, 10),),
        overhead={"cpu": 50},
        pod_requests={"cpu": 1000},
        pod_limits={"memory": 99},
    )
    assert template.requests() == {"cpu": 1050, "memory": 10}
    assert PodTemplate(containers=(Container(name="a"),), pod_limits={"memory": 99}).requests() == {"memory": 99}


def test_nothing_requested_is_no_key():
    assert pod("{containers: [{name: a}]}").requests() == {}
    assert pod("{containers: [{name: a, resources: {requests: {cpu: 0}}}]}").requests() == {"cpu": 0}


def test_requests_default_to_limits():
    template = pod("{containers: [{name: a, resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 500m}}}]}")
    assert template.requests() == {"cpu": 500, "memory": 1024 * MIB}


def test_quantities_of_every_form():
    template = pod(
        "{containers: [{name: a, resources: {requests: {cpu: 0.1, memory: 128974848, nvidia.com/gpu: '1'}}}]}"
    )
    assert template.requests() == {"cpu": 100, "memory": 128974848, "nvidia.com/gpu": 1}


def test_the_rest_of_a_pod():
    template = pod("""
      {nodeName: n1, nodeSelector: {disk: ssd}, terminationGracePeriodSeconds: 5, hostNetwork: true, priority: 7,
       tolerations: [{operator: Exists}, {key: a, value: b, effect: NoExecute, tolerationSeconds: 300}],
       overhead: {cpu: 10m}, volumes: [{name: v, emptyDir: {}}], schedulerName: other,
       containers: [{name: a, ports: [{containerPort: 80}, {containerPort: 81, hostPort: 90, protocol: UDP}]}]}
      """, "{name: p, annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: 'true', note: long}}")  # fmt: skip
    assert template.containers[0].host_ports == (("", "TCP", 80), ("", "UDP", 90))
    assert template.tolerations == (
        Toleration(operator="Exists"),
        Toleration(key="a", value="b", effect="NoExecute", seconds=300),
    )
    assert (template.node_name, template.termination_grace_s, template.priority) == ("n1", 5, 7)
    assert template.annotations == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}
    assert template.volumes == [{"name": "v", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("{}", "spec.containers: no containers"),
        ("{containers: []}", "spec.containers: no containers"),
        ("{containers: [{}]}", "spec.containers[0].name: no name"),
        ("{containers: [{name: a}, {name: a}]}", "spec.containers.a.name: duplicate name"),
        ("{containers: {name: a}}", "spec.containers: wrong type; found a mapping; allowed: a list"),
        ("{containers: [5]}", "spec.containers[0]: wrong type; found 5; allowed: a mapping"),
        ("{containers: [null]}", "spec.containers[0]: empty list item"),
        ("{containers: [{name: a, resources: {requests: {cpu: 5x}}}]}", "requests.cpu: not a quantity; found '5x'"),
        ("{containers: [{name: a, resources: {requests: {cpu: -1}}}]}", "requests.cpu: negative quantity; found -1"),
        ("{containers: [{name: a, resources: {requests: {cpu: 2}, limits: {cpu: 1}}}]}",
         "requests.cpu: request above the limit; found 2; allowed: at most the limit 1"),
        ("{containers: [{name: a, imagePulPolicy: Always}]}", 'unknown field, did you mean "imagePullPolicy"?'),
        ("{containers: [{name: a, image: 5}]}", "spec.containers.a.image: wrong type; found 5; allowed: text"),
        ("{containers: [{name: a}], priorityClassName: system-node-critcal}", 'did you mean "system-node-critical"?'),
        ("{containers: [{name: a}], tolerations: [{operator: Never}]}", "unknown operator; found 'Never'"),
        ("{containers: [{name: a}], tolerations: [{effect: Never}]}", "unknown effect; found 'Never'"),
        ("{containers: [{name: a}], terminationGracePeriodSeconds: -1}", "terminationGracePeriodSeconds: negative"),
        ("{containers: [{name: a}], preemptionPolicy: Maybe}", "unknown policy; found 'Maybe'"),
        ("{containers: [{name: a}], nodeSelector: {a: 1}}", "spec.nodeSelector.a: wrong type; found 1; allowed: text"),
        ("{containers: [{name: a, env: [{name: KEY, value: 12345}]}]}", "env.KEY.value: wrong type; found a number"),
    ],
)  # fmt: skip
def test_bad_pods(spec, problem):
    found = problems(spec)
    assert any(problem in text for text in found), found
    assert all(text.startswith("f.yaml:4: default/Pod/p: ") for text in found), found


def test_values_of_environment_variables_are_never_shown():
    (text,) = problems("{containers: [{name: a, env: [{name: KEY, value: 12345}]}]}")
    assert "12345" not in text


def test_priority_classes():
    reading = read("""
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: a}], priorityClassName: high}
---
apiVersion: v1
kind: Pod
metadata: {name: q}
spec: {containers: [{name: a}]}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000, preemptionPolicy: Never}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: usual}, value: 10, globalDefault: true}
""")
    first, second = [w.template for w in reading.models["workloads"]]
    assert (first.priority, first.preemption_policy) == (1000, "Never")
    assert (second.priority, second.priority_class_name) == (10, "usual")


def test_fields_are_noted_once_each():
    reading = read("""
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: []}}
  dnsPolicy: Default
  containers:
  - {name: a, resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}], workingDir: /}
  - {name: b, workingDir: /}
""")
    ignored = {line.field: line for line in reading.lines("ignored")}
    assert set(ignored) == {"PodSpec.dnsPolicy", "Container.workingDir"}
    assert ignored["Container.workingDir"].text == "no effect on capacity (2 times)"
    assert (ignored["PodSpec.dnsPolicy"].file, ignored["PodSpec.dnsPolicy"].line) == ("f.yaml", 7)
    assert {line.field for line in reading.lines("not_modelled")} == {"Container.resizePolicy"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False), ({}, True), ({"matchLabels": {"a": "1"}}, True), ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
    ],
)  # fmt: skip
def test_label_selectors(selector, matches):
    assert selects(selector, {"a": "1"}) is matches


RESOURCES = st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.integers(0, 10**12), max_size=3)
NAMES = st.sampled_from(["a", "b", "c"])
LABELS = st.dictionaries(NAMES, NAMES, max_size=2)


@st.composite
def templates(draw):
    def made(name, policy=None):
        requests = draw(RESOURCES)
        limits = {key: value + draw(st.integers(0, 5)) for key, value in requests.items() if draw(st.booleans())}
        ports = (("", "TCP", draw(st.integers(1, 65535))),) if draw(st.booleans()) else ()
        return Container(name=name, requests=requests, limits=limits, host_ports=ports, restart_policy=policy)

    return PodTemplate(
        labels=draw(LABELS),
        containers=tuple(made(name) for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))),
        init_containers=tuple(
            made(f"i{i}", draw(st.sampled_from([None, "Always"]))) for i in range(draw(st.integers(0, 2)))
        ),
        node_selector=draw(LABELS),
        tolerations=draw(st.sampled_from([(), (Toleration(operator="Exists", seconds=0),)])),
        overhead=draw(RESOURCES),
        pod_requests=draw(RESOURCES),
        priority=draw(st.integers(-(2**31), 2**31 - 1)),
        preemption_policy=draw(st.sampled_from(["Never", "PreemptLowerPriority"])),
        node_name=draw(st.none() | NAMES),
        termination_grace_s=draw(st.integers(0, 100)),
    )


@given(templates())
def test_a_template_comes_back_from_its_manifest(template):
    head = {"apiVersion": "v1", "kind": "Pod"}
    manifest = template.manifest()
    text = yaml.safe_dump({**head, "metadata": {**manifest["metadata"], "name": "p"}, "spec": manifest["spec"]})
    reading = read(text)
    assert [str(p) for p in reading.problems] == []
    assert reading.models["workloads"][0].template == template
    assert template.requests().keys() >= template.overhead.keys()


def test_all_objects_have_manifests():
    assert KubeObjects().manifests() == []
