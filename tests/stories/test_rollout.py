"""A rollout with 25 % surge under an HPA: the race of kubernetes#72775 before 1.16, and none since."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd

from tests.stories.conftest import ROOT

REPORTED = (479, 589, 664)
TODAY = "controlPlane.kubeControllerManager.release=1.36"


def sizes(run):
    return [size for _, size in run.rescales]


def test_the_surge_raced_into_spec_replicas_before_1_16_and_does_not_today(told):
    old, today = told("rollout/scenario"), told("rollout/scenario", TODAY)
    up = [size for before, size in zip([383, *sizes(old)], sizes(old), strict=False) if size > before]
    assert up[0] == REPORTED[0]  # 383 and a surge of ceil(95.75)
    for size, reported in zip(up, REPORTED, strict=True):
        assert abs(size - reported) <= 0.03 * reported
    assert sizes(today) == []
    assert len(today.nodes) < len(old.nodes)
    for run in (old, today):
        told_of = run.events["reason"].value_counts()
        assert told_of["NewReplicaSetAvailable"] == 1
        assert len(set(run.pods[run.pods["gone_ms"].isna()]["name"].str.rsplit("-", n=1).str[0])) == 1
        series = pd.read_parquet(run.path / "series" / "workloads.parquet")
        assert series["ready_min"].min() >= 383  # maxUnavailable 0
        assert series["lost_rps"].max() < 1e-6
    picture = old.path.parent / "rollout.png"
    subprocess.run(
        [sys.executable, "scenarios/rollout/figure.py", old.path, today.path, "--out", picture], cwd=ROOT, check=True
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
