"""The commands that the README prints are those that CI runs, and name files that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for language, block in blocks if not language for line in block.splitlines()]


def test_ci_runs_the_test_command_of_the_readme():
    (command,) = [line for line in _commands(ROOT / "README.md") if ".ci/test" in line]
    assert command.startswith("python3 -m venv --clear ")
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_scenarios_that_the_pages_name_exist():
    pages = [ROOT / "README.md", *(ROOT / "docs" / "guide").glob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"scenarios/[\w./-]+\.yaml", page.read_text(encoding="utf-8"))
    }
    assert named
    missing = [name for name in sorted(named) if not (ROOT / name).is_file()]
    assert not missing
