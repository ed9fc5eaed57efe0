"""Which pods count: boundaries of the two delays, and sums that do not depend on how pods are added."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import grouping
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.spec import compile_specs, new_state
from capsim.jit import entry

NOW_MS, WINDOW_MS, INIT_MS, DELAY_MS = 1_000_000, 60_000, 300_000, 30_000
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 150}}}


@entry
def classify(phase, deleting, has_value, is_cpu, start_ms, ready, ready_ms, sampled_ms, now_ms):
    return grouping.classify(
        phase, deleting, has_value, is_cpu, start_ms, ready, ready_ms, sampled_ms, 60_000, now_ms, 300_000, 30_000
    )


@entry
def add_one_by_one(gathered, groups, values, requests, percent):
    grouping.clear(gathered)
    for i in range(len(groups)):
        grouping.add_pod(gathered, groups[i], values[i] >= 0, max(values[i], 0), requests[i], percent)


@entry
def add_settled(gathered, pods, usage, request, waiting):
    grouping.clear(gathered)
    grouping.add_counted(gathered, pods, pods * usage, pods * request)
    grouping.add_waiting(gathered, 0, waiting, request, 100)


def cpu_pod(start_ms=0, ready=c.READY_TRUE, ready_ms=0, sampled_ms=NOW_MS, phase=c.RUNNING, value=True, is_cpu=True):
    return classify(phase, False, value, is_cpu, start_ms, ready, ready_ms, sampled_ms, NOW_MS)


@pytest.mark.plain
def test_deleting_and_failed_pods_are_ignored():
    assert classify(c.RUNNING, True, True, True, 0, c.READY_TRUE, 0, NOW_MS, NOW_MS) == c.IGNORED
    assert cpu_pod(phase=c.FAILED) == c.IGNORED


@pytest.mark.plain
def test_pending_before_missing_before_readiness():
    assert cpu_pod(phase=c.PENDING, value=False) == c.UNREADY
    assert cpu_pod(value=False, ready=c.READY_FALSE) == c.MISSING
    assert cpu_pod(phase=c.SUCCEEDED, value=False) == c.MISSING


@pytest.mark.plain
def test_readiness_matters_for_cpu_only():
    assert cpu_pod(ready=c.READY_ABSENT) == cpu_pod(start_ms=t.NO_TIME) == c.UNREADY
    assert cpu_pod(ready=c.READY_ABSENT, is_cpu=False) == c.COUNTED


@pytest.mark.plain
@pytest.mark.parametrize(("start_ms", "expected"), [(NOW_MS - INIT_MS, c.COUNTED), (NOW_MS - INIT_MS + 1, c.UNREADY)])
def test_initialisation_ends_at_the_period(start_ms, expected):
    # Ready just now: within the period a sample must be a whole window younger than that.
    assert cpu_pod(start_ms=start_ms, ready_ms=NOW_MS) == expected


@pytest.mark.plain
@pytest.mark.parametrize(
    ("sampled_ms", "expected"), [(800_000 + WINDOW_MS, c.COUNTED), (799_999 + WINDOW_MS, c.UNREADY)]
)
def test_samples_of_a_young_pod_must_be_a_window_after_ready(sampled_ms, expected):
    assert cpu_pod(start_ms=NOW_MS - 1000, ready_ms=800_000, sampled_ms=sampled_ms) == expected


@pytest.mark.plain
@pytest.mark.parametrize(("ready_ms", "expected"), [(DELAY_MS - 1, c.UNREADY), (DELAY_MS, c.COUNTED)])
def test_old_pods_count_unless_they_never_were_ready(ready_ms, expected):
    assert cpu_pod(ready=c.READY_FALSE, ready_ms=ready_ms) == expected
    assert cpu_pod(ready=c.READY_UNKNOWN, ready_ms=ready_ms) == c.COUNTED


pods = st.tuples(
    st.sampled_from([c.PENDING, c.RUNNING, c.SUCCEEDED, c.FAILED]),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 2000)),
    st.sampled_from([t.NO_TIME, 0, NOW_MS - 1000]),
    st.sampled_from([c.READY_ABSENT, c.READY_FALSE, c.READY_TRUE, c.READY_UNKNOWN]),
    st.sampled_from([0, NOW_MS - 500]),
    st.sampled_from([grouping.NO_REQUEST, grouping.NO_CONTAINER, 300, 999]),
)


@given(st.lists(pods, max_size=12), st.integers(1, 4))
def test_equal_pods_may_be_added_in_one_step(drawn, copies):
    specs = compile_specs([{"maxReplicas": 10, "metrics": [CPU]}])
    state = new_state(specs)
    rows = []
    for phase, deleting, value, start_ms, ready, ready_ms, request in drawn:
        row = [phase, deleting, value is not None, start_ms, ready, ready_ms, NOW_MS, WINDOW_MS]
        rows.append([*row, value or 0, request, value is not None, 0, 1])
    table = np.array(rows, np.int64).reshape(-1, k.POD_COLUMNS)
    k.gather_pods(specs, state, 0, 0, np.repeat(table, copies, axis=0), NOW_MS, 0)
    one_by_one = state.gathered.copy()
    table[:, k.COUNT] = copies
    k.gather_pods(specs, state, 0, 0, table, NOW_MS, 0)
    assert state.gathered.tolist() == one_by_one.tolist()
    assert state.gathered[t.G_LISTED] == copies * len(drawn)


@pytest.mark.plain
def test_missing_pods_are_rounded_one_by_one():
    gathered = np.zeros(t.GATHERED_CELLS, np.int64)
    groups = np.array([c.MISSING] * 3, np.int64)
    add_one_by_one(gathered, groups, np.full(3, -1), np.full(3, 333, np.int64), 150)
    assert gathered[t.G_MISSING_FALLBACK] == 3 * (333 * 150 // 100)
    assert gathered[t.G_MISSING_REQUEST] == 999
    assert gathered[t.G_RETURNED] == 0


@pytest.mark.plain
def test_settled_and_waiting_pods_in_two_steps():
    gathered = np.zeros(t.GATHERED_CELLS, np.int64)
    add_settled(gathered, 5, 100, 250, 2)
    assert gathered[[t.G_LISTED, t.G_READY, t.G_USAGE, t.G_REQUEST]].tolist() == [7, 5, 500, 1250]
    assert gathered[[t.G_UNREADY, t.G_UNREADY_REQUEST]].tolist() == [2, 500]
