"""A real control plane, recorded in real time: capsim's comes to the same decisions, each within 1.5 s."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from capsim.conformance.end_to_end import replay_file, run
from capsim.conformance.end_to_end_chance import SEEDS
from capsim.conformance.end_to_end_cluster import CHANCE, NODE_EVENT, REPEAT, as_recorded
from capsim.conformance.end_to_end_compare import divided
from capsim.conformance.end_to_end_report import TOLERANCE_S, TimedReport
from capsim.conformance.end_to_end_run import counterparts
from capsim.conformance.end_to_end_scenario import scenario_of, shift_ms
from capsim.conformance.end_to_end_victims import Pod, class_of, recorded_pods, scale_downs
from capsim.conformance.hpa import load

DATA = Path(__file__).parent / "data" / "end_to_end"
RUNS = ["app10", "app10_run2", "app10_autoscaled", "app10_autoscaled_short1"]


@pytest.fixture(scope="module")
def recordings():
    return {name: load(DATA / f"{name}.json.gz") for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_comes_out_as_recorded(name):
    report = run([DATA / f"{name}.json.gz"])
    assert report.cases == 1
    assert report.decisions > 100
    assert report.mismatches == 0, report.text()
    assert set(report.unsupported) <= {NODE_EVENT, REPEAT}
    assert max(error["largest_s"] for error in report.errors().values()) <= TOLERANCE_S


def test_differences_are_found_and_named(recordings):
    wrong = copy.deepcopy(recordings["app10_autoscaled_short1"])
    wrong["derived"]["replicas"]["app10"][1] = [78.0, 4]
    event = next(e for e in wrong["timeline"] if e["k"] == "metrics_query" and e["t"] > 80)
    event["pods"] = {pod: [milli + 50, at, window] for pod, (milli, at, window) in event["pods"].items()}
    status = next(e for e in wrong["timeline"] if e["k"] == "hpa" and e["t"] > 100 and e.get("conds"))
    status["conds"]["AbleToScale"][1] = "ReadyForNewScale"
    failure = next(e for e in wrong["timeline"] if e.get("reason") == "FailedScheduling")
    failure["msg"] = "0/3 nodes are available: 3 Insufficient memory."
    next(e for e in wrong["timeline"] if e["k"] == "cloud" and e["what"] == "increase")["delta"] = 2
    report = TimedReport("end_to_end")
    replay_file(wrong, report, "-")
    fields = " ".join(mismatch.field for mismatch in report.first)
    for word in ("replicas", "replicas 4 at 78.000 s", "usage milli", "AbleToScale", "FailedScheduling", "scale-ups"):
        assert word in fields
    assert report.as_dict()["mismatches"] == report.mismatches >= 6


@pytest.mark.parametrize(
    "content", [[], {"meta": {}}, {"meta": {"run": "x"}, "inputs": {}, "timeline": [], "derived": {}}]
)
def test_what_is_no_recording_is_refused(content):
    with pytest.raises(ValueError, match="recording"):
        replay_file(content, TimedReport("end_to_end"), "x.json")


def test_the_scenario_has_the_phases_and_flags_of_the_recording(recordings):
    recording = recordings["app10_autoscaled_short1"]
    scenario = scenario_of(recording)
    assert shift_ms(recording) == 15_000
    assert scenario.control_plane.phases.hpa_ms == {"app10": 30_030}
    assert scenario.cluster_autoscaler.scale_down_unneeded_time_ms == 180_000
    assert scenario.objects.hpas[0].max_replicas == 10
    assert [group.max for group in scenario.node_groups] == [6]


def test_a_scale_down_that_cannot_be_fed_is_not_passed(recordings):
    other = copy.deepcopy(recordings["app10_autoscaled_short1"])
    for row in other["derived"]["pods"][:3]:
        row["node"] = "worker-1"
    report = TimedReport("end_to_end")
    replay_file(other, report, "-")
    assert report.mismatches == 0, report.text()
    assert report.unsupported[CHANCE] > 20


def test_taints_are_not_named_in_the_newer_release():
    older = "0/4 nodes are available: 1 node(s) had untolerated taint {a: b}, 3 Insufficient cpu. no new claims"
    newer = "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient cpu. no new claims"
    assert as_recorded(older) == newer
    two = (
        "0/6 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 node(s) had untolerated taint {c: }, "
        "3 Insufficient cpu. no"
    )
    assert as_recorded(two) == ("0/6 nodes are available: 3 Insufficient cpu, 3 node(s) had untolerated taint(s). no")


def test_victims_and_their_classes(recordings):
    ((app, at_s),) = scale_downs(recordings["app10"])
    pods, victims = recorded_pods(recordings["app10"], app, at_s)
    assert (len(pods), len(victims)) == (10, 8)
    assert class_of(Pod(0, None, 0.0, None, 0), 2, at_s) == (0, 0, 0)
    assert class_of(Pod(0, "n", 0.0, None, 0), 2, 300.0)[:2] == (1, 2)
    assert class_of(Pod(0, "n", 0.0, 0.0, 0), 2, 274.0) == (2, 2, 37)
    assert class_of(Pod(0, "n", 0.0, 0.0, 0), 2, 276.0) == (2, 2, 38)


def test_a_scrape_between_record_and_replay_is_a_race():
    assert divided(14.99, 15.2, [0.0, 15.0])
    assert not divided(15.03, 15.2, [0.0, 15.0])


def test_counterparts_need_the_same_spread():
    recorded = [Pod(0, "a", 0.0, 5.0, 0), Pod(1, "b", 1.0, 6.0, 1), Pod(2, "b", 2.0, 7.0, 2)]
    here = [Pod(7, "b", 0.0, 5.0, 7), Pod(8, "a", 1.0, 6.0, 8), Pod(9, "a", 2.0, 7.0, 9)]
    assert counterparts(recorded, {0, 2}, here, {"a", "b"}) == {7, 9}
    assert counterparts(recorded, {0}, here[:2], {"a", "b"}) is None
    assert counterparts(recorded, {0}, here, {"a"}) is None


@pytest.mark.skipif(SEEDS == 0, reason="twenty runs take minutes in plain Python")
def test_what_chance_decides_is_told_over_seeds():
    """The autoscaled recordings: whether a node becomes removable depends on which pods were drawn as victims."""
    report = run([DATA])
    assert [one.run for one in report.chance] == ["app10_autoscaled", "app10_autoscaled_short1"]
    for one in report.chance:
        counts = [len(times) for times in one.seeds_s]
        assert min(counts) <= len(one.recorded_s) <= max(counts)
        assert len(set(counts)) > 1, "seeds differ"
        assert f"chance in {one.run}" in report.text()
