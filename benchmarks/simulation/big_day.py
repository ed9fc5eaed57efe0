"""The generated big day in a process of its own, for its peak memory: ``python -m benchmarks.simulation.big_day``.

Prints JSON: CPU seconds of build and advance, of the reference beside it, peak memory, and what came out.
"""

from __future__ import annotations

import json
import resource
import time

from benchmarks import reference
from benchmarks.answers import outcome
from benchmarks.generated import BIG_DAY, Fleet, fleet_scenario
from capsim.engine.drive import Simulation
from capsim.engine.run import collect

LOOPS = 100


def main() -> None:
    """Run it once, warm."""
    small = fleet_scenario(Fleet("warm", workloads=2, days=0.05, pods_each=5, node_milli=16_000, most_nodes=20))
    Simulation(small).advance(small.duration_ms)
    reference.compiled()
    scenario = fleet_scenario(BIG_DAY)
    before_s = reference.cpu_seconds(reference.compiled, LOOPS)
    began = time.process_time()
    sim = Simulation(scenario)
    built = time.process_time()
    sim.advance(scenario.duration_ms)
    ended = time.process_time()
    after_s = reference.cpu_seconds(reference.compiled, LOOPS)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    totals = collect(sim).series["totals"]
    answer = {
        "outcome": outcome(sim),
        "pods_peak": float(totals.pods_ready.max()),
        "nodes_peak": int(totals.nodes_ready_max.max()),
        "pending_peak": int(totals.pods_pending_max.max()),
        "lost_ratio": float(totals.lost_rps.sum() / totals.rps.sum()),
    }
    seconds = {"build_s": built - began, "advance_s": ended - built, "reference_s": (before_s + after_s) / 2}
    print(json.dumps({**seconds, "peak_mib": peak_mib, "answer": answer}))


if __name__ == "__main__":
    main()
