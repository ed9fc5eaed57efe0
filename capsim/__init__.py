"""capsim: capacity planning and autoscaling benchmarks for Kubernetes, in virtual time.

Everything that the command line does is one call here::

    import capsim

    scenario = capsim.load("scenarios/app10.yaml")
    result = capsim.run(scenario)
    result.series["workloads"], result.pods, result.nodes, result.events, result.summary, result.cost()

Libraries are imported on first use: ``capsim --help`` waits for neither numba nor pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capsim.result import Result
    from capsim.scenario import Scenario

__all__ = ["load", "run"]


def load(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
    overlays: Sequence[str | PathLike[str]] = (),
    sets: Sequence[str] = (),
    seed: int | None = None,
) -> Scenario:
    """Read a scenario: :func:`capsim.scenario.load`. Raises :class:`capsim.errors.ScenarioError` with all problems."""
    from capsim.scenario import load as load_scenario

    return load_scenario(path, overlays=overlays, sets=sets, seed=seed)


def run(scenario: Scenario, progress: Callable[[int], None] | None = None, custom: list[Any] | None = None) -> Result:
    """Simulate a scenario: :func:`capsim.result.run.run`."""
    from capsim.result.run import run as run_scenario

    return run_scenario(scenario, progress=progress, custom=custom)
