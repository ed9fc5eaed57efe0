"""The replay against the controller's own doors, sync by sync and pod by pod."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as d
from capsim.controllers.hpa.spec import ControllerSettings, compile_specs, new_state
from capsim.study.hpa_replay import loop as k

REQUEST, LIMIT = 100, 200
STEP_MS = 15_000


def _spec(behavior=None, utilization=50):
    target = {"type": "Utilization", "averageUtilization": utilization}
    spec = {
        "minReplicas": 1,
        "maxReplicas": 12,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return {**spec, **({"behavior": behavior} if behavior else {})}


def _replay(spec, demand, startup_ms, capacity, initial=2, settings=None):
    specs = compile_specs([spec], settings)
    state = new_state(specs)
    times = np.arange(len(demand) + 1, dtype=np.int64) * 60_000
    out = np.zeros(((len(demand) * 60_000) // STEP_MS + 1, k.OUT_COLUMNS), np.int64)
    cohorts = np.zeros((len(out) + 1, 2), np.int64)
    cohorts[0] = (k.SETTLED_MS, initial)
    world = np.array([STEP_MS, STEP_MS, startup_ms, capacity], np.int64)
    pod = np.array([[REQUEST, LIMIT, 1]], np.int64)
    k.replay_syncs(specs, state, times, np.array([demand], np.int64), pod, world, cohorts, out)
    return out


def _by_hand(spec, demand, startup_ms, capacity, initial=2, settings=None):
    """The same with a list of pods and the controller's doors."""
    specs = compile_specs([spec], settings)
    state = new_state(specs)
    created, decided = [k.SETTLED_MS] * initial, []
    for now_ms in range(0, len(demand) * 60_000 + 1, STEP_MS):
        # The sample covers the 15 s before the sync.
        total = demand[min(max(now_ms - 1, 0) // 60_000, len(demand) - 1)]
        placed = created[:capacity]
        ready = [start for start in placed if start + startup_ms <= now_ms]
        table = np.zeros((len(created), d.POD_COLUMNS), np.int64)
        for i, start in enumerate(created):
            row = table[i]
            is_placed, is_ready = i < len(placed), i < len(placed) and start + startup_ms <= now_ms
            row[d.PHASE] = c.RUNNING if is_placed else c.PENDING
            row[d.HAS_VALUE] = row[d.RETURNED] = int(is_placed)
            row[d.START_MS], row[d.SAMPLED_MS], row[d.WINDOW_MS] = start, now_ms, STEP_MS
            row[d.READY] = c.READY_TRUE if is_ready else c.READY_FALSE
            row[d.READY_MS] = start + startup_ms if is_ready else start
            row[d.USAGE] = min(total // len(ready), LIMIT) if is_ready else 0
            row[d.REQUEST], row[d.COUNT] = REQUEST, 1
        step = d.begin_sync(specs, state, 0, now_ms, len(created))
        if step == c.GATHER:
            d.gather_pods(specs, state, 0, 0, table, now_ms, 0)
            d.propose_metric(specs, state, 0, 0, len(created), len(created))
        desired = d.finish_sync(specs, state, 0, now_ms, len(created), step, True)
        decided.append(desired)
        created = created[:desired] + [now_ms] * (desired - len(created))
    return decided


BEHAVIOR = {
    "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}], "stabilizationWindowSeconds": 30},
    "scaleDown": {"policies": [{"type": "Percent", "value": 30, "periodSeconds": 60}], "tolerance": "0.3"},
}


@pytest.mark.parametrize("behavior", [None, BEHAVIOR], ids=["default", "behavior"])
@pytest.mark.parametrize(("startup_ms", "capacity"), [(0, 100), (20_000, 100), (400_000, 100), (20_000, 5)])
def test_every_sync_is_what_the_controller_decides_on_the_same_pods(behavior, startup_ms, capacity):
    demand = np.random.default_rng(5).integers(0, 1200, 90).tolist()
    settings = ControllerSettings(downscale_stabilization_ms=120_000)
    got = _replay(_spec(behavior), demand, startup_ms, capacity, settings=settings)[:, k.DESIRED]
    assert got.tolist() == _by_hand(_spec(behavior), demand, startup_ms, capacity, settings=settings)


def test_replicas_settle_where_the_demand_meets_the_target():
    out = _replay(_spec(), [400] * 30, 15_000, 100)
    assert out[-1, k.DESIRED] == 8  # 400m / (50 % of 100m)
    assert out[-1, k.READY] == 8


def test_usage_is_shared_anew_so_that_a_scale_up_ends():
    out = _replay(_spec(), [150] * 60, 0, 100, initial=1)
    assert out[-1, k.DESIRED] == 3  # without feedback every sync would multiply the replicas again


def test_pods_at_their_limit_hide_the_rest_of_the_demand():
    out = _replay(_spec(), [1000] * 10, 15_000, 100, initial=1)
    # 200 % of the request is all that one pod can show: 4 pods are proposed, not 20.
    assert out[0, k.RECOMMENDED] == 4
    assert out[0, k.AT_LIMIT] == 1


def test_pending_pods_do_not_pin_the_replicas_when_the_load_is_gone():
    """kubernetes#79158: pods without room counted at 100 % of their request, and held the HPA high after the load."""
    out = _replay(_spec(), [800] * 20 + [10] * 20, 15_000, 3)
    assert out[: 20 * 4, k.DESIRED].max() == 12
    assert out[: 20 * 4, k.WAITING].max() == 9
    # Pending pods are set aside on the way down now: five minutes of stabilisation, then minReplicas.
    down = np.flatnonzero(out[:, k.DESIRED] < 12)
    down = down[down > 20 * 4]
    assert 300 <= int(down[0]) * 15 - 20 * 60 <= 330
    assert out[-1, k.DESIRED] == 1


@pytest.mark.parametrize(("phase", "kept"), [(c.RUNNING, True), (c.PENDING, False)])
def test_pods_that_run_without_metrics_still_pin_the_replicas(phase, kept):
    """The other half of kubernetes#79158: only pods that are Pending or unready are set aside on the way down."""
    specs = compile_specs([_spec()], ControllerSettings(downscale_stabilization_ms=0))
    state = new_state(specs)
    table = np.zeros((12, d.POD_COLUMNS), np.int64)
    table[:, d.PHASE] = [c.RUNNING] * 3 + [phase] * 9
    table[:3, (d.HAS_VALUE, d.RETURNED)] = 1
    table[:, d.READY] = [c.READY_TRUE] * 3 + [c.READY_FALSE] * 9
    table[:, d.START_MS] = -(10**9)
    table[:, (d.REQUEST, d.COUNT)] = (REQUEST, 1)
    table[:3, d.USAGE] = 1
    for now_ms in (0, STEP_MS):  # the first sync logs what it finds
        step = d.begin_sync(specs, state, 0, now_ms, 12)
        d.gather_pods(specs, state, 0, 0, table, now_ms, 0)
        d.propose_metric(specs, state, 0, 0, 12, 12)
        desired = d.finish_sync(specs, state, 0, now_ms, 12, step, True)
    assert (desired == 12) == kept
