"""What a dump of a live cluster becomes: owners, placement, stand-ins, admission, use."""

from __future__ import annotations

import pytest

from tests.scenario.importers.builders import hpa, node, owned, pod, pods, spec, workload

RS = ("apps/v1", "ReplicaSet", "web-abc")
DEPLOYMENT = ("apps/v1", "Deployment", "web")
WEB = [workload("Deployment", "web", 3), workload("ReplicaSet", "web-abc", 3, owner=DEPLOYMENT)]
NODES = [node("n1"), node("n2")]


def guesses(findings):
    return " | ".join(guess.what for guess in findings.guessed)


def unmodelled(findings):
    return " | ".join(f"{line.field}: {line.text}" for line in findings.not_modelled)


def test_pods_belong_to_the_deployment_and_start_where_they_are(dumps):
    scenario, findings = dumps.loaded([*NODES, *WEB, *pods(RS, 3, ("n1", "n2"))])
    (web,) = scenario.objects.workloads
    assert (web.key, web.replicas) == ("shop/Deployment/web", 3)
    assert scenario.initial_state == "recorded"
    assert scenario.placement == {"shop/Deployment/web": {"n1": 2, "n2": 1}}
    assert findings.totals.pods == {"Running": 3}
    assert findings.totals.requested_cpu_milli == 300


def test_the_replica_set_may_be_missing(dumps):
    labels = {"app": "web", "pod-template-hash": "abc"}
    scenario, _ = dumps.loaded([*NODES, WEB[0], *pods(RS, 3, labels=labels)])
    assert scenario.placement == {"shop/Deployment/web": {"n1": 3}}


def test_the_owner_may_be_missing(dumps):
    scenario, findings = dumps.loaded([*NODES, *pods(RS, 2), *pods(("apps/v1", "DaemonSet", "agent"), 2, ("n1", "n2"))])
    assert {w.key: w.replicas for w in scenario.objects.workloads} == {
        "shop/ReplicaSet/web-abc": 2,
        "shop/DaemonSet/agent": 0,
    }
    assert "objects made up" in guesses(findings)


@pytest.mark.parametrize(
    ("owner", "version"), [("StatefulSet", "apps/v1"), ("Rollout", "argoproj.io/v1alpha1"), ("Job", "batch/v1")]
)
def test_pods_of_other_controllers_load_their_nodes(dumps, owner, version):
    items = [*NODES, *pods((version, owner, "db"), 3, ("n1", "n2"), labels={"app": "db"})]
    if owner == "StatefulSet":
        items.append(workload("StatefulSet", "db", 3))
    scenario, findings = dumps.loaded(items)
    (key,) = scenario.placement
    assert key.startswith("shop/")
    assert key.endswith("/db")
    assert sum(scenario.placement[key].values()) == 3
    assert owner in unmodelled(findings) or key == f"shop/{owner}/db"


def test_an_hpa_of_a_stand_in_scales_it(dumps):
    items = [
        *NODES,
        workload("StatefulSet", "db", 3),
        hpa("db", "StatefulSet"),
        *pods(("apps/v1", "StatefulSet", "db"), 3),
    ]
    scenario, _ = dumps.loaded(items)
    (found,) = scenario.objects.hpas
    assert found.target_key in {w.key for w in scenario.objects.workloads}


def test_finished_deleting_and_pending_pods(dumps):
    items = [
        *NODES, *WEB, *pods(RS, 2),
        pod("web-abc-9", None, RS, phase="Pending"),
        pod("old-1", "n1", ("batch/v1", "Job", "old"), phase="Succeeded"),
        pod("gone", "n2", None, deletionTimestamp="2026-01-01T00:00:00Z"),
    ]  # fmt: skip
    scenario, findings = dumps.loaded(items)
    assert scenario.placement == {"shop/Deployment/web": {"n1": 2}, "shop/Pod/gone": {"n2": 1}}
    assert findings.totals.pods == {"Running": 3, "Pending": 1, "Succeeded": 1}
    assert "being deleted" in guesses(findings)


def test_a_rollout_leaves_no_more_pods_than_replicas(dumps):
    scenario, findings = dumps.loaded([*NODES, *WEB, *pods(RS, 5, ("n1", "n2"))])
    assert sum(scenario.placement["shop/Deployment/web"].values()) == 3
    assert "beyond their workload's replicas" in guesses(findings)


def test_pods_on_nodes_that_are_not_there(dumps):
    scenario, findings = dumps.loaded([NODES[0], *WEB, *pods(RS, 3, ("n1", "lost"))])
    assert scenario.placement == {"shop/Deployment/web": {"n1": 2}}
    assert "not in the dump" in guesses(findings)


