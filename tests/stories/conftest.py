"""Stories are told by the command line, in a process of their own, and read from the run folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]


class Folder:
    """The tables of a run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pods, self.nodes, self.events = (
            pd.read_parquet(path / f"{name}.parquet") for name in ("pods", "nodes", "events")
        )
        self.app10 = self.pods[self.pods["workload"] == "default/Deployment/app10"]
        self.waited = self.pods[self.pods["reason"] != ""]
        rescales = self.events[self.events["reason"] == "SuccessfulRescale"]
        sizes = rescales["message"].str.extract(r"New size: (\d+)")[0].astype(int)
        self.rescales = list(zip(rescales["time_ms"] / 1000.0, sizes))


@pytest.fixture
def told(tmp_path):
    """Run a story with ``--set`` words; its folder."""

    def tell(name: str, *sets: str) -> Folder:
        words = [word for text in sets for word in ("--set", text)]
        place = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}"
        command = [sys.executable, "-m", "capsim", "run", f"scenarios/{name}.yaml", "--no-figures", *words]
        done = subprocess.run([*command, "--out", str(place)], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return Folder(place)

    return tell
