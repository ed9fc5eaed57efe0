"""How many more pods fit: against arithmetic, against the engine itself, and against cluster-capacity's own example."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.errors import ScenarioError
from capsim.scenario import Instance, KubeObjects, NodeGroup, ResourceQuota, Toleration
from capsim.state.tables import UNSCHEDULABLE
from capsim.study.fit import chosen, counted, fit, fits_of, more_of, with_podspec
from tests.engine.clusters import cluster, deployment, group

GIB = 2**30


def more(scenario, name="a", **options):
    return next(found for found in fit(scenario, [name], **options))


@pytest.mark.plain
@pytest.mark.parametrize(("nodes", "cpu_milli", "replicas"), [(3, 900, 2), (1, 4000, 0), (5, 130, 7), (2, 5000, 0)])
def test_as_many_fit_as_arithmetic_says(nodes, cpu_milli, replicas):
    found = more(cluster([deployment("a", replicas, cpu_milli)], [group(4000, nodes)]))
    assert found.more == nodes * (4000 // cpu_milli) - replicas
    assert sum(found.nodes.values()) == found.more
    assert "Insufficient cpu" in found.reason


def test_the_documented_example_of_cluster_capacity(tmp_path):
    """4 nodes of 2 CPU and 4 GB, pods of 150m and 100Mi: 52, 13 on each (kubernetes-sigs/cluster-capacity, docs)."""
    pod = tmp_path / "pod.yaml"
    pod.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: small-pod, labels: {app: guestbook}}\n"
        "spec:\n  containers:\n  - name: php-redis\n    image: gcr.io/google-samples/gb-frontend:v4\n"
        "    resources: {limits: {cpu: 150m, memory: 100Mi}, requests: {cpu: 150m, memory: 100Mi}}\n"
    )
    nodes = NodeGroup(
        name="kube-node", instance=Instance(cpu_milli=2000, memory_bytes=4 * 10**9), eviction_hard={}, max=4, initial=4
    )
    scenario, (key,) = with_podspec(cluster([deployment("other", 0)], [nodes]), str(pod))
    found = more(scenario, key)
    assert found.more == 52
    assert found.nodes == {f"kube-node-{i}": 13 for i in range(1, 5)}
    assert found.reason.startswith("0/4 nodes are available: 4 Insufficient cpu.")


def test_so_many_replicas_run_and_one_more_waits():
    """The answer is what the engine does: with `more` further replicas nobody is Pending, with one more somebody is."""
    tainted = group(4000, 3, name="t", taints=[{"key": "only", "effect": "NoSchedule"}])
    tolerant = deployment("b", 2, 1000, tolerations=(Toleration(key="only", operator="Exists"),))
    workloads = [deployment("a", 3, 700), tolerant, deployment("c", 1, 300, kind="DaemonSet")]
    scenario = cluster(workloads, [group(4000, 2), tainted])
    for w in (0, 1):
        name = workloads[w].name
        found = more(scenario, name)
        for extra, pending in ((0, 0), (1, 1)):
            grown = workloads[w].model_copy(update={"replicas": workloads[w].replicas + found.more + extra})
            others = [grown if i == w else workload for i, workload in enumerate(workloads)]
            sim = Simulation(cluster(others, [group(4000, 2), tainted], initial_state="declared"))
            assert sim.state.clock.values[UNSCHEDULABLE] == pending


def test_asking_changes_nothing_and_likes_are_asked_once():
    scenario = cluster([deployment(name, 2, 500) for name in "abc"] + [deployment("d", 1, 900)], [group(4000, 3)])
    sim = Simulation(scenario)
    rows = chosen(scenario, None)
    first = fits_of(sim, rows)
    assert first == fits_of(sim, rows) == fits_of(Simulation(scenario), rows)
    assert len({found.more for found in first[:3]}) == 1
    assert first[3].more < first[0].more


@st.composite
def crowded(draw):
    """A cluster whose groups, taints, extended resources and pods differ, and which of its workloads is asked about."""
    groups = [
        group(
            draw(st.integers(500, 4000)), draw(st.integers(1, 4)), name=f"g{i}",
            taints=draw(st.sampled_from(([], [{"key": "only", "effect": "NoSchedule"}]))),
            labels={"disk": draw(st.sampled_from(("ssd", "hdd")))},
        )
        for i in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    tolerations = (Toleration(key="only", operator="Exists"),)
    workloads = [
        deployment(
            f"w{i}", draw(st.integers(0, 6)), draw(st.sampled_from((0, 90, 250, 700, 5000))),
            tolerations=draw(st.sampled_from(((), tolerations))),
            node_selector=draw(st.sampled_from(({}, {"disk": "ssd"}))),
        )
        for i in range(draw(st.integers(1, 4)))
    ]  # fmt: skip
    return cluster(workloads, groups, initial_state="declared"), draw(st.integers(0, len(workloads) - 1))


@pytest.mark.plain
@given(crowded(), st.sampled_from((0, 3)))
@settings(max_examples=40)
def test_counting_finds_what_placing_finds(found, limit):
    """Node by node without placing: as many, on the same nodes, and the same message for the next one."""
    scenario, w = found
    sim = Simulation(scenario)
    answer = counted(sim, w, limit)
    placed = more_of(sim, w, limit)
    if answer is None:
        assert limit <= placed[0]
    else:
        assert answer == placed


def test_pods_that_look_at_each_other_are_placed():
    apart = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "a"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}}
    scenario = cluster([deployment("a", 1, affinity=affinity), deployment("b", 1)], [group(4000, 3)])
    sim = Simulation(scenario)
    assert counted(sim, 0, 0) is None
    assert counted(sim, 1, 0) is not None
    assert more(scenario, "a").more == 2


def test_a_limit_stops_the_count():
    found = more(cluster([deployment("a", 0, 10)], [group(4000, 3)]), limit=50)
    assert found.more == 50
    assert found.limited


def test_unknown_names_and_files_are_errors(tmp_path):
    scenario = cluster([deployment("frontend", 1)], [group(4000, 3)])
    with pytest.raises(ScenarioError, match="did you mean"):
        fit(scenario, ["default/Deployment/frontent"])
    (tmp_path / "pod.yaml").write_text("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n")
    with pytest.raises(ScenarioError, match="no pod and no workload"):
        with_podspec(scenario, str(tmp_path / "pod.yaml"))


def test_quotas_count():
    quota = ResourceQuota(namespace="default", name="team", hard={"requests.cpu": 1000})
    objects = KubeObjects(workloads=[deployment(replicas=4), deployment("b", replicas=3, cpu_milli=50)], quotas=[quota])
    scenario = cluster([], [group(cpu_milli=4000)], objects=objects)
    first, second = fit(scenario)
    assert (first.more, second.more) == (4, 9)
    assert first.reason == "ResourceQuota team has no room for another"
    assert sum(first.nodes.values()) == 4
    assert not first.limited
    assert fit(scenario, ["a"], limit=2)[0].limited
    assert fit(scenario, ["a"], limit=7)[0].more == 4
    roomy = quota.replaced(hard={"requests.cpu": 10**9})
    plenty = cluster([], [group(cpu_milli=4000)], objects=objects.model_copy(update={"quotas": [roomy]}))
    assert fit(plenty, ["a"])[0].more == more(cluster(objects.workloads, [group(cpu_milli=4000)])).more
