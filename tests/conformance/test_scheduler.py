"""Recorded decisions of the real kube-scheduler: every one is capsim's own, by the plain scan and through the index."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from capsim.conformance import Report
from capsim.conformance.hpa import load
from capsim.conformance.scheduler import replay, run

DATA = Path(__file__).parent / "data" / "scheduler"
CASES = {
    "01_resources": 22,
    "02_scores_default": 21,
    "03_strategies": 36,
    "04_node_affinity": 19,
    "05_taints": 11,
    "06_interpod": 29,
    "07_spread": 38,
    "08_ports_cordon_nodename": 7,
    "09_init_sidecar_overhead": 13,
    "10_images": 9,
    "11_volumes": 5,
    "12_preemption": 35,
    "13_queue_gates": 5,
    "14_example_app10": 4,
    "15_adaptive": 7,
    "16_random_mixed": 36,
}


@pytest.mark.plain
@pytest.mark.parametrize("name", CASES)
def test_recordings(name):
    report = run([DATA / f"{name}.json.gz"])
    assert report.cases == CASES[name]
    assert report.clean, report.text()


def test_a_difference_is_found_and_named():
    case = copy.deepcopy(load(DATA / "14_example_app10.json.gz")["cases"][0])
    result = case["expect"]["results"][0]
    result["best"] = [*result["best"], 99]
    result["scores"]["NodeResourcesFit"][0] += 1
    report = Report("scheduler")
    replay(case, report)
    fields = {mismatch.field.split()[-1] for mismatch in report.first}
    assert fields == {"best", "scores"}
    assert report.mismatches == 3, "the best nodes twice, by scan and through the index; scores by scan"


def test_a_wrong_message_is_found():
    for case in load(DATA / "14_example_app10.json.gz")["cases"]:
        for result in case["expect"]["results"]:
            if "message" in result:
                wrong = copy.deepcopy(case)
                place = case["expect"]["results"].index(result)
                wrong["expect"]["results"][place]["message"] += " "
                report = Report("scheduler")
                replay(wrong, report)
                assert report.mismatches == 2
                return
    pytest.fail("no message in the recording")


def test_files_that_are_no_recordings(tmp_path):
    file = tmp_path / "x.json"
    file.write_text("[]")
    with pytest.raises(ValueError, match="not a recording of the scheduler"):
        run([file])
