"""The suite ``end_to_end``: a real control plane recorded in real time, and capsim's own over the same inputs.

From a recording come its inputs, its phases (HPA created, scrape, autoscaler loop, the scheduler's flush) and which
pods of a class chance deleted; everything else must follow: every replica change, the metrics and conditions of every
HPA sync, pending pods, FailedScheduling texts, scale-ups and scale-downs of nodes, each within 1.5 s.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from capsim.conformance.end_to_end_chance import removals
from capsim.conformance.end_to_end_compare import compare_run
from capsim.conformance.end_to_end_report import TimedReport
from capsim.conformance.end_to_end_run import replay
from capsim.conformance.hpa import load, recordings

KEYS = ("meta", "inputs", "timeline", "derived")


def run(paths: Iterable[str | Path], json: bool = False) -> TimedReport | dict[str, Any]:
    """Replay the recordings in files and folders; returns the report, as a dict if ``json``.

    Raises FileNotFoundError where a path does not exist or a folder holds no recording, ValueError for a file that is
    not a recording.
    """
    report = TimedReport("end_to_end")
    for path in paths:
        for file in recordings(Path(path)):
            replay_file(load(file), report, file)
    return report.as_dict() if json else report


def replay_file(content: Any, report: TimedReport, file: Path | str) -> None:
    """Replay one recording and compare."""
    if not isinstance(content, dict) or any(key not in content for key in KEYS):
        raise ValueError(f"{file}: not an end-to-end recording: an object with {', '.join(KEYS)} expected")
    try:
        replayed = replay(content)
    except KeyError as missing:
        raise ValueError(f"{file}: the recording's inputs lack {missing}") from missing
    report.cases += 1
    compare_run(str(content["meta"]["run"]), content, replayed, report)
    drawn = removals(content)
    if drawn is not None:
        report.chance.append(drawn)
