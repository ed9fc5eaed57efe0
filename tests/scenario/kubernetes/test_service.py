"""Services: how traffic finds its way to them, as their manifests say."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load

BASE = """
apiVersion: capsim/v1
nodeGroups: [{name: n, instance: {cpu: 8, memory: 16Gi}, max: 1}]
traffic: {web: {constant: 1}}
services: {web: NETWORK}
objects:
  - apiVersion: v1
    kind: Service
    metadata: {name: web, annotations: ANNOTATIONS}
    spec: {selector: {app: web}SPEC}
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c}]}
"""


def loaded(tmp_path, spec="", annotations="{}", network="{}"):
    path = tmp_path / "service.yaml"
    text = BASE.replace("SPEC", spec and ", " + spec).replace("ANNOTATIONS", annotations).replace("NETWORK", network)
    path.write_text(text)
    return load(path)


@pytest.mark.parametrize(
    ("spec", "annotations", "topology"),
    [
        ("", "{}", ""),
        ("trafficDistribution: PreferClose", "{}", "PreferSameZone"),
        ("trafficDistribution: PreferSameZone", "{}", "PreferSameZone"),
        ("", "{service.kubernetes.io/topology-mode: Auto}", "Auto"),
        ("", "{service.kubernetes.io/topology-aware-hints: auto}", "Auto"),
        ("trafficDistribution: PreferClose", "{service.kubernetes.io/topology-mode: Auto}", "Auto"),
        ("trafficDistribution: PreferSameNode", "{}", ""),
    ],
)
def test_topology_and_the_resolved_scenario_keeps_it(tmp_path, spec, annotations, topology):
    scenario = loaded(tmp_path, spec, annotations)
    assert scenario.objects.services[0].topology == topology
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert load(again).objects.services == scenario.objects.services
    assert ("PreferSameNode" in spec) == any("PreferSameNode" in n.text for n in scenario.inventory.not_modelled)


def test_local_of_a_load_balancer(tmp_path):
    balancer = "{network: {loadBalancer: {maxRps: 100, healthCheck: 10s}}}"
    scenario = loaded(tmp_path, "type: LoadBalancer, externalTrafficPolicy: Local", network=balancer)
    assert scenario.objects.services[0].external_traffic_policy == "Local"
    spec = scenario.services["default/web"].network
    assert spec.load_balancer.max_rps == 100.0
    assert spec.load_balancer.health_check_ms == 10_000


@pytest.mark.parametrize(
    ("spec", "network", "said"),
    [
        ("type: Nodeport", "{}", "ClusterIP, NodePort, LoadBalancer, ExternalName"),
        ("trafficDistribution: Near", "{}", "PreferClose"),
        ("externalTrafficPolicy: Local", "{}", "gets no traffic from outside"),
        ("type: NodePort", "{network: {loadBalancer: {}}}", "a load balancer of a Service that has none"),
        ("type: LoadBalancer", "{network: {loadBalancer: {maxRps: 0}}}", "maxRps"),
        ("", "{network: {requestBytes: -1}}", "requestBytes"),
        ("", "{network: {crossZonePricePerGB: .nan}}", "crossZonePricePerGB"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, spec, network, said):
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, spec, network=network)
    text = str(caught.value)
    assert said in text
    assert "service.yaml:" in text
