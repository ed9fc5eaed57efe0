"""scenarios/quota.yaml: a rollout waits for quota, and then for its ReplicaSet's next attempt."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.stories.conftest import ROOT

pytestmark = pytest.mark.plain


def test_the_rollout_goes_on_when_the_replica_set_tries_again(told):
    folder = told("quota")
    refusals = folder.events[folder.events["reason"] == "FailedCreate"]
    text = "requested: requests.cpu=500m, used: requests.cpu=4, limited: requests.cpu=4"
    assert refusals["message"].str.endswith(text).all()
    waits = refusals["time_ms"].diff().dropna()
    assert ((waits / waits.shift()).dropna() == 2.0).all()
    made = folder.pods[folder.pods["created_ms"] > 0]["created_ms"]
    raised, again = 17 * 60_000, refusals["time_ms"].iloc[-1] + 2 * waits.iloc[-1]
    assert made.min() == again > raised + 9 * 60_000
    late = folder.events[folder.events["reason"] == "ProgressDeadlineExceeded"]
    assert late["time_ms"].iloc[0] // 60_000 == 15
    assert (folder.events["reason"] == "NewReplicaSetAvailable").sum() == 1
    held = json.loads((folder.path / "summary.json").read_text())["held_back"]
    assert [(row["workload"], row["by"], row["peak"], row["still"]) for row in held] == [
        ("default/Deployment/shop", "ResourceQuota team", 2, 0)
    ]
    command = [sys.executable, "-m", "capsim", "explain", str(folder.path), "workload/shop"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "up to 2 pods held back by ResourceQuota team" in said
    assert "used by default/Deployment/shop: 8 pods, requests.cpu 4" in said
    assert "what would have helped: requests.cpu of 5 instead of 4 in ResourceQuota team" in said
