"""The example of the guide prints what the guide says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from capsim.cli import app

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "hpa-replay.md"


def _block(text: str, language: str) -> str:
    match = re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1]


def test_the_example(tmp_path, monkeypatch):
    text = GUIDE.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "hpa.yaml").write_text(_block(text, "yaml"))
    exec(compile(_block(text, "python"), "guide", "exec"), {})
    console = _block(text, "console").replace("\\\n", " ")
    command, *printed = console.splitlines()
    done = CliRunner().invoke(app, shlex.split(command.removeprefix("$ capsim ")))
    assert done.exit_code == 0, done.output
    got = [line.rstrip() for line in done.output.splitlines()]
    missing = [line for line in printed if line.rstrip() not in got]
    assert not missing, done.output
    assert (tmp_path / "replay.png").stat().st_size > 10_000