def test_what_admission_made_of_the_pods_counts(dumps):
    sidecar = {"name": "proxy", "resources": {"limits": {"cpu": "50m"}}}
    body = {"containers": [*spec("200m")["containers"], sidecar]}
    scenario, findings = dumps.loaded([*NODES, *WEB, *pods(RS, 3, body=body)])
    (web,) = scenario.objects.workloads
    assert [c.name for c in web.template.containers] == ["app", "proxy"]
    assert web.template.requests()["cpu"] == 250
    assert "requests of running pods" in guesses(findings)
    assert findings.totals.requested_cpu_milli == 750


def test_requests_that_only_the_api_server_filled_in_are_no_change(dumps):
    limited = {"containers": [{"name": "app", "resources": {"limits": {"cpu": "100m", "memory": "1Gi"}}}]}
    both = {"limits": {"cpu": "100m", "memory": "1Gi"}, "requests": {"cpu": "0.1", "memory": "1024Mi"}}
    items = [*NODES, workload("Deployment", "web", 3, pod=limited), WEB[1]]
    _, findings = dumps.loaded([*items, *pods(RS, 3, body={"containers": [{"name": "app", "resources": both}]})])
    assert "requests of running pods" not in guesses(findings)


def test_static_pods_of_whole_groups_are_daemonsets(dumps):
    nodes = [node(f"n{i}", {"eks.amazonaws.com/nodegroup": "a" if i < 3 else "b"}) for i in range(5)]
    static = [pod(f"proxy-n{i}", f"n{i}", ("v1", "Node", f"n{i}"), {"k8s": "proxy"}) for i in range(3)]
    single = pod("etcd-n4", "n4", ("v1", "Node", "n4"), {"k8s": "etcd"})
    scenario, _ = dumps.loaded([*nodes, *static, single])
    kinds = {w.key: w for w in scenario.objects.workloads}
    assert set(kinds) == {"shop/DaemonSet/proxy", "shop/Pod/etcd-n4"}
    assert "'values': ['a']" in str(kinds["shop/DaemonSet/proxy"].template.affinity)
    assert scenario.placement == {"shop/Pod/etcd-n4": {"n4": 1}}


def test_use_comes_from_pod_metrics_then_hpa_status_then_target(dumps):
    def metrics(name, cpu):
        containers = [{"name": "app", "usage": {"cpu": cpu, "memory": "64Mi"}}]
        metadata = {"name": name, "namespace": "shop"}
        return {
            "apiVersion": "metrics.k8s.io/v1beta1",
            "kind": "PodMetrics",
            "metadata": metadata,
            "containers": containers,
        }

    items = [*NODES, *WEB, *pods(RS, 3)]
    key = "shop/Deployment/web"
    cases = (
        ([hpa("web")], 3 * 0.1 * 0.60),
        ([hpa("web", now=30)], 3 * 0.1 * 0.30),
        ([hpa("web", now=30), metrics("web-abc-0", "40m"), metrics("web-abc-1", "20m")], 3 * 0.03),
    )
    for extra, cores in cases:
        scenario, _ = dumps.loaded([*items, *extra])
        assert scenario.usage[key].cpu.points(1000)[1][0] == pytest.approx(cores)
    assert not dumps.loaded(items)[0].usage


def test_the_same_object_in_two_versions_counts_once_the_newest(dumps):
    old = {**hpa("web", target=10), "apiVersion": "autoscaling/v1"}
    old["spec"] = {**old["spec"], "targetCPUUtilizationPercentage": 10}
    del old["spec"]["metrics"]
    extensions = {**workload("Deployment", "web", 9), "apiVersion": "extensions/v1beta1"}
    for order in ([old, hpa("web")], [hpa("web"), old]):
        scenario, findings = dumps.loaded([*NODES, *WEB, extensions, *order])
        (found,) = scenario.objects.hpas
        assert found.metrics[0]["resource"]["target"]["averageUtilization"] == 60
        assert findings.totals.duplicates == {"HorizontalPodAutoscaler": 1, "Deployment": 1}


def test_kinds_of_other_groups_with_the_same_names_are_not_taken_for_the_real_ones(dumps):
    volcano = {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "metadata": {"name": "x", "namespace": "shop"}}
    scenario, findings = dumps.loaded([*NODES, *WEB, {**volcano, "spec": {"tasks": []}}, *pods(RS, 3)])
    assert len(scenario.objects.workloads) == 1
    assert "Job: may matter, but this kind is not modelled" in unmodelled(findings)


