"""Subnets that node groups share: pods, machines and ranges of nodes that find them empty."""

from __future__ import annotations

import pytest

from capsim.scenario import TimedEvent
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.scenario.subnets import PodAddresses, Subnet
from capsim.state.tables import POD_STARTING
from capsim.state.tables_addresses import N_BLOCKS, N_COOLING, N_USED, SN_FREE
from tests.engine.clusters import cluster, deployment, group
from tests.engine.faults.stories import played, times_of

pytestmark = pytest.mark.plain

A = "default/Deployment/a"
NO_SANDBOX, NO_RANGE = "FailedCreatePodSandBox", "CIDRNotAvailable"


def scaled(at_s, replicas, name="a"):
    return TimedEvent.model_validate(
        {"at": f"{at_s}s", "scale": {"target": f"default/Deployment/{name}", "replicas": replicas}}
    )


def run(addresses, replicas=0, events=(), listed=None, groups=None, pods=None, count=1, max_nodes=None, **more):
    """A Deployment whose pods are asked for at 60 s; one subnet for machines and pods."""
    template = more.pop("template", {})
    nodes = {} if pods is None else {"pod_addresses": PodAddresses.model_validate(pods)}
    own = group(count=count, max=max_nodes or count, subnet="s", **nodes)
    scenario = cluster(
        listed or [deployment("a", 0, **template)],
        groups or [own],
        subnets={"s": Subnet(addresses=addresses)},
        events=[scaled(60, replicas), *events] if replicas else list(events),
        initial_state="declared",
        **more,
    )
    return played(scenario)


def books(sim):
    """(free addresses of the first subnet, blocks of all nodes, used, kept back)."""
    net = sim.state.nodes.net
    return int(sim.state.groups.subnet[0, SN_FREE]), *(int(net[:, c].sum()) for c in (N_BLOCKS, N_USED, N_COOLING))


def test_machines_and_pods_share_a_subnet():
    """Six addresses: two machines, and four of seven pods."""
    sim, result = run(6, 7, pods={}, count=2)
    assert result.pods.node.notna().all()
    assert result.pods.ready_ms.notna().sum() == 4
    assert len(times_of(result, NO_SANDBOX)) == 3
    assert (sim.state.pods.state == POD_STARTING).sum() == 3
    assert books(sim) == (0, 4, 4, 0)


def test_pods_without_pod_addresses_take_none():
    sim, result = run(1, 7)
    assert result.pods.ready_ms.notna().all()
    assert books(sim)[0] == 0


def test_pods_with_host_network_take_none():
    _, result = run(2, 5, pods={}, template={"host_network": True})
    assert result.pods.ready_ms.notna().all()


@pytest.mark.parametrize("cool_s", [0, 30, 120])
def test_an_address_is_given_again_when_its_plugin_has_kept_it_back(cool_s):
    """The pods of one Deployment go, those of another on a second node get their addresses after that."""
    listed = [deployment("a", 0), deployment("b", 0)]
    events = [scaled(60, 3), scaled(120, 2, "b"), scaled(180, 0)]
    sim, result = run(5, 0, events, listed, pods={"coolDown": f"{cool_s}s"}, count=2)
    others = result.pods[result.pods.workload == "default/Deployment/b"]
    gone_ms = result.pods[result.pods.workload == A].gone_ms.min()
    assert (others.ready_ms - gone_ms).tolist() == [pytest.approx(max(1, cool_s * 1000) + 5000, abs=30)] * 2
    assert books(sim) == (1, 2, 2, 0)


@pytest.mark.parametrize(("block", "warm", "blocks"), [(1, 0, 3), (1, 4, 7), (16, 0, 1), (16, 14, 2), (10, 10, 2)])
def test_nodes_take_blocks_and_keep_some_free(block, warm, blocks):
    """WARM_IP_TARGET, prefixes of 16 (/28), network interfaces of 10."""
    sim, _ = run(101, 3, pods={"block": block, "warm": warm})
    assert books(sim) == (100 - blocks * block, blocks, 3, 0)


