"""A node comes for the pods that wait, and goes ten minutes after it became unneeded."""

from __future__ import annotations


def test_the_node_comes_and_goes(told):
    run = told("app10-autoscaled", "duration=1h")
    (new,) = run.nodes[run.nodes["requested_ms"] > 0].to_dict("records")
    assert list(run.waited["node"]) == [new["name"]] * 2
    assert run.waited["ready_ms"].notna().all()
    down_s, size = run.rescales[-1]
    assert size == 2
    assert down_s >= 900 + 300  # traffic falls at 900 s; the window is 300 s
    # Unneeded from the first scan after the scale-down; at most one more scan of 10.036 s at either end.
    assert 600 <= new["deleting_ms"] / 1000 - down_s <= 600 + 2 * 10.1 + 2.1
    # Taint -> eviction 5 s -> DeleteNodes, and 10 s until the machine is gone.
    assert 10 <= (new["gone_ms"] - new["deleting_ms"]) / 1000 <= 21
