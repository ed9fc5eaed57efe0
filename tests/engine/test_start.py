"""The cluster at time 0."""

from __future__ import annotations

import pytest

from capsim.engine.build.assemble import SMALLEST
from capsim.engine.drive import Simulation
from capsim.scenario import ClusterAutoscalerSpec, Distribution, KubeObjects, NodeObject, WorkloadSpec
from capsim.state.tables import G_EXIST, POD_READY
from tests.engine.clusters import cluster, deployment, group
from tests.properties.frames import assert_same, outcome

pytestmark = pytest.mark.plain


@pytest.mark.parametrize("capacity", [None, SMALLEST])
def test_settled_has_the_nodes_that_all_pods_need(capacity):
    one_each = deployment("a", 10, 900)
    scenario = cluster([one_each], [group(1000, 1, max=20)], cluster_autoscaler=ClusterAutoscalerSpec())
    sim = Simulation(scenario, capacity=capacity)
    assert sim.state.workloads.count[0, POD_READY] == 10
    assert sim.state.groups.count[0, G_EXIST] == 10


@pytest.mark.parametrize("capacity", [None, SMALLEST])
def test_a_node_object_may_hold_more_pods_than_its_group_does(capacity):
    room = {"cpu": 64_000, "memory": 2**38, "pods": 400}
    many = deployment("a", 300, 10)
    nodes = [NodeObject(name=name, allocatable=room, capacity=room, group=of) for name, of in (("x", "n"), ("y", None))]
    scenario = cluster(
        [],
        [group(64_000, 1)],
        objects=KubeObjects(workloads=[many], nodes=nodes),
        workloads={many.key: WorkloadSpec(startup_time=Distribution.constant(1))},
        cluster_autoscaler=ClusterAutoscalerSpec(scale_down_unneeded_time_ms=30_000),
    )
    sim = Simulation(scenario, capacity=capacity)
    sim.advance(scenario.duration_ms)
    assert sim.state.workloads.count[0, POD_READY] == 300
    assert sim.state.groups.count[0, G_EXIST] == 0


@pytest.mark.parametrize("capacity", [None, SMALLEST])
def test_recorded_pods_are_where_they_were_and_the_others_where_they_fit(capacity):
    """Four of six replicas on one node that could hold two; the scheduler finds room for one more, one is Pending."""
    app = deployment("a", 6, 400)
    scenario = cluster(
        [app], [group(1000, 2, max=5)],
        initial_state="recorded", placement={app.key: {"n-2": 4}}, cluster_autoscaler=ClusterAutoscalerSpec(),
    )  # fmt: skip
    sim = Simulation(scenario, capacity=capacity)
    nodes = [int(n) for n in sim.state.pods.node[:6]]
    assert nodes[:4] == [1, 1, 1, 1]
    assert sim.state.nodes.requested[1, 0] == 1600
    assert sorted(nodes[4:]) == [0, 0]
    assert sim.state.workloads.count[0, POD_READY] == 6
    assert sim.state.groups.count[0, G_EXIST] == 2
    assert sim.state.workloads.desired[0] == 6
    sim.advance(scenario.duration_ms)
    assert sim.state.workloads.count[0, POD_READY] == 6


def test_what_was_pending_in_the_dump_is_pending_at_the_start():
    app = deployment("a", 3, 900)
    scenario = cluster(
        [app], [group(1000, 1, max=5)],
        initial_state="recorded", placement={app.key: {"n-1": 1}}, cluster_autoscaler=ClusterAutoscalerSpec(),
    )  # fmt: skip
    sim = Simulation(scenario)
    assert sim.state.workloads.count[0, POD_READY] == 1
    assert sim.state.groups.count[0, G_EXIST] == 1


def test_pods_that_look_at_others_are_woken_at_the_start_in_tables_of_any_size():
    """Each pod that finds a node wakes the first of those that wait for others to come: the queue needs rows."""
    term = {"labelSelector": {"matchLabels": {"app": "b"}}, "topologyKey": "kubernetes.io/hostname"}
    near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    listed = [deployment(name, 2, 900, affinity=near) for name in ("a", "c", "d", "e")]
    scenario = cluster([*listed, deployment("z", 6, 100)], [group(1000, 3)])
    small, whole = (Simulation(scenario, capacity=capacity) for capacity in (SMALLEST, None))
    for sim in (small, whole):
        sim.advance(60_000)
    assert_same(outcome(small), outcome(whole))
