"""Bad input: every problem at once, each with file, line, key, what was found and what is allowed."""

from __future__ import annotations

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.errors import ScenarioError
from capsim.scenario import load
from tests.scenario.samples import SCENARIO


def test_all_problems_at_once(folder):
    folder.write("bad.yaml", """\
        apiVersion: capsim/v1
        duratoin: 1h
        duration: 0s
        manifests: [app.yaml, nothere/*.yaml]
        nodeGroups:
        - name: w
          instance: {cpu: two, memory: 8Gi}
          min: 7
          max: 6
        workloads:
          ap: {containers: {main: {cpuPerRequest: 40m}}}
        traffic:
          app: {steps: [[0s, 20], [3m, .nan]]}
          other: -5
        objects:
        - apiVersion: autoscaling/v2
          kind: HorizontalPodAutoscaler
          metadata: {name: second}
          spec:
            scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ap}
            minReplicas: 12
            maxReplicas: 10
            metrcs: []
        seed: 1.5
        """)  # fmt: skip
    problems = folder.problems_of("bad.yaml")
    starts = [problem.split(";")[0] for problem in problems]
    assert starts == [
        'bad.yaml:2: duratoin: unknown key, did you mean "duration"?',
        "bad.yaml:3: duration: out of range",
        "bad.yaml:4: manifests: no manifests there",
        "bad.yaml:7: nodeGroups.w.instance.cpu: not a quantity",
        'bad.yaml:11: workloads.ap: no such workload, did you mean "app"?',
        "bad.yaml:13: traffic.default/app.steps[1]: not a number",
        "bad.yaml:14: traffic.other: negative value",
        "bad.yaml:14: traffic.other: no such service",
        "bad.yaml:20: default/HorizontalPodAutoscaler/second: spec.scaleTargetRef.name: its target does not exist, "
        'did you mean "app"?',
        "bad.yaml:22: default/HorizontalPodAutoscaler/second: spec.maxReplicas: maxReplicas is below minReplicas",
        'bad.yaml:23: default/HorizontalPodAutoscaler/second: spec.metrcs: unknown field, did you mean "metrics"?',
        "bad.yaml:24: seed: wrong type",
    ]
    assert problems[3].endswith("found 'two'; allowed: cores such as 2, 0.5 or 500m, not negative")


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("duration: 0s", "more.yaml:11: duration: out of range; found '0s'; allowed: more than 0"),
        ("duration: -5s", "duration: negative duration; found '-5s'"),
        ("sampleInterval: 5m extra", "sampleInterval: not a duration"),
        ("duration_ms: 5", 'duration_ms: unknown key, did you mean "duration"?'),
        ("clusterautoscaler: {}", 'did you mean "clusterAutoscaler"?'),
        ("clusterAutoscaler: {scan_interval: 1s}", 'clusterAutoscaler.scan_interval: unknown key, did you mean "scan-'),
        ("clusterAutoscaler: {expander: grpc}", "expander: the grpc expander is not modelled: it asks a server of you"),
        ("clusterAutoscaler: {expander: beast}", "expander: Expander beast not supported; found 'beast'; allowed: ran"),
        ("clusterAutoscaler: {expander: 'price,price'}", "expander: Expander price was specified multiple times, each"),
        ("clusterAutoscaler: {expander: 'random,price'}", "expander: Expander price came after random, which leaves o"),
        ("clusterAutoscaler: {cores-total: '5:1'}", "clusterAutoscaler.cores-total: min 5 is above max 1; found"),
        ("clusterAutoscaler: {gpu-total: ['t4:3']}", "clusterAutoscaler.gpu-total: wrong GPU limit 't4:3'; found"),
        ("clusterAutoscaler: {priorities: 'x: [a]'}", "clusterAutoscaler.priorities: "),
        ("initialState: warm", "unknown value; found 'warm'; allowed: settled, declared, recorded or empty"),
        ("name: a/b", "name: wrong form; found 'a/b'; allowed: text without /"),
        ("name: ..", "name: wrong form"),
        ("output: []", "output: wrong type; found a list; allowed: a mapping"),
        ("output: {figures: 1}", "output.figures: wrong type; found 1; allowed: true or false"),
        ("events: {}", "events: wrong type; found a mapping; allowed: a list"),
        ("events: [{at: 5s}]", "events[0]: an event holds exactly one action; allowed: scale, apply, addNodes"),
        ("events: [{scale: {target: app, replicas: 1}}]", "events[0].at: missing; allowed: Time since the start"),
        (
            "events: [{at: 1, scale: {target: ap, replicas: -1}}]",
            "replicas: out of range; found -1; allowed: 0 or more",
        ),
        ("events: [{at: 1, scale: {target: ap, replicas: 1}}]", 'scale.target: no such workload, did you mean "app"?'),
        ("events: [{at: 1, addNodes: {group: worker, count: 1}}]", 'no such node group, did you mean "workers"?'),
        ("events: [{at: 1, drain: worker-1}]", 'drain: no such node, did you mean "workers-1"?'),
        ("events: [{at: 1, fail: {group: workers}}]", "fail: not one node"),
        ("controlPlane: {phases: x}", "controlPlane.phases: unknown value; found 'x'; allowed: random or zero"),
        ("controlPlane: {phases: {hpa: {ap: 1s}}}", 'no such HorizontalPodAutoscaler, did you mean "app"?'),
        ("controlPlane: {delays: {schedule: x}}", "controlPlane.delays.schedule: not a duration"),
        ("scheduler: {configuration: {kind: Policy}}", "scheduler.configuration.kind: unknown value"),
        ("services: {app: {overload: wait}}", "services.default/app.overload: unknown value"),
        ("services: {api: {}}", "services.default/api: no workloads: there is no Service object of that name"),
        ("services: {api: {workloads: [nope]}}", "no such workload; found 'nope'; allowed: default/Deployment/app"),
        ("usage: {app: {cpu: 1}}", "default/Deployment/app has recorded CPU and traffic (of default/app)"),
        ("usage: {app: {}}", "usage.default/Deployment/app: neither cpu nor memory is given"),
        ("objects: {}", "more.yaml:11: objects: wrong type; found a mapping; allowed: a list of objects"),
        ("objects: [5]", "not a Kubernetes object; found 5"),
        ("objects: [{kind: Pod}]", "apiVersion: not a Kubernetes object"),
        ("objects: [{apiVersion: v1, kind: Pod, metadata: {}}]", "Pod: metadata.name: no name"),
        ("inventory: 5", "more.yaml:11: inventory: wrong type; found 5; allowed: a mapping"),
        ("inventory: {ignored: [{}]}", "ignored[0].text: missing"),
        ("extends: [5]", "extends: wrong type; found 5; allowed: a path"),
        ("extends: gone.yaml", "more.yaml:11: cannot be read: no such file or directory; found gone.yaml"),
        ("apiVersion: capsim/v2", "duplicate key"),
    ],
)
def test_one_problem(folder, extra, problem):
    problems = folder.problems(extra)
    assert any(problem in text for text in problems), problems
    assert all(text.startswith("more.yaml:") for text in problems), problems


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("cpu: 2", "cpu: -2"), "nodeGroups.workers.instance.cpu: negative quantity; found -2"),
        (
            ("max: 6", "max: 2"),
            "more.yaml:7: nodeGroups.workers.max: max 2 is below min 3; found 2; allowed: at least 3",
        ),
        (("max: 6", "max: 6\n  initial: 9"), "initial 9 is outside min 3 and max 6"),
        (("max: 6", "max: 6\n  kubeReserved: {memory: 9Gi}"), "take more memory than the instance has"),
        (
            ("max: 6", "max: 6\n- {name: workers, instance: {cpu: 1, memory: 1Gi}, max: 1}"),
            "two node groups of one name",
        ),
        (("app: 100", "app: -1"), "traffic.default/app: negative value; found -1"),
        (("app: 100", "app: .nan"), "not a number; found .nan"),
        (("app: 100", "app: .inf"), "not a number; found .inf"),
        (("app: 100", "app: 1e13"), "value above 1e12"),
        (("app: 100", "app: {stepz: []}"), "traffic.default/app: not a series"),
        (("app: 100", "app: {steps: [[5s, 1]]}"), "the first point is not at 0s"),
        (("app: 100", "app: 1, default/app: 2"), "traffic.default/app: given twice"),
        (("{main:", "{mian:"), 'containers.mian: no such container, did you mean "main"?; found mian; allowed: main'),
        (("cpuPerRequest", "cpuPerReqest"), 'cpuPerReqest: unknown key, did you mean "cpuPerRequest"?'),
        (("40m", "{a: b}"), "cpuPerRequest: wrong type; found a mapping; allowed: a number"),
        (("apiVersion: capsim/v1\n", ""), "apiVersion: missing; allowed: capsim/v1"),
        (("capsim/v1", "capsim/v2"), "apiVersion: unknown version; found 'capsim/v2'; allowed: capsim/v1"),
        (("manifests: app.yaml", "manifests: 5"), "manifests: wrong type; found 5"),
    ],
)
def test_one_change(folder, change, problem):
    folder.write("more.yaml", SCENARIO.replace(*change))
    problems = folder.problems_of("more.yaml")
    assert any(problem in text for text in problems), problems
    assert all(text.startswith("more.yaml") for text in problems), problems


