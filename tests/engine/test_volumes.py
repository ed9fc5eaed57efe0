"""Claims in a run, rule by rule: VolumeBinding, NodeVolumeLimits, the attach/detach controller, the provisioner."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from capsim.engine.drive import Simulation
from capsim.errors import ScenarioError
from capsim.scenario import load
from capsim.state.tables_volumes import H_NODE, H_USERS
from tests.engine.faults.stories import played as run

pytestmark = pytest.mark.plain
ZONE = "topology.kubernetes.io/zone"
DRIVER = "ebs.csi.aws.com"


def storage_class(name="gp3", mode="WaitForFirstConsumer", provisioner=DRIVER, default=True, **more):
    """A StorageClass."""
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    metadata = {"name": name, "annotations": annotations}
    head = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata}
    return {**head, "provisioner": provisioner, "volumeBindingMode": mode, **more}


def claim(name, volume=None, modes=("ReadWriteOnce",), **more):
    """A PersistentVolumeClaim."""
    spec = {"accessModes": list(modes), "resources": {"requests": {"storage": "10Gi"}}, **more}
    spec |= {"volumeName": volume} if volume else {}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def volume(name, zone=None, node=None, **spec):
    """A PersistentVolume of one zone or node."""
    key, value = (ZONE, zone) if zone else ("kubernetes.io/hostname", node)
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}]
    about = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "10Gi"}, **spec}
    about["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": about}


def workload(name, replicas=1, templates=(), claims=(), kind="StatefulSet", cpu="500m", **spec):
    """A StatefulSet with claim templates, or anything with claims."""
    tolerated = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
    pod = {
        "containers": [{"name": "c", "image": "c:1", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}],
        "volumes": [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in claims],
        "tolerations": [{**tolerated, "tolerationSeconds": 30}],
        "terminationGracePeriodSeconds": 1,
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, **spec}
    spec["template"] = {"metadata": {"labels": {"app": name}}, "spec": pod}
    if templates:
        spec["volumeClaimTemplates"] = [
            {
                "metadata": {"name": one},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, **more},
            }
            for one, more in templates
        ]
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


DATA = (("data", {}),)


def scenario(tmp_path, objects, zones=("a", "b", "c"), events=(), **more: Any):
    """Three nodes in as many zones; nothing runs at the start."""
    group = {"name": "n", "instance": {"cpu": 4, "memory": "16Gi"}, "zones": list(zones), "min": 3, "max": 6}
    group |= {"initial": 3, **more.pop("group", {})}
    names = {one["metadata"]["name"]: {"startupTime": "5s", "terminationTime": "1s"} for one in objects if "spec" in one
             and "template" in one["spec"]}  # fmt: skip
    content = {"apiVersion": "capsim/v1", "duration": "20m", "initialState": "empty", "nodeGroups": [group]}
    content |= {"objects": list(objects), "events": list(events), "workloads": names, **more}
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(content))
    return load(path)


def played(scenario):
    """The run, its pods and its events."""
    sim, result = run(scenario)
    return sim, result.pods, result.events


def said(events, reason, about=""):
    """Messages of one reason."""
    return events[(events.reason == reason) & events.object.str.contains(about)].message.tolist()


def zone_of(node):
    """Zone of a node of the group, which has three of them in turn."""
    return "abc"[(int(node.split("-")[1]) - 1) % 3]


def test_wait_for_first_consumer_binds_where_the_pod_goes_and_keeps_it_there(tmp_path):
    """VolumeBinding: the volume is made in the zone of the pod's node; the pod comes back to that zone only."""
    outage = {"at": "10m", "zoneOutage": {"zone": "b"}}
    _, pods, events = played(scenario(tmp_path, [storage_class(), workload("db", 3, DATA)], events=[outage]))
    homes = pods[pods.deleted_ms.isna() | pods.node.notna()].groupby("name").node.agg(set)
    assert sorted(zone_of(next(iter(nodes))) for nodes in homes) == ["a", "b", "c"]
    lost = pods[pods.node == "n-2"].iloc[0]
    assert lost.deleted_ms > 600_000
    assert not any("affinity" in text for text in said(events, "FailedScheduling"))  # nobody confirmed that it is gone


