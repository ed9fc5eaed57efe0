"""Node-pressure eviction, rule by rule (kubernetes v1.36 pkg/kubelet/eviction)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from capsim.engine.drive import Simulation
from capsim.scenario import ControlPlaneSpec, KubeletSpec, WorkloadSpec
from capsim.scenario.workload import ContainerBehaviour
from capsim.state.tables import FLAG_MEMORY_PRESSURE
from tests.engine.clusters import GIB, cluster, deployment, group
from tests.engine.faults.stories import played, times_of

pytestmark = pytest.mark.plain
MIB = 2**20


def using(name, replicas, used_mib, request_mib=None, priority=0, **template):
    """A Deployment whose pods use so much memory, whatever they request."""
    made = deployment(name, replicas, cpu_milli=10, priority=priority, **template)
    requests = {"cpu": 10, **({} if request_mib is None else {"memory": request_mib * MIB})}
    container = made.template.containers[0].model_copy(update={"requests": requests if request_mib != 0 else {}})
    made = made.model_copy(update={"template": made.template.model_copy(update={"containers": (container,)})})
    behaviour = ContainerBehaviour(memory_base_bytes=used_mib * MIB)
    return made, WorkloadSpec(containers={container.name: behaviour}, memory_spread_ratio=0.0)


def run(*listed, memory_gib=1, count=1, **more):
    """The workloads on small nodes."""
    instance = group().instance.model_copy(update={"memory_bytes": memory_gib * GIB})
    made = cluster(
        [workload for workload, _ in listed],
        [group(count=count, max=count, instance=instance)],
        workloads={workload.key: spec for workload, spec in listed},
        initial_state="declared",
        duration_ms=600_000,
        **more,
    )
    return played(made)


def evicted(result):
    """Names of pods in the order in which they were evicted, without their random part."""
    events = result.events[result.events.reason == "Evicted"]
    return [name.split("/")[-1].split("-")[0] for name in events.object]


def test_usage_above_the_request_goes_first_then_priority_then_the_amount():
    """rankMemoryPressure: exceedMemoryRequests, priority, memory."""
    listed = [
        using("within", 1, 300, 400),
        using("high", 1, 300, 100, priority=10),
        using("little", 1, 150, 100),
        using("much", 1, 400, 100),
    ]
    _, result = run(*listed)
    assert evicted(result)[:3] == ["much", "little", "much"] or evicted(result)[0] == "much"
    assert "within" not in evicted(result)


def test_one_pod_at_a_look_and_the_controller_makes_another():
    """One eviction for each synchronize, every ten seconds; the pod is gone at once: a hard threshold has no grace."""
    _, result = run(using("a", 4, 300, 100))
    times = times_of(result, "Evicted")
    assert times[0] == 10_000
    assert {after - before for before, after in pairwise(times)} == {10_000}
    first = result.pods[result.pods.deleted_ms == 10_000].iloc[0]
    assert first.gone_ms == 10_001
    assert (result.pods.created_ms > 10_000).sum() >= len(times) - 1


def test_what_fits_is_left_alone():
    """memory.available stays above the threshold while pods use what is allocatable."""
    _, result = run(using("a", 3, 300, 100))
    assert evicted(result) == []


def test_critical_pods_stay():
    """IsCriticalPod: priority of at least 2,000,000,000."""
    _, result = run(using("critical", 3, 300, 100, priority=2_000_000_000), using("other", 1, 300, 300))
    assert set(evicted(result)) == {"other"}


def test_the_condition_keeps_best_effort_pods_off_for_the_transition_period():
    """MemoryPressure is a NoSchedule taint that other pods are given a toleration of; it goes five minutes after."""
    plane = ControlPlaneSpec(kubelet=KubeletSpec(eviction_pressure_transition_period_ms=100_000))
    sim, result = run(using("effort", 4, 300, 0), control_plane=plane)
    times = times_of(result, "Evicted")
    assert times[:2] == [10_000, 120_000]  # back at 110 s, too much again, and evicted at the next look
    assert times_of(result, "NodeHasInsufficientMemory")[:2] == [10_000, 120_000]
    assert times_of(result, "NodeHasSufficientMemory")[0] == 110_000
    told = result.events[result.events.reason == "FailedScheduling"].message.iloc[0]
    assert told.startswith(
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }."
    )
    assert sim.state.nodes.flags[0] & FLAG_MEMORY_PRESSURE


def looks(*listed, **node):
    """Whether kubelets look at the memory of these workloads' nodes."""
    made = cluster([workload for workload, _ in listed], [group(**node)], workloads={w.key: spec for w, spec in listed})
    return any(entry.what == "pressure" for entry in Simulation(made).faults.agenda.entries)


def test_kubelets_do_not_look_where_no_node_can_run_short():
    """What costs nothing: pods within their requests, or too few on a node, by their CPU, to fill its memory."""
    small = {"instance": group().instance.model_copy(update={"memory_bytes": GIB})}
    assert not looks(using("a", 2, 100, 100), **small)
    assert looks(using("a", 2, 101, 100), **small)
    assert not looks(using("a", 2, 101, 100))  # 64 GiB for 110 pods
    assert looks(using("a", 2, 101, 100), using("b", 1, 600, None))


def test_eviction_can_be_switched_off():
    _, result = run(using("a", 4, 300, 100), control_plane=ControlPlaneSpec(kubelet=KubeletSpec(evicts=False)))
    assert evicted(result) == []
