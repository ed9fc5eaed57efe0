"""One case from beginning to end, in whatever process: load, look whether it is done already, simulate, keep."""

from __future__ import annotations

import functools
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from capsim.errors import CapsimError
from capsim.result import Result
from capsim.scenario import Scenario
from capsim.study.cases import Case, ScenarioFiles
from capsim.study.identity import identity
from capsim.study.measures import Measures, measures_of
from capsim.study.store import finished, keep

Status = Literal["done", "kept", "failed"]
INTERNAL = 3  # exit code of a failure that nobody foresaw: the run failed


@dataclass(frozen=True)
class Outcome:
    """How one case ended. ``kept``: it was done by an earlier batch and read from its folder."""

    scenario: str
    seed: int | None
    status: Status
    measures: Measures = field(default_factory=dict)
    folder: str = ""
    """Relative to the batch folder."""
    scenario_sha256: str = ""
    wall_s: float = 0.0
    """Wall-clock time that it took in its worker, s."""
    message: str = ""
    exit_code: int = 0
    traceback: str = ""


@dataclass(frozen=True)
class Work:
    """What a batch does with each case; picklable, called in the workers."""

    out: Path | None
    """Batch folder; None: nothing is written."""
    frames: bool = False
    again: bool = False
    command: tuple[str, ...] = ()
    batch_id: str = ""
    """Scenarios are read once per worker and batch: a file may change between two batches of one process."""

    def __call__(self, case: Case) -> Outcome:
        """Never raises, except KeyboardInterrupt: whatever goes wrong is the outcome of this case alone."""
        since = time.perf_counter()
        try:
            return self._run(case, since)
        except CapsimError as error:
            message, code, trace = str(error), error.exit_code, ""
        except Exception as error:
            message, code, trace = f"internal error: {type(error).__name__}: {error}", INTERNAL, traceback.format_exc()
        took = time.perf_counter() - since
        return Outcome(case.scenario, None, "failed", wall_s=took, message=message, exit_code=code, traceback=trace)

    def _run(self, case: Case, since: float) -> Outcome:
        scenario = self._scenario(case)
        resolved = scenario.dump_resolved()
        origin = identity(resolved, scenario.seed, self.command)
        name = f"{case.scenario}/seed-{scenario.seed}" if self.out is not None else ""
        folder = self.out / name if self.out is not None else None
        summary = finished(folder, origin, self.frames) if folder is not None and not self.again else None
        status: Status = "done" if summary is None else "kept"
        if summary is None:
            summary = self._simulate(scenario, resolved, origin, folder)
        return Outcome(
            case.scenario,
            scenario.seed,
            status,
            measures_of(summary),
            folder=name,
            scenario_sha256=origin["scenario_sha256"],
            wall_s=time.perf_counter() - since,
        )

    def _scenario(self, case: Case) -> Scenario:
        source = case.source
        scenario = _loaded(source, self.batch_id) if isinstance(source, ScenarioFiles) else source
        return scenario.model_copy(update={"seed": scenario.seed + case.seed_step}) if case.seed_step else scenario

    def _simulate(
        self, scenario: Scenario, resolved: str, origin: dict[str, Any], folder: Path | None
    ) -> dict[str, Any]:
        result = simulate(scenario, origin)
        if result.partial:
            raise KeyboardInterrupt  # the engine turns it into a partial result; a batch repeats the run next time
        if folder is not None:
            keep(result, resolved, folder, self.frames)
        return result.summary.model_dump()


def simulate(scenario: Scenario, origin: dict[str, Any]) -> Result:
    """Run a scenario whose provenance is known already."""
    from capsim.engine.run import run_scenario  # imports numba

    got = run_scenario(scenario)
    return Result(scenario, got.series, got.pods, got.nodes, got.events, got.facts, origin)


@functools.lru_cache(maxsize=4)
def _loaded(files: ScenarioFiles, batch_id: str) -> Scenario:
    return files.load()