def test_blocks_that_are_no_longer_used_go_back():
    sim, _ = run(101, 40, [scaled(200, 3)], pods={"block": 16})
    assert books(sim) == (100 - 16, 1, 3, 0)


def test_what_a_node_keeps_free_others_miss():
    """Two nodes with warm pools of 10 in a subnet of 32: one has twenty, two of the pods on the other none."""
    zone = "topology.kubernetes.io/zone"
    pinned = [deployment(name, 0, node_selector={zone: where}) for name, where in (("a", "x"), ("b", "y"))]
    own = group(count=2, max=2, zones=["x", "y"], subnet="s", pod_addresses=PodAddresses(warm=10))
    events = [scaled(60, 10), scaled(90, 12, "b")]
    _, result = run(32, 0, events, pinned, [own])
    b = result.pods[result.pods.workload == "default/Deployment/b"]
    assert b.ready_ms.notna().sum() == 10
    assert len(times_of(result, NO_SANDBOX)) == 2


def test_addresses_of_a_node_that_is_gone_go_to_others():
    """Its pods are made anew elsewhere; pods that waited are first."""
    lost = TimedEvent.model_validate({"at": "300s", "fail": {"node": "n-1"}})
    sim, result = run(6, 6, [lost], pods={}, count=2)
    alive = result.pods[result.pods.gone_ms.isna()]
    assert len(alive) == 6
    assert alive.ready_ms.notna().sum() == 5  # six addresses, one of them the machine's
    assert books(sim) == (0, 5, 5, 0)


def test_a_machine_without_an_address_is_created_when_there_is_one():
    """addNodes: two of four machines; one that is gone makes room for another."""
    add = TimedEvent.model_validate({"at": "60s", "addNodes": {"group": "n", "count": 3}})
    lost = TimedEvent.model_validate({"at": "300s", "fail": {"node": "n-1"}})
    sim, result = run(2, 0, [add, lost], max_nodes=9)
    assert len(result.nodes) == 3
    notes = result.events[result.events["message"].str.contains("subnet s has no free address")]
    assert notes["time_ms"].tolist() == [60_000, 60_000]
    late = result.nodes.sort_values("requested_ms").iloc[-1]
    assert late.requested_ms == 300_000
    assert late.ready_ms == 360_000
    assert sim.faults.orders == {0: 1}


def test_the_cluster_autoscaler_gives_up_machines_that_never_come():
    """Its request times out after max-node-provision-time, and the target falls."""
    more = {"cluster_autoscaler": ClusterAutoscalerSpec(max_node_provision_time_ms=180_000), "duration_ms": 1_200_000}
    sim, result = run(2, 120, max_nodes=6, **more)
    assert len(result.nodes[result.nodes.gone_ms.isna()]) == 2
    assert (sim.state.groups.size[0, 2]) < 6
    assert result.pods.ready_ms.isna().any()
    assert "TriggeredScaleUp" in set(result.events["reason"])


def test_every_node_gets_a_range_or_stays_not_ready():
    """nodeMask 26 in 128 addresses: the third node waits, until one of the others is gone."""
    pods = {"subnet": "p", "nodeMask": 26}
    nodes = [group(count=2, max=3, pod_addresses=PodAddresses.model_validate(pods))]
    add = TimedEvent.model_validate({"at": "60s", "addNodes": {"group": "n", "count": 1}})
    lost = TimedEvent.model_validate({"at": "300s", "fail": {"node": "n-1"}})
    listed = [deployment("a", 0)]
    scenario = cluster(
        listed,
        nodes,
        subnets={"p": Subnet(cidr="10.1.0.0/25", reserved=0)},
        events=[add, lost],
        initial_state="declared",
    )
    sim, result = played(scenario)
    assert times_of(result, NO_RANGE) == [100_000]
    third = result.nodes[result.nodes["name"] == "n-3"].iloc[0]
    assert third.registered_ms == 100_000
    assert third.ready_ms == 300_000
    assert books(sim)[:2] == (0, 2)


