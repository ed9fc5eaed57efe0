"""``capsim report``: what it prints, writes and returns."""

from __future__ import annotations

from pathlib import Path

import pytest

APP10 = Path(__file__).resolve().parents[2] / "scenarios" / "app10.yaml"


@pytest.fixture
def folder(capsim, engine):
    assert capsim("run", APP10, "--no-figures").exit_code == 0
    return Path("runs/app10")


def test_answer_and_page(capsim, folder):
    done = capsim("report", folder)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("2 pods of app10 waited for a node")
    assert done.output.rstrip().endswith("runs/app10/report.html")
    assert (folder / "report.html").is_file()
    assert len(list((folder / "figures").glob("*.png"))) == 4


def test_out_and_no_figures(capsim, folder):
    done = capsim("report", folder, "--out", "page.html", "--no-figures")
    assert done.exit_code == 0, done.output
    assert Path("page.html").is_file()
    assert not (folder / "figures").exists()
    assert not (folder / "report.html").exists()


def test_an_interrupted_run_can_be_reported(capsim, engine):
    engine.facts |= {"partial": True, "reached_ms": 600_000}
    capsim("run", APP10)
    assert capsim("report", "runs/app10").exit_code == 0
    assert "Partial run." in Path("runs/app10/report.html").read_text()


@pytest.mark.parametrize("name", ["pods.parquet", "series/totals.parquet", "run.json", "scenario.resolved.yaml"])
@pytest.mark.parametrize("content", [None, b"", b"\x00\xff\x00"])
def test_damaged_folders_are_wrong_input(capsim, folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    done = capsim("report", folder)
    assert done.exit_code == 2, done.output
    assert name.rpartition("/")[2] in done.output
    assert "Traceback" not in done.output
    assert not (folder / "report.html").exists()


def test_no_folder(capsim):
    done = capsim("report", "runs/none")
    assert done.exit_code == 2
    assert "there is no such run folder" in done.output


def test_unwritable_page(capsim, folder):
    Path("file").write_text("")
    done = capsim("report", folder, "--out", "file/page.html")
    assert done.exit_code == 4
    assert "cannot write file/page.html" in done.output
