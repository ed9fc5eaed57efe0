"""Time of one executed HPA sync: ``python tests/controllers/hpa/benchmark_sync.py``.

Every sync is executed, none is skipped: metrics change at each, the log is looked at and extended. Budget: 150 ns with
10 pods and 5 µs with 1,000 pods, each pod classified on its own.
"""

from __future__ import annotations

import time

import numpy as np

from capsim.controllers.hpa.codes import GATHER, READY_TRUE, RUNNING
from capsim.controllers.hpa.grouping import add_counted, add_pods, classify, clear, percent_of_missing
from capsim.controllers.hpa.replicas import propose
from capsim.controllers.hpa.spec import compile_specs, new_state
from capsim.controllers.hpa.sync import begin, commit, decide, next_change_ms
from capsim.controllers.hpa.tables import S_CPU_INIT_MS, S_READY_DELAY_MS
from capsim.jit import entry

BEHAVIOR = {"scaleUp": {"stabilizationWindowSeconds": 60}, "scaleDown": {}}


@entry
def many_syncs(specs, state, start_ms, ready_ms, usage, syncs, hpas, one_by_one):
    """``syncs`` ticks of 15 s of ``hpas`` HPAs; returns a checksum."""
    total = 0
    pods = len(usage)
    for tick in range(syncs):
        for h in range(hpas):
            now_ms = 10_000_000 + tick * 15_000 + h
            step = begin(specs, state, h, now_ms, pods)
            if step == GATHER:
                g = state.gathered
                clear(g)
                percent = percent_of_missing(specs, h)
                wave = (tick + h) % 7
                if one_by_one:
                    sampled_ms = now_ms - 5000
                    for i in range(pods):
                        group = classify(
                            RUNNING, False, True, True, start_ms[i], READY_TRUE, ready_ms[i], sampled_ms, 15_000,
                            now_ms, specs.row[h, S_CPU_INIT_MS], specs.row[h, S_READY_DELAY_MS],
                        )  # fmt: skip
                        add_pods(g, group, 1, 1, usage[i] + wave, 1000, percent)
                else:
                    add_counted(g, pods, pods * (500 + wave), pods * 1000)
                propose(specs, state, h, h, pods, pods)
            desired = decide(specs, state, h, now_ms, pods, step)
            commit(specs, state, h, now_ms, pods, pods, True)
            total += desired + (next_change_ms(specs, state, h, now_ms, pods) & 1)
    return total


def nanoseconds(pods: int, one_by_one: bool, behavior: object = None, syncs: int = 2000, hpas: int = 100) -> float:
    """Best of five, per sync."""
    spec = {"minReplicas": 1, "maxReplicas": 10_000, "behavior": behavior}
    spec["metrics"] = [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 52}}}
    ]
    specs = compile_specs([spec] * hpas)
    state = new_state(specs)
    start_ms = np.full(pods, 1000, np.int64)
    usage = np.full(pods, 500, np.int64)
    args = (specs, state, start_ms, start_ms + 5000, usage)
    many_syncs(*args, 1, hpas, one_by_one)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        many_syncs(*args, syncs, hpas, one_by_one)
        best = min(best, time.perf_counter() - began)
    return best / (syncs * hpas) * 1e9


if __name__ == "__main__":
    began = time.perf_counter()
    nanoseconds(10, True, syncs=1)
    print(f"compile or load: {time.perf_counter() - began:.1f} s")
    print(f"10 pods, one by one:              {nanoseconds(10, True):7.0f} ns")
    print(f"10 pods, one by one, behavior:    {nanoseconds(10, True, BEHAVIOR):7.0f} ns")
    print(f"10 pods, in one step:             {nanoseconds(10, False):7.0f} ns")
    print(f"1,000 pods, one by one:           {nanoseconds(1000, True, syncs=100):7.0f} ns")
