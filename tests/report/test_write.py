"""Files of a report: complete or not there, and removed by the next run into the folder."""

from __future__ import annotations

import json
import os

import pytest

from capsim.errors import OutputError
from capsim.report import save
from capsim.report.write import write_report
from tests.result import story

FIGURES = {"figures/utilisation.png", "figures/nodes-and-cost.png", "figures/replicas.png", "figures/heat-map.png"}


@pytest.fixture
def folder(tmp_path):
    return save(story.result(), tmp_path / "app10", figures=False)


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_page_and_figures(folder):
    before = files(folder)
    page, headline = write_report(folder)
    assert page == folder / "report.html"
    assert headline.startswith("2 pods of app10 waited")
    assert files(folder) - before == {"report.html", *FIGURES}
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_next_run_removes_what_would_be_stale(folder):
    write_report(folder)
    listed = json.loads((folder / "run.json").read_text())["files"]
    assert listed["report.html"] == (folder / "report.html").stat().st_size
    save(story.result(), folder, figures=False)
    assert not files(folder) & {"report.html", *FIGURES}


def test_twice_gives_the_same_bytes(folder):
    first = write_report(folder)[0].read_bytes()
    assert write_report(folder)[0].read_bytes() == first


def test_page_elsewhere_leaves_a_folder_without_figures_untouched(folder, tmp_path):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    page, _ = write_report(folder, tmp_path / "new" / "page.html", figures=False)
    assert page.is_file()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_place_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*page.html.*--out"):
        write_report(folder, tmp_path / "file" / "page.html", figures=False)


def test_a_disk_that_is_full_leaves_the_old_page(folder, monkeypatch):
    page, _ = write_report(folder, figures=False)
    old = page.read_bytes()
    monkeypatch.setattr(os, "replace", _full)
    with pytest.raises(OutputError, match="No space left"):
        write_report(folder, figures=False)
    assert page.read_bytes() == old
    assert not list(folder.glob(".writing-*"))


def _full(*_):
    raise OSError(28, "No space left on device")
