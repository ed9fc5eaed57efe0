"""Eviction for ephemeral storage, rule by rule (kubernetes v1.36 pkg/kubelet/eviction, pkg/kubelet/images)."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.engine.drive import Simulation
from capsim.engine.faults import disk
from capsim.scenario import ConstantSeries, ControlPlaneSpec, Instance, KubeletSpec, ServiceSpec, WorkloadSpec
from capsim.scenario.images import ImageSpec
from capsim.scenario.workload import ContainerBehaviour, DiskUse
from capsim.state.tables import FLAG_DISK_PRESSURE, POD_READY
from tests.engine.clusters import GIB, cluster, deployment, group
from tests.engine.faults.stories import event, played, times_of

pytestmark = pytest.mark.plain
MIB = 2**20


def writing(name, replicas=1, request_mib=0, limit_mib=0, size_limit=None, kind="Deployment", spread=0.0, **uses):
    """A workload and what its pods write: ``layer``, ``logs``, ``volume`` and ``template`` of it."""
    template = uses.pop("template", {})
    made = deployment(name, replicas, cpu_milli=10, kind=kind, **template)
    first = made.template.containers[0]
    requests = {**first.requests, **({"ephemeral-storage": request_mib * MIB} if request_mib else {})}
    limits = {"ephemeral-storage": limit_mib * MIB} if limit_mib else {}
    container = first.model_copy(update={"requests": requests, "limits": limits, "image": uses.pop("image", "")})
    source = {} if size_limit is None else {"sizeLimit": size_limit}
    update = {"containers": (container,), "volumes": [{"name": "cache", "emptyDir": source}]}
    made = made.model_copy(update={"template": made.template.model_copy(update=update)})
    behaviour = ContainerBehaviour(cpu_per_request_milli=10.0, writable_layer=uses.get("layer"), logs=uses.get("logs"))
    volumes = {"cache": uses["volume"]} if "volume" in uses else {}
    return made, WorkloadSpec(containers={"app": behaviour}, empty_dirs=volumes, disk_spread_ratio=spread)


def scenario_of(*listed, disk_gib=10, count=1, rps=None, node=None, **more):
    """The workloads on nodes with small disks, of which a tenth is the threshold."""
    instance = Instance(cpu_milli=4000, memory_bytes=64 * GIB, ephemeral_storage_bytes=disk_gib * GIB)
    nodes = {"count": count, "instance": instance, "eviction_hard": {"ephemeral-storage": "10%"}, **(node or {})}
    services = {f"default/{w.name}": ServiceSpec(workloads=[w.key]) for w, _ in listed} if rps else {}
    settings = {
        "workloads": {workload.key: spec for workload, spec in listed},
        "services": services,
        "traffic": {name: ConstantSeries(constant=rps) for name in services},
        "initial_state": "declared",
        "duration_ms": 600_000,
    }
    return cluster([workload for workload, _ in listed], [group(**nodes)], **{**settings, **more})


def run(*listed, **more):
    return played(scenario_of(*listed, **more))


def evicted(result):
    """Names of the workloads whose pods were evicted, in order."""
    events = result.events[result.events.reason == "Evicted"]
    return [name.split("/")[-1].split("-")[0] for name in events.object]


def messages(result, reason="Evicted"):
    return result.events[result.events.reason == reason].message.tolist()


def of(mib=0, per_second_mib=0.0, per_request=0, up_to_mib=None):
    up_to = None if up_to_mib is None else up_to_mib * MIB
    rate = int(per_second_mib * MIB)
    return DiskUse(base_bytes=mib * MIB, per_second_bytes=rate, per_request_bytes=per_request, up_to_bytes=up_to)


# Limits of pods: localStorageEviction.


def test_a_container_above_its_limit_evicts_its_pod():
    """Writable layer and logs together; a pod of one container exceeds the pod's limit first."""
    _, result = run(writing("a", limit_mib=100, layer=of(40, 1), logs=of(20)))
    assert times_of(result, "Evicted")[0] == 50_000  # 60 + 1 MiB/s, above 100 from 40 s on: at the next look
    assert messages(result)[0] == "Pod ephemeral local storage usage exceeds the total limit of containers 100Mi."
    first = result.pods[result.pods.deleted_ms == 50_000].iloc[0]
    assert first.gone_ms == 50_001
    assert (result.pods.created_ms > 50_000).any()  # its controller makes another one


def test_the_limit_of_one_container_counts_without_what_others_may():
    """containerEphemeralStorageLimitEviction, while the pod's limits together are not exceeded."""
    made, spec = writing("a", limit_mib=100, layer=of(40, 1))
    other = made.template.containers[0].model_copy(update={"name": "b", "limits": {"ephemeral-storage": GIB}})
    both = made.template.model_copy(update={"containers": (*made.template.containers, other)})
    _, result = run((made.model_copy(update={"template": both}), spec))
    assert times_of(result, "Evicted")[0] == 70_000
    assert messages(result)[0] == 'Container app exceeded its local ephemeral storage limit "100Mi".'