def test_a_cluster_without_nodes(folder):
    (problem,) = folder.problems(sets=["nodeGroups=[]"])
    assert problem == "--set nodeGroups: nodeGroups: no nodes; allowed: nodeGroups, or Node objects among the manifests"


def test_a_billion_requests_a_second_is_legal(folder):
    assert load("scenario.yaml", sets=["traffic.app=1e9"]).traffic["default/app"].value == 1e9


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f.yaml: the file is empty; allowed: a scenario: apiVersion: capsim/v1, …"),
        ("# only a comment\n", "f.yaml: the file is empty"),
        ("[1, 2]", "f.yaml:1: not a scenario; found a list"),
        ("just text", "f.yaml:1: not a scenario; found 'just text'"),
        ("a:\n\tb: 1\n", "f.yaml:2: YAML syntax: a tab in the indentation"),
        (b"\x89PNG\0", "f.yaml: not text"),
        ("apiVersion: v1\nkind: Pod\n", "f.yaml:1: Kubernetes objects, not a scenario; found kind Pod"),
        ("apiVersion: capsim/v1\n---\napiVersion: v1\n", "f.yaml:3: a second document"),
    ],
)
def test_files_that_are_no_scenario(folder, text, problem):
    folder.write("f.yaml", text)
    assert any(found.startswith(problem) for found in folder.problems_of("f.yaml"))


