"""Dumps as they should not be: what can be read is read, the rest is reported, nothing crashes or hangs."""

from __future__ import annotations

import gzip
import json

import pytest

from benchmarks.dump import Plan, texts
from capsim.errors import ScenarioError
from capsim.scenario.importers.assemble import Options, imported
from capsim.scenario.importers.stream import Stream
from tests.scenario.samples import DEPLOYMENT


def listed(parts):
    return "apiVersion: v1\nitems:\n" + "".join(parts) + 'kind: List\nmetadata:\n  resourceVersion: ""\n'


def listed_json(parts):
    return '{\n    "apiVersion": "v1",\n    "items": [\n' + ",\n".join(parts) + '\n    ],\n    "kind": "List"\n}\n'


def read(path):
    stream = Stream([str(path)])
    return list(stream), [str(problem) for problem in stream.problems]


@pytest.mark.parametrize(
    "broken",
    [
        "  spec: [1, 2\n",
        "  x: 'never closed\n",
        "  a: b: c\n",
        "\tkey: tab\n",
        "  x: *nothing\n",
        "  ? {a: b}\n  : c\n",
    ],
)
def test_a_break_in_the_middle_of_a_yaml_dump_costs_one_object(tmp_path, broken):
    parts = list(texts(Plan(2, 6, 3), as_json=False))
    middle = len(parts) // 2
    line = 3 + sum(part.count("\n") for part in parts[:middle])
    parts[middle] += broken
    path = tmp_path / "dump.yaml"
    path.write_text(listed(parts))
    found, problems = read(path)
    assert len(found) == len(parts) - 1
    assert len(problems) == 1
    at = int(problems[0].split(":")[1])
    assert line <= at <= line + parts[middle].count("\n") + 1
    assert "this object is left out" in problems[0]


@pytest.mark.parametrize("broken", ['{"a": ', '{"a" 1}', '{"kind": "Pod", "x": [}', '"\x01"'])
def test_a_break_in_the_middle_of_a_json_dump_costs_one_object(tmp_path, broken):
    parts = list(texts(Plan(2, 6, 3), as_json=True))
    middle = len(parts) // 2
    parts[middle] = "        {\n            " + broken + "\n        }"
    path = tmp_path / "dump.json"
    path.write_text(listed_json(parts))
    found, problems = read(path)
    assert len(found) == len(parts) - 1
    assert len(problems) == 1
    assert "this object is left out" in problems[0]


def test_a_break_in_json_on_one_line_costs_what_cannot_be_told_apart(tmp_path):
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}"}} for i in range(5)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}, separators=(",", ":"))
    path = tmp_path / "dump.json"
    path.write_text(text.replace('"p2"', '"p2', 1))
    found, problems = read(path)
    assert [item.content["metadata"]["name"] for item in found] == ["p0", "p1", "p3", "p4"]
    assert len(problems) == 1


@pytest.mark.parametrize("kind", ["List", "PodList"])
def test_a_long_line_of_json_is_read_item_by_item(tmp_path, monkeypatch, kind):
    """The same objects as when it is read as a whole, broken or not."""
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}"}, "status": {"x": [{}]}} for i in range(9)]
    for pod in pods if kind == "PodList" else ():
        del pod["kind"], pod["apiVersion"]
    text = json.dumps({"apiVersion": "v1", "items": pods, "kind": kind}, separators=(",", ":"))
    (tmp_path / "whole.json").write_text(text)
    whole, problems = read(tmp_path / "whole.json")
    monkeypatch.setattr("capsim.scenario.importers.stream.LONG_LINE_BYTES", 10)
    parts, more = read(tmp_path / "whole.json")
    assert [item.content for item in parts] == [item.content for item in whole]
    assert len(parts) == 9
    assert not problems + more
    (tmp_path / "other.json").write_text('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}')
    assert "too long and no List" in read(tmp_path / "other.json")[1][0]


def test_standard_input(dumps, monkeypatch):
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DEPLOYMENT.encode())))
    made = imported(["-"], Options())
    assert [item["kind"] for item in made.objects] == ["Deployment"]
    assert made.findings.source == ["-"]


