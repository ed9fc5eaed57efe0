"""ResourceQuotas as they are read: upstream's ValidateResourceQuotaSpec, what is listed, what is kept."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load

BASE = """
apiVersion: capsim/v1
nodeGroups: [{name: n, instance: {cpu: 8, memory: 16Gi}, max: 1}]
objects:
  - {apiVersion: v1, kind: ResourceQuota, metadata: {name: team}, spec: SPEC}
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, resources: {requests: {cpu: 100m}}}]}
EVENTS
"""
APPLY = """
events:
  - at: 5m
    apply: {{object: {{kind: ResourceQuota, metadata: {{name: {}}}, spec: {{hard: {{pods: 9}}}}}}}}
"""


def loaded(tmp_path, spec, events=""):
    path = tmp_path / "quota.yaml"
    path.write_text(BASE.replace("SPEC", spec).replace("EVENTS", events))
    return load(path)


def test_amounts_are_in_base_units_and_the_resolved_scenario_keeps_them(tmp_path):
    hard = "{pods: 5, requests.cpu: 1500m, limits.memory: 2Gi, requests.nvidia.com/gpu: 4}"
    spec = f"{{hard: {hard}, scopes: [NotBestEffort]}}"
    scenario = loaded(tmp_path, spec)
    quota = scenario.objects.quotas[0]
    assert quota.hard == {"pods": 5, "requests.cpu": 1500, "limits.memory": 2**31, "requests.nvidia.com/gpu": 4}
    assert [scope.name for scope in quota.scopes] == ["NotBestEffort"]
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert load(again).objects.quotas == scenario.objects.quotas


def test_what_says_nothing_of_pods_is_listed(tmp_path):
    scenario = loaded(tmp_path, "{hard: {services: 5, persistentvolumeclaims: 2, count/jobs.batch: 3}}")
    assert scenario.objects.quotas[0].hard == {}
    listed = scenario.inventory
    assert [line.field for line in listed.not_modelled] == ["ResourceQuotaSpec.hard"]
    assert "ResourceQuotaSpec.hard" in [line.field for line in listed.ignored]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{hard: {cpus: 5}}", "not a resource that a quota knows"),
        ("{hard: {pods: many}}", "not a quantity"),
        ("{hard: {pods: -1}}", "negative quantity"),
        ("{hard: {pods: 1}, scopes: [Sometimes]}", "unknown scope"),
        ("{hard: {pods: 1}, scopes: [BestEffort, NotBestEffort]}", "exclude each other"),
        ("{hard: {requests.cpu: 1}, scopes: [BestEffort]}", "BestEffort have no requests"),
        (
            "{hard: {pods: 1}, scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In}]}}",
            "wrong values",
        ),
        (
            "{hard: {pods: 1}, scopeSelector: {matchExpressions: [{scopeName: BestEffort, operator: In}]}}",
            "unknown operator",
        ),
    ],
)
def test_what_is_no_quota(tmp_path, spec, words):
    with pytest.raises(ScenarioError, match=words):
        loaded(tmp_path, spec)


def test_a_workload_that_never_gets_a_pod_is_warned_of(tmp_path):
    warnings = loaded(tmp_path, "{hard: {limits.cpu: 5}}").inventory.warnings
    assert [(line.object, line.text) for line in warnings] == [
        (
            "default/Deployment/web",
            "none of its pods is ever created: failed quota: team: must specify limits.cpu for: c",
        )
    ]


def test_a_changed_quota_is_applied_by_an_event(tmp_path):
    events = (
        "events: [{at: 5m, apply: {object: {kind: ResourceQuota, metadata: {name: team}, spec: {hard: {pods: 9}}}}}]"
    )
    scenario = loaded(tmp_path, "{hard: {pods: 5, requests.cpu: 1}}", events)
    assert scenario.events[0].apply.object.hard == {"pods": 9, "requests.cpu": 1000}
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert load(again).events == scenario.events


def test_an_event_for_a_quota_that_there_is_not(tmp_path):
    events = (
        "events: [{at: 5m, apply: {object: {kind: ResourceQuota, metadata: {name: tem}, spec: {hard: {pods: 9}}}}}]"
    )
    with pytest.raises(ScenarioError, match="no such object"):
        loaded(tmp_path, "{hard: {pods: 5}}", events)


def test_scopes_cannot_be_changed(tmp_path):
    """ValidateResourceQuotaUpdate."""
    events = APPLY.format("team").replace("spec: {hard", "spec: {scopes: [BestEffort], hard")
    with pytest.raises(ScenarioError, match="scopes cannot be changed"):
        loaded(tmp_path, "{hard: {pods: 5}}", events)