def test_a_bound_claim_keeps_its_pod_pending_after_its_zone_is_lost(tmp_path):
    """VolumeBinding: node(s) didn't match PersistentVolume's node affinity (v1.34; before: had volume node affinity
    conflict), for ever: the machine is gone, its Node too, and no other node is in the zone."""
    lost = {"at": "5m", "fail": {"node": "n-2"}}
    _, pods, events = played(scenario(tmp_path, [storage_class(), workload("db", 3, DATA)], events=[lost]))
    again = pods[(pods.node.isna()) & (pods.created_ms > 300_000)]
    assert len(again) == 1
    told = said(events, "FailedScheduling", again.name.iloc[0])
    assert told[0].startswith("0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.")


def test_attach_limits_of_nodes(tmp_path):
    """NodeVolumeLimits (CSI): node(s) exceed max volume count."""
    group = {"zones": ["a"], "attachLimits": {DRIVER: 2}}
    _, pods, events = played(
        scenario(tmp_path, [storage_class(), workload("db", 8, DATA, cpu="10m")], zones=["a"], group=group)
    )
    assert pods.node.value_counts().tolist() == [2, 2, 2]
    assert said(events, "FailedScheduling")[0].startswith("0/3 nodes are available: 3 node(s) exceed max volume count.")


def test_csi_nodes_limit_what_their_nodes_attach(tmp_path):
    """NodeVolumeLimits: allocatable.count of the CSINode of that name."""
    drivers = [{"name": DRIVER, "nodeID": "i", "allocatable": {"count": 1}}]
    csi = {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "n-1"}}
    listed = [storage_class(), {**csi, "spec": {"drivers": drivers}}, workload("db", 4, DATA, cpu="1500m")]
    _, pods, _ = played(scenario(tmp_path, listed, zones=["a"], group={"zones": ["a"]}))
    assert (pods.node == "n-1").sum() == 1
    assert pods.node.notna().all()


def test_attaching_takes_its_time_and_a_volume_moves_when_it_is_detached(tmp_path):
    """A pod's first start waits for its volume to be made and attached, the next one on another node for the detach."""
    storage = {"attachDelay": "7s", "detachDelay": "4s", "provisionDelay": "2s"}
    drain = {"at": "5m", "drain": {"node": "n-1"}}
    group = {"zones": ["a"]}
    listed = [storage_class(), workload("db", 1, DATA)]
    events = [drain]
    for node in ("n-1", "n-2", "n-3"):
        events += [{"at": "1s", "drain": {"node": node}}] if node == "n-9" else []
    _, pods, _ = played(scenario(tmp_path, listed, zones=["a"], group=group, storage=storage, events=events))
    first = pods.iloc[0]
    assert first.ready_ms - first.scheduled_ms == 2000 + 7000 + 5000
    if first.node == "n-1":
        second = pods.iloc[1]
        assert second.ready_ms == pytest.approx(first.gone_ms + 4000 + 7000 + 5000, abs=1)


def test_a_dead_node_keeps_its_volumes_for_six_minutes(tmp_path):
    """attach/detach controller: maxWaitForUnmountDuration, also when the Node object is gone."""
    listed = [storage_class(), workload("db", 3, DATA, podManagementPolicy="Parallel")]
    sim = Simulation(scenario(tmp_path, listed, zones=["a"], group={"zones": ["a"]}, events=[]))
    sim.advance(60_000)
    node = sim.names.node(0, int(sim.state.nodes.ordinal[sim.state.pods.node[0]]))
    lost = {"at": "5m", "fail": {"node": node}}
    _, pods, _ = played(scenario(tmp_path, listed, zones=["a"], group={"zones": ["a"]}, events=[lost]))
    gone = pods[pods.gone_ms.notna()]
    back = pods[pods.created_ms > 300_000]
    assert len(gone) == len(back) > 0
    assert (back.ready_ms - 300_000).tolist() == pytest.approx([360_000 + 5000 + 5000 + 5000] * len(back), abs=100)


def rolling(tmp_path, modes):
    """A Deployment with one claim whose next pod has no room beside the old one."""
    rollout = {"at": "5m", "rollout": {"target": "web", "image": "c:2"}}
    listed = [
        storage_class(),
        claim("data", modes=modes),
        workload("web", 1, claims=["data"], kind="Deployment", cpu="3"),
    ]
    return played(scenario(tmp_path, listed, zones=["a"], group={"zones": ["a"]}, events=[rollout]))


