"""Opening a run folder that somebody may have copied, cut short or edited: a problem names its file and a way out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from capsim.errors import CapsimError, Problem, ScenarioError
from capsim.result import Result, Summary
from capsim.result.folder import ASKED_FOR, FORMAT, SERIES, TABLES
from capsim.result.frames import FRAMES
from capsim.scenario import Scenario

RUN, RESOLVED = "run.json", "scenario.resolved.yaml"
FITS = {
    "time": pa.types.is_integer,
    "count": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind),
    "mean": lambda kind: pa.types.is_floating(kind) or pa.types.is_integer(kind),
    "text": lambda kind: pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind),
}


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Facts(_Loose):
    reached_ms: int = Field(ge=0)
    partial: bool = False


class _Provenance(_Loose):
    scenario_sha256: str = ""
    command: list[str] = []


class _RunFile(_Loose):
    """What the report needs of run.json."""

    format: int
    facts: _Facts
    provenance: _Provenance
    files: dict[str, int] = {}


def open_run(folder: Path) -> Result:
    """Read a run folder.

    Raises :class:`capsim.errors.ScenarioError` (wrong input) with all problems: files that are missing, cut short or
    not what they should be, and what to do about it.
    """
    _check_folder(folder)
    document, run = _run_file(folder)
    problems = _missing(folder) or [
        problem for name in _frames(folder) for problem in _frame_problems(folder, name, run)
    ]
    if problems:
        raise ScenarioError(problems)
    tables = {name: _table(folder, name) for name in _frames(folder)}
    result = Result(
        scenario=_scenario(folder),
        series={path[7:-8]: table for path, table in tables.items() if path.startswith("series/")},
        **{name: tables[f"{name}.parquet"] for name in TABLES},
        facts=document["facts"],
        provenance=document["provenance"],
    )
    _check_together(folder, result)
    if (known := _summary(folder, result)) is not None:
        result.__dict__["summary"] = known  # where functools.cached_property keeps it
    return result


def resolved(folder: Path, result: Result) -> tuple[str, bool]:
    """The text of the resolved scenario, and whether it is another one than that which was run."""
    content, expected = (folder / RESOLVED).read_bytes(), result.provenance.get("scenario_sha256")
    changed = bool(expected) and hashlib.sha256(content).hexdigest() != expected
    return content.decode("utf-8", "replace"), changed


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise ScenarioError(
            Problem("there is no such run folder", str(folder), allowed="a folder that `capsim run` wrote")
        )
    if not folder.is_dir():
        raise ScenarioError(
            Problem("is a file, not a run folder", str(folder), allowed="the folder that `capsim run` wrote")
        )
    if not (folder / RUN).is_file():
        runs = sorted(path.parent.name for path in folder.glob(f"*/{RUN}"))[:5]
        hint = f"name one of the runs in it ({', '.join(runs)})" if runs else f"{again(folder)}"
        text = "is missing: this is no run folder, or the run was stopped while it was being written"
        raise ScenarioError(Problem(f"{text}; {hint}", str(folder / RUN)))


def again(folder: Path) -> str:
    """What to do about a damaged folder."""
    if (folder / RESOLVED).is_file():
        return f"run it again: capsim run {folder / RESOLVED} --out NEW_FOLDER"
    return "run the scenario again with `capsim run`, or copy the whole folder again"


def _run_file(folder: Path) -> tuple[dict[str, Any], _RunFile]:
    path = folder / RUN
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        run = _RunFile.model_validate(document)
    except ValidationError as wrong:
        problems = [
            Problem(f"{error['msg']}; {again(folder)}", str(path), key=".".join(str(part) for part in error["loc"]))
            for error in wrong.errors()
        ]
        raise ScenarioError(problems) from None
    except (OSError, ValueError, RecursionError) as wrong:
        raise ScenarioError(Problem(f"cannot be read ({wrong}); {again(folder)}", str(path))) from None
    if run.format != FORMAT:
        text = "was written by another version of capsim; read it with that version, or run the scenario again"
        raise ScenarioError(Problem(text, str(path), key="format", found=str(run.format), allowed=str(FORMAT)))
    return document, run


def _frames(folder: Path) -> dict[str, str]:
    """File of each frame -> its name in the table of columns."""
    asked = [name for name in ASKED_FOR if (folder / f"series/{name}.parquet").is_file()]
    return {
        **{f"series/{name}.parquet": f'series["{name}"]' for name in (*SERIES, *asked)},
        **{f"{name}.parquet": name for name in TABLES},
    }


def _missing(folder: Path) -> list[Problem]:
    names = [name for name in (*_frames(folder), RESOLVED) if not (folder / name).is_file()]
    return [Problem(f"is missing; {again(folder)}", str(folder / name)) for name in names]


def _frame_problems(folder: Path, name: str, run: _RunFile) -> list[Problem]:
    path = folder / name
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as wrong:
        size, written = path.stat().st_size, run.files.get(name)
        cut = (
            f" ({size:,} of {written:,} bytes are there)" if written is not None and size != written else f" ({wrong})"
        )
        return [Problem(f"is damaged, no Parquet file{cut}; {again(folder)}", str(path))]
    found = []
    for column in FRAMES[_frames(folder)[name]][1]:
        if column.name not in schema.names:
            found.append(Problem(f"has no column {column.name}; {again(folder)}", str(path)))
        elif not (pa.types.is_null(kind := schema.field(column.name).type) or FITS[column.kind](kind)):
            text = f"column {column.name} holds the wrong kind of values; {again(folder)}"
            found.append(Problem(text, str(path), found=str(kind), allowed=column.kind))
    return found


GAPS = ("series/responses.parquet",)
"""Frames whose numbers may be missing."""


def _table(folder: Path, name: str) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pq.read_table(folder / name).to_pandas()
    except (OSError, pa.ArrowException, ValueError) as wrong:
        raise ScenarioError(Problem(f"is damaged ({wrong}); {again(folder)}", str(folder / name))) from None
    for column in FRAMES[_frames(folder)[name]][1]:
        if (
            column.kind == "mean"
            and name not in GAPS
            and not (fine := np.isfinite(frame[column.name].to_numpy(np.float64))).all()
        ):
            text = f"column {column.name}, row {int(np.argmin(fine))} is not a number; {again(folder)}"
            raise ScenarioError(Problem(text, str(folder / name)))
    return frame


def _scenario(folder: Path) -> Scenario:
    from capsim.scenario import load

    try:
        return load(folder / RESOLVED)
    except CapsimError as wrong:
        advice = Problem("was damaged or edited, or what it names has changed; restore it, or run again", RESOLVED)
        raise ScenarioError([*wrong.problems, advice]) from None


def _summary(folder: Path, result: Result) -> Summary | None:
    """summary.json, if it is that of this run in this version; else it is computed from the frames, in a second."""
    try:
        known = Summary.model_validate_json((folder / "summary.json").read_bytes())
    except (OSError, ValueError):
        return None
    scenario, facts = result.scenario, result.facts
    expected = (scenario.name, scenario.seed, scenario.duration_ms, facts["reached_ms"], result.partial)
    same = (known.name, known.seed, known.duration_ms, known.reached_ms, known.partial) == expected
    return known if same else None


def _check_together(folder: Path, result: Result) -> None:
    """Files of two runs in one folder: pods of workloads that the scenario does not have."""
    known = {workload.key for workload in result.scenario.objects.workloads}
    strange = sorted({str(key) for key in result.pods["workload"].unique()} - known)
    if strange:
        text = f"names workload {strange[0]}, which {RESOLVED} does not have: the files are of different runs"
        raise ScenarioError(Problem(f"{text}; {again(folder)}", str(folder / "pods.parquet")))
