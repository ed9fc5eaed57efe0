"""What makes two runs the same: the resolved scenario (with its seed), capsim's version, and the simulator's code."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from capsim.result.provenance import provenance
from capsim.scenario import Scenario

PACKAGE = Path(__file__).resolve().parents[1]
SIMULATING = ("units.py", "rng.py", "jit.py", "scenario", "state", "world", "controllers", "engine", "result")
"""What the numbers of a run depend on; a change of the command line or of a picture repeats no run."""
SAME = ("capsim", "code_sha256", "scenario_sha256", "seed")


@functools.cache
def code_hash() -> str:
    """SHA-256 of the simulator's source files: in a checkout the version stays the same while the code changes."""
    digest = hashlib.sha256()
    for part in SIMULATING:
        place = PACKAGE / part
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _origin(command: tuple[str, ...]) -> dict[str, Any]:
    """All that the runs of one process have in common: to ask for the versions of libraries takes milliseconds."""
    return {**provenance(Scenario(), list(command)), "code_sha256": code_hash()}


def identity(resolved: str, seed: int, command: tuple[str, ...]) -> dict[str, Any]:
    """The provenance of a run with this resolved scenario: :mod:`capsim.result.provenance` and ``code_sha256``."""
    return {**_origin(command), "scenario_sha256": hashlib.sha256(resolved.encode()).hexdigest(), "seed": seed}


def common_origin(command: tuple[str, ...]) -> dict[str, Any]:
    """What the provenances of all runs of a batch have in common."""
    return {key: value for key, value in _origin(command).items() if key not in {"scenario_sha256", "seed"}}


def same_run(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """True when two provenances belong to runs with the same numbers."""
    return all(one.get(key) == other.get(key) for key in SAME)
