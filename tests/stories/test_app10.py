"""Three workers, two pods too many."""

from __future__ import annotations

import pytest

NO_ROOM = (
    "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: "
    "3 No preemption victims found for incoming pod."
)


def test_eight_pods_run_and_two_never_do(told):
    run = told("app10")
    sizes = [size for _, size in run.rescales]
    assert sizes == [*sorted(sizes[:-1]), 2]
    assert sizes[-2] == 10
    assert len(run.app10) == 10
    assert run.app10["node"].notna().sum() == 8
    assert run.waited["node"].isna().all()
    assert list(run.waited["reason"]) == [NO_ROOM, NO_ROOM]


# The recorded load was scripted, without backlog (overload: drop), and counters were read at the scrape; the start
# decides how API stamps are cut.
@pytest.mark.parametrize(
    ("hpa", "scrape", "start", "recorded"),
    [
        ("15.025s", "3s", "36.840", [(195.254, 3), (210.31, 6), (240.348, 8), (255.372, 10), (1216.617, 2)]),
    ],
)
def test_with_the_recorded_phases_the_hpa_decides_as_recorded(told, hpa, scrape, start, recorded):
    run = told(
        "app10",
        "services.app10.overload=drop",
        "controlPlane.kubelet.housekeeping-interval=0",
        f"controlPlane.phases.hpa={hpa}",
        f"controlPlane.phases.scrape={scrape}",
        f"start=2026-11-23T16:21:{start}Z",
    )
    assert [size for _, size in run.rescales] == [size for _, size in recorded]
    assert max(abs(at - then) for (at, _), (then, _) in zip(run.rescales, recorded)) <= 1.5