def test_a_folder_without_a_scenario(folder):
    folder.write("empty/x.txt", "")
    assert folder.problems_of("empty") == ["empty/scenario.yaml: cannot be read: no such file or directory"]
    assert folder.problems_of([]) == ["no scenario is named"]


def test_cyclic_extends_name_the_cycle(folder):
    folder.write("a.yaml", "apiVersion: capsim/v1\nextends: b.yaml\n")
    folder.write("b.yaml", "apiVersion: capsim/v1\nextends: [c.yaml]\n")
    folder.write("c.yaml", "apiVersion: capsim/v1\nextends: a.yaml\n")
    problems = folder.problems_of("a.yaml")
    assert problems[-1].startswith("c.yaml:2: extends: cyclic extends; found a.yaml -> b.yaml -> c.yaml -> a.yaml")


def test_one_file_may_be_extended_twice(folder):
    folder.write("left.yaml", "extends: scenario.yaml\nduration: 2h\n")
    folder.write("right.yaml", "extends: scenario.yaml\nseed: 3\n")
    folder.write("top.yaml", "apiVersion: capsim/v1\nextends: [left.yaml, right.yaml]\n")
    scenario = load("top.yaml")
    assert (scenario.duration_ms, scenario.seed) == (7_200_000, 3)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("x", "--set: x: not a setting; allowed: key.key.key=value"),
        ("=5", "not a setting"),
        ("a..b=5", "not a setting"),
        ("duration=[", "--set: duration: the value is not YAML"),
        ("duration=soon", "--set duration: duration: not a duration; found 'soon'"),
        ("nodeGroups.worker.max=3", "no such element, did you mean \"workers\"?; found 'worker'; allowed: workers"),
        (
            "objects.Deployment.ap.spec.replicas=3",
            "--set: objects.Deployment.ap.spec.replicas: no such object, did you mean",
        ),
        ("objects.Deploment.app.spec.replicas=3", 'did you mean "Deployment"?'),
        ("objects.Deployment.app=3", "no such object"),
        (
            "objects.Deployment.app.spec.replicas=many",
            "spec.replicas: wrong type; found 'many'; allowed: a whole number",
        ),
    ],
)
def test_bad_settings(folder, setting, problem):
    problems = folder.problems(sets=[setting])
    assert any(problem in text for text in problems), problems


