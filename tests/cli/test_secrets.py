"""Values of Secrets, and of what may hold one, are in nothing that a run reads in, prints or writes."""

from __future__ import annotations

import pytest

SECRET = "hunter2-c2VjcmV0"
CONFIG = "plain-42-value"
SCENARIO = f"""
apiVersion: capsim/v1
name: secrets
duration: 5m
nodeGroups: [{{name: n, instance: {{cpu: 4, memory: 8Gi}}, initial: 1, max: 1}}]
objects:
  - {{apiVersion: v1, kind: Secret, metadata: {{name: s}}, data: {{key: {SECRET}}}}}
  - {{apiVersion: v1, kind: Secret, metadata: {{name: t}}, stringData: {{key: {SECRET}}}}}
  - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{key: {CONFIG}}}}}
  - {{apiVersion: v1, kind: ServiceAccount, metadata: {{name: a}}}}
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {{name: p}}
    spec: {{podSelector: {{}}}}
"""
WEB = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, annotations: {{token: {SECRET}}}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}, annotations: {{token: {SECRET}}}}}
    spec:
      imagePullSecrets: [{{name: pull}}]
      containers:
        - name: web
          image: web:1
          command: [run, --password={SECRET}]
          env:
            - {{name: PASSWORD, value: {SECRET}}}
            - {{name: OTHER, valueFrom: {{secretKeyRef: {{name: s, key: key}}}}}}
          readinessProbe: {{httpGet: {{path: /, port: 80, httpHeaders: [{{name: Authorization, value: {SECRET}}}]}}}}
          startupProbe: {{exec: {{command: [check, {SECRET}]}}}}
          lifecycle: {{preStop: {{exec: {{command: [sh, -c, "logout {SECRET}; sleep 5"]}}}}}}
          resources: {{requests: {{cpu: 500m}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: file}}
data: {{key: {SECRET}}}
"""


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "secrets"
    (path / "manifests").mkdir(parents=True)
    (path / "manifests" / "web.yaml").write_text(WEB)
    (path / "scenario.yaml").write_text(SCENARIO + "manifests: manifests\nimages: {}\n")
    return path


def test_secrets_reach_no_log_and_no_run_folder(capsim, folder, tmp_path):
    done = capsim("run", folder, "--no-figures", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output
    assert CONFIG not in done.output
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert len(files) > 5
    for file in files:
        content = file.read_bytes()
        assert SECRET.encode() not in content, file
        assert CONFIG.encode() not in content, file


def test_secrets_reach_no_scenario(folder):
    import capsim as package

    resolved = package.load(folder).dump_resolved()
    assert SECRET not in resolved
    assert CONFIG not in resolved
    assert "periodSeconds" in resolved, "the probes themselves are there"
    assert "seconds: 5" in resolved, "and how long the hook sleeps"


def test_kinds_without_effect_on_capacity_are_listed(capsim, folder):
    done = capsim("validate", folder)
    assert done.exit_code == 0
    for kind in ("Secret", "ConfigMap", "ServiceAccount", "NetworkPolicy"):
        assert f"{kind}: no effect on capacity" in done.output, kind


def test_a_broken_secret_is_not_quoted(capsim, folder):
    text = (folder / "manifests" / "web.yaml").read_text().replace(f"data: {{key: {SECRET}}}", f"data: [{SECRET}")
    (folder / "manifests" / "web.yaml").write_text(text)
    done = capsim("validate", folder)
    assert done.exit_code != 0
    assert SECRET not in done.output
