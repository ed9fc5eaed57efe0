"""Run in a process of its own: simulates pickled scenarios and prints a digest of each, one per line."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from capsim.engine.drive import Simulation
from tests.properties.frames import digest


def digests(scenarios) -> list[str]:
    """Digest of each scenario's run."""
    found = []
    for scenario in scenarios:
        sim = Simulation(scenario)
        sim.advance(scenario.duration_ms)
        found.append(digest(sim))
    return found


if __name__ == "__main__":
    print("\n".join(digests(pickle.loads(Path(sys.argv[1]).read_bytes()))))