def test_a_break_in_one_document_costs_that_document(tmp_path):
    path = tmp_path / "dump.yaml"
    path.write_text("\n---\n".join([DEPLOYMENT, "a: [1, 2", DEPLOYMENT.replace("name: app}", "name: other}", 1)]))
    found, problems = read(path)
    assert [item.content["metadata"]["name"] for item in found] == ["app", "other"]
    assert "this document is left out" in problems[0]
    assert found[1].line == DEPLOYMENT.count("\n") + 5


def bomb():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(), "aliases expand to too much"),
        ("[" * 100_000, "nested too deeply"),
        ("\n".join("  " * depth + "a:" for depth in range(2000)), "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
    ],
)
def test_bombs_are_refused_and_the_rest_is_read(tmp_path, text, message):
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(DEPLOYMENT)
    found, problems = read(tmp_path)
    assert [item.content["kind"] for item in found] == ["Deployment"]
    assert message in problems[0] or "recursion" in problems[0].lower()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00\x01\x02", "not text"),
        (gzip.compress(DEPLOYMENT.encode())[:-20], "gzip"),
        (b"kind: Pod\nmetadata: {name: \xff\xfe}\n", "not UTF-8"),
        (b"just words\n", "not a Kubernetes object"),
        (b"[1, 2, 3]\n", "not a Kubernetes object"),
        (b"kind: Pod\n", "apiVersion"),
        (b"apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n", "only generateName"),
        (b"apiVersion: v1\nkind: Pod\nmetadata: none\n", "no name"),
    ],
)
def test_files_that_are_not_dumps_are_reported(tmp_path, data, message):
    (tmp_path / "a.yaml").write_bytes(data)
    (tmp_path / "b.yaml").write_text(DEPLOYMENT)
    made = imported([str(tmp_path)], Options())
    assert [item["kind"] for item in made.objects if item["kind"] != "Namespace"] == ["Deployment"]
    assert any(message in problem for problem in made.findings.problems), made.findings.problems


def test_utf16_and_byte_order_marks_are_read(tmp_path):
    (tmp_path / "a.yaml").write_bytes(DEPLOYMENT.encode("utf-16"))
    (tmp_path / "b.yaml").write_bytes(b"\xef\xbb\xbf" + DEPLOYMENT.replace("name: app}", "name: other}", 1).encode())
    found, problems = read(tmp_path)
    assert len(found) == 2
    assert not problems


def test_nothing_there_is_an_error(tmp_path):
    with pytest.raises(ScenarioError, match="nothing to import there"):
        imported([str(tmp_path / "absent")], Options())


@pytest.mark.parametrize(
    "kind", ["Deployment", "Pod", "Node", "HorizontalPodAutoscaler", "Service", "CronJob", "Secret"]
)
@pytest.mark.parametrize("value", ["text", "5", "[]", "[1, {a: b}]", "{spec: 3}", "null"])
def test_fields_of_wrong_types_are_reported_not_stumbled_over(dumps, kind, value):
    version = {"Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "CronJob": "batch/v1"}
    head = f"apiVersion: {version.get(kind, 'v1')}\nkind: {kind}\n"
    wrong = [
        f"{head}metadata: {{name: a, labels: {value}, annotations: {value}, ownerReferences: {value}}}\n"
        f"spec: {value}\nstatus: {value}\n",
        f"{head}metadata: {{name: b}}\nspec: {{template: {value}, containers: {value}, volumes: {value}}}\n",
        f"{head}metadata: {{name: c}}\nspec: {{template: {{spec: {{containers: {value}, volumes: {value}}}}}}}\n",
        f"{head}metadata: {{name: d}}\nspec: {{scaleTargetRef: {value}, taints: {value}, replicas: {value}}}\n"
        f"status: {{allocatable: {value}, conditions: {value}, phase: {value}}}\n",
    ]
    dumps.write("a.yaml", "---\n".join([*wrong, DEPLOYMENT]))
    scenario, findings = dumps.loaded()
    assert "default/Deployment/app" in {workload.key for workload in scenario.objects.workloads}
    assert findings.totals.kinds[kind] >= 4
