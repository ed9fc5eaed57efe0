"""Runs of equal recommendations answer what upstream's list of all recommendations answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import compile_specs, log_capacity, new_state

steps = st.lists(st.tuples(st.integers(1, 400), st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=60)


def tables(behavior=None, period_ms=1000):
    specs = compile_specs([{"minReplicas": 1, "maxReplicas": 100, "behavior": behavior}])
    return specs, new_state(specs, period_ms)


class SlotLog:
    """Upstream's own way: a list whose last expired entry is overwritten."""

    def __init__(self):
        self.entries = []

    def add(self, now_s, value, is_old):
        old = [i for i, entry in enumerate(self.entries) if is_old(entry[0])]
        if old:
            self.entries[old[-1]] = (now_s, value)
        else:
            self.entries.append((now_s, value))


@given(steps)
def test_without_behavior_the_window_includes_its_end(drawn):
    specs, state = tables()
    slots, now_s = SlotLog(), 0
    for pause_s, current, value in drawn:
        now_s += pause_s
        expected = max([value, *(v for at_s, v in slots.entries if at_s >= now_s - 300)])
        assert k.stabilized(specs, state, 0, now_s * 1000, current, value) == expected
        slots.add(now_s, value, lambda at_s: at_s < now_s - 300)  # noqa: B023
    assert state.row[0, t.R_OVERFLOW] == 0


@given(steps, st.sampled_from([0, 60, 600]), st.sampled_from([0, 45, 300]))
def test_with_behavior_the_windows_exclude_their_ends(drawn, up_s, down_s):
    behavior = {
        "scaleUp": {"stabilizationWindowSeconds": up_s},
        "scaleDown": {"stabilizationWindowSeconds": down_s},
    }
    specs, state = tables(behavior)
    slots, now_s = SlotLog(), 0
    for pause_s, current, value in drawn:
        now_s += pause_s
        lowest = min([value, *(v for at_s, v in slots.entries if at_s > now_s - up_s)])
        highest = max([value, *(v for at_s, v in slots.entries if at_s > now_s - down_s)])
        expected = min(max(current, lowest), highest)
        assert k.stabilized(specs, state, 0, now_s * 1000, current, value) == expected
        slots.add(now_s, value, lambda at_s: at_s < now_s - max(up_s, down_s))  # noqa: B023


@pytest.mark.plain
def test_equal_recommendations_are_one_run():
    specs, state = tables()
    for now_ms in range(0, 1_000_000, 15_000):
        k.stabilized(specs, state, 0, now_ms, 3, 3)
    assert state.row[0, t.R_LOG_LENGTH] == 1
    assert state.log[0, 0].tolist() == [3, 0, 990_000]


@pytest.mark.plain
def test_the_capacity_holds_the_worst_case():
    specs, state = tables(period_ms=15_000)
    assert state.log.shape[1] == log_capacity(specs, 15_000) == 24
    for i in range(200):
        k.stabilized(specs, state, 0, i * 15_000, 3, 3 + i % 2)
    assert state.row[0, t.R_OVERFLOW] == 0
    assert state.row[0, t.R_LOG_LENGTH] == 21


@pytest.mark.plain
def test_an_overflow_is_counted():
    specs, state = tables(period_ms=15_000)
    for i in range(25):
        k.stabilized(specs, state, 0, i, 3, i % 2)
    assert state.row[0, t.R_OVERFLOW] == 1
