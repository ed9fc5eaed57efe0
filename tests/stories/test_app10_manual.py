"""By hand: the machine comes twenty minutes later."""

from __future__ import annotations


def test_the_node_comes_too_late(told):
    run = told("app10-manual")
    assert run.rescales == []
    (new,) = run.nodes[run.nodes["requested_ms"] > 0].to_dict("records")
    assert (new["requested_ms"], new["ready_ms"]) == (300_000, 1_500_000)
    assert list(run.waited["node"]) == [new["name"]] * 2
    assert run.waited["pending_s"].between(1199, 1201).all()
