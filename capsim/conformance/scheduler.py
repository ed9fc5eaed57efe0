"""The suite ``scheduler``: recorded decisions of kube-scheduler v1.34.1.

Each case runs twice, by the plain scan and through the index. Compared per pod: refused nodes with plugin, code and
reasons, every plugin's score, totals, the set of best nodes, the chosen node, the event's message, preemption
candidates with victims, and the retry after a preemption.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from capsim.conformance import Report
from capsim.conformance.hpa import load, recordings
from capsim.conformance.scheduler_replay import Replay


def run(paths: Iterable[str | Path], json: bool = False) -> Report | dict[str, Any]:
    """Replay the recordings in files and folders; returns the report, as a dict if ``json``.

    Raises FileNotFoundError where a path does not exist or a folder holds no recording, ValueError for a file that is
    not a recording.
    """
    report = Report("scheduler")
    for path in paths:
        for file in recordings(Path(path)):
            content = load(file)
            if not isinstance(content, dict) or not isinstance(content.get("cases"), list):
                raise ValueError(f"{file}: not a recording of the scheduler: an object with cases expected")
            for case in content["cases"]:
                replay(case, report, file.name.split(".")[0])
    return report.as_dict() if json else report


def replay(case: dict[str, Any], report: Report, name: str = "") -> None:
    """Replay one case both ways."""
    report.cases += 1
    for indexed in (False, True):
        Replay(case, report, f"{name}/{case.get('name')}{'/index' if indexed else ''}", indexed).run()
