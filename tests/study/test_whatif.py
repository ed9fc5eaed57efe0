"""What-ifs: what each changes, that noise is common, and the sentence."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import ClusterAutoscalerSpec, Hpa, KubeObjects, ServiceSpec
from capsim.scenario.series import ConstantSeries, NoiseSeries
from capsim.study.capacity import capacity
from capsim.study.changes import changed, start_nodes
from capsim.study.trials import summaries
from capsim.study.verdict import verdict
from capsim.study.whatif import whatif
from tests.engine.clusters import behaviour, cluster, deployment, group

KEY = "default/Deployment/a"


def scenario(rps=100.0, nodes=2, replicas=2, autoscaled=False, zones=(), most=20, noise=True):
    """A service of 10 ms per request on 500m pods, an HPA at 60 %, nodes of 2 CPU."""
    app = deployment("a", replicas, 500)
    target = {"type": "Utilization", "averageUtilization": 60}
    hpa = Hpa(
        namespace="default", name="a", target_key=KEY, min_replicas=1, max_replicas=most,
        metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    )  # fmt: skip
    series = ConstantSeries(value=rps)
    return cluster(
        [],
        [group(2000, nodes, zones=list(zones), price_per_hour_usd=0.1)],
        objects=KubeObjects(workloads=[app], hpas=[hpa]),
        workloads={KEY: behaviour(10.0)},
        services={"default/a": ServiceSpec(workloads=[KEY])},
        traffic={"default/a": NoiseSeries(noise=series, cv=0.1) if noise else series},
        cluster_autoscaler=ClusterAutoscalerSpec() if autoscaled else None,
    )


def test_the_same_seeds_give_the_same_noise_on_both_sides():
    """A change without an effect makes no difference at all, seed by seed."""
    base = scenario()
    found = whatif(changed(base, ["hpa.max=21"]), seeds=3)
    assert [s.seed for s in found.baseline] == [s.seed for s in found.variant]
    assert all(item.equal for item in found.differences)
    assert verdict(found).startswith("hpa.max=21 holds: no pod waits")


def test_more_traffic_than_the_nodes_hold():
    found = whatif(changed(scenario(), ["traffic=4x"]), seeds=2)
    text = verdict(found)
    assert text.startswith("traffic=4x does not hold:")
    assert "wait for a node" in text
    assert "Insufficient cpu" in text or "CPU" in text
    assert found.mean(found.variant, "pending.pods") > 0 == found.mean(found.baseline, "pending.pods")
    offered = [found.mean(side, "traffic.offered_requests") for side in (found.baseline, found.variant)]
    assert offered[1] == pytest.approx(4 * offered[0], rel=1e-9)


def test_a_lost_zone_takes_its_nodes():
    base = scenario(nodes=4, zones=("z1", "z2"))
    change = changed(base, ["zone-loss=z2@2m"])
    assert [event.action.node_name for event in change.scenario.events] == ["n-2", "n-4"]
    assert all(event.at_ms == 120_000 for event in change.scenario.events)
    found = whatif(change, seeds=1)
    assert found.mean(found.variant, "peaks.nodes_at_end") == 2
    assert found.mean(found.baseline, "peaks.nodes_at_end") == 4


def test_lost_nodes_are_the_fullest_of_the_start():
    base = scenario(nodes=3)
    recorded = base.model_copy(update={"initial_state": "recorded", "placement": {KEY: {"n-2": 2}}})
    assert changed(recorded, ["node-loss"]).scenario.events[0].action.node_name == "n-2"
    assert [e.action.node_name for e in changed(base, ["node-loss=2"]).scenario.events] == ["n-1", "n-2"]
    assert changed(base, ["node-loss=n-3"]).scenario.events[0].at_ms == base.duration_ms // 4


def test_other_nodes_start_both_sides_alike():
    base = scenario(nodes=3).model_copy(update={"initial_state": "recorded", "placement": {KEY: {"n-2": 2}}})
    change = changed(base, ["nodes=2..5x4cpu-16Gi"])
    (made,) = change.scenario.node_groups
    assert (made.initial, made.max, made.instance.cpu_milli) == (2, 5, 4000)
    assert made.price_per_hour_usd == pytest.approx(0.2)
    assert change.scenario.initial_state == change.baseline.initial_state == "declared"
    assert not change.scenario.placement


def test_sizes_replicas_targets_and_daemonsets():
    base = scenario(nodes=3)
    assert changed(base, ["nodes.n=+2"]).scenario.node_groups[0].initial == 5
    assert changed(base, ["nodes.n=1"]).scenario.node_groups[0].initial == 1
    assert changed(base, ["replicas.a=9"]).scenario.objects.workloads[0].replicas == 9
    hpa = changed(base, ["hpa.target=45", "hpa.a.min=3"]).scenario.objects.hpas[0]
    assert hpa.metrics[0]["resource"]["target"]["averageUtilization"] == 45
    assert hpa.min_replicas == 3
    extra = changed(base, ["daemonset=+100m,+200Mi"]).scenario.objects.workloads[-1]
    assert extra.template.requests() == {"cpu": 100, "memory": 200 * 2**20}
    assert len(start_nodes(changed(base, ["nodes.n=+2"]).scenario)) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trafic=2x", "did you mean"), ("traffic=much", "not understood"), ("traffic.b=2x", "no traffic of that name"),
        ("node-loss=7", "there are 2 nodes"), ("node-loss=x", "no such node"), ("zone-loss", "no node has a zone"),
        ("hpa.target=high", "not a whole number"), ("hpa.b.max=3", "no such HPA"), ("hpa.goal=3", "not understood"),
        ("nodes=some", "not a node shape"), ("nodes.x=3", "no such node group"), ("nodes.n=-9", "fewer than no nodes"),
        ("replicas.b=3", "no such workload"), ("daemonset=+much", "not a quantity"), ("node-loss@soon", "not a time"),
        ("", "no such change"), ("=", "no such change"), ("drain=x", "no such node"),
    ],
)  # fmt: skip
def test_changes_that_are_none_say_what_is_allowed(text, message):
    with pytest.raises(ScenarioError) as caught:
        changed(scenario(), [text])
    assert message in str(caught.value)


def test_capacity_is_the_edge():
    """At the largest multiple nobody waits, at the next nobody would say so; both as runs of their own."""
    base = scenario(nodes=2, noise=False)
    found = capacity(base, precision_ratio=0.05)
    assert found.largest is not None
    assert found.first_failing is not None
    assert 1 < found.first_failing / found.largest <= 1.05
    for multiple, waits in ((found.largest, False), (found.first_failing, True)):
        ((summary,),) = summaries([changed(base, [f"traffic={multiple:.12f}x"]).scenario])
        assert (summary.pending.pods > 0) == waits
    assert found.bottleneck is not None
    assert found.bottleneck.kind == "scheduling"


def test_capacity_when_the_hpa_gives_way_first():
    found = capacity(scenario(nodes=4, most=3, noise=False), most=16)
    assert found.largest == 16
    assert found.first_failing is None
    assert found.losing_from is not None
    lost = capacity(scenario(nodes=4, most=3, noise=False), until="lost", most=16)
    assert lost.largest is not None
    assert lost.largest < 16


def test_capacity_below_the_present_traffic():
    found = capacity(scenario(rps=1000, nodes=2, noise=False), precision_ratio=0.1)
    assert found.largest is not None
    assert found.largest < 1


def test_the_bottleneck_is_what_made_it_fail():
    """Where requests are lost before a pod waits, that is not the scheduler's doing."""
    found = capacity(scenario(nodes=4, most=3, noise=False), until="lost", most=16)
    assert found.bottleneck is not None
    assert found.bottleneck.kind != "scheduling"
