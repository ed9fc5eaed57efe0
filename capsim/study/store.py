"""The folder of one run of a batch: always run.json, summary.json and scenario.resolved.yaml; frames when asked for.

The files are those of ``capsim run`` (``capsim.result.folder``). run.json is written last, so that a folder that has
it is complete, and removed first when a run is replaced.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from capsim.errors import OutputError
from capsim.result import Result, write
from capsim.result.folder import FORMAT
from capsim.result.thin import thin_models
from capsim.study.identity import same_run

LEAN = ("scenario.resolved.yaml", "summary.json")
FRAMES = "series/totals.parquet"


def finished(folder: Path, wanted: dict[str, Any], frames: bool) -> dict[str, Any] | None:
    """The summary in ``folder`` if it is that of the run ``wanted`` (a provenance), complete, with frames if asked."""
    run = _json(folder / "run.json")
    if run is None or run.get("partial") or not same_run(run.get("provenance", {}), wanted):
        return None
    files = run.get("files", {})
    if (frames and FRAMES not in files) or any(not (folder / name).is_file() for name in files):
        return None
    return _json(folder / "summary.json")


def keep(result: Result, resolved: str, folder: Path, frames: bool) -> None:
    """Write the run, whose scenario is ``resolved``; replaces an earlier one. Raises :class:`OutputError`."""
    if frames:
        write(result, folder)
        return
    try:
        _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        texts = {LEAN[0]: resolved, LEAN[1]: result.summary.model_dump_json(indent=2) + "\n"}
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        replace_text(folder / "run.json", json.dumps(_run_json(result, texts), indent=2) + "\n")
    except OSError as problem:
        raise OutputError(f"{problem.strerror or problem} while writing the run folder {folder}") from problem


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader, or an interrupt, sees the old or the new one, never a half."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def _clear(folder: Path) -> None:
    """Remove the files of an earlier run here, which its run.json names, run.json first."""
    run = _json(folder / "run.json")
    if run is None:
        return
    (folder / "run.json").unlink(missing_ok=True)
    for name in run.get("files", {}):
        place = folder / name
        if not Path(name).is_absolute() and ".." not in Path(name).parts:
            place.unlink(missing_ok=True)
    for name in ("series", "figures"):
        if (folder / name).is_dir() and not any((folder / name).iterdir()):
            shutil.rmtree(folder / name)


def _run_json(result: Result, texts: dict[str, str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "provenance": result.provenance,
        "partial": result.partial,
        "facts": result.facts,
        "inventory": result.scenario.inventory.model_dump(mode="json"),
        "thin_models": {thin.part: thin.leaves_out for thin in thin_models(result.scenario)},
        "files": {name: len(text.encode()) for name, text in texts.items()},
    }


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
