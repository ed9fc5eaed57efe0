"""The tutorial works as printed, from the top of a clone; its example is what its generator makes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from benchmarks.first_hour import texts
from tests.stories.conftest import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
CAPSIM = ".venv/bin/capsim "


def blocks(language):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The output of each command, in a folder that holds scenarios/ as a clone does."""
    place = tmp_path_factory.mktemp("clone")
    (place / "scenarios").symlink_to(ROOT / "scenarios")
    outputs = {}
    for line in [line for block in blocks("") for line in block.splitlines() if line.startswith(CAPSIM)]:
        command = [sys.executable, "-m", "capsim", *shlex.split(line.removeprefix(CAPSIM))]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        outputs[line.removeprefix(CAPSIM)] = done.stdout
    return place, outputs


def test_every_command_of_the_tutorial_works(told):
    _, outputs = told
    assert len(outputs) >= 9
    assert {words.split()[0] for words in outputs} == {"import", "fit", "whatif", "run", "capacity"}


def test_what_the_page_shows_is_what_is_printed(told):
    _, outputs = told
    printed = {" ".join(line.split()) for output in outputs.values() for line in output.splitlines()}
    shown = [" ".join(line.split()) for block in blocks("output") for line in block.splitlines()]
    assert shown
    assert [line for line in shown if line not in printed] == []


def test_it_ends_with_a_decision(told):
    _, outputs = told
    verdicts = {words: " ".join(text.split()) for words, text in outputs.items() if words.startswith("whatif")}
    sale = [text for words, text in verdicts.items() if "traffic=8x" in words]
    assert [" does not hold: " in text for text in sale] == [True, True, False]
    assert "maxReplicas 8 reached" in sale[0]
    assert " holds: " in sale[2]


def test_no_secret_of_the_dump_is_anywhere(told):
    place, outputs = told
    secret = "correct-horse-battery-staple"
    assert secret in (ROOT / "scenarios" / "first-hour" / "cluster.yaml").read_text()
    assert not [words for words, text in outputs.items() if secret in text]
    for folder in ("my-cluster", "runs"):
        for path in (place / folder).rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("name", ["cluster.yaml", "history.csv"])
def test_the_example_is_what_its_generator_makes(name):
    assert (ROOT / "scenarios" / "first-hour" / name).read_text(encoding="utf-8") == texts()[name]
