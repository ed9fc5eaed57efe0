"""The run folder: what ``capsim run`` writes and ``capsim.result.read`` reads back.

``run.json`` (provenance; the only file with wall-clock times), ``summary.json``, ``scenario.resolved.yaml``,
``series/*.parquet``, ``events.parquet``, ``pods.parquet``, ``nodes.parquet``, ``figures/*.png``.

All files are written to a hidden folder beside their place first and moved when the last one is complete: a full disk
leaves what was there before, never half a result.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from capsim.errors import OutputError
from capsim.result.model import Result
from capsim.result.provenance import provenance
from capsim.result.thin import thin_models

FORMAT = 1  # of the folder; raised when a reader of the old one would be misled
SERIES = ("workloads", "node_groups", "totals")
ASKED_FOR = ("responses", "objectives", "balance", "network")
"""Series that a run has only where its scenario asks for response times, objectives, L4 balancing or network costs."""
TABLES = ("pods", "nodes", "events")
Writer = Callable[[Path], None]


def write(result: Result, directory: Path, extras: Mapping[str, Writer] | None = None) -> Path:
    """Write the run folder and return it; ``extras`` are further files (name -> function that writes it), as figures.

    Raises :class:`OutputError`, which says what was written (nothing of this run) and what was being written.
    """
    writers: dict[str, Writer] = {
        "scenario.resolved.yaml": lambda path: _text(path, result.scenario.dump_resolved()),
        "summary.json": lambda path: _text(path, result.summary.model_dump_json(indent=2) + "\n"),
    }
    writers |= {f"series/{name}.parquet": _parquet(result.series[name]) for name in SERIES}
    writers |= {f"series/{name}.parquet": _parquet(result.series[name]) for name in ASKED_FOR if name in result.series}
    writers |= {f"{name}.parquet": _parquet(getattr(result, name)) for name in TABLES}
    writers |= dict(extras or {})
    stage = _stage(directory)
    doing = ""
    try:
        for name, writer in writers.items():
            doing = name
            (stage / name).parent.mkdir(exist_ok=True)
            writer(stage / name)
        doing = "run.json"
        _text(stage / doing, json.dumps(_run_json(result, stage), indent=2) + "\n")
        _move(stage, directory)
    except OSError as problem:
        raise _failure(problem, directory, doing) from problem
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return directory


def check_writable(directory: Path) -> None:
    """Raise :class:`OutputError` when a run folder cannot be made here: asked before a long run, not after it."""
    shutil.rmtree(_stage(directory), ignore_errors=True)


def read(directory: str | Path) -> Result:
    """Read a run folder back; the summary is computed anew from the frames.

    Raises :class:`OutputError` when it is not a run folder, or a file of it is missing or damaged.
    """
    from capsim.scenario import load

    folder = Path(directory)
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if run.get("format") != FORMAT:
            raise ValueError(f"run.json has format {run.get('format')!r}, this version reads {FORMAT}")
        return Result(
            scenario=load(folder / "scenario.resolved.yaml"),
            series={name: _table(folder / "series" / f"{name}.parquet") for name in _series_of(folder)},
            **{name: _table(folder / f"{name}.parquet") for name in TABLES},
            facts=run["facts"],
            provenance=run["provenance"],
        )
    except (OSError, ValueError, KeyError, pa.ArrowException) as problem:
        raise OutputError(f"{folder} is not a readable run folder: {problem}") from problem


def _series_of(folder: Path) -> list[str]:
    return [*SERIES, *(name for name in ASKED_FOR if (folder / "series" / f"{name}.parquet").is_file())]


def _stage(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".writing-", dir=directory))
    except OSError as problem:
        raise OutputError(
            f"cannot write to {directory}: {problem.strerror or problem}. Nothing was written there; "
            "choose another place with --out."
        ) from problem


def _failure(problem: OSError, directory: Path, doing: str) -> OutputError:
    return OutputError(
        f"{problem.strerror or problem} while writing {doing} to {directory}. Nothing of this run was kept there, and "
        "what was there before is unchanged; free some space, or choose another place with --out."
    )


def _move(stage: Path, directory: Path) -> None:
    """Replace the files of an earlier run by the new ones; run.json goes last: a folder that has it is complete."""
    new = sorted((path for path in stage.rglob("*") if path.is_file()), key=lambda path: path.name == "run.json")
    stale = _listed(directory) - {path.relative_to(stage).as_posix() for path in new}
    (directory / "run.json").unlink(missing_ok=True)
    for name in stale:
        (directory / name).unlink(missing_ok=True)
    for path in new:
        place = directory / path.relative_to(stage)
        place.parent.mkdir(exist_ok=True)
        os.replace(path, place)


def _listed(directory: Path) -> set[str]:
    """Files that an earlier run.json here names: only those are ours to remove."""
    try:
        names = json.loads((directory / "run.json").read_text(encoding="utf-8"))["files"]
        return {name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _run_json(result: Result, stage: Path) -> dict[str, Any]:
    files = sorted(path for path in stage.rglob("*") if path.is_file())
    return {
        "format": FORMAT,
        "provenance": result.provenance or provenance(result.scenario),
        "partial": result.partial,
        "facts": result.facts,
        "inventory": result.scenario.inventory.model_dump(mode="json"),
        "thin_models": {thin.part: thin.leaves_out for thin in thin_models(result.scenario)},
        "files": {path.relative_to(stage).as_posix(): path.stat().st_size for path in files},
    }


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _parquet(frame: pd.DataFrame) -> Writer:
    def writer(path: Path) -> None:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(table, path, compression="zstd")

    return writer


def _table(path: Path) -> pd.DataFrame:
    frame: pd.DataFrame = pq.read_table(path).to_pandas()
    return frame
