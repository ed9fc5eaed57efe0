"""The full disk of docs/guide/failures.md, as it is printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from capsim.result import read
from capsim.units import format_duration

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "failures.md"


def test_the_example_runs_as_printed(tmp_path):
    section = PAGE.read_text(encoding="utf-8").partition("## A full disk")[2].partition("\n## ")[0]
    (scenario,) = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (printed,) = re.findall(r"^```text\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (tmp_path / "full-disk.yaml").write_text(scenario, encoding="utf-8")
    command = [sys.executable, "-m", "capsim", "run", "full-disk.yaml", "--set", "output.figures=false"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    events = read(tmp_path / "runs" / "full-disk").events
    events = events[events.source == "kubelet"]
    lines = [f"{format_duration(e.time_ms)} {e.reason} {e.object}: {e.message}" for e in events.itertuples()]
    assert lines == printed.splitlines()
