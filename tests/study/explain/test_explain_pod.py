"""Why pods were pending."""

from __future__ import annotations

import pytest

from capsim.engine.run import run_scenario
from capsim.errors import ScenarioError
from capsim.result import Result, write
from capsim.scenario import load
from capsim.study.explain.pod import explain_pod, thinned
from capsim.study.explain.pod_words import story
from capsim.study.explain.subject import choose, open_run, parse


def run_folder(scenario, folder):
    recording = run_scenario(scenario)
    write(
        Result(scenario=scenario, **{name: getattr(recording, name) for name in recording.__dataclass_fields__}), folder
    )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tests.study.conftest import APP10

    return run_folder(load(APP10, sets=["duration=30m"]), tmp_path_factory.mktemp("run"))


def stories(folder, only=None):
    import pandas as pd

    scenario, reached_ms = open_run(folder)
    assert reached_ms == scenario.duration_ms
    pods = pd.read_parquet(folder / "pods.parquet")
    names = pods[pods["reason"] != ""]["name"] if only is None else pods["name"].tail(only)
    return [explain_pod(folder, scenario, name) for name in names]


def test_a_pod_that_never_found_room(folder):
    first, second = stories(folder)
    assert (first.scheduled_ms, first.node) == (None, None)
    lines = story(first)
    assert "requests cpu 500m, memory 512 MiB" in lines[0]
    assert "never bound" in lines[1]
    assert "  nodes by reason: 3 × Insufficient cpu" in lines
    assert "  closest: worker-3: 250m cpu short; worker-1: 500m cpu short; worker-2: 500m cpu short" in lines
    assert lines[-1] == (
        "what would have helped: 250m cpu more on worker-3, or a request that much smaller; "
        "a larger max of group worker, which is at its max of 3"
    )
    assert first.as_dict()["attempts"][0]["nodes"][0]["short"] == {"cpu": 250}
    assert second.attempts[0].time_ms > first.attempts[0].time_ms


def test_pods_that_never_waited(folder):
    scenario, _ = open_run(folder)
    import pandas as pd

    name = pd.read_parquet(folder / "pods.parquet")["name"][0]
    assert "never pending: bound to worker-" in story(explain_pod(folder, scenario, name))[1]


def test_a_request_that_no_node_can_hold(tmp_path, app10):
    text = (
        f"apiVersion: capsim/v1\nname: big\nextends: {app10}\nduration: 5m\nobjects:\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: big, namespace: default}, "
        "spec: {containers: [{name: c, resources: {requests: {cpu: 3}}}]}}\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: picky, namespace: default}, "
        "spec: {nodeSelector: {disk: ssd}, containers: [{name: c}]}}\n"
    )
    (tmp_path / "big.yaml").write_text(text)
    folder = run_folder(load(tmp_path / "big.yaml"), tmp_path / "run")
    scenario, _ = open_run(folder)
    big, picky = (story(explain_pod(folder, scenario, name)) for name in ("big", "picky"))
    assert "no node of group worker: even an empty one is 1150m cpu short" in big[-1]
    assert "3 × node(s) didn't match Pod's node affinity/selector" in picky[3]
    assert picky[-1] == "what would have helped: nothing that the scenario has"


def test_repeats_are_left_out():
    looks = [(1, "a"), (2, "a"), (3, "b"), (4, "a"), (9, "a")]
    assert thinned(looks) == [(1, "a"), (3, "b"), (4, "a"), (9, "a")]
    many = [(at, str(at)) for at in range(20)]
    assert thinned(many) == [*many[:5], many[-1]]


def test_names():
    assert parse("pod/x/y") == ("pod", "x/y")
    assert choose("pod", "b", ["a/b", "c/d"]) == "a/b"
    for text in ("pods/x", "hpa", "hpa/"):
        with pytest.raises(ScenarioError, match="hpa/NAME, pod/NAME"):
            parse(text)
    with pytest.raises(ScenarioError, match=r"several .* a/b, c/b"):
        choose("pod", "b", ["a/b", "c/b"])
    with pytest.raises(ScenarioError, match="the run has none"):
        choose("hpa", "b", [])


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(ScenarioError, match="not a run folder"):
        open_run(tmp_path)
