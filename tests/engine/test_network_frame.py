"""Zones, externalTrafficPolicy and load balancers of a run: bytes, drops and money against what a hand computes."""

from __future__ import annotations

import pytest

from capsim.engine.run import run_scenario
from capsim.scenario import NodeObject, ServiceSpec, StepsSeries
from capsim.scenario.calls import Call
from capsim.scenario.event import TimedEvent
from capsim.scenario.kubernetes.service import KService
from capsim.scenario.network import LoadBalancer, ServiceNetwork
from tests.engine.clusters import behaviour, cluster, deployment, group

HOUR_MS = 3_600_000
BYTES = ServiceNetwork(request_bytes=1000, response_bytes=9000)


def scenario(replicas=6, rps=10.0, network=BYTES, service=None, **extra):
    """One Deployment on three nodes, one in each zone, for an hour."""
    service = service or {}
    found = cluster(
        [deployment("web", replicas=replicas, cpu_milli=500, limit_milli=500)],
        groups=[group(cpu_milli=8000, count=3, zones=["a", "b", "c"])],
        duration_ms=HOUR_MS,
        sample_interval_ms=600_000,
        initial_state="declared",
        services={"default/web": ServiceSpec(workloads=["default/Deployment/web"], network=network)},
        traffic={"default/web": StepsSeries.model_validate({"steps": [["0s", rps]]})},
        workloads={"default/Deployment/web": behaviour(10.0)},
        **extra,
    )
    found.objects.services.append(KService(namespace="default", name="web", selector={"app": "web"}, **service))
    return found


def totals(found):
    frame = run_scenario(found).series["network"]
    return frame, frame.drop(columns=["service"]).sum()


def test_without_hints_two_thirds_of_the_bytes_cross_zones():
    frame, total = totals(scenario())
    assert len(frame) == 6
    assert total["requests"] == pytest.approx(36_000)
    assert total["cross_zone_bytes"] == pytest.approx(36_000 * 10_000 * 2 / 3)
    assert total["cross_zone_usd"] == pytest.approx(36_000 * 10_000 * 2 / 3 / 1e9 * 0.02)
    assert frame["hottest_pod_ratio"].max() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("replicas", "topology", "crossing"), [(6, "Auto", 0.0), (4, "Auto", 2 / 3), (4, "PreferSameZone", 0.0)]
)
def test_hints_keep_traffic_in_its_zone_where_upstream_gives_them(replicas, topology, crossing):
    frame, total = totals(scenario(replicas, service={"topology": topology}))
    assert total["cross_zone_bytes"] == pytest.approx(360e6 * crossing, abs=1.0)
    if topology == "PreferSameZone":
        assert frame["hottest_pod_ratio"].max() == pytest.approx(4 / 3), (
            "a pod alone in its zone gets a third, not a fourth"
        )


def test_a_ready_node_without_a_zone_takes_all_hints_away():
    """topologycache.SetNodes; a control-plane node is left out before."""
    for labels, crossing in (({}, True), ({"node-role.kubernetes.io/control-plane": ""}, False)):
        found = scenario(6, service={"topology": "Auto"})
        room = {"cpu": 8000, "pods": 0}
        spare = NodeObject(name="spare", capacity=room, allocatable=room, labels=labels)
        found.objects.nodes.append(spare)
        _, total = totals(found)
        bytes_of_callers_without_zone = 360e6 / 4
        assert (total["cross_zone_bytes"] > bytes_of_callers_without_zone + 1.0) == crossing


def test_local_drops_at_a_node_port_what_a_load_balancer_takes_elsewhere():
    local = {"external_traffic_policy": "Local"}
    _, total = totals(scenario(2, service={"type": "NodePort", **local}))
    assert total["dropped_requests"] == pytest.approx(12_000), "one of three nodes has no pod"
    assert total["cross_zone_bytes"] == 0.0
    frame, _ = totals(scenario(2, service={"type": "NodePort", **local}))
    assert frame["hottest_pod_ratio"].max() == pytest.approx(1.0), "what is dropped makes no pod cooler than the mean"
    balanced = BYTES.replaced(load_balancer=LoadBalancer())
    _, total = totals(scenario(2, network=balanced, service={"type": "LoadBalancer", **local}))
    assert total["dropped_requests"] == 0.0


def test_a_load_balancer_sends_to_an_empty_node_until_its_health_checks_fail():
    balanced = BYTES.replaced(load_balancer=LoadBalancer(health_check_ms=20_000))
    event = TimedEvent.model_validate({"at": "30m", "scale": {"target": "default/Deployment/web", "replicas": 2}})
    kind = {"type": "LoadBalancer", "external_traffic_policy": "Local"}
    _, total = totals(scenario(3, network=balanced, service=kind, events=[event]))
    assert total["dropped_requests"] == pytest.approx(20 * 10 / 3, rel=0.05), "a third of 20 s of traffic"


def test_a_load_balancer_costs_hours_and_units_and_refuses_what_is_too_much():
    balancer = LoadBalancer(price_per_hour_usd=1.0, price_per_unit_usd=0.1, unit_rps=5.0, max_rps=8.0)
    found = scenario(network=BYTES.replaced(load_balancer=balancer), service={"type": "LoadBalancer"})
    recording = run_scenario(found)
    total = recording.series["network"].drop(columns=["service"]).sum()
    assert total["requests"] == pytest.approx(8 * 3600)
    assert total["refused_requests"] == pytest.approx(2 * 3600)
    assert total["load_balancer_usd"] == pytest.approx(1.0 + 0.1 * 8 / 5)
    totals = recording.series["totals"]
    assert totals["rps"].max() == pytest.approx(10.0)
    assert totals["lost_rps"].max() == pytest.approx(2.0), "what is refused has arrived and is lost"
    assert totals["cpu_used_milli"].max() == pytest.approx(80.0), "and never reaches a pod"


def test_calls_come_from_where_the_callers_are():
    found = scenario(6)
    spec = ServiceSpec(
        workloads=["default/Deployment/front"], calls=[Call(service="default/web", per_request=2.0, cache_hits=0.5)]
    )
    found.objects.workloads.append(deployment("front", replicas=3, cpu_milli=500, limit_milli=500))
    found.services["default/front"] = spec
    found.workloads["default/Deployment/front"] = behaviour(1.0)
    found.traffic["default/front"] = StepsSeries.model_validate({"steps": [["0s", 20.0]]})
    _, total = totals(found)
    assert total["requests"] == pytest.approx(36_000 + 72_000, rel=1e-3)
    assert total["cross_zone_bytes"] == pytest.approx(108_000 * 10_000 * 2 / 3, rel=1e-3)


def test_a_service_without_ready_pods_has_no_network():
    _, total = totals(scenario(0))
    assert total["cross_zone_bytes"] == 0.0
    assert total["hottest_pod_ratio"] == 0.0
