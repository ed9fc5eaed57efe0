"""``capsim compare``: what it prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

APP10 = Path(__file__).resolve().parents[2] / "scenarios" / "app10.yaml"


@pytest.fixture
def runs(capsim):
    """Folders ``three`` and ``four``: two seeds each, with three and four workers."""
    for name, workers in (("three", 3), ("four", 4)):
        sets = [f"nodeGroups.worker.{key}={workers}" for key in ("max", "initial")]
        words = [word for text in ["duration=20m", *sets] for word in ("--set", text)]
        done = capsim("batch", APP10, "--seeds", 2, "--jobs", 1, "--out", name, "--no-figures", *words)
        assert done.exit_code == 0, done.output
    return "three", "four"


def test_terminal_and_picture(capsim, runs):
    done = capsim("compare", *runs)
    assert done.exit_code == 0, done.output
    assert "app10: 2 runs and 2 runs" in done.output
    assert "pending.pods" in done.output
    assert "measures are equal" in done.output
    assert Path("runs/compare/three-four.png").stat().st_size > 10_000
    every = capsim("compare", *runs, "--all", "--no-figures").output
    assert "measures are equal" not in every
    assert len(every.splitlines()) > len(done.output.splitlines())


def test_markdown_with_its_picture_beside_it(capsim, runs):
    done = capsim("compare", *runs, "--markdown", "pages/workers.md")
    assert done.exit_code == 0, done.output
    assert "(<workers.png>)" in Path("pages/workers.md").read_text()
    assert Path("pages/workers.png").is_file()


def test_json_and_nothing_else(capsim, runs):
    done = capsim("compare", *runs, "--json", "--no-figures")
    found = json.loads(done.stdout)
    assert found["a"] == "three"
    assert {item["measure"] for item in found["scenarios"][0]["measures"]} >= {"cost.run_usd", "pending.pods"}
    assert not Path("runs").exists()


@pytest.mark.parametrize("words", [("missing", "missing"), ("three", "missing"), ("three",)])
def test_wrong_input(capsim, runs, words):
    done = capsim("compare", *words)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_a_page_that_cannot_be_written(capsim, runs):
    Path("file").write_text("")
    done = capsim("compare", *runs, "--markdown", "file/page.md", "--no-figures")
    assert done.exit_code == 4
    assert "cannot write file/page.md" in done.output
