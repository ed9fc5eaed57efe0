"""A batch: many runs, their tables, and the folder that holds them (docs/guide/batch-and-compare.md has its layout)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from capsim.errors import OutputError
from capsim.result import check_writable
from capsim.study.cases import Case
from capsim.study.executors import Executor, cores, executor_for
from capsim.study.identity import SAME, common_origin
from capsim.study.store import replace_text
from capsim.study.tables import runs_table, summary_table
from capsim.study.work import INTERNAL, Outcome, Work

FORMAT = 1  # of the batch folder
DIED = "the worker process died of this run (killed, or out of memory)"
Progress = Callable[[Outcome], None]


@dataclass(frozen=True)
class Batch:
    """The outcomes of a batch, in the order of its cases. ``interrupted``: the last cases were not run."""

    outcomes: list[Outcome]
    interrupted: bool = False

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row per run: :func:`capsim.study.tables.runs_table`."""
        return runs_table(self.outcomes)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row per scenario and measure, with its spread over seeds: :func:`capsim.study.tables.summary_table`."""
        return summary_table(self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """The runs that failed, one per scenario and message: a scenario that cannot be read fails for every seed."""
        failed = [outcome for outcome in self.outcomes if outcome.status == "failed"]
        return list({(outcome.scenario, outcome.message): outcome for outcome in failed}.values())

    @property
    def exit_code(self) -> int:
        """0, or the highest exit code of a failure (2 wrong input, 3 run failed, 4 not written)."""
        return max((outcome.exit_code for outcome in self.failures), default=0)


def batch(
    cases: Sequence[Case],
    out: Path | None = None,
    *,
    jobs: int | None = None,
    frames: bool = False,
    again: bool = False,
    command: Sequence[str] = (),
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Batch:
    """Run all cases (:func:`capsim.study.cases.cases_of`) and write tables and run folders to ``out``.

    ``jobs``: worker processes (default: one per core); ``executor`` replaces them. ``frames``: keep every run's series
    as ``capsim run`` does. ``again``: repeat runs that ``out`` has already. ``progress`` is told each outcome as it
    comes. A case that fails does not stop the others; KeyboardInterrupt ends the batch early and keeps what is done.
    Raises :class:`capsim.errors.OutputError` when ``out`` cannot be written.
    """
    if out is not None:
        check_writable(out)
    work = Work(out, frames, again, tuple(command), uuid.uuid4().hex)
    workers = executor or executor_for(min(jobs or cores(), len(cases)))
    found, interrupted = _collect(work, list(cases), workers, progress)
    done = Batch([found[index] for index in sorted(found)], interrupted)
    if out is not None:
        write_tables(done, out, command)
    return done


def _collect(
    work: Work, cases: list[Case], workers: Executor, progress: Progress | None
) -> tuple[dict[int, Outcome], bool]:
    """Outcome by number of the case, and whether an interrupt ended it early."""
    places = {id(case): index for index, case in enumerate(cases)}
    found: dict[int, Outcome] = {}
    try:
        with closing(workers.run(work, cases)) as answers:  # type: ignore[type-var]
            for case, answer in answers:
                outcome = answer or Outcome(case.scenario, None, "failed", message=DIED, exit_code=INTERNAL)
                found[places[id(case)]] = outcome
                if progress is not None:
                    progress(outcome)
    except KeyboardInterrupt:
        return found, True
    return found, False


def write_tables(done: Batch, out: Path, command: Sequence[str] = ()) -> None:
    """Write batch.json, runs.* and summary.* (CSV and Parquet). Raises :class:`OutputError`."""
    try:
        for name, frame in (("runs", done.runs), ("summary", done.summary)):
            replace_text(out / f"{name}.csv", frame.to_csv(index=False))
            frame.to_parquet(out / f"{name}.parquet", index=False, compression="zstd")
        replace_text(out / "batch.json", json.dumps(_about(done, command), indent=2) + "\n")
    except OSError as problem:
        raise OutputError(f"{problem.strerror or problem} while writing the tables of the batch to {out}") from problem


def _about(done: Batch, command: Sequence[str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "provenance": common_origin(tuple(command)),
        "identified_by": list(SAME),
        "interrupted": done.interrupted,
        "runs": [
            {
                "scenario": outcome.scenario,
                "seed": outcome.seed,
                "status": outcome.status,
                "folder": outcome.folder,
                "wall_s": round(outcome.wall_s, 6),
                **({"message": outcome.message} if outcome.message else {}),
                **({"traceback": outcome.traceback} if outcome.traceback else {}),
            }
            for outcome in done.outcomes
        ],
    }