def test_a_pod_above_the_limits_of_its_containers_together():
    """podEphemeralStorageLimitEviction: emptyDir volumes count; containers without a limit add nothing to it."""
    _, result = run(writing("a", limit_mib=100, layer=of(10), volume=of(50, 1)))
    assert times_of(result, "Evicted")[0] == 50_000
    assert "total limit of containers 100Mi." in messages(result)[0]


def test_an_empty_dir_above_its_size_limit():
    """emptyDirLimitEviction comes before the other limits."""
    _, result = run(writing("a", limit_mib=30, size_limit="20Mi", volume=of(0, 1)))
    assert times_of(result, "Evicted")[0] == 30_000
    assert messages(result)[0] == 'Usage of EmptyDir volume "cache" exceeds the limit "20Mi".'


def test_an_empty_dir_in_memory_and_a_size_limit_of_zero_are_no_limit():
    made, spec = writing("a", size_limit="0", volume=of(0, 1))
    _, result = run((made, spec))
    assert evicted(result) == []


def test_all_pods_above_their_limit_go_at_one_look():
    """localStorageEviction takes every pod, not one a look."""
    _, result = run(writing("a", 3, limit_mib=100, layer=of(0, 1)))
    assert times_of(result, "Evicted")[:3] == [110_000] * 3


def test_critical_pods_stay():
    """IsCriticalPod."""
    _, result = run(writing("a", limit_mib=100, layer=of(0, 1), template={"priority": 2_000_000_000}))
    assert evicted(result) == []


def test_a_pod_that_breaks_its_limit_goes_instead_of_one_for_the_threshold():
    """synchronize returns after localStorageEviction; the condition is there all the same."""
    _, result = run(writing("small", limit_mib=100, layer=of(0, 1)), writing("big", layer=of(9000, 1)))
    assert times_of(result, "NodeHasDiskPressure")[0] == 110_000  # 9000 + 2 x 110 MiB, of which 9216 are allowed
    assert (times_of(result, "Evicted")[:2], evicted(result)[:2]) == ([110_000, 220_000], ["small", "big"])


# The node's threshold: nodefs.available.


def test_usage_above_the_request_goes_first_then_priority_then_the_amount():
    """rankDiskPressureFunc: exceedDiskRequests, priority, disk."""
    _, result = run(
        writing("within", request_mib=3000, layer=of(2900)),
        writing("high", request_mib=100, layer=of(3000), template={"priority": 10}),
        writing("little", request_mib=100, layer=of(1500)),
        writing("much", request_mib=100, layer=of(2500)),
        initial_state="declared",
    )
    assert evicted(result)[0] == "much"
    assert "within" not in evicted(result)
    assert "high" not in evicted(result)


def test_the_words_of_an_eviction_for_the_threshold():
    """evictionMessage, and EvictionThresholdMet."""
    _, result = run(writing("a", request_mib=1024, layer=of(9000), logs=of(300, up_to_mib=300)))
    assert messages(result)[0] == (
        "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 940Mi. "
        "Container app was using 9300Mi, request is 1Gi, has larger consumption of ephemeral-storage."
    )
    told = result.events[result.events.reason == "EvictionThresholdMet"].iloc[0]
    assert (told.type, told.object, told.message) == ("Warning", "Node/n-1", "Attempting to reclaim ephemeral-storage")


def test_one_pod_at_a_look_while_the_threshold_is_met():
    """At most one pod is killed at an eviction interval."""
    _, result = run(writing("a", 5, layer=of(2000)))
    assert times_of(result, "Evicted")[:1] == [10_000]
    assert len(times_of(result, "Evicted")) == len(set(times_of(result, "Evicted")))


def test_the_condition_keeps_pods_off_for_the_transition_period():
    """DiskPressure is a NoSchedule taint that no pod is given a toleration of; it goes five minutes after."""
    plane = ControlPlaneSpec(phases="zero", kubelet=KubeletSpec(eviction_pressure_transition_period_ms=100_000))
    sim, result = run(writing("a", 5, layer=of(2000)), control_plane=plane)
    assert times_of(result, "NodeHasDiskPressure")[:2] == [10_000, 120_000]
    assert times_of(result, "NodeHasNoDiskPressure")[0] == 110_000
    assert messages(result, "NodeHasDiskPressure")[0] == "Node n-1 status is now: NodeHasDiskPressure"
    told = messages(result, "FailedScheduling")[0]
    assert told.startswith(
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }."
    )
    assert sim.state.nodes.flags[0] & FLAG_DISK_PRESSURE


