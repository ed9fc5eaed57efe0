"""Values that may be secret are nowhere in what an import writes, prints or reports, nor in a run folder after it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from capsim.cli import app

SECRET = "hunter2-c2VjcmV0"
POD = f"""\
metadata:
  labels: {{app: app}}
  annotations: {{token: {SECRET}}}
spec:
  nodeName: n1
  hostAliases: [{{ip: 10.0.0.1, hostnames: [{SECRET}]}}]
  imagePullSecrets: [{{name: pull}}]
  volumes:
  - {{name: a, secret: {{secretName: creds, items: [{{key: x, path: {SECRET}}}]}}}}
  - {{name: b, csi: {{driver: d, volumeAttributes: {{password: {SECRET}}}}}}}
  - {{name: c, flexVolume: {{driver: d, options: {{password: {SECRET}}}}}}}
  - {{name: d, azureFile: {{secretName: x, shareName: {SECRET}}}}}
  initContainers:
  - {{name: init, image: i, command: [sh, -c, "login {SECRET}"]}}
  containers:
  - name: main
    image: app:1
    command: [run, --password={SECRET}]
    args: ["--token", "{SECRET}"]
    env: [{{name: PASSWORD, value: {SECRET}}}, {{name: OTHER, valueFrom: {{secretKeyRef: {{name: {SECRET}, key: k}}}}}}]
    livenessProbe: {{httpGet: {{path: /, port: 80, httpHeaders: [{{name: Authorization, value: {SECRET}}}]}}}}
    readinessProbe: {{exec: {{command: [check, {SECRET}]}}, periodSeconds: 5}}
    lifecycle: {{preStop: {{exec: {{command: [{SECRET}]}}}}}}
    resources: {{requests: {{cpu: 500m, memory: 512Mi}}}}
"""


def indented(text, by):
    return "".join(" " * by + line for line in text.splitlines(keepends=True))


DUMP = f"""\
apiVersion: v1
kind: Node
metadata: {{name: n1, annotations: {{x: {SECRET}}}, labels: {{pool: a}}}}
spec: {{providerID: aws:///{SECRET}}}
status: {{allocatable: {{cpu: 4, memory: 8Gi, pods: 110}}, capacity: {{cpu: 4, memory: 8Gi, pods: 110}}}}
---
apiVersion: v1
kind: Secret
metadata:
  name: creds
  annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{{"data": "{SECRET}"}}'}}
data: {{password: {SECRET}}}
stringData: {{password: {SECRET}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: conf}}
data: {{app.conf: "password = {SECRET}"}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
  annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{{"env": "{SECRET}"}}'}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: app}}}}
  template:
{indented(POD, 4)}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: sts}}
spec:
  selector: {{matchLabels: {{app: app}}}}
  template:
{indented(POD, 4)}
---
apiVersion: v1
kind: Pod
{POD.replace("metadata:", "metadata:" + chr(10) + "  name: bare", 1)}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: cron}}
spec:
  schedule: "* * * * *"
  jobTemplate: {{spec: {{template: {{spec: {{containers: [{{name: a, env: [{{name: P, value: {SECRET}}}]}}]}}}}}}}}
---
apiVersion: example.com/v1
kind: Database
metadata: {{name: db}}
spec: {{password: {SECRET}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: broken}}
data: {{password: "{SECRET}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: wrong}}
spec:
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec:
      containers:
      - name: main
        env: {SECRET}
        command: {SECRET}
        args: {{x: {SECRET}}}
        envFrom: {SECRET}
        livenessProbe: {SECRET}
      volumes: {SECRET}
      hostAliases: {SECRET}
"""


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_secrets_never_leave_the_dump(dumps, form, monkeypatch):
    monkeypatch.chdir(dumps.path)
    if form == "yaml":
        dumps.write("in/dump.yaml", DUMP)
    else:
        from capsim.scenario.importers.build import from_yaml

        whole = [from_yaml(part)[0][0] for part in DUMP.split("\n---\n") if "broken" not in part]
        dumps.write("in/dump.json", json.dumps({"kind": "List", "apiVersion": "v1", "items": whole}, indent=4))
    result = CliRunner().invoke(app, ["import", "kube", "in", "--out", "out"])
    assert result.exit_code == 0, result.output
    assert SECRET not in result.output
    as_json = CliRunner().invoke(app, ["import", "kube", "in", "--out", "out", "--json"])
    assert SECRET not in as_json.output
    checked = CliRunner().invoke(app, ["validate", "out"])
    assert checked.exit_code == 0, checked.output
    assert SECRET not in checked.output
    from capsim.scenario import load

    assert SECRET not in load("out").dump_resolved()
    written = [path for path in (dumps.path / "out").rglob("*") if path.is_file()]
    assert len(written) >= 5
    for path in written:
        assert SECRET not in path.read_text(), path
