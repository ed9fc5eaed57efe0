"""Where a result comes from: versions, scenario hash, seed, command line."""

from __future__ import annotations

import hashlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from capsim.scenario import Scenario

LIBRARIES = ("numba", "numpy", "pandas", "pyarrow")


def provenance(scenario: Scenario, command: list[str] | None = None) -> dict[str, Any]:
    """What it takes to repeat a run; ``command`` is the command line (default: that of this process)."""
    return {
        "capsim": _version("capsim"),
        "scenario_sha256": scenario_hash(scenario),
        "seed": scenario.seed,
        "command": command if command is not None else sys.argv,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def scenario_hash(scenario: Scenario) -> str:
    """SHA-256 of the resolved scenario: two runs with the same hash, seed and versions have the same frames."""
    return hashlib.sha256(scenario.dump_resolved().encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
