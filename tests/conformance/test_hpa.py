"""Recorded decisions of the real HPA controller: every one is capsim's own."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from capsim.conformance import Report
from capsim.conformance.hpa import load, replay, run
from capsim.conformance.hpa_timeline import Timeline
from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa.defaults import full_spec
from capsim.units import parse_quantity

DATA = Path(__file__).parent / "data" / "hpa"
CASES = {
    "single_handmade": 201,
    "single_random": 1500,
    "timeline_handmade": 80,
    "timeline_random": 150,
    "upstream_cases": 240,
}


@pytest.mark.plain
@pytest.mark.parametrize("name", CASES)
def test_recordings(name):
    report = run([DATA / f"{name}.json.gz"])
    assert report.cases == CASES[name]
    assert report.clean, report.text()


def test_a_folder_and_the_machine_readable_report(tmp_path):
    (tmp_path / "one.json.gz").write_bytes((DATA / "single_handmade.json.gz").read_bytes())
    assert run([tmp_path], json=True) == {
        "suite": "hpa",
        "cases": 201,
        "decisions": 402,
        "mismatches": 0,
        "unsupported": {},
        "first_mismatches": [],
    }


def test_a_difference_is_found_and_named():
    cases = load(DATA / "single_handmade.json.gz")[:1]
    wrong = copy.deepcopy(cases)
    wrong[0]["out"]["replicas"] += 1
    report = Report("hpa")
    replay(wrong, report, "-")
    assert report.mismatches == 2
    assert report.first[0].case == "u_up"
    assert "expected" in report.text()
    timeline = copy.deepcopy(load(DATA / "timeline_handmade.json.gz")[0])
    timeline["steps"] = timeline["steps"][:30]
    timeline["steps"][20]["out"]["conds"] = {}
    timeline["steps"][21]["out"]["rec_len"] += 1
    report = Report("hpa")
    replay([timeline], report, "-")
    assert [(m.case, m.field) for m in report.first] == [
        ("nobeh_spike[20]", "conds"),
        ("nobeh_spike[21]", "rec_len"),
        ("nobeh_spike[20]/skipping", "conds"),
        ("nobeh_spike[21]/skipping", "rec_len"),
    ]


def test_what_cannot_be_replayed_is_not_passed():
    report = Report("hpa")
    replay([{"id": "x"}], report, "-")
    replay({"replica_calculator": [], "new_table": [{}, {}]}, report, "-")
    assert (report.cases, sum(report.unsupported.values()), report.clean) == (3, 3, False)


@pytest.mark.parametrize(
    ("content", "words"), [(b"{", "not a recording"), (b"{}", "a list of cases"), (b"\x1f\x8b1", "not")]
)
def test_files_that_are_no_recordings(tmp_path, content, words):
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        run([file])


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no recordings"):
        run([tmp_path])


def test_the_skipping_replay_skips():
    case = load(DATA / "timeline_handmade.json.gz")[0]
    timeline, skipped = Timeline(case, fast=True), 0
    for step in case["steps"]:
        timeline.step(step["in"])
        skipped += timeline.last_skipped_ms == step["in"]["t"]
    assert skipped > len(case["steps"]) // 2


def defaulted(spec):
    """What defaulting decides about; tolerances as numbers, for 0.25 and 250m are the same."""
    behavior = {name: dict(rules) for name, rules in (spec.get("behavior") or {}).items()}
    for rules in behavior.values():
        if "tolerance" in rules:
            rules["tolerance"] = parse_quantity(rules["tolerance"])
    return [spec["minReplicas"], spec["maxReplicas"], spec["metrics"], behavior]


def test_defaults_equal_the_recorded_ones():
    for name in ("timeline_handmade", "timeline_random"):
        for case in load(DATA / f"{name}.json.gz"):
            assert defaulted(full_spec(case["hpa"])) == defaulted(case["hpa_defaulted"]), case["id"]


def test_codes_are_unique():
    for table in (c.ABLE_TO_SCALE, c.SCALING_ACTIVE, c.SCALING_LIMITED, c.SCALED_TO_ZERO):
        assert len(set(table.values())) == len(table)
