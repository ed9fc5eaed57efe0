"""The small subnet of docs/guide/addresses.md: nodes that keep addresses free, and pods that miss them."""

from __future__ import annotations

import re
import subprocess
import sys

import pandas as pd
import pytest

from tests.stories.conftest import ROOT, Folder

GUIDE = ROOT / "docs" / "guide" / "addresses.md"


@pytest.mark.parametrize(("sets", "ready"), [((), 12), (("nodeGroups.worker.podAddresses={warm: 2}",), 16)])
def test_the_scenario_of_the_guide(tmp_path, sets, ready):
    text = re.findall(r"^```yaml\n(apiVersion: .*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    path = tmp_path / "small.yaml"
    path.write_text(text[0], encoding="utf-8")
    command = [sys.executable, "-m", "capsim", "run", str(path), "--no-figures", "--out", str(tmp_path / "run")]
    done = subprocess.run([*command, *(f"--set={word}" for word in sets)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    last = pd.read_parquet(tmp_path / "run" / "series" / "workloads.parquet").iloc[-1]
    assert (last["ready"], last["desired_replicas"], last["pending"]) == (ready, 16, 0)
    run = Folder(tmp_path / "run")
    assert (run.events["reason"] == "FailedCreatePodSandBox").sum() == 16 - ready
    assert len(run.nodes) == 4
