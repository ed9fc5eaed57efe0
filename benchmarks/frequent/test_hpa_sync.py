"""One executed sync of an HPA: the metrics of its pods, the proposal, stabilisation, limits, the log."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.controllers.hpa.codes import GATHER, READY_TRUE, RUNNING
from capsim.controllers.hpa.grouping import add_counted, add_pods, classify, clear, percent_of_missing
from capsim.controllers.hpa.replicas import propose
from capsim.controllers.hpa.spec import compile_specs, new_state
from capsim.controllers.hpa.sync import begin, commit, decide, next_change_ms
from capsim.controllers.hpa.tables import S_CPU_INIT_MS, S_READY_DELAY_MS
from capsim.jit import entry

HPAS = 50
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 52}}}


@entry
def syncs(specs, state, start_ms, usage_milli, ticks, one_by_one):
    """``ticks`` syncs of every HPA, 15 s apart; returns the sum of what they decided."""
    total = 0
    pods = len(usage_milli)
    for tick in range(ticks):
        for h in range(specs.row.shape[0]):
            now_ms = 10_000_000 + tick * 15_000 + h
            step = begin(specs, state, h, now_ms, pods)
            if step == GATHER:
                g = state.gathered
                clear(g)
                percent = percent_of_missing(specs, h)
                wave = (tick + h) % 7
                if one_by_one:
                    for i in range(pods):
                        group = classify(
                            RUNNING, False, True, True, start_ms[i], READY_TRUE, start_ms[i] + 5000, now_ms - 5000,
                            15_000, now_ms, specs.row[h, S_CPU_INIT_MS], specs.row[h, S_READY_DELAY_MS],
                        )  # fmt: skip
                        add_pods(g, group, 1, 1, usage_milli[i] + wave, 1000, percent)
                else:
                    add_counted(g, pods, pods * (500 + wave), pods * 1000)
                propose(specs, state, h, h, pods, pods)
            desired = decide(specs, state, h, now_ms, pods, step)
            commit(specs, state, h, now_ms, pods, pods, True)
            total += desired + (next_change_ms(specs, state, h, now_ms, pods) & 1)
    return total


def fresh(pods: int, ticks: int, one_by_one: bool):
    """Arguments of ``syncs`` for HPAs that are content with ``pods`` pods."""
    spec = {"minReplicas": 1, "maxReplicas": 10_000, "metrics": [CPU]}
    specs = compile_specs([spec] * HPAS)
    return specs, new_state(specs), np.full(pods, 1000, np.int64), np.full(pods, 500, np.int64), ticks, one_by_one


@pytest.mark.parametrize(("pods", "ticks", "target_ns"), [(10, 2000, 150), (1000, 100, 5000)])
def test_each_pod(measure, pods, ticks, target_ns):
    assert syncs(*fresh(pods, 10, True)) == syncs(*fresh(pods, 10, False))
    amount = ticks * HPAS
    total = measure(syncs, prepare=lambda: fresh(pods, ticks, True), amount=amount, unit="ns", target=target_ns)
    assert 0 <= total - amount * pods <= amount


def test_equal_pods(measure):
    ticks, pods = 3000, 10
    amount = ticks * HPAS
    total = measure(syncs, prepare=lambda: fresh(pods, ticks, False), amount=amount, unit="ns", target=150)
    assert 0 <= total - amount * pods <= amount
