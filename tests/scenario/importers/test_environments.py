"""Charts, kustomizations, Argo CD Applications: one base, an overlay for each environment, the programs' errors."""

from __future__ import annotations

import os
import stat

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from capsim.cli import app
from capsim.scenario import load
from capsim.scenario.apply import sourced
from capsim.scenario.document import Mark
from capsim.scenario.importers.environments import difference
from capsim.scenario.merge import cleaned, merged
from tests.scenario.samples import DEPLOYMENT, HPA, SERVICE

BASE = "---\n".join([DEPLOYMENT, SERVICE, HPA])
PROD = "---\n".join(
    [
        DEPLOYMENT.replace("replicas: 2", "replicas: 6").replace("cpu: 500m", "cpu: 750m"),
        SERVICE,
        HPA.replace("maxReplicas: 10", "maxReplicas: 40"),
        DEPLOYMENT.replace("name: app}", "name: worker}", 1),
    ]
)
DEV = DEPLOYMENT.replace("replicas: 2", "replicas: 1").replace(", limits: {cpu: 1}", "")
HELM = """\
#!/bin/sh
# A stand-in: renders the chart as its values file says.
[ "$1" = template ] || exit 9
chart=$3
out=$chart/base.yaml
while [ $# -gt 0 ]; do
  if [ "$1" = --values ]; then out=$2; fi
  if [ "$1" = --set ] && [ "$2" = fail=true ]; then echo "Error: it failed" >&2; echo "secret: x" >&2; exit 1; fi
  shift
done
cat "$out"
"""
KUSTOMIZE = """\
#!/bin/sh
[ "$1" = build ] || exit 9
cat "$2/built.yaml"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("base.yaml", BASE), ("prod.yaml", PROD), ("dev.yaml", DEV)):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def programs(folder, monkeypatch):
    (folder / "bin").mkdir()
    for name, text in (("helm", HELM), ("kustomize", KUSTOMIZE)):
        path = folder / "bin" / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    chart = folder / "chart"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: app\n")
    (chart / "base.yaml").write_text(BASE)
    for name, text in (("base", BASE), ("prod", PROD), ("dev", DEV)):
        (folder / "k" / name).mkdir(parents=True)
        (folder / "k" / name / "kustomization.yaml").write_text("resources: []\n")
        (folder / "k" / name / "built.yaml").write_text(text)
    return folder


def run(*words, stdin=None):
    return CliRunner().invoke(app, ["import", *words], input=stdin)


def same_as_alone(folder, env, text):
    """The base with an overlay holds the objects that the environment alone holds."""
    (folder / "alone.yaml").write_text(text)
    assert run("kube", "alone.yaml", "--out", "alone").exit_code == 0
    merged_scenario, alone = load("out", overlays=[f"out/{env}.yaml"]), load("alone")
    for part in ("workloads", "services", "hpas"):
        by_key = [{item.key: item for item in getattr(s.objects, part)} for s in (merged_scenario, alone)]
        assert by_key[0] == by_key[1]
    assert [g.max for g in merged_scenario.node_groups] == [g.max for g in alone.node_groups]
    assert merged_scenario.usage == alone.usage


COMMANDS = [
    ("helm", "base.yaml", "--env", "prod=prod.yaml", "--env", "dev=dev.yaml"),
    ("helm", "chart", "--env", "prod=prod.yaml", "--env", "dev=dev.yaml"),
    ("kustomize", "k/base", "--env", "prod=k/prod", "--env", "dev=k/dev"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=["rendered", "chart", "kustomize"])
def test_environments_are_small_overlays(programs, words):
    result = run(*words, "--out", "out")
    assert result.exit_code == 0, result.output
    same_as_alone(programs, "prod", PROD)
    same_as_alone(programs, "dev", DEV)
    overlay = yaml.safe_load((programs / "out" / "prod.yaml").read_text())
    patch = next(o for o in overlay["objects"] if o["metadata"]["name"] == "app" and o["kind"] == "Deployment")
    assert patch["spec"]["replicas"] == 6
    assert "selector" not in patch["spec"]
    assert "Overlay: capsim run out -f out/prod.yaml" in result.output


def test_rendered_output_from_a_pipe(folder):
    result = run("helm", "-", "--out", "out", "--nodes", "3x4cpu-16Gi", stdin=BASE)
    assert result.exit_code == 0, result.output
    scenario = load("out")
    assert [w.key for w in scenario.objects.workloads] == ["default/Deployment/app"]
    assert (scenario.node_groups[0].initial, scenario.node_groups[0].instance.cpu_milli) == (3, 4000)


def test_hooks_are_not_load(folder):
    hook = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n"
    hook += "spec: {containers: [{name: a}]}\n"
    (folder / "hooked.yaml").write_text(BASE + "---\n" + hook)
    assert run("helm", "hooked.yaml", "--out", "out").exit_code == 0
    assert len(load("out").objects.workloads) == 1
    assert "Pod with helm.sh/hook" in (folder / "out" / "inventory.md").read_text()


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: shop}}
spec:
  destination: {{namespace: shop}}
  source: {source}
"""