def test_a_range_of_a_node_is_for_so_many_pods():
    """Network, gateway and broadcast address are not for pods: 13 of a /28."""
    _, result = run(17, 20, pods={"nodeMask": 28})
    assert result.pods.ready_ms.notna().sum() == 13


def test_each_zone_has_its_own_subnet():
    own = group(count=2, max=2, zones=["x", "y"], subnet={"x": "sx", "y": "sy"}, pod_addresses=PodAddresses())
    scenario = cluster(
        [deployment("a", 0)],
        [own],
        subnets={"sx": Subnet(addresses=4), "sy": Subnet(addresses=2)},
        events=[scaled(60, 8)],
        initial_state="declared",
    )
    _, result = played(scenario)
    ready = result.pods[result.pods.ready_ms.notna()]
    assert ready.node.value_counts().to_dict() == {"n-1": 3, "n-2": 1}


def test_pods_of_the_start_have_one_whatever_there_is():
    scenario = cluster(
        [deployment("a", 5)],
        [group(count=1, max=1, subnet="s", pod_addresses=PodAddresses())],
        subnets={"s": Subnet(addresses=3)},
        events=[scaled(60, 6), scaled(180, 1)],
    )
    sim, result = played(scenario)
    assert books(sim) == (1, 1, 1, 0)
    assert len(times_of(result, NO_SANDBOX)) == 1


def test_a_node_that_waits_for_its_range_registers_once():
    """Its machine falls silent, and boots again: the DaemonSet has one pod for it, and the Node object is the same."""
    nodes = [group(count=1, max=2, zones=["x"], pod_addresses=PodAddresses(subnet="p", node_mask=26))]
    add = TimedEvent.model_validate({"at": "60s", "addNodes": {"group": "n", "count": 1}})
    out = TimedEvent.model_validate({"at": "200s", "zoneOutage": {"zone": "x", "duration": "30s", "mode": "partition"}})
    scenario = cluster(
        [deployment("d", 0, kind="DaemonSet")], nodes, subnets={"p": Subnet(addresses=64)}, events=[add, out]
    )
    sim, result = played(scenario)
    assert len(times_of(result, "RegisteredNode")) == 1
    assert sim.state.workloads.desired.tolist() == [2]
    assert len(result.pods) == 2


def test_a_smaller_group_first_gives_up_machines_that_were_never_created():
    add = TimedEvent.model_validate({"at": "60s", "addNodes": {"group": "n", "count": 3}})
    less = TimedEvent.model_validate({"at": "120s", "resize": {"group": "n", "size": 3}})
    sim, result = run(2, 0, [add, less], count=2, max_nodes=9)
    assert result.nodes.gone_ms.isna().all()
    assert (sim.faults.orders, int(sim.state.groups.size[0, 2])) == ({0: 1}, 3)


def test_the_autoscaler_sees_at_once_that_machines_are_missing():
    """Whether or not loops that seem to repeat the last one are executed: the target falls at the same loop."""
    from capsim.engine.drive import Simulation

    add = TimedEvent.model_validate({"at": "300s", "addNodes": {"group": "n", "count": 3}})
    scenario = cluster(
        [deployment("a", 1)],
        [group(count=2, max=9, min=2, subnet="s")],
        subnets={"s": Subnet(addresses=2)},
        events=[add],
        cluster_autoscaler=ClusterAutoscalerSpec(max_node_provision_time_ms=180_000),
        duration_ms=900_000,
    )
    falls = []
    for skip_syncs in (True, False):
        sim = Simulation(scenario, skip_syncs=skip_syncs)
        at_ms = 300_000
        sim.advance(at_ms)
        while sim.state.groups.size[0, 2] == 5 and at_ms < scenario.duration_ms:
            at_ms += 1000
            sim.advance(at_ms)
        falls.append(at_ms)
    assert falls[0] == falls[1] < 510_000
