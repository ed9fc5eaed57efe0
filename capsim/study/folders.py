"""Reads what is compared: a run folder, the folder of one scenario of a batch, or a whole batch folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from capsim.errors import ScenarioError
from capsim.scenario import load
from capsim.study.identity import code_hash
from capsim.study.measures import Measures, measures_of
from capsim.study.store import FRAMES


@dataclass(frozen=True)
class Run:
    """One finished run on disk."""

    folder: Path
    summary: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def seed(self) -> int:
        """Seed of all its random numbers."""
        return int(self.summary["seed"])

    @property
    def measures(self) -> Measures:
        """Its numbers by name."""
        return measures_of(self.summary)

    @property
    def end_ms(self) -> int:
        """Simulated time that it reached, ms."""
        return int(self.summary["reached_ms"])

    def totals(self) -> pd.DataFrame | None:
        """The ``totals`` series: from disk, or simulated again from the resolved scenario when the code is the same.

        None when the series was not kept and this version of capsim would give another one.
        """
        if (self.folder / FRAMES).is_file():
            return pd.read_parquet(self.folder / FRAMES)
        if self.provenance.get("code_sha256") != code_hash():
            return None
        from capsim.result.run import run  # imports numba

        return run(load(self.folder / "scenario.resolved.yaml")).series["totals"]


def runs_in(folder: Path) -> dict[str, list[Run]]:
    """Scenario name -> its runs by seed. Raises :class:`ScenarioError` when there is no finished run in ``folder``."""
    if (folder / "run.json").is_file():
        return {folder.resolve().name: [_run(folder)]}
    if (folder / "batch.json").is_file():
        found = {name: [_run(folder / place) for place in places] for name, places in _done(folder).items()}
    else:
        found = {folder.resolve().name: [_run(path.parent) for path in folder.glob("seed-*/run.json")]}
    if not any(found.values()):
        raise ScenarioError(f"{folder} is neither a run folder (run.json) nor a batch folder (batch.json) with runs")
    return {name: sorted(runs, key=lambda run: run.seed) for name, runs in found.items()}


def _done(folder: Path) -> dict[str, list[str]]:
    """Folders of the runs that the batch lists as done, by scenario."""
    about = _json(folder / "batch.json")
    found: dict[str, list[str]] = {}
    for run in about.get("runs", []):
        if run["status"] != "failed":
            found.setdefault(run["scenario"], []).append(run["folder"])
    return found


def _run(folder: Path) -> Run:
    return Run(folder, _json(folder / "summary.json"), _json(folder / "run.json").get("provenance", {}))


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ScenarioError(f"{path} cannot be read: {problem}. Repeat the run.") from problem
    if not isinstance(found, dict):
        raise ScenarioError(f"{path} is damaged: it holds no object. Repeat the run.")
    return found
