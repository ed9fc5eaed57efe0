"""``capsim run``: what it prints, writes and returns; the engine is a stand-in here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
APP10 = SCENARIOS / "app10.yaml"
WRITTEN = {
    "run.json",
    "summary.json",
    "scenario.resolved.yaml",
    "events.parquet",
    "pods.parquet",
    "nodes.parquet",
    "series/workloads.parquet",
    "series/node_groups.parquet",
    "series/totals.parquet",
    "figures/overview.png",
}


def written(folder):
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


def test_summary_and_run_folder(capsim, engine):
    done = capsim("run", APP10)
    assert done.exit_code == 0, done.output
    assert "2 pods of app10 waited for a node" in done.output
    assert written("runs/app10") == WRITTEN


def test_out_and_no_figures(capsim, engine):
    done = capsim("run", APP10, "--out", "here", "--no-figures")
    assert done.exit_code == 0, done.output
    assert written("here") == WRITTEN - {"figures/overview.png"}


def test_json_is_the_summary_and_nothing_else(capsim, engine):
    done = capsim("run", APP10, "--json")
    assert json.loads(done.stdout) == json.loads(Path("runs/app10/summary.json").read_text())


def test_seed_and_set_reach_the_scenario(capsim, engine):
    seen = []
    engine.run_scenario = lambda scenario, **_: seen.append(scenario) or engine
    done = capsim("run", APP10, "--seed", 7, "--set", "nodeGroups.worker.max=6", "--no-figures")
    assert done.exit_code == 0, done.output
    assert (seen[0].seed, seen[0].node_group("worker").max) == (7, 6)


def test_overlay(capsim, engine):
    seen = []
    engine.run_scenario = lambda scenario, **_: seen.append(scenario) or engine
    Path("overlay.yaml").write_text("duration: 30m\nnodeGroups:\n  - {name: worker, max: 5}\n")
    done = capsim("run", APP10, "-f", "overlay.yaml", "--no-figures")
    assert done.exit_code == 0, done.output
    assert (seen[0].duration_ms, seen[0].node_group("worker").max) == (1_800_000, 5)


def test_manifests_with_a_node_shape_and_a_rate(capsim, engine):
    done = capsim("run", SCENARIOS / "app10" / "deployment.yaml", "--nodes", "3x2cpu-8Gi", "--rps", 500, "--no-figures")
    assert done.exit_code == 0, done.output


def test_manifests_need_both(capsim):
    done = capsim("run", SCENARIOS / "app10" / "deployment.yaml", "--rps", 500)
    assert done.exit_code == 2
    assert "manifests need both --nodes" in done.output


def test_an_interrupted_run_is_written_and_says_so(capsim, engine):
    engine.facts |= {"partial": True, "reached_ms": 600_000}
    done = capsim("run", APP10)
    assert done.exit_code == 130
    assert "PARTIAL" in done.output
    assert json.loads(Path("runs/app10/run.json").read_text())["partial"] is True


def test_unwritable_output_is_found_before_the_run(capsim, engine):
    engine.run_scenario = lambda *_, **__: pytest.fail("ran although nothing can be written")
    Path("file").write_text("")
    done = capsim("run", APP10, "--out", "file/run")
    assert done.exit_code == 4
    assert "cannot write to file/run" in done.output


def test_the_answer_is_printed_even_when_it_cannot_be_kept(capsim, engine, monkeypatch):
    from capsim.errors import OutputError

    def full(*_, **__):
        raise OutputError("No space left on device while writing pods.parquet")

    monkeypatch.setattr("capsim.report.save", full)
    done = capsim("run", APP10)
    assert done.exit_code == 4
    assert "2 pods of app10 waited" in done.output
    assert "No space left on device" in done.output
    assert "Files:" not in done.output


@pytest.mark.parametrize(
    "text", ["", "\t- a\n", "apiVersion: capsim/v1\nnoSuchKey: 1\n", "apiVersion: capsim/v1\nduration: 0s\n"]
)
def test_wrong_input_is_never_a_traceback(capsim, engine, text):
    Path("wrong.yaml").write_text(text)
    done = capsim("run", "wrong.yaml")
    assert done.exit_code == 2
    assert "wrong.yaml" in done.output
    assert "Traceback" not in done.output


def test_a_file_that_is_not_there(capsim, engine):
    done = capsim("run", "missing.yaml")
    assert done.exit_code == 2
    assert "missing.yaml" in done.output
