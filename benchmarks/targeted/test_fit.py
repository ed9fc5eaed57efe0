"""How many more pods fit on 5,000 nodes with 100,000 pods, for 2,000 Deployments: counted, beside placing them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from benchmarks import reference
from benchmarks.generated import deployment, nodes
from benchmarks.generated import scenario as scenario_of
from capsim.engine.drive import Simulation
from capsim.state.tables import CPU, MEMORY, PODS
from capsim.study.fit import chosen, counted, fits_of, more_of

NODES, DEPLOYMENTS, REPLICAS, NODE_CPU_MILLI = 5000, 2000, 50, 16_000
SIZES = (100, 250, 500, 1000, 410)


@pytest.fixture(scope="module")
def scenario():
    workloads = [deployment(f"d{i}", REPLICAS, SIZES[i % len(SIZES)]) for i in range(DEPLOYMENTS)]
    group = nodes(NODE_CPU_MILLI, NODES, NODES, NODES)
    return scenario_of("full", workloads, group, duration_ms=60_000, initial_state="declared")


def test_fit(scenario, measure):
    """Target: 1 s for all of them, on a simulation that stands at its start."""
    sim = Simulation(scenario)
    rows = chosen(scenario, None)
    found = measure(lambda: fits_of(sim, rows), unit="fits/s", amount=1, target=1.0, rounds=5,
                    beside=reference.interpreted)  # fmt: skip
    table = sim.state.nodes
    free = (table.allocatable - table.requested)[:NODES]
    for answer in found[: len(SIZES)]:
        room = np.minimum(free[:, CPU] // answer.request_cpu_milli, free[:, MEMORY] // answer.request_memory_bytes)
        assert answer.more == np.minimum(room, free[:, PODS]).sum()


def test_counting_beside_placing(scenario, benchmark):
    sim = Simulation(scenario)
    answer = benchmark.pedantic(lambda: counted(sim, 3, 0), rounds=3)
    if not benchmark.disabled:
        began = time.process_time()
        assert answer == more_of(sim, 3, 0)
        benchmark.extra_info["times as fast"] = (time.process_time() - began) / benchmark.stats.stats.median