def test_the_same_object_twice(folder):
    folder.write("again.yaml", (folder.path / "app.yaml").read_text())
    folder.write("f.yaml", SCENARIO.replace("manifests: app.yaml", "manifests: [app.yaml, again.yaml]"))
    problems = folder.problems_of("f.yaml")
    assert problems[0].startswith("again.yaml:3: default/Deployment/app: defined twice; found first at app.yaml:1")
    assert len(problems) == 3


def test_ambiguous_names(folder):
    other = (folder.path / "app.yaml").read_text().replace("{name: app}", "{name: app, namespace: shop}")
    folder.write("shop.yaml", other)
    folder.write("f.yaml", SCENARIO.replace("manifests: app.yaml", "manifests: [app.yaml, shop.yaml]"))
    problems = folder.problems_of("f.yaml")
    assert "workloads.app: ambiguous workload; found 'app'; allowed: default/Deployment/app or shop/Deployment/app" in (
        problems[0] + problems[1]
    )


def test_problems_of_an_object_do_not_cause_others(folder):
    text = (folder.path / "app.yaml").read_text().replace("cpu: 500m", "cpu: 500x")
    folder.write("app.yaml", text)
    (problem,) = folder.problems_of("scenario.yaml")
    assert problem.startswith(
        "app.yaml:13: default/Deployment/app: spec.template.spec.containers.main.resources.requests.cpu"
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "app", "5s", "8Gi", "-1", "x/y/z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "app", "steps", "at", "min", "max", "spec", "kind", "metadata"]), inner
        )
    ),
    max_leaves=6,
)
KEYS = ["name", "duration", "start", "seed", "nodeGroups", "services", "workloads", "traffic", "usage", "events",
        "objects", "clusterAutoscaler", "scheduler", "controlPlane", "output", "inventory", "manifests",
        "extends"]  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(KEYS), VALUES)
def test_no_value_anywhere_ends_in_a_traceback(tmp_path_factory, key, value):
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    path = folder / "f.yaml"
    base = yaml.safe_load(SCENARIO.replace("app.yaml", "[]"))
    path.write_text(yaml.safe_dump({**base, key: value}), encoding="utf-8")
    with contextlib.suppress(ScenarioError):
        load(path)


@settings(max_examples=150)
@given(
    st.integers(0, 400),
    st.sampled_from(["", "\t", "x", ":", "- ", "[", "{", "-1", "null", "'", "&a ", "*a", "\x01", "é"]),
)
def test_no_edit_ends_in_a_traceback(tmp_path_factory, position, text):
    folder = tmp_path_factory.getbasetemp() / "edits"
    folder.mkdir(exist_ok=True)
    path = folder / "f.yaml"
    path.write_text(SCENARIO[:position] + text + SCENARIO[position + 1 :], encoding="utf-8")
    with contextlib.suppress(ScenarioError):
        load(path)
