"""Compilation: the first run ever, and the run after an edit, on a copy of the package with a cache of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks import children, reference
from benchmarks.measure import between

EDITED = "controllers/hpa/limits.py"
EDITS = 2


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of capsim and its scenarios that may be edited."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("capsim", "scenarios"):
        shutil.copytree(children.ROOT / part, folder / part, ignore=ignored)
    return folder


def app10(checkout: Path) -> children.Finished:
    """The first thing that a user runs, and a developer after an edit."""
    cache = {"CAPSIM_CACHE_DIR": str(checkout / "cache")}
    finished = children.run(
        ["-m", "capsim", "run", "scenarios/app10.yaml", "--out", str(checkout / "run")], checkout, **cache
    )
    assert "10 pods" in finished.output
    assert (checkout / "run" / "run.json").is_file()
    return finished


def measured(measure, checkout: Path, rounds: int, target_s: float, prepare=lambda: None) -> None:
    """CPU seconds of ``app10``."""
    marks: list[float] = []

    def setup():
        prepare()
        marks.append(reference.cpu_seconds(reference.interpreted, 100))

    def run():
        children.spend(app10(checkout).cpu_s)

    measure.benchmark.pedantic(run, setup=setup, rounds=rounds)
    marks.append(reference.cpu_seconds(reference.interpreted, 100))
    if not measure.benchmark.disabled:
        measure.note("s", 1, target_s, between(marks))


@pytest.mark.benchmark(timer=children.ledger)
def test_first_run(measure, checkout):
    """Nothing is compiled yet."""
    measured(measure, checkout, 1, 25.0)
    assert list((checkout / "cache").iterdir()), "the cache was written"


@pytest.mark.benchmark(timer=children.ledger)
def test_run_after_edit(measure, checkout):
    """One controller module has changed since the last run."""
    if not (checkout / "cache").is_dir():
        app10(checkout)
    module = checkout / "capsim" / EDITED

    def edit():
        module.write_text(module.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")

    folders = len(list((checkout / "cache").iterdir()))
    measured(measure, checkout, EDITS, 15.0, edit)
    assert len(list((checkout / "cache").iterdir())) > folders, "something was compiled anew"
