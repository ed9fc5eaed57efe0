"""What people write by mistake about workloads: upstream's behaviour, a clear error, or a run that survives and says
so."""

from __future__ import annotations

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.errors import ScenarioError
from capsim.scenario import load

pytestmark = [pytest.mark.plain]
BASE = """
apiVersion: capsim/v1
duration: 10m
nodeGroups: [{name: n, instance: {cpu: 4, memory: 16Gi}, min: 1, max: 1}]
objects:
"""
CONTAINERS = "containers: [{{name: c, resources: {{requests: {{cpu: 100m}}}}}}]"
POD = "metadata: {{labels: {{app: {label}}}}}, spec: {{" + CONTAINERS + "}}"


def deployed(name, label="web", selector="web", replicas=2):
    template = POD.format(label=label)
    spec = f"replicas: {replicas}, selector: {{matchLabels: {{app: {selector}}}}}, template: {{{template}}}"
    return f"  - {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{{spec}}}}}\n"


def job(spec, kind="Job"):
    template = "spec: {restartPolicy: Never, containers: [{name: c, resources: {requests: {cpu: 100m}}}]}"
    inner = f"{spec}, template: {{{template}}}" if spec else f"template: {{{template}}}"
    return f"  - {{apiVersion: batch/v1, kind: {kind}, metadata: {{name: work}}, spec: {{{inner}}}}}\n"


def cron(schedule, more=""):
    template = "spec: {restartPolicy: Never, containers: [{name: c, resources: {requests: {cpu: 100m}}}]}"
    spec = f'schedule: "{schedule}", {more}jobTemplate: {{spec: {{template: {{{template}}}}}}}'
    return f"  - {{apiVersion: batch/v1, kind: CronJob, metadata: {{name: work}}, spec: {{{spec}}}}}\n"


def loaded(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(BASE + text)
    return load(path)


def ran(tmp_path, text):
    scenario = loaded(tmp_path, text)
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    return collect(sim)


def test_deployments_that_select_each_others_pods_keep_their_own(tmp_path):
    """Controllers adopt by ownerReferences, and a ReplicaSet's selector has its pod-template-hash."""
    scale = "events: [{at: 1m, scale: {target: a, replicas: 4}}, {at: 2m, scale: {target: b, replicas: 1}}]\n"
    pods = ran(tmp_path, deployed("a") + deployed("b") + scale).pods
    left = pods[pods["gone_ms"].isna()]["workload"].value_counts()
    assert left.to_dict() == {"default/Deployment/a": 4, "default/Deployment/b": 1}


@pytest.mark.parametrize(("label", "selector"), [("web", "other"), ("web", "''")])
def test_a_selector_that_does_not_match_its_own_pods_is_refused(tmp_path, label, selector):
    with pytest.raises(ScenarioError, match="the selector does not match the pods"):
        loaded(tmp_path, deployed("a", label, selector))


def test_a_budget_that_selects_nothing_holds_nothing_up(tmp_path):
    budget = (
        "  - {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p}, "
        "spec: {minAvailable: 5, selector: {matchLabels: {app: nobody}}}}\n"
    )
    result = ran(tmp_path, deployed("a") + budget + "events: [{at: 1m, drain: {node: n-1}}]\n")
    assert result.pods["deleted_ms"].notna().sum() == 2


def test_a_backoff_limit_of_zero_is_one_try(tmp_path):
    result = ran(tmp_path, job("backoffLimit: 0") + "workloads: {work: {failureRatio: 1.0, runTime: 10s}}\n")
    assert len(result.pods) == 1
    assert (result.events["reason"] == "BackoffLimitExceeded").sum() == 1


@pytest.mark.parametrize(
    "spec", ["backoffLimit: -1", "completions: -3", "parallelism: -1", "activeDeadlineSeconds: -1"]
)
def test_negative_numbers_of_a_job_are_refused(tmp_path, spec):
    with pytest.raises(ScenarioError, match="negative"):
        loaded(tmp_path, job(spec))


def test_a_job_without_parallelism_waits_for_ever(tmp_path):
    assert len(ran(tmp_path, job("parallelism: 0")).pods) == 0


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
def test_a_date_that_never_comes_is_refused(tmp_path, schedule):
    """Upstream takes it, and never starts a Job."""
    with pytest.raises(ScenarioError, match="day-of-month"):
        loaded(tmp_path, cron(schedule))


def test_a_date_beyond_the_run_starts_nothing(tmp_path):
    assert len(ran(tmp_path, cron("0 0 29 2 *")).pods) == 0


@pytest.mark.parametrize(
    ("schedule", "more"),
    [
        ("* * * *", ""),
        ("61 * * * *", ""),
        ("@sometimes", ""),
        ("0 0 1 13 *", ""),
        ("* * * * *", "timeZone: Mars/Olympus, "),
        ("* * * * *", "startingDeadlineSeconds: -1, "),
        ("* * * * *", "concurrencyPolicy: Perhaps, "),
    ],
)
def test_what_is_no_cron_job_is_refused_with_its_line(tmp_path, schedule, more):
    with pytest.raises(ScenarioError, match=r"bad\.yaml:6"):
        loaded(tmp_path, cron(schedule, more))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("scale: {target: nobody, replicas: 2}", "no such workload"),
        ("rollout: {target: nobody}", "no such workload"),
        ("rollout: {target: a, container: d}", "no such container"),
        ("rollback: {target: a}", "no such revision"),
        ("pauseRollout: {target: nobody}", "no such workload"),
        ("crash: {target: nobody}", "no such workload"),
        ("apply: {object: {kind: Deployment, metadata: {name: nobody}, spec: {replicas: 1}}}", "no such object"),
        ("apply: {object: {kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: 1}}}}", "no such object"),
        ("addNodes: {group: nobody, count: 1}", "no such node group"),
        ("resize: {group: nobody, size: 1}", "no such node group"),
        ("zoneOutage: {zone: nowhere}", "zone"),
        ("drain: {node: nobody}", "node"),
        ("fail: {node: nobody}", "node"),
    ],
)
def test_events_that_refer_to_nothing_are_refused(tmp_path, event, words):
    with pytest.raises(ScenarioError, match=words):
        loaded(tmp_path, deployed("a") + f"events: [{{at: 1m, {event}}}]\n")


def test_an_event_for_a_node_that_is_gone_by_then_is_told(tmp_path):
    events = "events: [{at: 1m, fail: {node: n-1}}, {at: 2m, drain: {node: n-1}}]\n"
    told = ran(tmp_path, deployed("a") + events).events
    last = told[told["reason"] == "ScenarioEvent"]["message"].iloc[-1]
    assert last.endswith("no such node any more, nothing was done")


def test_a_rollout_of_a_daemon_set_without_nodes_survives(tmp_path):
    template = POD.format(label="agent").replace("spec: {", "spec: {nodeSelector: {pool: none}, ", 1)
    agent = (
        "  - {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: "
        f"{{app: agent}}}}, template: {{{template}}}}}}}\n"
    )
    result = ran(tmp_path, agent + "events: [{at: 1m, rollout: {target: agent, image: 'a:2'}}]\n")
    assert len(result.pods) == 0