@pytest.mark.parametrize(
    "source",
    ["{path: chart}", "{path: chart, helm: {valueFiles: [../prod.yaml]}}", "{path: k/prod}", "{path: plain}",
     "{path: ., directory: {recurse: true}}"],
)  # fmt: skip
def test_argo_applications_with_a_local_path(programs, source):
    (programs / ".git").mkdir()
    (programs / "plain").mkdir()
    (programs / "plain" / "a.yaml").write_text(BASE)
    (programs / "apps").mkdir()
    (programs / "apps" / "app.yaml").write_text(APPLICATION.format(source=source))
    result = run("argo", "apps/app.yaml", "--out", "out")
    assert result.exit_code == 0, result.output
    workloads = {w.key: w for w in load("out").objects.workloads}
    assert "shop/Deployment/app" in workloads
    assert workloads["shop/Deployment/app"].replicas == (6 if "prod" in source else 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("helm", "chart", "--env", "prod"), "--env"),
        (("helm", "base.yaml", "-f", "prod.yaml"), "rendered output"),
        (("helm", "absent.yaml"), "nothing to import there"),
        (("argo", "base.yaml"), "no Argo CD Application"),
        (("argo", "remote.yaml"), "a chart from a repository"),
        (("argo", "gone.yaml"), "its folder is not here"),
        (("argo", "failing.yaml"), "it failed"),
    ],
)
def test_what_is_wrong_is_said(programs, words, message):
    files = {
        "remote": "{chart: nginx, repoURL: https://charts.example.com}", "gone": "{path: nowhere}",
        "failing": "{path: chart, helm: {parameters: [{name: fail, value: 'true'}]}}",
    }  # fmt: skip
    for name, source in files.items():
        (programs / f"{name}.yaml").write_text(APPLICATION.format(source=source))
    result = run(*words, "--out", "out")
    assert result.exit_code == 2
    assert message in result.output
    assert "secret" not in result.output
    assert "Traceback" not in result.output


def test_without_helm_the_pipe_is_named(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    (folder / "chart").mkdir()
    (folder / "chart" / "Chart.yaml").write_text("name: app\n")
    result = run("helm", "chart")
    assert result.exit_code == 2
    assert "helm template chart | capsim import helm -" in result.output


LEAVES = st.one_of(st.integers(0, 3), st.sampled_from(["a", "b"]), st.booleans())
NAMED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("xyz"), "v": LEAVES}),
    unique_by=lambda item: item["name"],
    min_size=1,
)
VALUES = st.recursive(
    LEAVES | NAMED | st.lists(LEAVES, min_size=1),
    lambda inner: st.dictionaries(st.sampled_from(["k", "l", "m"]), inner, min_size=1),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["k", "l", "m"]), VALUES), st.dictionaries(st.sampled_from(["k", "l", "m"]), VALUES)
)
@settings(max_examples=150, deadline=None)
def test_a_difference_merged_over_the_base_gives_the_other(base, other):
    mark = Mark("f", 1)
    change = difference(base, other)
    result = (
        cleaned(merged(sourced(base, mark), sourced(change, mark))) if isinstance(change, dict) else sourced(base, mark)
    )

    def unordered(value):
        if isinstance(value, dict):
            return {key: unordered(item) for key, item in value.items()}
        if isinstance(value, list) and value and all(isinstance(i, dict) and "name" in i for i in value):
            return {item["name"]: unordered(item) for item in value}
        return value

    assert unordered(result) == unordered(other)
