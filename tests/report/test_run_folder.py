"""Folders that were copied in part, cut short, edited or mixed: a message with file and way out, never a traceback."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from capsim.errors import ScenarioError
from capsim.report.run_folder import open_run, resolved
from capsim.result import write
from tests.result import story


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(story.result(), tmp_path_factory.mktemp("runs") / "app10")


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "app10")


def problems(folder):
    with pytest.raises(ScenarioError) as caught:
        open_run(folder)
    return [str(problem) for problem in caught.value.problems]


def test_a_whole_folder(folder):
    result = open_run(folder)
    assert result.summary == story.result().summary
    assert resolved(folder, result) == ((folder / "scenario.resolved.yaml").read_text(), False)


def test_an_edited_scenario_is_noticed(folder):
    path = folder / "scenario.resolved.yaml"
    path.write_text(path.read_text() + "# edited\n")
    text, changed = resolved(folder, open_run(folder))
    assert text.endswith("# edited\n")
    assert changed


@pytest.mark.parametrize("content", [None, "", "{}", '{"name": "another"}'])
def test_a_summary_that_is_missing_or_damaged_is_computed_anew(folder, content):
    path = folder / "summary.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert open_run(folder).summary == story.result().summary


def test_a_summary_of_another_run_is_not_believed(folder):
    path = folder / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": 99}))
    assert open_run(folder).summary.seed == 1


def test_no_such_folder(tmp_path):
    assert problems(tmp_path / "none") == [
        f"{tmp_path / 'none'}: there is no such run folder; allowed: a folder that `capsim run` wrote"
    ]


def test_a_file_in_place_of_a_folder(folder):
    (text,) = problems(folder / "run.json")
    assert "is a file, not a run folder" in text


def test_the_folder_of_all_runs(folder):
    (text,) = problems(folder.parent)
    assert "name one of the runs in it (app10)" in text


def test_a_run_that_was_stopped_while_it_was_written(folder):
    (folder / "run.json").unlink()
    (text,) = problems(folder)
    assert "run.json: is missing" in text
    assert f"capsim run {folder}/scenario.resolved.yaml" in text


def test_every_missing_file_is_named(folder):
    (folder / "pods.parquet").unlink()
    (folder / "series" / "totals.parquet").unlink()
    (folder / "scenario.resolved.yaml").unlink()
    found = problems(folder)
    assert [text.split(":")[0].rpartition("/")[2] for text in found] == [
        "totals.parquet",
        "pods.parquet",
        "scenario.resolved.yaml",
    ]
    assert all("copy the whole folder again" in text for text in found)


def test_a_file_that_is_cut_short(folder):
    path = folder / "series" / "workloads.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (text,) = problems(folder)
    assert f"{path}: is damaged, no Parquet file ({len(whole) // 2:,} of " in text


def test_empty_and_binary_files(folder):
    (folder / "pods.parquet").write_bytes(b"")
    (folder / "nodes.parquet").write_bytes(bytes(range(256)) * 40)
    assert len(problems(folder)) == 2


def test_garbage_inside_a_file(folder):
    path = folder / "pods.parquet"
    content = bytearray(path.read_bytes())
    content[100:600] = b"\xff" * 500
    path.write_bytes(bytes(content))
    assert "pods.parquet" in problems(folder)[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns="rps"), "has no column rps"),
        (lambda frame: frame.assign(rps="many"), "column rps holds the wrong kind of values"),
        (lambda frame: frame.assign(rps=np.nan), "column rps, row 0 is not a number"),
        (lambda frame: frame.assign(rps=np.inf), "column rps, row 0 is not a number"),
    ],
)
def test_columns_that_are_not_what_they_should_be(folder, change, said):
    path = folder / "series" / "totals.parquet"
    change(pd.read_parquet(path)).to_parquet(path)
    (text,) = problems(folder)
    assert str(path) in text
    assert said in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "run.json"),
        ("{}", "format"),
        ('{"format": 1, "facts": {"reached_ms": -5}, "provenance": {}}', "facts.reached_ms"),
        ('{"format": 1, "facts": {"reached_ms": 5}, "provenance": {"command": 7}}', "provenance.command"),
        ('{"format": 99, "facts": {"reached_ms": 5}, "provenance": {}}', "written by another version of capsim"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_run_json(folder, text, said):
    (folder / "run.json").write_text(text)
    assert any(said in problem for problem in problems(folder))


def test_run_json_that_is_not_text(folder):
    (folder / "run.json").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in problems(folder)[0]


def test_a_damaged_scenario_says_where(folder):
    (folder / "scenario.resolved.yaml").write_text("apiVersion: capsim/v1\nnoSuchKey: 1\n")
    found = problems(folder)
    assert any("scenario.resolved.yaml:2" in text for text in found)
    assert "restore it, or run again" in found[-1]


def test_files_of_two_runs(folder):
    path = folder / "pods.parquet"
    pd.read_parquet(path).assign(workload="default/Deployment/other").to_parquet(path)
    (text,) = problems(folder)
    assert "names workload default/Deployment/other" in text


def test_a_partial_run_opens(folder):
    path = folder / "run.json"
    document = json.loads(path.read_text())
    document["facts"] |= {"partial": True, "reached_ms": 600_000}
    path.write_text(json.dumps(document))
    assert open_run(folder).summary.partial
