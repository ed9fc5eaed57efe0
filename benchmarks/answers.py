"""What a run must bring out again, however often it is measured."""

from __future__ import annotations

from capsim.engine.drive import Simulation
from capsim.state.tables import C_CA_SCANS, C_INSTANTS, NODE_TOP, POD_TOP, UID


def outcome(sim: Simulation) -> tuple[int, ...]:
    """Counters of the engine and how far its tables are used.

    Not the numbers of instants and of the autoscaler's scans: one that is interrupted, for a breath (these follow the
    clock on the wall) or for a larger table, may be counted again.
    """
    clock = sim.state.clock
    counters = clock.counters.tolist()
    counters[C_INSTANTS] = counters[C_CA_SCANS] = 0
    return (*counters, *(int(clock.values[column]) for column in (UID, POD_TOP, NODE_TOP)))