def test_multi_attach(tmp_path):
    """attach/detach controller: a ReadWriteOnce volume stays on its node while a pod there uses it; a rolling update
    that wants the new pod Ready first waits for ever."""
    _, pods, events = rolling(tmp_path, ["ReadWriteOnce"])
    assert said(events, "FailedAttachVolume")[0].startswith("Multi-Attach error")
    assert pods.ready_ms.isna().sum() == 1
    assert pods.deleted_ms.isna().all()


def test_a_volume_of_many_nodes_moves_freely(tmp_path):
    """ReadWriteMany: no Multi-Attach error, and the rollout goes on."""
    _, pods, events = rolling(tmp_path, ["ReadWriteMany"])
    assert said(events, "FailedAttachVolume") == []
    assert pods.ready_ms.notna().all()


def test_a_waiting_pod_gets_the_volume_when_the_other_one_is_gone(tmp_path):
    """Multi-Attach ends when the old pod is gone: the volume is detached, then attached."""
    listed = [
        storage_class(),
        claim("data"),
        *(workload(n, 1, claims=["data"], kind="Deployment", cpu="3") for n in "ab"),
    ]
    stop = {"at": "5m", "scale": {"target": "default/Deployment/a", "replicas": 0}}
    sim, pods, events = played(scenario(tmp_path, listed, zones=["a"], group={"zones": ["a"]}, events=[stop]))
    a, b = (pods[pods.name.str.startswith(f"{n}-")].iloc[0] for n in "ab")
    assert said(events, "FailedAttachVolume", "/b-")
    assert b.ready_ms == a.gone_ms + 5000 + 5000 + 5000
    held = sim.state.scheduling.volumes.held[0, 0]
    assert (held[H_USERS], sim.names.node(0, int(sim.state.nodes.ordinal[sim.state.nodes.uid == held[H_NODE]][0]))) == (
        1,
        b.node,
    )


def test_who_waited_for_a_volume_in_vain_did_not_use_it(tmp_path):
    """a has the volume on one node, b and c wait on another. b is deleted and takes its time; a goes, and c gets the
    volume. When b is gone, which never had it, c still has it: d, on a third node, waits for ever."""
    listed = [storage_class(), claim("data")]
    for name, zone in (("a", "a"), ("b", "b"), ("c", "b"), ("d", "c")):
        one = workload(name, int(name != "d"), claims=["data"], kind="Deployment")
        one["spec"]["template"]["spec"]["nodeSelector"] = {ZONE: zone}
        listed.append(one)
    behaviours = {name: {"startupTime": "5s", "terminationTime": "1s"} for name in "acd"}
    behaviours["b"] = {"startupTime": "5s", "terminationTime": "60s"}
    listed[3]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 90
    events = [
        {"at": f"{at}s", "scale": {"target": f"default/Deployment/{name}", "replicas": replicas}}
        for name, at, replicas in (("b", 300, 0), ("a", 310, 0), ("d", 340, 1))
    ]
    anywhere = {"storage": {"topology": {"gp3": "none"}}, "workloads": behaviours}
    sim, pods, _ = played(scenario(tmp_path, listed, events=events, **anywhere))
    of = {name: pods[pods.name.str.startswith(f"{name}-")].iloc[0] for name in "abcd"}
    assert of["a"].ready_ms < of["c"].ready_ms < of["b"].gone_ms
    assert pods[["ready_ms"]].isna().sum().item() == 2, "b and d"
    assert sim.state.scheduling.volumes.held[0, 0, H_USERS] == 1


@pytest.mark.parametrize("mode", ["Immediate", "WaitForFirstConsumer"])
@pytest.mark.parametrize("key", [ZONE, "topology.ebs.csi.aws.com/zone"])
def test_volumes_are_made_in_the_zones_that_their_class_allows(tmp_path, mode, key):
    """allowedTopologies, under the driver's own name of the zone too."""
    allowed = [{"matchLabelExpressions": [{"key": key, "values": ["b"]}]}]
    listed = [storage_class(mode=mode, allowedTopologies=allowed), workload("db", 2, DATA)]
    _, pods, _ = played(scenario(tmp_path, listed))
    assert pods.ready_ms.notna().all()
    assert {zone_of(node) for node in pods.node} == {"b"}


