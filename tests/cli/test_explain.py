"""``capsim explain`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from capsim.cli import app

APP10 = Path(__file__).resolve().parents[2] / "scenarios" / "app10.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("explain")
    done = CliRunner().invoke(app, ["run", str(APP10), "--set", "duration=10m", "--out", str(place), "--no-figures"])
    assert done.exit_code == 0, done.output
    return place


def test_an_hpa(folder, capsim):
    done = capsim("explain", folder, "hpa/app10")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 40
    done = capsim("explain", folder, "hpa/app10", "--at", "4m", "--json")
    (sync,) = json.loads(done.stdout)
    assert sync["time_ms"] <= 240_000
    assert capsim("explain", folder, "hpa/app10", "--at", "0s").stdout == "no sync by then\n"


def test_a_pod(folder, capsim):
    pods = pd.read_parquet(folder / "pods.parquet")
    name = pods[pods["reason"] != ""]["name"].iloc[0]
    done = capsim("explain", folder, f"pod/{name}")
    assert "what would have helped" in done.stdout
    assert json.loads(capsim("explain", folder, f"pod/{name}", "--json").stdout)["node"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hpa/ap10"], "did you mean hpa/app10"),
        (["node/x"], "allowed: hpa/NAME, pod/NAME"),
        (["hpa/app10", "--at", "soon"], "--at"),
        (["pod/x", "--at", "3m"], "--at is for hpa/NAME"),
    ],
)
def test_mistakes_are_named(folder, capsim, words, said):
    done = capsim("explain", folder, *words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_folder_that_is_no_run(capsim):
    done = capsim("explain", ".", "hpa/app10")
    assert (done.exit_code, "not a run folder" in done.stderr) == (2, True)
