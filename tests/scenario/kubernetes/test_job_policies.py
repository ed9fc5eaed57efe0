"""Policies of Jobs as they are read: upstream's checks, and that a resolved scenario keeps them."""

from __future__ import annotations

import pytest

from capsim.errors import ScenarioError
from capsim.scenario import load

BASE = """
apiVersion: capsim/v1
nodeGroups: [{{name: n, instance: {{cpu: 8, memory: 16Gi}}, max: 1}}]
objects:
  - apiVersion: batch/v1
    kind: Job
    metadata: {{name: work}}
    spec:
      {}
      template:
        metadata: {{labels: {{app: web}}}}
        spec: {{restartPolicy: {}, containers: [{{name: c, resources: {{requests: {{cpu: 100m}}}}}}]}}
"""
INDEXED = "completionMode: Indexed\n      completions: 4\n      "


def loaded(tmp_path, spec, restart="Never"):
    path = tmp_path / "job.yaml"
    path.write_text(BASE.format(spec, restart))
    return load(path)


@pytest.mark.parametrize(
    "spec",
    [
        "podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {containerName: c, operator: In, values: [42]}}, "
        "{action: Ignore, onPodConditions: [{type: DisruptionTarget, status: 'True'}]}]}",
        INDEXED + "backoffLimitPerIndex: 2\n      maxFailedIndexes: 3",
        INDEXED + 'successPolicy: {rules: [{succeededIndexes: "0,2-3", succeededCount: 2}, {succeededCount: 3}]}',
        "podReplacementPolicy: Failed",
    ],
)
def test_they_are_read_and_kept(tmp_path, spec):
    scenario = loaded(tmp_path, spec)
    again = tmp_path / "again.yaml"
    again.write_text(scenario.dump_resolved())
    assert load(again).objects.workloads == scenario.objects.workloads
    assert scenario.inventory.not_modelled == []


def test_defaults(tmp_path):
    job = loaded(tmp_path, INDEXED + "backoffLimitPerIndex: 2").objects.workloads[0].job
    assert job.backoff_limit == 2**31 - 1
    policy = "podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}]}"
    assert loaded(tmp_path, policy).objects.workloads[0].job.replaces_late
    assert loaded(tmp_path, "completions: 2", "OnFailure").objects.workloads[0].job.restarts


@pytest.mark.parametrize(
    ("spec", "restart", "words"),
    [
        ("podFailurePolicy: {rules: [{action: Retry}]}", "Never", "unknown action"),
        ("podFailurePolicy: {rules: [{action: FailJob}]}", "Never", "exit codes or conditions"),
        (
            "podFailurePolicy: {rules: [{action: FailIndex, onExitCodes: {operator: In, values: [1]}}]}",
            "Never",
            "needs backoffLimitPerIndex",
        ),
        (
            "podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0]}}]}",
            "Never",
            "0 is no failure",
        ),
        (
            "podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: Is, values: [1]}}]}",
            "Never",
            "wrong exit codes",
        ),
        ("podFailurePolicy: {rules: []}", "OnFailure", "only with restartPolicy Never"),
        (
            "podReplacementPolicy: TerminatingOrFailed\n      podFailurePolicy: {rules: [{action: Count, "
            "onPodConditions: [{type: DisruptionTarget}]}]}",
            "Never",
            "not with a podFailurePolicy",
        ),
        ("podReplacementPolicy: Later", "Never", "unknown policy"),
        ("backoffLimitPerIndex: 1", "Never", "only with completionMode Indexed"),
        (INDEXED + "backoffLimitPerIndex: -1", "Never", "negative"),
        (INDEXED + "maxFailedIndexes: 1", "Never", "only with backoffLimitPerIndex"),
        (INDEXED + "backoffLimitPerIndex: 1\n      maxFailedIndexes: 5", "Never", "more than completions"),
        ("successPolicy: {rules: [{succeededCount: 1}]}", "Never", "only with completionMode Indexed"),
        (INDEXED + "successPolicy: {rules: []}", "Never", "wrong number of rules"),
        (INDEXED + "successPolicy: {rules: [{}]}", "Never", "indexes or a count"),
        (INDEXED + "successPolicy: {rules: [{succeededIndexes: all}]}", "Never", "not indexes"),
        (INDEXED + "successPolicy: {rules: [{succeededIndexes: '3-1'}]}", "Never", "not indexes of the Job"),
        (INDEXED + "successPolicy: {rules: [{succeededIndexes: '0-9'}]}", "Never", "not indexes of the Job"),
        (INDEXED + "successPolicy: {rules: [{succeededIndexes: '0-1', succeededCount: 3}]}", "Never", "can succeed"),
        ("backoffLimit: -1", "Never", "negative"),
        ("parallelism: -1", "Never", "negative"),
        ("activeDeadlineSeconds: -1", "Never", "negative"),
    ],
)
def test_what_the_api_server_refuses(tmp_path, spec, restart, words):
    with pytest.raises(ScenarioError, match=words):
        loaded(tmp_path, spec, restart)
