"""Rollouts as they are written: references, revisions, refusals of the API server, the way through a file and back."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load
from capsim.scenario.revisions import histories

BASE = """
apiVersion: capsim/v1
duration: 10m
nodeGroups: [{name: n, instance: {cpu: 8, memory: 16Gi}, max: 1}]
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      STRATEGY
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: c, image: "web:1", resources: {requests: {cpu: 500m}, limits: {cpu: 1}}}, {name: d}]}
  - apiVersion: apps/v1
    kind: DaemonSet
    metadata: {name: agent}
    spec:
      selector: {matchLabels: {app: agent}}
      template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: c}]}}
events:
"""


def write(tmp_path, *events, strategy="paused: false"):
    path = tmp_path / "rollout.yaml"
    path.write_text(BASE.replace("STRATEGY", strategy) + ("".join(f"  - {event}\n" for event in events) or "  []"))
    return path


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("{at: 1m, rollout: {target: wep}}", ["no such workload", "web"]),
        ("{at: 1m, pauseRollout: {target: agent}}", ["not of a DaemonSet", "a Deployment"]),
        ("{at: 1m, rollout: {target: web, container: e}}", ["no such container", "c, d"]),
        ("{at: 1m, rollout: {target: web, requests: {cpu: 2}}}", ["more than the limit", "2 > 1"]),
        ("{at: 1m, rollout: {target: web, imagine: x}}", ["unknown key", "image"]),
        ("{at: 1m, rollout: {target: web, requests: {cpu: -1}}}", ["negative"]),
        ("{at: 1m, rollback: {target: web}}", ["no such revision by then"]),
        ("{at: 1m, rollback: {target: web, toRevision: 7}}", ["no such revision by then", "7"]),
        ("{at: 1m, pauseRollout: {target: nobody}}", ["no such workload"]),
    ],
)
def test_a_rollout_that_cannot_be_is_a_problem_with_its_line(tmp_path, event, words):
    path = write(tmp_path, event)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    text = str(caught.value)
    assert f"{path}:{len(BASE.splitlines()) + 1}" in text
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}", "may not be 0 when maxSurge is 0"),
        ("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}", "may not be 0 when maxSurge is 0"),
        ("strategy: {rollingUpdate: {maxSurge: many}}", "neither a number of pods nor a share"),
        ("strategy: {rollingUpdate: {maxSurge: -1}}", "neither a number of pods nor a share"),
        ("strategy: {rollingUpdate: {maxUnavailable: 101%}}", "more than all pods"),
        ("strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}", "may not be given with type Recreate"),
        ("strategy: {type: BlueGreen}", "unknown strategy"),
        ("minReadySeconds: 600", "progressDeadlineSeconds: too short"),
        ("minReadySeconds: -1", "negative"),
        ("revisionHistoryLimit: -1", "negative"),
    ],
)
def test_what_the_api_server_refuses(tmp_path, strategy, words):
    """ValidateDeploymentSpec."""
    with pytest.raises(ScenarioError, match=words):
        load(write(tmp_path, strategy=strategy))


def test_the_same_template_is_the_same_revision(tmp_path):
    events = [
        "{at: 1m, rollout: {target: web, image: 'web:2'}}",
        "{at: 2m, rollout: {target: web, image: 'web:1'}}",
        "{at: 3m, rollout: {target: web}}",
        "{at: 4m, rollback: {target: web}}",
        "{at: 5m, rollout: {target: web, cpuPerRequest: 20m}}",
    ]
    history = histories(load(write(tmp_path, *events)))["default/Deployment/web"]
    images = [revision.template.containers[0].image for revision in history.revisions]
    assert images == ["web:1", "web:2", "web:1", "web:1"]
    assert list(history.steps.values()) == [1, 0, 2, 0, 3]
    assert history.current.behaviour.containers["c"].cpu_per_request_milli == 20.0


def test_an_applied_deployment_is_rolled_out_and_comes_back_from_the_resolved_file(tmp_path):
    spec = "{minReadySeconds: 5, template: {spec: {containers: [{name: c, image: 'web:2'}]}}}"
    patch = f"{{kind: Deployment, metadata: {{name: web}}, spec: {spec}}}"
    scenario = load(write(tmp_path, f"{{at: 1m, apply: {{object: {patch}}}}}"))
    applied = scenario.events[0].apply.object
    assert [c.image for c in applied.template.containers] == ["web:2", ""]
    assert applied.min_ready_s == 5
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert load(again) == scenario
    assert load(again).dump_resolved() == scenario.dump_resolved()


def test_rollout_events_come_back_from_the_resolved_file(tmp_path):
    event = "{at: 1m, rollout: {target: web, requests: {cpu: 600m}, cpuPerRequest: 20m, startupTime: 9s}}"
    scenario = load(
        write(tmp_path, event, "{at: 2m, rollback: {target: web}}", "{at: 3m, pauseRollout: {target: web}}")
    )
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert load(again) == scenario


def test_rollout_and_applied_template_of_one_deployment_are_refused(tmp_path):
    spec = "{template: {spec: {containers: [{name: c, image: 'web:3'}]}}}"
    patch = f"{{kind: Deployment, metadata: {{name: web}}, spec: {spec}}}"
    events = ["{at: 1m, rollout: {target: web}}", f"{{at: 2m, apply: {{object: {patch}}}}}"]
    with pytest.raises(ScenarioError, match="changed by `apply` too"):
        load(write(tmp_path, *events))
