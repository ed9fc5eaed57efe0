"""Generated clusters for scheduling: nodes of 32 cores and 128 GiB in three zones, pods of 100m and 256 MiB."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.generated import nodes, scenario
from capsim.controllers.scheduler.choose import best_node
from capsim.controllers.scheduler.prepare import prepare
from capsim.engine.drive import Simulation, copy_tables
from capsim.engine.state import State
from capsim.jit import entry
from capsim.scenario.cluster import NodeGroup
from capsim.scenario.control_plane import SchedulerSpec
from capsim.scenario.kube_scheduler import KubeSchedulerConfiguration, Profile
from capsim.scenario.kubernetes.pod import Container, PodTemplate
from capsim.scenario.kubernetes.workload import Workload
from capsim.state.placement import place
from capsim.state.tables import I64, P_TREE_NODES
from capsim.state.transitions import node_changed

ZONES = ["a", "b", "c"]
HOST = "kubernetes.io/hostname"
NO_SPREAD = {"name": "PodTopologySpread", "args": {"defaultingType": "List", "defaultConstraints": []}}
SCAN, INDEX = 1 << 40, 0


@entry
def fill(clock, classes, nodes, presence, k, sequence):
    """Place a pod of each class of ``sequence`` in turn; returns a checksum of the nodes, -1 for a pod that fits
    nowhere, and how many were placed."""
    total = 0
    placed = 0
    for i in range(sequence.shape[0]):
        c = sequence[i]
        if k.rules.start[c] < k.rules.start[c + 1]:
            prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, c)
        n = best_node(
            clock, k.profiles, classes, nodes, k.rules, presence, k.shapes, k.extras, k.views, k.cycle, c, i, 0
        )
        if n >= 0:
            place(classes, nodes, presence, c, n, 1, 0)
            node_changed(presence, nodes, n)
            placed += 1
        total = (total * 31 + n + 1) & 0xFFFFFFFF
    return total, placed


def replica_set(name: str, milli: int = 100, mib: int = 256, **spec: Any) -> Workload:
    """A ReplicaSet without pods yet."""
    container = Container(name="app", requests={"cpu": milli, "memory": mib * 2**20})
    template = PodTemplate(labels={"app": name}, containers=(container,), **spec)
    return Workload(
        kind="ReplicaSet", namespace="default", name=name, replicas=0, selector={"matchLabels": {"app": name}},
        template=template,
    )  # fmt: skip


def anti_affinity(name: str, required: bool) -> dict[str, Any]:
    """Pods of the ReplicaSet avoid each other's nodes."""
    term = {"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": HOST}
    if required:
        return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def configuration(spread: bool, percentage: int) -> SchedulerSpec:
    """With or without default spread constraints; how many nodes are scored."""
    profile = Profile(plugin_config=[] if spread else [NO_SPREAD])
    return SchedulerSpec(
        configuration=KubeSchedulerConfiguration(profiles=[profile], percentage_of_nodes_to_score=percentage),
        tie_break="first",
    )


@lru_cache(maxsize=2)
def cluster(count: int, kind: str) -> State:
    """The state of a cluster of ``count`` empty nodes for one of the kinds of ``workloads_of``."""
    group = nodes(32_000, count, count, count, pods=500).replaced(zones=ZONES)
    spread, percentage = kind in ("spread", "mixed"), 0 if kind == "adaptive" else 100
    groups = [group] if kind != "mixed" else groups_of(count)
    made = scenario(
        "nodes", workloads_of(kind, count), groups[0], duration_ms=1000, scheduler=configuration(spread, percentage)
    )
    return Simulation(made.replaced(node_groups=groups)).state


def groups_of(count: int) -> list[NodeGroup]:
    """Four node shapes."""
    share = count // 4
    sizes = (8_000, 16_000, 32_000, 64_000)
    return [
        nodes(milli, share, share, share, pods=500).replaced(name=f"g{i}", zones=ZONES, labels={"size": f"s{i}"})
        for i, milli in enumerate(sizes)
    ]


def workloads_of(kind: str, count: int) -> list[Workload]:
    """ReplicaSets of a kind."""
    if kind in ("required", "preferred"):
        names = [f"rs-{i}" for i in range(max(2, 20_000 // count))]
        return [replica_set(name, affinity=anti_affinity(name, kind == "required")) for name in names]
    if kind != "mixed":
        return [replica_set("rs")]
    draw = random.Random(1)
    listed = []
    for i in range(1000):
        name, spec = f"rs-{i}", {}
        chance = draw.random()
        if chance >= 0.9:
            spec["node_selector"] = {"size": f"s{draw.randrange(1, 4)}"}
        elif chance >= 0.7:
            spec["affinity"] = anti_affinity(name, draw.random() < 0.5)
        elif chance >= 0.6:
            own = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
            spec["topology_spread"] = [{**own, "labelSelector": {"matchLabels": {"app": name}}}]
        listed.append(replica_set(name, draw.choice([20, 50, 100]), draw.choice([64, 128, 256]), **spec))
    return listed


def in_turn(kind: str, count: int, most: int) -> I64:
    """Classes of the pods, whole ReplicaSets in turn."""
    if kind in ("required", "preferred"):
        each = min(count, 1000)
        return np.repeat(np.arange(max(2, 20_000 // count)), each)[:most].astype(np.int64)
    if kind != "mixed":
        return np.zeros(most, np.int64)
    draw = random.Random(2)
    sizes = [draw.randrange(20, min(200, 2 * count)) for _ in range(1000)]
    return np.repeat(np.arange(1000), sizes)[:most].astype(np.int64)


def interleaved(count: int, most: int) -> I64:
    """The mixed pods in random order."""
    sequence = in_turn("mixed", count, 10**9)
    np.random.default_rng(3).shuffle(sequence)
    return sequence[:most]


def fresh(count: int, kind: str, sequence: Sequence[int] | I64, way: int) -> tuple[Any, ...]:
    """Arguments of ``fill``; ``way`` is INDEX or SCAN."""
    state = cluster(count, kind)
    clock = copy_tables(state.clock)
    clock.params[P_TREE_NODES] = way
    return (
        clock, state.classes, copy_tables(state.nodes), copy_tables(state.presence), copy_tables(state.scheduling),
        np.asarray(sequence, np.int64),
    )  # fmt: skip
