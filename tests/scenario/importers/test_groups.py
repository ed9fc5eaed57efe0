"""Node groups from labels, shapes and roles; bounds from the Cluster Autoscaler."""

from __future__ import annotations

import pytest

from capsim.scenario.importers.autoscaler import autoscaler_seen, group_sizes
from capsim.scenario.importers.groups import GROUP_LABELS
from tests.scenario.importers.builders import node, workload


def groups(scenario):
    return {group.name: group for group in scenario.node_groups}


@pytest.mark.parametrize("label", [label for label, _ in GROUP_LABELS])
def test_every_known_label_names_the_group(dumps, label):
    scenario, _ = dumps.loaded([node("n1", {label: "Pool_A"}), node("n2", {label: "Pool_A"}), node("n3", {label: "b"})])
    assert {name: group.initial for name, group in groups(scenario).items()} == {"pool-a": 2, "b": 1}
    assert {n.name: n.group for n in scenario.objects.nodes} == {"n1": "pool-a", "n2": "pool-a", "n3": "b"}


def test_machines_of_different_shape_are_never_one_group(dumps):
    label, kind = "eks.amazonaws.com/nodegroup", "node.kubernetes.io/instance-type"
    nodes = [
        node("n1", {label: "a", kind: "m5.xlarge"}),
        node("n2", {label: "a", kind: "m5a.xlarge"}),
        node("n3", {label: "a", kind: "m5.xlarge"}, taints=[{"key": "x", "effect": "NoSchedule"}]),
        node("n4", {label: "a", kind: "m5.xlarge"}),
    ]
    scenario, _ = dumps.loaded(nodes)
    assert sorted(group.initial for group in scenario.node_groups) == [1, 1, 2]
    assert all(name.startswith("a-m5") for name in groups(scenario))


def test_on_premises_by_role_and_shape(dumps):
    control = [node(f"cp{i}", {"node-role.kubernetes.io/control-plane": ""}) for i in range(3)]
    workers = [node(f"w{i}", cpu="32", memory="256Gi") for i in range(4)] + [node("big", cpu="64", memory="512Gi")]
    scenario, findings = dumps.loaded([*control, *workers])
    found = groups(scenario)
    assert found["control-plane"].initial == 3
    assert sorted(group.initial for group in scenario.node_groups) == [1, 3, 4]
    assert any("a guess" in guess.sure for guess in findings.guessed)


def test_a_new_node_is_like_those_that_are_there(dumps):
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    passing = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    labels = {"pool": "g", "topology.kubernetes.io/zone": "z1", "tier": "gold"}
    nodes = [node("n1", labels, taints=[taint, passing], **{"nvidia.com/gpu": "2"}), node("n2", {**labels, "topology.kubernetes.io/zone": "z2"}, taints=[taint], **{"nvidia.com/gpu": "2"})]  # noqa: E501  # fmt: skip
    scenario, _ = dumps.loaded(nodes)
    (group,) = scenario.node_groups
    (first, second) = scenario.objects.nodes
    assert group.allocatable() == {k: first.allocatable[k] for k in group.allocatable()}
    assert group.labels["tier"] == "gold"
    assert group.zones == ["z1", "z2"]
    assert group.taints == first.taints == second.taints
    assert group.instance.gpus == 2


def test_nodes_that_are_not_ready_are_cordoned(dumps):
    scenario, _ = dumps.loaded([node("n1"), node("n2", ready=False)])
    assert [n.unschedulable for n in scenario.objects.nodes] == [False, True]


def test_labels_that_tell_nodes_apart_are_left_out_unless_asked_for(dumps):
    nodes = [node(f"n{i}", {"machine-id": f"m{i}", "rack": f"r{i}"}) for i in range(6)]
    web = workload("Deployment", "web", 1)
    web["spec"]["template"]["spec"]["nodeSelector"] = {"rack": "r3"}
    scenario, findings = dumps.loaded([*nodes, web])
    assert all("machine-id" not in n.labels and "rack" in n.labels for n in scenario.objects.nodes)
    assert any(line.field == "Node label machine-id" for line in findings.ignored)


def scaler(*flags):
    made = workload("Deployment", "cluster-autoscaler", 1)
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "registry.k8s.io/autoscaling/cluster-autoscaler:v1.33.0"
    container["command"] = ["./cluster-autoscaler", *flags]
    return made


def test_flags_of_the_cluster_autoscaler(dumps):
    flags = ("--scan-interval=20s", "--expander=least-waste", "--scale-down-utilization-threshold=0.6", "--v=4",
             "--skip-nodes-with-local-storage=false", "--nodes=2:9:asg-pool-a-8f2", "--balance-similar-node-groups",
             "--something-new=3", "--max-nodes-total", "50")  # fmt: skip
    nodes = [
        node("n1", {"eks.amazonaws.com/nodegroup": "pool-a"}),
        node("n2", {"eks.amazonaws.com/nodegroup": "pool-b"}),
    ]
    scenario, findings = dumps.loaded([*nodes, scaler(*flags)])
    spec = scenario.cluster_autoscaler
    assert spec is not None
    assert (spec.scan_interval_ms, spec.scale_down_utilization_threshold, spec.max_nodes_total) == (20_000, 0.6, 50)
    assert (spec.balance_similar_node_groups, spec.skip_nodes_with_local_storage) == (True, False)
    found = groups(scenario)
    assert (found["pool-a"].min, found["pool-a"].max) == (2 if found["pool-a"].initial >= 2 else 1, 9)
    assert found["pool-b"].max == 2
    assert "--something-new" in {line.field for line in findings.not_modelled}
    assert "--v" in {line.field for line in findings.ignored}


def test_an_expander_that_is_not_modelled_is_told(dumps):
    scenario, findings = dumps.loaded([node("n1"), scaler("--expander=grpc")])
    assert scenario.cluster_autoscaler is not None
    assert any("expander grpc is not modelled" in guess.what for guess in findings.guessed)


def test_other_deployments_are_not_taken_for_it():
    assert autoscaler_seen(workload("Deployment", "cluster-autoscaler-exporter", 1)) is None
    assert autoscaler_seen({"spec": {"template": {"spec": {"containers": "x"}}}}) is None


OLD = """Cluster-autoscaler status at 2020-01-01:
NodeGroups:
  Name:        eks-a
  Health:      Healthy (ready=3 unready=0 cloudProviderTarget=3 (minSize=1, maxSize=10))
  Name:        eks-b
  Health:      Healthy (ready=1 unready=0 cloudProviderTarget=1 (minSize=0, maxSize=4))
"""
NEW = """nodeGroups:
- name: eks-a
  health:
    cloudProviderTarget: 3
    maxSize: 10
    minSize: 1
- name: eks-b
  health:
    maxSize: 4
    minSize: 0
"""


@pytest.mark.parametrize("text", [OLD, NEW])
def test_sizes_from_the_status_of_old_and_new_releases(text):
    assert group_sizes(text) == {"eks-a": (1, 10), "eks-b": (0, 4)}
