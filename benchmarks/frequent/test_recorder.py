"""Closing a sample of the recorder."""

from __future__ import annotations

import pytest

from benchmarks.generated import MONTH, fleet_scenario
from capsim.engine.drive import Simulation, copy_tables
from capsim.engine.recorder import Q_CPU_REQUESTED, Q_READY, close_sample
from capsim.jit import entry
from capsim.state.tables import SAMPLE_START

SAMPLES = 500


@entry
def close_many(clock, workloads, physics, samples, count):
    """Close ``count`` samples of a minute; the buffer is used anew for each."""
    for _ in range(count):
        samples.count[0] = 0
        close_sample(clock, workloads, physics, samples, clock.values[SAMPLE_START] + 60_000)
    return clock.values[SAMPLE_START]


def test_close_sample(measure):
    sim = Simulation(fleet_scenario(MONTH))
    state = sim.state
    rows = state.samples.value.shape[0]

    def fresh():
        return (*(copy_tables(part) for part in (state.clock, state.workloads, state.physics, state.samples)), SAMPLES)

    reached = measure(close_many, prepare=fresh, amount=SAMPLES * rows, unit="rows/s")
    assert reached == SAMPLES * 60_000
    arguments = fresh()
    close_many(*arguments)
    out, values = arguments[3].out[0], state.samples.value
    for column in (Q_READY, Q_CPU_REQUESTED):
        assert out[:, column] == pytest.approx(values[:, column]), "what did not change is its own mean"
