"""What upstream leaves to chance in a recorded run, over many seeds.

Which of several equal pods a scale-down deletes is drawn, and so which nodes are empty or easy to drain later. The
record is one draw: beside it stand the draws of other seeds, without the recorded victims.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from capsim.conformance.end_to_end_cluster import node_times
from capsim.conformance.end_to_end_run import begun
from capsim.conformance.end_to_end_scenario import Json, scenario_of, shift_ms
from capsim.engine.run import collect
from capsim.jit import PLAIN

SEEDS = 0 if PLAIN else 20
"""Runs beside a recording; plain Python would take minutes for each."""


@dataclass(frozen=True)
class Removals:
    """When nodes of one run were marked for deletion: recorded, and by seed; seconds of the recording."""

    run: str
    recorded_s: list[float]
    seeds_s: list[list[float]]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"run": self.run, "recorded_s": self.recorded_s, "seeds_s": self.seeds_s}

    def text(self) -> str:
        """For people."""
        counts = [len(times) for times in self.seeds_s]
        recorded = f"recorded {len(self.recorded_s)} nodes marked for deletion{_first(self.recorded_s[:1])}"
        firsts = sorted(times[0] for times in self.seeds_s if times)
        of = f"{len(firsts)} of {len(counts)} seeds mark one, {max(counts)} nodes at most{_first(firsts)}"
        return f"  chance in {self.run}: {recorded}; {of}"


def _first(times_s: list[float]) -> str:
    """When the first node is marked, in words."""
    if not times_s:
        return ""
    span = dict.fromkeys((f"{times_s[0]:.0f}", f"{times_s[-1]:.0f}"))
    return f", the first after {' to '.join(span)} s"


def removals(recording: Json, seeds: int = SEEDS) -> Removals | None:
    """The distribution for one recording; None where no autoscaler takes part, or no seeds are asked for."""
    inputs = recording["inputs"]
    if "max" not in inputs or seeds < 1:
        return None
    known = {node["name"] for node in inputs["nodes"]}
    recorded = sorted(at for at in node_times(recording, known)["tainted"] if at > 0)
    drawn = [removed(recording, seed) for seed in range(1, seeds + 1)]
    return Removals(str(recording["meta"]["run"]), recorded, drawn)


def removed(recording: Json, seed: int) -> list[float]:
    """When nodes are marked for deletion with one seed, s."""
    sim, shift = begun(recording, scenario_of(recording).replaced(seed=seed)), shift_ms(recording)
    sim.advance(sim.scenario.duration_ms)
    marked = collect(sim).nodes["deleting_ms"].dropna()
    return sorted((int(at) - shift) / 1000 for at in marked if int(at) > 0)