def test_daemonsets_tolerate_the_taint_and_get_no_other_pod_while_the_kubelet_refuses_it():
    """Admit: under DiskPressure no pod is admitted; the DaemonSet has one again when the condition is gone."""
    plane = ControlPlaneSpec(phases="zero", kubelet=KubeletSpec(eviction_pressure_transition_period_ms=100_000))
    _, result = run(writing("d", 1, kind="DaemonSet", layer=of(0, 100)), duration_ms=250_000, control_plane=plane)
    first = times_of(result, "Evicted")[0]
    assert first == 100_000  # 9216 MiB at 100 MiB a second
    later = result.pods[result.pods.created_ms > 0].created_ms.tolist()
    assert later[0] == first + 110_000 - 10_000


def test_without_a_threshold_nothing_happens():
    """evictionHard replaces the defaults: without nodefs.available a disk is full and nobody looks at it."""
    _, result = run(writing("a", layer=of(20_000)), node={"eviction_hard": {"memory": "100Mi"}})
    assert evicted(result) == []


def test_eviction_can_be_switched_off():
    plane = ControlPlaneSpec(kubelet=KubeletSpec(evicts=False))
    sim, result = run(writing("a", limit_mib=10, layer=of(20_000)), control_plane=plane)
    assert evicted(result) == []
    assert not sim.faults.agenda.entries


# What pods hold.


def held(sim, p=0):
    return disk.bytes_of(sim, p)


def test_bytes_for_each_request_and_each_second():
    """Served requests of the pod, whatever it got of them; seconds since it was Ready."""
    sim = Simulation(
        scenario_of(writing("a", 2, layer=of(1, 0.0, per_request=1000), logs=of(0, 1, up_to_mib=100)), rps=20.0)
    )
    sim.advance(30_000)
    assert held(sim) == pytest.approx(MIB + 30 * 10 * 1000 + 30 * MIB)
    sim.advance(400_000)
    assert held(sim) == pytest.approx(MIB + 400 * 10 * 1000 + 100 * MIB)


def test_pods_on_a_contended_node_write_what_they_serve():
    """A pod whose node has less CPU than its pods want has a rate of its own."""
    made = writing("a", 2, layer=of(0, per_request=1000))
    sim = Simulation(scenario_of(made, rps=500.0, node={"instance": Instance(
        cpu_milli=1000, memory_bytes=64 * GIB, ephemeral_storage_bytes=10 * GIB)}))  # fmt: skip
    sim.advance(100_000)
    served = sum(held(sim, p) for p in np.flatnonzero(sim.state.pods.state == POD_READY)) / 1000
    assert served == pytest.approx(100 * 100, rel=0.02)  # 1 CPU at 10 ms


def test_logs_end_where_they_are_rotated():
    """containerLogMaxSize x containerLogMaxFiles."""
    sim = Simulation(scenario_of(writing("a", logs=of(0, 1))))
    sim.advance(300_000)
    assert held(sim) == 50 * MIB


def test_a_restart_empties_the_writable_layer_and_keeps_logs_and_volumes():
    crash = event(100_000, crash={"target": "default/Deployment/a"})
    sim = Simulation(scenario_of(writing("a", layer=of(1, 1), logs=of(1, 0.125), volume=of(1, 1)), events=[crash]))
    sim.advance(99_000)
    assert held(sim) == 3 * MIB + 2.125 * 99 * MIB
    sim.advance(100_000)
    assert held(sim) == 3 * MIB + 1.125 * 100 * MIB
    ready_ms = 105_001  # restarted at once, 5 s until it is Ready
    sim.advance(ready_ms + 20_000)
    assert held(sim) == 3 * MIB + (20 + 0.125 * 120 + 120) * MIB


def test_a_partition_leaves_the_writable_layer_and_a_reboot_empties_it():
    for mode, layer_mib in (("partition", 90), ("unreachable", 0)):
        fail = event(30_000, fail={"node": "n-1", "mode": mode, "duration": "20s"})
        sim = Simulation(scenario_of(writing("a", layer=of(0, 1), volume=of(0, 1)), events=[fail]))
        sim.advance(50_000)
        sim.advance(110_000)
        alive = 60 if mode == "partition" else 55
        assert held(sim) == (30 + alive) * MIB + (30 + alive if layer_mib else alive) * MIB


def test_what_single_pods_write_is_spread():
    """diskSpread: growth, not what is there at rest; drawn from the seed by pod."""
    sim = Simulation(scenario_of(writing("a", 20, layer=of(10, 1), spread=0.1)))
    sim.advance(100_000)
    grown = np.array([held(sim, p) for p in range(20)]) / MIB - 10
    assert 90 <= grown.min() < 95 < 105 < grown.max() <= 110


