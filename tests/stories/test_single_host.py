"""One host: nothing scales, nobody waits."""

from __future__ import annotations


def test_nothing_changes(told):
    run = told("single-host")
    assert (len(run.pods), len(run.nodes)) == (4, 1)
    assert run.waited.empty
    assert run.rescales == []
