"""The tables of a batch: one row per run, and one row per scenario and measure with its spread over the seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from capsim.study.measures import unit_of
from capsim.study.work import Outcome

RUN_COLUMNS = ("scenario", "seed", "status", "message", "wall_s", "folder", "scenario_sha256")
SUMMARY_COLUMNS = ("scenario", "measure", "unit", "runs", "mean", "min", "max", "std")


def runs_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """A row per run: scenario, seed, status, message, wall time, folder, hash, and a column per measure."""
    keys = _measure_names(outcomes)
    rows: list[dict[str, Any]] = [
        {column: getattr(outcome, column) for column in RUN_COLUMNS} | outcome.measures for outcome in outcomes
    ]
    frame = pd.DataFrame(rows, columns=[*RUN_COLUMNS, *keys])
    return frame.astype({"seed": "Int64", "wall_s": "float64", **dict.fromkeys(keys, "float64")})


def summary_table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """A row per scenario and measure: unit, number of runs that have it, mean, min, max and standard deviation.

    ``std`` is that of a sample (divided by runs - 1); 0 for a single run.
    """
    names = list(dict.fromkeys(outcome.scenario for outcome in outcomes))
    keys = _measure_names(outcomes)
    frames = [_spread(name, [o.measures for o in outcomes if o.scenario == name], keys) for name in names]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(SUMMARY_COLUMNS))
    return found[list(SUMMARY_COLUMNS)]


def _spread(scenario: str, measures: list[dict[str, float]], keys: list[str]) -> pd.DataFrame:
    values = pd.DataFrame(measures, columns=keys, dtype="float64")
    frame = pd.DataFrame(
        {
            "runs": values.count(),
            "mean": values.mean().clip(values.min(), values.max()),  # a sum of equal numbers may round
            "min": values.min(),
            "max": values.max(),
            "std": values.std(ddof=1).fillna(0.0),
        }
    )
    frame = frame.rename_axis("measure").reset_index()
    frame.insert(0, "scenario", scenario)
    frame.insert(2, "unit", [unit_of(key) for key in frame["measure"]])
    return frame[frame["runs"] > 0]


def _measure_names(outcomes: Iterable[Outcome]) -> list[str]:
    """All measures of any run, in the order in which a summary has them."""
    return list(dict.fromkeys(key for outcome in outcomes for key in outcome.measures))
