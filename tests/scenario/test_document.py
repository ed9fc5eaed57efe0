"""YAML and JSON with line numbers; hostile files end in a message."""

from __future__ import annotations

import doctest
import gzip
import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from capsim.scenario import document
from capsim.scenario.document import Mark, Reader, SourceMap, mark_of, plain_scalar
from capsim.scenario.files import read_documents


def read(text):
    reader = Reader(text, "f.yaml")
    reader.read()
    return reader.documents, [str(problem) for problem in reader.problems]


def test_doctests():
    assert doctest.testmod(document).failed == 0


def test_every_key_and_item_has_its_line():
    (root,), problems = read("a: 1\nb:\n  c: [x, y]\n  d:\n  - 1\n  - e: 2\n")
    assert not problems
    assert mark_of(root, "b") == Mark("f.yaml", 2)
    assert mark_of(root["b"], "c").line == 3
    assert mark_of(root["b"]["d"], 1).line == 6
    assert mark_of(root["b"]["d"][1], "e").line == 6


def test_scalars_are_read_as_kubernetes_reads_them():
    (values,), _ = read("[1, 1.5, 1e3, yes, off, null, ~, 0644, 0x1F, 1:30, '5', 2026-01-01, 1_000, .inf, 08, v1, -]")
    assert values == [1, 1.5, 1000.0, True, False, None, None, 420, 31, "1:30", "5", "2026-01-01", 1000, math.inf, 8.0,
                      "v1", "-"]  # fmt: skip


@given(st.text(alphabet="+-.0123456789_xobeEaf", min_size=1, max_size=12))
def test_no_plain_scalar_fails(text):
    assert isinstance(plain_scalar(text), (int, float, str))


def test_documents_and_empty_ones():
    assert read("a: 1\n---\n---\n# nothing\n---\nb: 2\n")[0] == [{"a": 1}, {"b": 2}]
    assert read("")[0] == []


def test_merge_keys_and_anchors():
    (root,), problems = read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n")
    assert not problems
    assert root["use"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a: duplicate key, first on line 1"),
        ("a:\n\tb: 1\n", "f.yaml:2: YAML syntax: a tab in the indentation; allowed: spaces"),
        ("\ta: 1\n", "f.yaml:1: YAML syntax: a tab in the indentation"),
        ("a: b: c\n", "f.yaml:1: YAML syntax: mapping values are not allowed"),
        ("a: 1\nb: \x01\n", "f.yaml:2: not readable as text; found a control character"),
        ("a: &x [*x]\n", "f.yaml:1: alias without a complete anchor"),
        ("a: *x\n", "f.yaml:1: alias without a complete anchor"),
        ("? [a]\n: b\n", "f.yaml:1: a key is a mapping or a list"),
        ("a: !!python/object/apply:os.system [ls]\n", "f.yaml:1: unknown tag"),
        ("a: !secret x\n", "f.yaml:1: unknown tag"),
        ("<<: 5\n", "f.yaml:1: <<: << merges mappings only; found 5"),
    ],
)
def test_problems_with_the_text(text, message):
    _, problems = read(text)
    assert any(problem.startswith(message) for problem in problems), problems


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 100_000, "{a: " * 5_000, "\n".join(" " * i + "a:" for i in range(2000))]
)
def test_deep_nesting_is_refused(text):
    _, problems = read(text)
    assert "nested too deeply" in problems[0]


def test_a_yaml_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    _, problems = read("\n".join(lines))
    assert "aliases expand to too much" in problems[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4),
        max_leaves=20,
    )
)
def test_json_reads_as_json(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps({"v": value}, indent="\t"), encoding="utf-8")
    reader = read_documents(str(path))
    assert not reader.problems
    assert reader.documents == [{"v": value}]


def test_pure_python_parser_agrees(monkeypatch):
    text = "a: [1, {b: 2}]\nc: |\n  text\nd: 'x'\n"
    fast = read(text)
    monkeypatch.setattr(document, "LOADER", yaml.SafeLoader)
    assert read(text) == fast


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "not text"),
        (b"a: \xff\xfe\xfa", "not text"),
        (b"a: 1\0", "not text"),
        (b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 20, "not text"),
        (b"\x1f\x8b\xff" + b"\0" * 20, "not text"),
        (gzip.compress(b"a: 1" * 1000, mtime=0)[:40], "the gzip data is cut short"),
    ],
)
def test_what_is_no_text(tmp_path, data, message):
    path = tmp_path / "f.yaml"
    path.write_bytes(data)
    (problem,) = read_documents(str(path)).problems
    assert (problem.file, problem.message) == (str(path), message)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"a: ", mtime=0) + gzip.compress(b"1", mtime=0),
        gzip.compress(b"a: 1", mtime=0),
        b"\xef\xbb\xbfa: 1",
        "a: 1".encode("utf-16"),
        b"a: 1\r\n",
    ],
)
def test_encodings(tmp_path, data):
    path = tmp_path / "f.yaml"
    path.write_bytes(data)
    reader = read_documents(str(path))
    assert (reader.documents, reader.problems) == ([{"a": 1}], [])


def test_source_maps_copy_their_marks():
    (root,), _ = read("a: 1\n")
    copy = root.copy()
    copy.put("b", 2, Mark("g", 7))
    assert isinstance(copy, SourceMap)
    assert root == {"a": 1}
    assert mark_of(copy, "a") == Mark("f.yaml", 1)
