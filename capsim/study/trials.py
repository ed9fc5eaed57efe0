"""Runs of scenarios that exist only in memory, each with the same seeds: common random numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from capsim.errors import CapsimError, RunError
from capsim.result.summary.model import Summary
from capsim.scenario import Scenario
from capsim.study.executors import Executor, cores, executor_for

PATIENCE_S = 8.0
"""What would take longer than this shares the cores; less is done before workers have started and loaded everything."""
Told = Callable[[int, int], None]
"""Told how many runs are done, of how many."""


@dataclass(frozen=True)
class Trial:
    """One run to do."""

    scenario: Scenario
    seed_step: int


def summaries(
    scenarios: Sequence[Scenario],
    seeds: int = 1,
    jobs: int | None = None,
    progress: Told | None = None,
    executor: Executor | None = None,
) -> list[list[Summary]]:
    """The summaries of each scenario, one per seed: its own and those that follow it.

    All run with ``executor``. Without one the first run is made here and measured; the others run in worker processes
    when that is worth it. Raises RunError for the first run that fails.
    """
    trials = [Trial(scenario, step) for scenario in scenarios for step in range(seeds)]
    done: dict[int, Any] = {}
    if executor is None:
        since = time.perf_counter()
        done[0] = simulated(trials[0])
        took_s = time.perf_counter() - since
        if progress is not None:
            progress(1, len(trials))
        left = len(trials) - 1
        executor = executor_for(min(jobs or cores(), left) if took_s * left > PATIENCE_S else 1)
    places = {id(trial): index for index, trial in enumerate(trials)}
    with closing(executor.run(simulated, trials[len(done) :])) as answers:  # type: ignore[type-var]
        for trial, answer in answers:
            done[places[id(trial)]] = answer
            if progress is not None:
                progress(len(done), len(trials))
    for index in range(len(trials)):
        if not isinstance(done.get(index), Summary):
            raise RunError(str(done.get(index) or "the worker process died of a run (killed, or out of memory)"))
    return [[done[place * seeds + step] for step in range(seeds)] for place in range(len(scenarios))]


def simulated(trial: Trial) -> Summary | str:
    """The summary of one run, or why it failed."""
    from capsim.study.work import simulate

    scenario = trial.scenario
    if trial.seed_step:
        scenario = scenario.model_copy(update={"seed": scenario.seed + trial.seed_step})
    try:
        result = simulate(scenario, {})
    except CapsimError as error:
        return str(error)
    if result.partial:
        raise KeyboardInterrupt  # the engine turns it into a partial result; half a comparison decides nothing
    return result.summary
