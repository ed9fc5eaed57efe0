"""Benchmarks that need a process of their own: compilation, starts, peak memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_ledger = {"seconds": 0.0}


def ledger() -> float:
    """A clock for pytest-benchmark that only ``spend`` moves."""
    return _ledger["seconds"]


def spend(seconds: float) -> None:
    """What a child used, by its own account or by the operating system's."""
    _ledger["seconds"] += seconds


@dataclass(frozen=True)
class Finished:
    """A child that ended well."""

    output: str
    wall_s: float
    cpu_s: float


def run(arguments: list[str], root: Path = ROOT, **environment: str) -> Finished:
    """Run Python with ``arguments`` on the capsim in ``root``. Raises when it fails."""
    before, began = used_s(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return Finished(done.stdout, time.perf_counter() - began, used_s() - before)


def used_s() -> float:
    """CPU seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
