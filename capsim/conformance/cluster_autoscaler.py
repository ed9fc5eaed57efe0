"""The suite ``cluster_autoscaler``: recorded decisions of the Cluster Autoscaler (core of June 2024, k8s 1.31).

Files are (gzipped) JSON ``{meta, cases}``: estimates, expander choices, or timelines of whole loops.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from capsim.conformance import Report
from capsim.conformance.cluster_autoscaler_estimator import replay_estimator
from capsim.conformance.cluster_autoscaler_expander import replay_expander
from capsim.conformance.cluster_autoscaler_options import NotSupported
from capsim.conformance.cluster_autoscaler_timeline import replay_timeline
from capsim.conformance.hpa import load, recordings


def run(paths: Iterable[str | Path], json: bool = False) -> Report | dict[str, Any]:
    """Replay the recordings in files and folders; returns the report, as a dict if ``json``.

    Raises FileNotFoundError where a path does not exist or a folder holds no recording, ValueError for a file that is
    not a recording.
    """
    report = Report("cluster_autoscaler")
    for path in paths:
        for file in recordings(Path(path)):
            replay(load(file), report, file)
    return report.as_dict() if json else report


def replay(content: Any, report: Report, file: Path | str, only: set[str] | None = None) -> None:
    """Replay the cases of one file, or those with the ids ``only``."""
    if not isinstance(content, dict) or not isinstance(content.get("cases"), list):
        raise ValueError(f"{file}: not a recording of the Cluster Autoscaler: an object with cases expected")
    unremovable = any("unremovable" in loop for c in content["cases"] for loop in c.get("output", {}).get("loops", []))
    for case in content["cases"]:
        if only is not None and case.get("id") not in only:
            continue
        report.cases += 1
        try:
            replay_case(case, report, unremovable)
        except NotSupported as what:
            report.unsupported[str(what)] += 1


def replay_case(case: Any, report: Report, unremovable: bool) -> None:
    """Replay one case of any of the three forms."""
    given, output = case.get("input", {}), case.get("output", {})
    if "loops" in output:
        replay_timeline(case, report, unremovable)
    elif "options" in given and "expander" in given:
        replay_expander(case, report)
    elif "template" in given and "pods" in given:
        replay_estimator(case, report)
    else:
        raise NotSupported("a case that is neither an estimate, a choice nor a timeline")