def test_a_volume_that_is_mounted_and_not_attached_serves_any_node_at_once(tmp_path):
    """nfs: no attach/detach controller, no Multi-Attach; a static CSI volume without a class counts for its driver."""
    modes = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    shared = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}}
    for source, waits in (({"nfs": {"server": "s", "path": "/"}}, 0), ({"csi": {"driver": DRIVER}}, 1)):
        spec = {**modes, "capacity": {"storage": "10Gi"}, **source}
        listed = [{**shared, "spec": spec}, claim("data", storageClassName="")]
        listed += [workload(n, 1, claims=["data"], kind="Deployment", cpu="3") for n in "ab"]
        _, pods, events = played(scenario(tmp_path, listed))
        assert pods.ready_ms.isna().sum() == waits
        assert bool(said(events, "FailedAttachVolume")) == bool(waits)


def test_immediate_claims_go_round_the_zones(tmp_path):
    """external-provisioner: hash of the StatefulSet's name plus the ordinal, modulo the zones."""
    _, pods, _ = played(scenario(tmp_path, [storage_class(mode="Immediate"), workload("db", 3, DATA)]))
    zones = [zone_of(node) for node in pods.sort_values("name").node]
    assert sorted(zones) == ["a", "b", "c"]
    assert "abcabc".index("".join(zones)) >= 0


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ([storage_class(default=False)], "pod has unbound immediate PersistentVolumeClaims"),
        ([storage_class(), claim("other")], 'persistentvolumeclaim "data" not found'),
    ],
)
def test_claims_that_are_never_bound(tmp_path, objects, text):
    """VolumeBinding's PreFilter: no node is tried, and no preemption helps."""
    named = {"claims": ["data"], "kind": "Deployment"} if "not found" in text else {"templates": DATA}
    _, pods, events = played(scenario(tmp_path, [*objects, workload("db", 1, **named)]))
    assert pods.node.isna().all()
    assert said(events, "FailedScheduling")[0].startswith(f"0/3 nodes are available: {text}.")


def test_local_volumes_are_taken_one_by_one(tmp_path):
    """VolumeBinding: a class without provisioner binds to a volume that is there; then didn't find available persistent
    volumes to bind."""
    local = storage_class("local", provisioner="kubernetes.io/no-provisioner")
    disks = [volume(f"pv-{i}", node=f"n-{i}", storageClassName="local") for i in (1, 3)]
    _, pods, events = played(scenario(tmp_path, [local, *disks, workload("db", 3, DATA)]))
    assert sorted(pods.node.dropna()) == ["n-1", "n-3"]
    told = "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."
    assert said(events, "FailedScheduling")[0].startswith(told)


def test_claims_of_a_cluster_pin_the_pods_of_the_start(tmp_path):
    """Claims that have their volume when the run begins: each ordinal is where its volume is."""
    bound = [claim(f"data-db-{k}", volume=f"pv-{zone}", storageClassName="gp3") for k, zone in enumerate("cab")]
    volumes = [volume(f"pv-{zone}", zone=zone, storageClassName="gp3") for zone in "abc"]
    listed = [storage_class(), *bound, *volumes, workload("db", 3, DATA)]
    _, pods, _ = played(scenario(tmp_path, listed, initialState="declared"))
    assert [zone_of(node) for node in pods.sort_values("name").node] == ["c", "a", "b"]


def test_the_autoscaler_adds_a_node_of_the_right_zone(tmp_path):
    """VolumeBinding on node templates: a pod whose volume is in zone b gets a node of the group of zone b."""
    groups = [
        {"name": zone, "instance": {"cpu": 2, "memory": "8Gi"}, "zones": [zone], "min": 0, "max": 3, "initial": 0}
        for zone in "abc"
    ]
    bound = [claim("data-db-0", volume="pv", storageClassName="gp3"), volume("pv", zone="b", storageClassName="gp3")]
    made = scenario(
        tmp_path, [storage_class(), *bound, workload("db", 1, DATA)], nodeGroups=groups, clusterAutoscaler={}
    )
    sim, pods, _ = played(made)
    assert pods.node.tolist() == ["b-1"]
    assert int(sim.state.clock.counters[11]) == 1


def test_without_any_storage_class_a_default_is_assumed(tmp_path):
    """Manifests alone: nobody wrote down the cluster's storage; it is listed as guessed."""
    made = scenario(tmp_path, [workload("db", 2, DATA)])
    _, pods, _ = played(made)
    assert pods.node.notna().all()
    assert any("StorageClass" in line.field for line in made.inventory.guessed)


