"""The control plane is a tainted node: the message names it first (recorded from the real scheduler)."""

from __future__ import annotations

RECORDED = (
    "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "3 Insufficient cpu. no new claims to deallocate, preemption: 0/4 nodes are available: "
    "1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod."
)


def test_the_message_is_the_recorded_one(told):
    run = told("app10-selfmanaged")
    assert list(run.waited["reason"]) == [RECORDED, RECORDED]
    assert run.waited["node"].isna().all()
    assert run.app10["node"].notna().sum() == 8
