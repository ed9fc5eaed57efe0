"""The cascade of docs/guide/pods.md: a minute of overload, and liveness probes that make it last."""

from __future__ import annotations

import re
import subprocess
import sys

import pandas as pd
import pytest

import capsim
from tests.stories.conftest import ROOT, Folder

GUIDE = ROOT / "docs" / "guide" / "pods.md"


@pytest.fixture
def snippet(tmp_path):
    """The scenario that the guide prints."""
    (text,) = re.findall(
        r"^```yaml\n(apiVersion: .*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    path = tmp_path / "cascade.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def last_minutes(workloads):
    """Mean of the last ten minutes."""
    return workloads[workloads["time_ms"] >= 600_000][["ready", "lost_rps"]].mean()


def test_the_scenario_of_the_guide_never_recovers(snippet, tmp_path):
    command = [sys.executable, "-m", "capsim", "run", str(snippet), "--no-figures", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    end = last_minutes(pd.read_parquet(tmp_path / "run" / "series" / "workloads.parquet"))
    assert end["ready"] < 0.5
    assert end["lost_rps"] > 250.0
    assert "Container failed liveness probe, will be restarted" in set(Folder(tmp_path / "run").events["message"])


@pytest.mark.parametrize(
    "helps",
    [
        "workloads.shop.probesWait=false",
        "services.shop.requestTimeout=10s",
        "services.shop.overload=drop",
        "workloads.shop.serviceTime={concurrency: 8, queue: 10}",
        "objects.Deployment.shop.spec.template.spec.containers.app.livenessProbe.timeoutSeconds=30",
    ],
)
def test_what_the_guide_says_helps(snippet, helps):
    end = last_minutes(capsim.run(capsim.load(snippet, sets=[helps])).series["workloads"])
    assert end["ready"] == 4.0
    assert end["lost_rps"] == pytest.approx(0.0, abs=0.5)
