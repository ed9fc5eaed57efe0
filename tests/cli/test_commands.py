"""The small commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from capsim.cli.examples import examples_folder, names
from tests.cli.test_run import APP10, SCENARIOS

STORIES = [
    *("app10", "app10-autoscaled", "app10-manual", "app10-selfmanaged", "ca-expanders"),
    *("queue-workers", "quota", "self-heal", "single-host", "stuck-pending", "zones"),
]


def test_help_imports_nothing_heavy():
    heavy = ("numba", "numpy", "pandas", "pydantic", "yaml")
    script = f"import sys, capsim.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(capsim):
    assert capsim("--version").output.startswith("capsim")


def test_examples_are_the_scenarios():
    assert names() == sorted([*STORIES, *FOLDERS])
    assert examples_folder() == SCENARIOS


FOLDERS = sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.yaml"))


@pytest.mark.parametrize("name", FOLDERS)
def test_init_copies_a_folder_with_all_its_variants(capsim, name):
    done = capsim("init", name)
    assert done.exit_code == 0, done.output
    assert f"Next: capsim run {name}/scenario.yaml" in done.output
    assert {path.name for path in Path(name).iterdir()} >= {path.name for path in (SCENARIOS / name).glob("*.yaml")}
    checked = capsim("validate", f"{name}/scenario.yaml")
    if name in NEED_A_RECORDING:
        assert "pods[0].file: the trace cannot be read: no such file" in checked.output
    else:
        assert checked.exit_code == 0


NEED_A_RECORDING = ("dlrm",)
"""Its recording is not part of capsim, and named relative to a checkout."""


@pytest.mark.parametrize("name", STORIES)
def test_init_copies_what_the_example_needs(capsim, name):
    done = capsim("init", name)
    assert done.exit_code == 0, done.output
    assert f"Next: capsim run {name}/{name}.yaml" in done.output
    assert capsim("validate", f"{name}/{name}.yaml").exit_code == 0


def test_init_into_a_directory_and_not_twice(capsim):
    assert capsim("init", "app10", "mine").exit_code == 0
    Path("mine/app10.yaml").write_text("changed")
    again = capsim("init", "app10", "mine")
    assert again.exit_code == 4
    assert "is there already" in again.output
    assert Path("mine/app10.yaml").read_text() == "changed"


def test_init_of_an_unknown_example(capsim):
    done = capsim("init", "app11")
    assert done.exit_code == 2
    assert "app10" in done.output


def test_validate_reports_every_problem_of_every_file(capsim):
    Path("a.yaml").write_text("apiVersion: capsim/v1\nduraton: 1h\nseed: x\n")
    Path("b.yaml").write_text("apiVersion: capsim/v2\n")
    done = capsim("validate", APP10, "a.yaml", "b.yaml")
    assert done.exit_code == 2
    assert f"{APP10}: ok" in done.output
    for part in ("a.yaml:2", "duration", "a.yaml:3", "b.yaml:1"):
        assert part in done.output


def test_schema_is_json(capsim):
    schema = json.loads(capsim("schema").stdout)
    assert "nodeGroups" in schema["properties"]


def test_conformance_of_an_unknown_suite(capsim):
    done = capsim("conformance", "nope")
    assert done.exit_code == 2
    assert "unknown suite 'nope'; there is: " in done.output
    assert "hpa" in done.output


def test_conformance_of_a_missing_file(capsim):
    done = capsim("conformance", "hpa", "missing.json")
    assert done.exit_code == 2
    assert "missing.json" in done.output
