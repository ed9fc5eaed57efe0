"""Times of rechecks in loops that were not executed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.engine.cluster_autoscaler.rechecks import pass_over
from capsim.engine.drive import Simulation
from capsim.scenario import TimedEvent
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from tests.engine.clusters import cluster, deployment, group

pytestmark = pytest.mark.plain


def scaler(times, recheck_ms):
    unremovable = SimpleNamespace(until_ms=dict(times))
    return SimpleNamespace(
        planner=SimpleNamespace(unremovable=unremovable), options=SimpleNamespace(recheck_ms=recheck_ms)
    )


@given(
    st.dictionaries(st.integers(0, 9), st.integers(0, 400), max_size=4),
    st.integers(0, 60),
    st.integers(1, 12),
    st.integers(1, 100),
)
def test_times_are_those_of_loops_one_by_one(times, passed, period_ms, recheck_ms):
    one = scaler(times, recheck_ms)
    pass_over(one, passed, 100 + (passed - 1) * period_ms, period_ms)
    for k in range(passed):
        now_ms = 100 + k * period_ms
        times = {uid: now_ms + recheck_ms if until_ms <= now_ms else until_ms for uid, until_ms in times.items()}
    assert one.planner.unremovable.until_ms == times


def test_loops_that_an_outage_of_the_control_plane_left_out_are_no_loops():
    """A node that cannot go is looked at again after five minutes, at the first loop that takes place: the time of the
    check after that is the same, whether or not the loops before the outage were executed."""
    pinned = deployment("pinned", 1, cpu_milli=3000)
    other = deployment("other", 1, cpu_milli=3000)
    scenario = cluster(
        [pinned, other],
        [group(count=2, max=2, min=0)],
        cluster_autoscaler=ClusterAutoscalerSpec(scale_down_utilization_threshold=0.9),
        events=[
            TimedEvent.model_validate({"at": "295s", "controlPlaneOutage": {"duration": "50s"}}),
            TimedEvent.model_validate({"at": "296s", "scale": {"target": pinned.key, "replicas": 2}}),
        ],
        duration_ms=900_000,
    )
    until = []
    for skip_syncs in (True, False):
        sim = Simulation(scenario, skip_syncs=skip_syncs)
        sim.autoscaler.listen(lambda status, view: None)
        found = []
        for at_ms in range(0, 900_000, 30_000):
            sim.advance(at_ms)
            found.append(dict(sim.autoscaler.scaler.planner.unremovable.until_ms))
        until.append(found)
    assert until[0][-1]
    assert until[0] == until[1]
