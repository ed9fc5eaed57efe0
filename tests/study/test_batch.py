"""A batch: what it finds, keeps, repeats and survives."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import capsim
from capsim.errors import OutputError, RunError
from capsim.result import read
from capsim.study import store, work
from capsim.study.batch import batch
from capsim.study.cases import cases_of
from capsim.study.executors import Processes, Serial
from capsim.study.measures import measures_of


def _statuses(done):
    return [outcome.status for outcome in done.outcomes]


def _files(folder):
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


def test_every_run_is_that_of_capsim_run(variants, tmp_path):
    done = batch(cases_of(variants, seeds=2), tmp_path / "out", executor=Serial())
    assert [(o.scenario, o.seed) for o in done.outcomes] == [(n, s) for n in ("small", "large") for s in (1, 2)]
    alone = capsim.run(capsim.load(variants[1], seed=2))
    assert done.outcomes[3].measures == measures_of(json.loads(alone.summary.model_dump_json()))
    assert done.exit_code == 0


def test_processes_give_the_same_as_this_process(variants, tmp_path):
    cases = cases_of(variants, seeds=3)
    here = batch(cases, tmp_path / "here", executor=Serial())
    there = batch(cases, tmp_path / "there", executor=Processes(2))
    timeless = [column for column in here.runs.columns if column != "wall_s"]
    pd.testing.assert_frame_equal(here.runs[timeless], there.runs[timeless])
    assert (tmp_path / "here/summary.csv").read_bytes() == (tmp_path / "there/summary.csv").read_bytes()
    for name in _files(tmp_path / "here"):
        if Path(name).name in store.LEAN:
            assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_the_folder_as_documented(variants, tmp_path):
    out = tmp_path / "out"
    done = batch(cases_of(variants[:1]), out, command=["capsim", "batch"], executor=Serial())
    tables = {"batch.json", "runs.csv", "runs.parquet", "summary.csv", "summary.parquet"}
    run = {f"small/seed-1/{name}" for name in ("run.json", "summary.json", "scenario.resolved.yaml")}
    assert _files(out) == tables | run
    pd.testing.assert_frame_equal(pd.read_parquet(out / "summary.parquet"), done.summary)
    assert json.loads((out / "batch.json").read_text())["provenance"]["command"] == ["capsim", "batch"]
    again = capsim.load(out / "small/seed-1/scenario.resolved.yaml")
    assert again == capsim.load(variants[0])


def test_frames_make_whole_run_folders(variants, tmp_path):
    batch(cases_of(variants[:1]), tmp_path, frames=True, executor=Serial())
    assert read(tmp_path / "small/seed-1").summary.peaks.pods > 0


def test_finished_runs_are_not_repeated(variants, tmp_path, monkeypatch):
    first = batch(cases_of(variants), tmp_path / "out", executor=Serial())
    monkeypatch.setattr(work, "simulate", lambda *_: pytest.fail("simulated again"))
    second = batch(cases_of(variants), tmp_path / "out", executor=Serial())
    assert _statuses(second) == ["kept", "kept"]
    assert [o.measures for o in second.outcomes] == [o.measures for o in first.outcomes]


@pytest.mark.parametrize("change", ["again", "scenario", "seed", "frames", "code", "damaged", "incomplete"])
def test_what_makes_a_run_a_new_one(variants, tmp_path, monkeypatch, change):
    out, file = tmp_path / "out", variants[0]
    batch(cases_of([file]), out, executor=Serial())
    if change == "scenario":
        file.write_text(file.read_text() + "description: changed\n")
    elif change == "code":
        monkeypatch.setattr("capsim.study.identity._origin", lambda _: {"code_sha256": "other"})
    elif change == "damaged":
        (out / "small/seed-1/run.json").write_text('{"provenance": ')
    elif change == "incomplete":
        (out / "small/seed-1/summary.json").unlink()
    seed = ["seed=5"] if change == "seed" else []
    second = batch(
        cases_of([file], sets=seed), out, again=change == "again", frames=change == "frames", executor=Serial()
    )
    assert _statuses(second) == ["done"]


def test_lean_runs_leave_no_frames_of_an_earlier_one(variants, tmp_path):
    batch(cases_of(variants[:1]), tmp_path, frames=True, executor=Serial())
    batch(cases_of(variants[:1]), tmp_path, again=True, executor=Serial())
    assert _files(tmp_path / "small/seed-1") == {"run.json", *store.LEAN}


def test_failures_are_recorded_and_the_others_go_on(variants, tmp_path):
    (tmp_path / "wrong.yaml").write_text("apiVersion: capsim/v1\nnoSuchKey: 1\n")
    files = [tmp_path / "missing.yaml", variants[0], tmp_path / "wrong.yaml"]
    done = batch(cases_of(files, seeds=2), tmp_path / "out", executor=Serial())
    assert _statuses(done) == ["failed", "failed", "done", "done", "failed", "failed"]
    assert [failure.scenario for failure in done.failures] == ["missing", "wrong"]
    assert "noSuchKey" in done.failures[1].message
    assert done.exit_code == 2
    recorded = json.loads((tmp_path / "out/batch.json").read_text())["runs"]
    assert "noSuchKey" in recorded[-1]["message"]


@pytest.mark.parametrize(("error", "code"), [(RunError("endless"), 3), (OutputError("full"), 4), (KeyError("bug"), 3)])
def test_exit_codes(variants, monkeypatch, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr(work, "simulate", fail)
    done = batch(cases_of(variants[:1]), executor=Serial())
    assert done.exit_code == code
    assert bool(done.failures[0].traceback) == isinstance(error, KeyError)


def test_a_worker_that_died_is_a_failure(variants, tmp_path):
    class Deadly(Serial):
        def run(self, function, tasks):
            for number, task in enumerate(tasks):
                yield task, None if number == 0 else function(task)

    done = batch(cases_of(variants), tmp_path / "out", executor=Deadly())
    assert _statuses(done) == ["failed", "done"]
    assert "worker process died" in done.failures[0].message


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_an_interrupt_keeps_what_is_done(variants, tmp_path, executor):
    def interrupt(_):
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt

    seen = []
    cases = cases_of(variants, seeds=10)
    first = batch(cases, tmp_path / "out", executor=executor, progress=interrupt)
    assert first.interrupted
    assert len(first.outcomes) == 3
    assert json.loads((tmp_path / "out/batch.json").read_text())["interrupted"] is True
    second = batch(cases, tmp_path / "out", executor=Serial())
    assert _statuses(second).count("kept") >= 3
    assert len(second.outcomes) == 20


def test_without_a_folder_nothing_is_written(variants):
    assert _statuses(batch(cases_of(variants), executor=Serial())) == ["done", "done"]


def test_a_place_that_cannot_be_written(variants, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        batch(cases_of(variants), tmp_path / "file" / "out", executor=Serial())
