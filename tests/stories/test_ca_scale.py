"""A thousand nodes come and go: upstream's six situations end as it expects, and a batch is followed up and down."""

from __future__ import annotations

import subprocess
import sys

from tests.stories.conftest import ROOT


def final(run):
    """Nodes at the end, and pods that run and that wait."""
    pods = run.pods[run.pods["deleted_ms"].isna()]
    ready = pods["ready_ms"].notna()
    return int(run.nodes["gone_ms"].isna().sum()), int(ready.sum()), int((~ready).sum())


def test_thirty_thousand_pods_on_one_full_node(told):
    """Situations 1, 2 and 6: all pods that fit run, and all new nodes are full."""
    runs = [told(f"ca-scale/{name}") for name in ("scenario", "two-batches", "unschedulable")]
    assert [final(run) for run in runs] == [(1001, 30_002, 0), (1001, 30_002, 0), (1001, 30_002, 1_000)]
    for run in runs:
        pods = run.pods[run.pods["workload"] == "default/Deployment/batch"]
        assert set(pods.groupby("node").size()) == {30}
    picture = runs[0].path.parent / "ca-scale.png"
    folders = [run.path for run in runs]
    subprocess.run([sys.executable, "scenarios/ca-scale/figure.py", *folders, "--out", picture], cwd=ROOT, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_empty_nodes_go_ten_at_a_time(told):
    """Situation 3."""
    run = told("ca-scale/empty")
    assert final(run) == (700, 700, 0)
    gone = run.nodes["deleting_ms"].dropna()
    assert gone.groupby(gone).size().max() == 10


def test_underused_nodes_are_drained_down_to_the_minimum(told):
    """Situation 4."""
    run = told("ca-scale/underused")
    assert final(run) == (970, 52_000, 0)
    gone = run.nodes["deleting_ms"].dropna()
    assert len(gone) == 30
    assert gone.groupby(gone).size().max() == 1, "max-drain-parallelism"
    assert run.pods["deleted_ms"].notna().any(), "their pods moved"


def test_nodes_whose_pods_fit_nowhere_else_stay(told):
    """Situation 5."""
    run = told("ca-scale/unremovable")
    assert final(run) == (1000, 1000, 0)
    assert run.nodes["deleting_ms"].isna().all()
    assert run.pods["deleted_ms"].isna().all()


def test_nodes_follow_the_batch_up_and_down(told):
    run = told("ca-scale/batch")
    added = run.nodes[run.nodes["requested_ms"] > 0]
    assert 929 <= len(added) <= 940  # 30,000 pods, 32 of them on a node of 16 cores
    assert added["requested_ms"].max() < 11 * 60_000
    assert run.pods["ready_ms"].notna().all()
    assert run.pods["pending_s"].max() <= 120  # a loop, and the boot of a node
    leaving = added["deleting_ms"].dropna()
    after = leaving[leaving > 45 * 60_000]
    assert after.min() >= 55 * 60_000
    assert after.groupby(after).size().max() <= 10
    assert len(run.nodes) - run.nodes["gone_ms"].notna().sum() <= 12
