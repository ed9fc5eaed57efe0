"""From a scenario to a Result: the engine's frames, with provenance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capsim.result.model import Result
from capsim.result.provenance import provenance
from capsim.scenario import Scenario


def run(scenario: Scenario, progress: Callable[[int], None] | None = None, custom: list[Any] | None = None) -> Result:
    """Simulate ``scenario``; ``progress`` is told the simulated time reached (ms) at least every 100 ms of wall time;
    ``custom`` are Python controllers (:class:`capsim.engine.custom.Custom`) that take part.

    An interrupt (Ctrl-C) ends the run early: the result then holds everything up to ``facts["reached_ms"]`` and is
    marked partial. Raises :class:`capsim.errors.RunError` when the simulation cannot go on.
    """
    from capsim.engine.run import run_scenario  # imports numba

    frames = run_scenario(scenario, progress=progress, custom=custom)
    return Result(
        scenario=scenario,
        series=frames.series,
        pods=frames.pods,
        nodes=frames.nodes,
        events=frames.events,
        facts=frames.facts,
        provenance=provenance(scenario),
    )
