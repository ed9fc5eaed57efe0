"""Nine hundred nodes come for a batch, loop by loop, and go when it is done, ten at a time."""

from __future__ import annotations


def test_nodes_follow_the_batch_up_and_down(told):
    run = told("ca-scale")
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