# Images.

IMAGES = {
    "old:1": ImageSpec(size_bytes=2 * GIB),
    "app:1": ImageSpec(layers={"base": GIB, "app": GIB // 2}),
    "base:1": ImageSpec(layers={"base": GIB}),
}


def with_images(*listed, preloaded=("old:1", "base:1"), **more):
    plane = ControlPlaneSpec(phases="zero", kubelet=KubeletSpec(unpacked_image_ratio=2.0))
    return scenario_of(*listed, images=IMAGES, control_plane=plane, node={"preloaded_images": list(preloaded)}, **more)


def test_images_count_unpacked_and_shared_layers_once():
    sim = Simulation(with_images(writing("a", image="app:1", layer=of(1))))
    assert disk.image_bytes(sim)[0] == 2 * (2 + 1.5) * GIB


def test_unused_images_go_before_a_pod_does():
    """reclaimNodeLevelResources: DeleteUnusedImages. An image that shares its layers with one in use frees nothing."""
    scenario = with_images(writing("a", image="app:1", layer=of(0, 8)), disk_gib=10)
    sim, result = played(scenario)
    assert disk.image_bytes(sim)[0] == 3 * GIB
    reclaimed = times_of(result, "EvictionThresholdMet")
    assert reclaimed[0] == 260_000  # 7 GiB of images, 2 GiB written at 256 s
    assert evicted(result) == []
    row = sim.state.scheduling.extras.image_group
    assert sim.state.presence.on_node[row, 0].tolist() == [1, 0, 0]
    assert sim.state.scheduling.extras.image_nodes.tolist() == [1, 0, 0]


def test_images_are_collected_every_five_minutes_above_the_high_threshold():
    """imageGCHighThresholdPercent 85, down to 80."""
    scenario = with_images(writing("a", image="app:1", layer=of(0, 6)), disk_gib=10)
    sim = Simulation(scenario)
    sim.advance(299_999)
    assert disk.used_bytes(sim, disk.holdings(sim))[0] == pytest.approx(7 * GIB + 299.999 * 6 * MIB)  # 87.6 %
    sim.advance(300_000)
    assert disk.image_bytes(sim)[0] == 3 * GIB
    assert not sim.state.nodes.flags[0] & FLAG_DISK_PRESSURE


def test_a_deleted_image_is_pulled_again():
    """The next pod that wants it waits for the pull."""
    scenario = with_images(writing("a", image="app:1", layer=of(0, 6)), writing("b", 0, image="old:1"),
        events=[event(400_000, scale={"target": "default/Deployment/b", "replicas": 1})])  # fmt: skip
    _, result = played(scenario)
    late = result.pods[result.pods.workload == "default/Deployment/b"].iloc[0]
    assert late.ready_ms - late.created_ms > 2 * GIB / 50e6 * 1000


def test_images_alone_can_fill_a_disk():
    scenario = with_images(writing("a", image="app:1"), disk_gib=7)
    sim, _ = played(scenario)
    assert disk.image_bytes(sim)[0] == 3 * GIB


# What it costs.


def looks(scenario):
    return any(entry.what == "pressure" for entry in Simulation(scenario).faults.agenda.entries)


def test_nobody_looks_where_nothing_is_written():
    assert not looks(scenario_of(writing("a", 5, request_mib=100, limit_mib=100)))
    assert not looks(with_images(writing("a", image="app:1"), disk_gib=100))
    assert looks(scenario_of(writing("a", layer=of(1))))


def count_looks(monkeypatch, scenario, **how):
    from capsim.engine.faults import pressure

    times, real = [], pressure.observe
    monkeypatch.setattr(pressure, "observe", lambda sim: times.append(sim.now_ms) or real(sim))
    sim = Simulation(scenario, **how)
    sim.advance(scenario.duration_ms)
    monkeypatch.undo()
    return times, sim


def test_looks_that_can_find_nothing_are_not_made(monkeypatch):
    """The first eviction is the same, with few looks before it."""
    scenario = scenario_of(writing("a", limit_mib=400, layer=of(0, 1)), duration_ms=450_000)
    few, sim = count_looks(monkeypatch, scenario)
    every, other = count_looks(monkeypatch, scenario, skip_syncs=False)
    assert len(every) == 45
    assert len(few) < 15
    assert 410_000 in few
    assert sim.state.pods.uid.tolist() == other.state.pods.uid.tolist()
    never = scenario_of(writing("a", layer=of(0, 1, up_to_mib=50)))
    assert count_looks(monkeypatch, never)[0] == [10_000]
