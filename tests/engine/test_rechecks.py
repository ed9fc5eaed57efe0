"""Times of rechecks in loops that were not executed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.engine.cluster_autoscaler.rechecks import pass_over

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
