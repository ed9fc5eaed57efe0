"""What the answer rests on: what was left out or guessed, the versions, and the command that does it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capsim.result import Result
from capsim.result.thin import thin_models
from capsim.scenario import Line

SHOWN_BYTES = 200_000
LINES = 200
LINE_LETTERS = 400


@dataclass(frozen=True)
class Found:
    """One kind of entry of the inventory: ``entries`` are (where, what, meaning)."""

    title: str
    entries: list[tuple[str, str, str]]
    more: int


@dataclass(frozen=True)
class Commands:
    """``again`` repeats the run from its folder, to the same bytes; ``original`` is how it was started, if known."""

    again: str
    original: str


def simplified(result: Result) -> list[tuple[str, str]]:
    """(part, what its model leaves out) of the models that took part."""
    return [(model.part, model.leaves_out) for model in thin_models(result.scenario)]


def inventory(result: Result) -> list[Found]:
    """Kinds that have entries, what matters most first."""
    seen = result.scenario.inventory
    kinds = (
        ("Warnings: legal, but probably not meant", seen.warnings),
        ("Not modelled, may matter", seen.not_modelled),
        ("Guessed, because not given", seen.guessed),
        ("Ignored, no effect on capacity", seen.ignored),
    )
    return [
        Found(title, [_entry(line) for line in lines[:LINES]], max(len(lines) - LINES, 0))
        for title, lines in kinds
        if lines
    ]


def _entry(line: Line) -> tuple[str, str, str]:
    where = f"{line.file}:{line.line}" if line.file and line.line else line.file
    return " ".join(part for part in (line.object, line.field) if part), line.text, where


def shown_scenario(text: str) -> tuple[str, int]:
    """The resolved scenario as far as it is shown, and how many bytes of it are left out at the end."""
    short = "\n".join(_short(line) for line in text.split("\n"))
    written = short.encode(errors="replace")
    kept = written if len(written) <= SHOWN_BYTES else written[: written.rfind(b"\n", 0, SHOWN_BYTES) + 1]
    left_out_bytes = len(text.encode(errors="replace")) - len(kept) if kept is not written else 0
    return kept.decode(), left_out_bytes


def _short(line: str) -> str:
    """Recorded traffic is a line of a million letters."""
    if len(line) <= LINE_LETTERS:
        return line
    return f"{line[:LINE_LETTERS]} … {len(line) - LINE_LETTERS:,} more characters in the file"


def commands(result: Result, folder: Path) -> Commands:
    """How to do it again."""
    again = shlex.join(["capsim", "run", str(folder / "scenario.resolved.yaml"), "--out", f"{folder}-again"])
    words = [str(word) for word in result.provenance.get("command") or []]
    if words and (
        Path(words[0]).name in {"capsim", "capsim.exe"} or Path(words[0]).parts[-2:] == ("capsim", "__main__.py")
    ):
        words[0] = "capsim"
    return Commands(again, shlex.join(words))


def provenance(result: Result) -> list[tuple[str, str]]:
    """(what, value) of run.json's provenance."""
    known: dict[str, Any] = result.provenance
    libraries = known.get("libraries")
    versions = [f"{name} {number}" for name, number in libraries.items()] if isinstance(libraries, dict) else []
    rows = (
        ("capsim", known.get("capsim")),
        ("Scenario, SHA-256", known.get("scenario_sha256")),
        ("Seed", known.get("seed")),
        ("Python", known.get("python")),
        ("Platform", known.get("platform")),
        ("Libraries", ", ".join(versions)),
    )
    return [(what, str(value)) for what, value in rows if value not in (None, "")]