def test_an_unknown_priority_class_has_the_priority_of_its_pods(dumps):
    body = {**spec(), "priorityClassName": "urgent"}
    items = [*NODES, workload("Deployment", "web", 3, pod=body), WEB[1]]
    scenario, _ = dumps.loaded([*items, *pods(RS, 3, body={**body, "priority": 4711})])
    assert scenario.objects.workloads[0].template.priority == 4711
    assert scenario.objects.priority_classes["urgent"] == 4711


def test_objects_without_a_namespace(dumps):
    bare = workload("Deployment", "web", 1)
    del bare["metadata"]["namespace"]
    scenario, findings = dumps.loaded([*NODES, bare], namespace="prod")
    assert scenario.objects.workloads[0].key == "prod/Deployment/web"
    assert "objects without a namespace are in prod" in guesses(findings)


def test_importing_again_writes_over_it_and_leaves_other_folders_alone(dumps, tmp_path):
    from capsim.errors import OutputError
    from capsim.scenario.importers.write import write_scenario

    made = dumps.imported([*NODES, *WEB, *pods(RS, 3)])
    write_scenario(made, tmp_path / "out")
    write_scenario(made, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(OutputError, match="holds other files"):
        write_scenario(made, tmp_path / "mine")
    assert owned(None) == {}


def test_pod_deletion_costs_are_kept_in_the_order_of_the_placement(dumps):
    listed = pods(RS, 3, ("n2", "n1"))
    for one, value in zip(listed, ("7", "many", "-3"), strict=True):
        one["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": value}
    scenario, _ = dumps.loaded([*NODES, *WEB, *listed])
    assert scenario.placement == {"shop/Deployment/web": {"n1": 1, "n2": 2}}
    assert scenario.workloads["shop/Deployment/web"].pod_deletion_costs == [0, 7, -3]


def test_quotas_and_limit_ranges_are_kept(dumps):
    about = {"name": "team", "namespace": "shop"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": about, "spec": {"hard": {"pods": "3"}},
             "status": {"hard": {"pods": "3"}, "used": {"pods": "3"}}}  # fmt: skip
    item = {"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}}
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": about, "spec": {"limits": [item]}}
    scenario, findings = dumps.loaded([*NODES, *WEB, *pods(RS, 3, ("n1", "n2")), quota, limits])
    assert scenario.objects.quotas[0].hard == {"pods": 3}
    assert scenario.objects.limit_ranges[0].limits[0].most == {"cpu": 2000}
    assert "1 ResourceQuota" in findings.understood
    assert "ResourceQuota" not in unmodelled(findings)


def test_claims_and_volumes_of_a_dump_pin_pods_and_limit_nodes(dumps):
    """PersistentVolumeClaims, PersistentVolumes, StorageClasses and CSINodes take part; options of volumes stay out."""
    zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["z1"]}
    storage, csi = "storage.k8s.io/v1", {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-secret"}
    annotations = {"storageclass.kubernetes.io/is-default-class": "true", "note": "hidden"}
    volume = {
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": csi,
        "claimRef": {"namespace": "shop", "name": "data-db-0", "uid": "1"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}},
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, "volumeName": "pv-1"}
    drivers = [{"name": "ebs.csi.aws.com", "nodeID": "i-1", "allocatable": {"count": 25}}]
    db = workload("StatefulSet", "db", 1)
    db["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {**claim, "volumeName": None}}]
    head = {"metadata": {"name": "gp3", "annotations": annotations}, "provisioner": "ebs.csi.aws.com"}
    scenario, findings = dumps.loaded(
        [
            *NODES,
            db,
            *pods(("apps/v1", "StatefulSet", "db"), 1, ("n1",), labels={"app": "db"}),
            {"apiVersion": storage, "kind": "StorageClass", **head, "volumeBindingMode": "WaitForFirstConsumer"},
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"}, "spec": volume},
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data-db-0", "namespace": "shop"},
                "spec": claim,
            },
            {"apiVersion": storage, "kind": "CSINode", "metadata": {"name": "n1"}, "spec": {"drivers": drivers}},
        ]
    )
    objects = scenario.objects
    assert [one.is_default for one in objects.storage_classes] == [True]
    assert objects.claims[0].spec["volumeName"] == "pv-1"
    assert objects.volumes[0].spec["csi"] == {"driver": "ebs.csi.aws.com"}
    assert objects.workload("shop/StatefulSet/db").claim_templates[0]["name"] == "data"
    assert [group.attach_limits for group in scenario.node_groups] == [{"ebs.csi.aws.com": 25}]
    assert "secret" not in scenario.dump_resolved()
    assert "PersistentVolume" not in unmodelled(findings)