def test_a_snapshot_holds_the_claims(tmp_path):
    sim = Simulation(scenario(tmp_path, [storage_class(), workload("db", 3, DATA)]))
    before = sim.snapshot()
    found = []
    for _ in range(2):
        sim.restore(before)
        sim.advance(600_000)
        found.append((sim.state.pods.node.tolist(), sim.state.scheduling.volumes.site.tolist()))
    assert found[0] == found[1]
    assert min(found[0][1][0]) > 0


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ([storage_class(mode="Later")], "unknown mode"),
        ([{**storage_class(), "provisioner": ""}], "no provisioner"),
        ([workload("db", 1, [("data", {"resources": {}})])], "a claim without name or size"),
    ],
)
def test_bad_objects_say_where_and_what_is_allowed(tmp_path, objects, text):
    with pytest.raises(ScenarioError, match=text):
        scenario(tmp_path, objects)


def shared(tmp_path, **more):
    """Three pods that spread over three nodes and share a claim, settled."""
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    app = workload("web", 3, claims=("data",), kind="Deployment")
    app["spec"]["template"]["spec"]["topologySpreadConstraints"] = [
        {**spread, "labelSelector": {"matchLabels": {"app": "web"}}}
    ]
    listed = [storage_class(mode="Immediate"), claim("data"), app]
    return scenario(tmp_path, listed, zones=["a"], group={"zones": ["a"]}, initialState="settled", **more)


def test_of_pods_of_the_start_those_wait_whose_volume_serves_another_node(tmp_path):
    """Reconciler: a ReadWriteOnce volume is not attached to a second node while the first has a pod with it."""
    drain = {"at": "5m", "drain": {"node": "n-2"}}
    _, pods, events = played(shared(tmp_path, events=[drain]))
    first = pods[pods.created_ms < 0].sort_values("node").reset_index()
    assert first.node.tolist() == ["n-1", "n-2", "n-3"]
    assert len(said(events, "FailedAttachVolume")) >= 2
    assert first.ready_ms[1] < 0
    later = first.ready_ms[[0, 2]].dropna()
    assert len(later) == 1
    assert later.iloc[0] > 300_000  # one of the others when it is gone


def test_what_recorded_pods_share_on_several_nodes_serves_them_all(tmp_path):
    """Whatever is known of its class: where pods use it on two nodes it does not serve one alone."""
    recorded = {"default/Deployment/web": {"n-1": 1, "n-2": 2}}
    sim, pods, _ = played(shared(tmp_path).model_copy(update={"initial_state": "recorded", "placement": recorded}))
    assert (pods.ready_ms < 0).all()
    assert not sim.state.scheduling.volumes.setting[0, 4]


@pytest.mark.parametrize("aware", [False, True])
def test_the_autoscaler_knows_what_nodes_attach_and_of_new_ones_only_if_it_is_asked(tmp_path, aware):
    """NodeVolumeLimits in the Cluster Autoscaler: nodes that are there have a CSINode, templates have one behind
    --enable-csi-node-aware-scheduling (1.35); without it one new node seems to take every volume."""
    group = {"zones": ["a"], "attachLimits": {DRIVER: 2}, "max": 10, "bootDelay": "30s"}
    autoscaler = {"enable-csi-node-aware-scheduling": aware}
    listed = [storage_class(), workload("db", 12, DATA, cpu="10m", podManagementPolicy="Parallel")]
    _, result = run(scenario(tmp_path, listed, zones=["a"], group=group, clusterAutoscaler=autoscaler))
    assert result.pods.node.value_counts().tolist() == [2] * 6
    asked = result.nodes.requested_ms[result.nodes.requested_ms > 0]
    assert sorted(asked.value_counts()) == [3] if aware else [1, 1, 1]


def test_pods_that_get_nodes_before_the_start_have_their_volumes(tmp_path):
    """Where an autoscaler settles the nodes of the start, too: each volume has its user, and binds where that is."""
    group = {"zones": ["a", "b", "c"], "max": 9}
    listed = [storage_class(), workload("db", 7, DATA, cpu="3")]
    scene = scenario(tmp_path, listed, group=group, clusterAutoscaler={}, initialState="settled")
    sim, result = run(scene)
    assert (result.pods.ready_ms < 0).all()
    volumes, nodes = sim.state.scheduling.volumes, sim.state.nodes
    assert sorted(volumes.held[0, :7, H_NODE]) == sorted(nodes.uid[sim.state.pods.node[:7]])
    assert volumes.held[0, :7, H_USERS].tolist() == [1] * 7
    assert (volumes.site[0, :7] > 0).all()
