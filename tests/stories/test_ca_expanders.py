"""Which of three groups grows for twelve pods, by expander."""

from __future__ import annotations

import pytest

FIRST = [
    ("least-waste", {"medium": 5, "small": 2}),
    ("most-pods", {"small": 12}),
    ("least-nodes", {"large": 2}),
    ("price", {"small": 12}),
    ("priority", {"small": 12}),
]


@pytest.mark.parametrize(("expander", "expected"), FIRST)
def test_the_expander_decides_which_group_grows(told, expander, expected):
    run = told("ca-expanders", "duration=3m", f"clusterAutoscaler.expander={expander}")
    nodes = run.nodes
    assert nodes.groupby("node_group").size().to_dict() == expected
    assert run.pods["ready_ms"].notna().all()
    # Pods are pending at once; the first loop asks for the nodes, and least-waste needs a second one for the last two.
    assert nodes["requested_ms"].max() <= 14_000
