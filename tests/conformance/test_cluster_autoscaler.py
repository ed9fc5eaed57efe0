"""Recorded decisions of the real Cluster Autoscaler: capsim's are the same, loop by loop."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from capsim.conformance import Report
from capsim.conformance.cluster_autoscaler import load, replay, run

DATA = Path(__file__).parent / "data" / "cluster_autoscaler"
CASES = {
    "estimator": (242, 1423),
    "expander": (155, 502),
    "scaledown": (110, 3008),
    "timelines": (92, 87645),
    "fuzz": (80, 141908),
}


@pytest.mark.plain
@pytest.mark.parametrize("name", CASES)
def test_recordings(name):
    report = run([DATA / f"{name}.json.gz"])
    assert (report.cases, report.decisions) == CASES[name]
    assert report.clean, report.text()


def test_a_difference_is_found_and_named():
    content = load(DATA / "timelines.json.gz")
    case = next(case for case in content["cases"] if any(loop.get("during") for loop in case["output"]["loops"]))
    wrong = copy.deepcopy(case)
    loop = next(loop for loop in wrong["output"]["loops"] if loop.get("during"))
    loop["during"] = []
    report = Report("cluster_autoscaler")
    replay({"cases": [wrong]}, report, "-")
    assert report.mismatches == 1
    assert report.first[0].case.startswith(case["id"])
    assert "during" in report.text()


def test_what_it_does_not_know_is_said():
    report = Report("cluster_autoscaler")
    replay({"cases": [{"id": "x", "input": {}, "output": {}}]}, report, "-")
    assert sum(report.unsupported.values()) == 1
    with pytest.raises(ValueError, match="not a recording"):
        replay([], report, "-")
