"""The replica calculators on sums equal a plain calculation on a dict of pods."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa.spec import compile_specs, new_state

KINDS = (c.COUNTED, c.MISSING, c.UNREADY, c.IGNORED)
PHASE = {c.COUNTED: c.RUNNING, c.MISSING: c.RUNNING, c.UNREADY: c.PENDING, c.IGNORED: c.FAILED}
UP, DOWN = 0.1, 0.2


def table_of(pods):
    rows = []
    for group, value, request in pods:
        sampled = group != c.MISSING
        rows.append([PHASE[group], 0, sampled, 0, c.READY_TRUE, 0, 10, 1, value, request, sampled, 0, 1])
    return np.array(rows, np.int64).reshape(-1, k.POD_COLUMNS)


def spec_of(target_type, target):
    key = {"Utilization": "averageUtilization", "AverageValue": "averageValue"}[target_type]
    value = target if target_type == "Utilization" else f"{target}m"
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": target_type, key: value}}}


def propose(metric, pods, current):
    specs = compile_specs([{"maxReplicas": 100, "metrics": [metric]}])
    specs.tolerance_ratio[:] = UP, DOWN
    state = new_state(specs)
    k.gather_pods(specs, state, 0, 0, table_of(pods), 10_000_000, 0)
    error = k.propose_metric(specs, state, 0, 0, current, current)
    return int(error), [int(cell) for cell in state.metric[0, :3]]


def ratio_of(metrics, requests, target, by_request):
    if by_request:
        requested = sum(requests[name] for name in metrics)
        percent = sum(metrics.values()) * 100 // requested
        return percent / target, percent
    return (sum(metrics.values()) // len(metrics)) / target, -1


def reference(pods, target, current, by_request):
    """The documented algorithm, on names."""
    groups = {group: [i for i, pod in enumerate(pods) if pod[0] == group] for group in KINDS}
    metrics = {i: pods[i][1] for i in groups[c.COUNTED]}
    requests = {i: pod[2] for i, pod in enumerate(pods)}
    mean = sum(metrics.values()) // len(metrics)
    ratio, percent = ratio_of(metrics, requests, target, by_request)
    unready = groups[c.UNREADY] if ratio > 1 else []
    if not unready and not groups[c.MISSING]:
        replicas = current if 1 - DOWN <= ratio <= 1 + UP else math.ceil(ratio * len(groups[c.COUNTED]))
        return [replicas, mean, percent]
    if ratio != 1:
        for i in groups[c.MISSING]:
            full = requests[i] * max(100, target) // 100 if by_request else target
            metrics[i] = full if ratio < 1 else 0
    metrics.update(dict.fromkeys(unready, 0))
    again, _ = ratio_of(metrics, requests, target, by_request)
    replicas = math.ceil(again * len(metrics))
    turned = (ratio - 1) * (again - 1) < 0
    against = (again < 1 and replicas > current) or (again > 1 and replicas < current)
    if 1 - DOWN <= again <= 1 + UP or turned or against:
        replicas = current
    return [replicas, mean, percent]


pod = st.tuples(st.sampled_from(KINDS), st.integers(0, 1500), st.sampled_from([100, 333, 1000]))


@given(st.lists(pod, min_size=1, max_size=15), st.integers(1, 200), st.integers(0, 30), st.booleans())
def test_sums_decide_as_pods_do(pods, target, current, by_request):
    error, proposal = propose(spec_of("Utilization" if by_request else "AverageValue", target), pods, current)
    if not any(group == c.COUNTED for group, _, _ in pods):
        returned = any(group != c.MISSING for group, _, _ in pods)
        assert error == (c.ERROR_NO_READY if returned else c.ERROR_EMPTY)
        return
    assert error == c.NO_ERROR
    assert proposal == reference(pods, target, current, by_request)


def cpu(value, request=1000):
    return c.COUNTED, value, request


@pytest.mark.plain
def test_exactly_ten_percent_above_does_not_scale():
    assert propose(spec_of("Utilization", 50), [cpu(550)] * 3, 3) == (0, [3, 550, 55])
    assert propose(spec_of("Utilization", 50), [cpu(560)] * 3, 3) == (0, [4, 560, 56])


@pytest.mark.plain
def test_unready_pods_can_turn_up_into_nothing():
    pods = [cpu(1000), (c.UNREADY, 0, 1000), (c.UNREADY, 0, 1000)]
    assert propose(spec_of("Utilization", 50), pods, 3)[1][0] == 3


@pytest.mark.plain
@pytest.mark.parametrize(
    ("pods", "error"),
    [
        ([], c.ERROR_EMPTY),
        ([(c.UNREADY, 0, 100)], c.ERROR_NO_READY),
        ([cpu(100), (c.IGNORED, 0, -1)], c.ERROR_NO_REQUEST),
        ([cpu(100), (c.IGNORED, 0, -2)], c.ERROR_NO_CONTAINER),
        ([cpu(100, 0)], c.ERROR_NO_MATCH),
    ],
)
def test_errors_of_a_utilization_target(pods, error):
    assert propose(spec_of("Utilization", 50), pods, 1)[0] == error


@pytest.mark.plain
def test_requests_do_not_matter_for_an_average_value():
    assert propose(spec_of("AverageValue", 100), [cpu(200, -1)], 1) == (0, [2, 200, -1])


def value_metric(kind, target_type, target):
    key = {"Value": "value", "AverageValue": "averageValue"}[target_type]
    about = {"metric": {"name": "queue"}, "target": {"type": target_type, key: f"{target}m"}}
    return {"type": kind, kind.lower(): about}


def propose_value(metric, value, current, status, ready=0, error=0):
    specs = compile_specs([{"maxReplicas": 100, "metrics": [metric]}])
    state = new_state(specs)
    row = [c.RUNNING, 0, 0, 0, c.READY_TRUE, 0, 0, 0, 0, 0, 0, 0, ready]
    k.gather_value(state, np.array([row] if ready else [], np.int64).reshape(-1, k.POD_COLUMNS), value, error)
    code = k.propose_metric(specs, state, 0, 0, current, status)
    return int(code), [int(cell) for cell in state.metric[0, :2]]


@pytest.mark.plain
def test_value_targets_count_ready_pods():
    metric = value_metric("Object", "Value", 1000)
    assert propose_value(metric, 2500, 4, 4, ready=3) == (0, [8, 2500])
    assert propose_value(metric, 1100, 4, 4, ready=3) == (0, [4, 1100])
    assert propose_value(metric, 2500, 4, 4) == (c.ERROR_COUNT_READY, [0, 2500])
    assert propose_value(metric, 2500, 0, 0) == (0, [3, 2500])
    assert propose_value(metric, 0, 4, 4, error=c.ERROR_UNAVAILABLE) == (c.ERROR_UNAVAILABLE, [0, 0])


@pytest.mark.plain
def test_average_targets_look_at_status_replicas():
    metric = value_metric("External", "AverageValue", 1000)
    assert propose_value(metric, 4300, 1, 4) == (0, [4, 1075])
    assert propose_value(metric, 4500, 1, 4) == (0, [5, 1125])
    assert propose_value(metric, 4500, 0, 0)[1][0] == 5


@given(st.sampled_from(["Object", "External"]), st.integers(0, 10**6), st.integers(1, 10**4), st.integers(1, 50))
def test_average_targets_round_up(kind, value, target, status):
    _, (replicas, shown) = propose_value(value_metric(kind, "AverageValue", target), value, status, status)
    ratio = value / (target * status)
    assert replicas == (status if 0.9 <= ratio <= 1.1 else math.ceil(value / target))
    assert shown == math.ceil(value / status)
