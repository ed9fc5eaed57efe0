"""The suite ``hpa``: recorded decisions of the HorizontalPodAutoscaler controller v1.36.2.

Files are (gzipped) JSON: a list of single evaluations, a list of timelines, or the tables of upstream's own tests.
Compared are replicas, usage, errors, and for every sync desired replicas, recommendation, conditions, reasons, events
and metric statuses; pod names in error texts are not, because upstream walks pods in random order.
"""

from __future__ import annotations

import gzip
import json as json_module
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from capsim.conformance import Report
from capsim.conformance.hpa_single import replay_single
from capsim.conformance.hpa_timeline import replay_timeline
from capsim.conformance.hpa_upstream import replay_upstream

ENDINGS = (".json", ".json.gz")


def run(paths: Iterable[str | Path], json: bool = False) -> Report | dict[str, Any]:
    """Replay the recordings in files and folders; returns the report, as a dict if ``json``.

    Raises FileNotFoundError where a path does not exist or a folder holds no recording, ValueError for a file that is
    not a recording.
    """
    report = Report("hpa")
    for path in paths:
        for file in recordings(Path(path)):
            replay(load(file), report, file)
    return report.as_dict() if json else report


def recordings(path: Path) -> list[Path]:
    """The recordings that a path stands for."""
    if path.is_file():
        return [path]
    found = sorted(file for file in path.glob("*.json*") if file.name.endswith(ENDINGS))
    if not found:
        raise FileNotFoundError(f"{path}: no recordings ({', '.join('*' + ending for ending in ENDINGS)})")
    return found


def load(file: Path) -> Any:
    """Content of a recording; raises ValueError if it is not JSON."""
    data = file.read_bytes()
    try:
        return json_module.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{file}: not a recording: {error}") from error


def replay(content: Any, report: Report, file: Path | str) -> None:
    """Replay the content of one file."""
    if isinstance(content, dict) and "replica_calculator" in content:
        replay_upstream(content, report)
        return
    if not isinstance(content, list):
        raise ValueError(f"{file}: not a recording of the HPA: a list of cases or upstream's tables expected")
    for case in content:
        if "steps" in case:
            replay_timeline(case, report)
        elif "metric" in case:
            replay_single(case, report)
        else:
            report.cases += 1
            report.unsupported["a case that is neither a single evaluation nor a timeline"] += 1
