"""Names of pods and nodes: as Kubernetes draws them, and the same for the same seed of names."""

from __future__ import annotations

import re

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import KubeObjects, NodeObject
from tests.engine.clusters import cluster, deployment, group

pytestmark = pytest.mark.plain

LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"


def names_of(sim):
    return collect(sim).pods["name"].tolist()


def test_pods_are_named_by_their_controllers():
    pods = names_of(
        Simulation(
            cluster([deployment("web", 3), deployment("cache", 2, kind="ReplicaSet"), deployment("one", kind="Pod")])
        )
    )
    assert len(set(pods)) == 6
    assert sum(bool(re.fullmatch(rf"web-{LETTERS}{{10}}-{LETTERS}{{5}}", name)) for name in pods) == 3
    assert len({name[:14] for name in pods if name.startswith("web-")}) == 1, "one ReplicaSet"
    assert sum(bool(re.fullmatch(rf"cache-{LETTERS}{{5}}", name)) for name in pods) == 2
    assert "one" in pods


def test_another_workload_does_not_rename_pods():
    alone = names_of(Simulation(cluster([deployment("web", 3)])))
    beside = names_of(Simulation(cluster([deployment("zzz", 2), deployment("web", 3)])))
    assert [name for name in beside if name.startswith("web-")] == alone


def test_nodes_are_numbered_and_node_objects_keep_their_names():
    room = {"cpu": 4000, "memory": 2**33, "pods": 110}
    objects = KubeObjects(
        workloads=[deployment("web")],
        nodes=[
            NodeObject(name="ip-10-0-0-7", allocatable=room, capacity=room, group="n"),
            NodeObject(name="old-server", allocatable=room, capacity=room, price_per_hour_usd=0.5),
        ],
    )
    sim = Simulation(cluster([], [group(count=3, price_per_hour_usd=0.2)], objects=objects))
    nodes = collect(sim).nodes.set_index("name")
    assert sorted(nodes.index) == ["ip-10-0-0-7", "n-1", "n-2", "old-server"]
    assert nodes.loc["ip-10-0-0-7", "node_group"] == "n"
    assert nodes["price_per_hour_usd"].to_dict() == {"n-1": 0.2, "n-2": 0.2, "ip-10-0-0-7": 0.2, "old-server": 0.5}
