"""Cases: which scenarios a batch runs, with which seeds, and what each is called."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capsim.errors import ScenarioError
from capsim.scenario import Scenario, load
from capsim.scenario.files import SCENARIO_NAMES


@dataclass(frozen=True)
class ScenarioFiles:
    """A scenario that is still on disk: read by the worker that runs it."""

    path: str
    overlays: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()

    def load(self) -> Scenario:
        """Read it. Raises :class:`capsim.errors.ScenarioError`."""
        return load(self.path, overlays=self.overlays, sets=self.sets)


@dataclass(frozen=True)
class Case:
    """One run to do: a scenario and how far its seed is from the one that it names."""

    scenario: str
    """What the scenario is called in tables, and the name of its folder; unique in a batch."""
    source: ScenarioFiles | Scenario
    seed_step: int = 0


def cases_of(
    scenarios: Sequence[str | os.PathLike[str] | Scenario],
    seeds: int = 1,
    overlays: Sequence[str | os.PathLike[str]] = (),
    sets: Sequence[str] = (),
) -> list[Case]:
    """Every scenario with ``seeds`` seeds: its own, and those that follow it.

    Files are named by their stem (a scenario.yaml by its folder), with as much of their path as makes them unique.
    Patterns that the shell left alone (``'scenarios/*.yaml'``) are expanded. Raises :class:`ScenarioError` when there
    is nothing to run, or ``seeds`` is less than 1.
    """
    if seeds < 1:
        raise ScenarioError(f"a batch needs at least 1 seed per scenario, not {seeds}")
    files = [os.fspath(item) for item in scenarios if not isinstance(item, Scenario)]
    paths = list(dict.fromkeys(path for file in files for path in _expanded(file)))
    ready = [item for item in scenarios if isinstance(item, Scenario)]
    if not paths and not ready:
        raise ScenarioError("no scenario is named")
    if ready and (overlays or sets):
        raise ScenarioError("overlays and --set texts change files; a scenario that is loaded already has its values")
    asked = tuple(os.fspath(overlay) for overlay in overlays), tuple(sets)
    named: list[tuple[str, ScenarioFiles | Scenario]] = [
        (name, ScenarioFiles(path, *asked)) for name, path in zip(_path_names(paths), paths, strict=True)
    ]
    named += list(zip(_numbered([item.name for item in ready], {name for name, _ in named}), ready, strict=True))
    return [Case(name, source, step) for name, source in named for step in range(seeds)]


def _expanded(file: str) -> list[str]:
    if glob.has_magic(file) and not os.path.exists(file):
        return sorted(glob.glob(file, recursive=True)) or [file]
    return [file]


def _path_names(paths: list[str]) -> list[str]:
    """The shortest ends of the paths that differ: ``app10``, ``shop-dev`` beside ``bank-dev``."""
    parts = [_parts(path) for path in paths]
    depth = [1] * len(paths)
    names = ["-".join(part[-1:]) for part in parts]
    while True:
        twice = {name for name, times in Counter(names).items() if times > 1}
        deeper = [i for i, name in enumerate(names) if name in twice and depth[i] < len(parts[i])]
        if not deeper:
            return _numbered(names, set())
        for i in deeper:
            depth[i] += 1
            names[i] = "-".join(parts[i][-depth[i] :])


def _parts(path: str) -> list[str]:
    place = Path(path).resolve()
    place = place.parent if place.name in SCENARIO_NAMES else place.with_suffix("")
    return [part for part in place.parts if part != place.anchor] or ["scenario"]


def _numbered(names: list[str], taken: set[str]) -> list[str]:
    """``a, a, b`` -> ``a, a-2, b``."""
    found: list[str] = []
    for name in names:
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = f"{name}-{number}"
        taken.add(unique)
        found.append(unique)
    return found
