"""The stories that the examples tell, as their run folders tell them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from capsim.cli import app
from capsim.result import Result, read
from capsim.result.frames import FRAMES

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
APP10 = "default/Deployment/app10"
NO_ROOM = "0/3 nodes are available: 3 Insufficient cpu. "
NO_ROOM_SELF_MANAGED = (
    "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "3 Insufficient cpu. "
)

pytestmark = [pytest.mark.plain, pytest.mark.bounds]


def _run(name: str, folder: Path, *words: str) -> Result:
    done = CliRunner().invoke(
        app, ["run", str(SCENARIOS / f"{name}.yaml"), "--out", str(folder), "--no-figures", *words]
    )
    assert done.exit_code == 0, done.output
    return read(folder)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The run folder of a story, run once; the first hour of it."""
    found: dict[str, Result] = {}

    def of(name: str) -> Result:
        if name not in found:
            found[name] = _run(name, tmp_path_factory.mktemp(name.replace("/", "-")))
        return found[name]

    return of


def _rescales(result: Result) -> list[tuple[float, int]]:
    """(s, new size) of every change by the HPA."""
    events = result.events[result.events["reason"] == "SuccessfulRescale"]
    sizes = events["message"].str.extract(r"New size: (\d+)")[0].astype(int)
    return list(zip(events["time_ms"] / 1000.0, sizes))


def _waited(result: Result) -> pd.DataFrame:
    return result.pods[result.pods["reason"] != ""]


def test_app10_two_pods_find_no_room_and_stay_pending(story):
    result = story("app10")
    up = [(at, size) for at, size in _rescales(result) if at < 900]
    assert up[0][0] > 180
    assert [size for _, size in up] == sorted(size for _, size in up)
    assert up[-1][1] == 10
    # Recorded: 255 s and 220 s, by the phase of HPA and scrape.
    assert 205 <= up[-1][0] <= 275
    waited = _waited(result)
    assert len(waited) == 2
    assert (waited["workload"] == APP10).all()
    assert waited["node"].isna().all()
    assert waited["reason"].str.startswith(NO_ROOM).all()
    assert result.summary.workloads[0].peak_ready == 8


def test_app10_comes_down_about_five_minutes_after_the_rush(story):
    down = [(at, size) for at, size in _rescales(story("app10")) if at > 900]
    # Recorded: 1216.6 and 1211.7 s: the last high recommendation and 20 syncs. There the load was scripted; here the
    # backlog of the rush keeps the pods busy for half a minute more.
    assert [size for _, size in down] == [2]
    assert 1205 <= down[0][0] <= 1265


def test_app10_summary_says_what_would_have_helped(story, tmp_path):
    need = story("app10").summary.zero_pending
    assert (need.nodes, need.more, need.node_group) == (4, 1, "worker")
    more = (
        "--set",
        "nodeGroups.worker.min=4",
        "--set",
        "nodeGroups.worker.max=4",
        "--set",
        "nodeGroups.worker.initial=4",
    )
    assert _run("app10", tmp_path, *more).summary.pending.pods == 0


def test_self_managed_names_the_control_plane_taint(story):
    waited = _waited(story("app10-selfmanaged"))
    assert len(waited) == 2
    assert waited["reason"].str.startswith(NO_ROOM_SELF_MANAGED).all()


def test_autoscaled_adds_a_node_and_the_pods_run(story):
    result = story("app10-autoscaled")
    new = result.nodes[result.nodes["requested_ms"] > 0].iloc[0]
    assert new["registered_ms"] - new["requested_ms"] == 40_000
    assert new["ready_ms"] - new["requested_ms"] == 60_000
    waited = _waited(result)
    assert waited["scheduled_ms"].notna().any()
    # Recorded: about 60 s of boot, and up to 10 s until the autoscaler's next scan.
    first = waited.sort_values("created_ms").head(2)
    assert first["pending_s"].between(58, 76).all()
    assert (first["node"] == new["name"]).all()


def test_autoscaled_gives_the_node_back_ten_minutes_after_it_became_unneeded(story):
    result = story("app10-autoscaled")
    gone = result.nodes[result.nodes["gone_ms"].notna()]
    assert len(gone) >= 1
    down = [at for at, size in _rescales(result) if size == 2]
    idle_s = (gone["deleting_ms"].iloc[0] / 1000.0) - max(
        at for at in down if at < gone["deleting_ms"].iloc[0] / 1000.0
    )
    assert 600 <= idle_s <= 640


def test_by_hand_the_node_comes_too_late(story):
    result = story("app10-manual")
    assert _rescales(result) == []
    new = result.nodes[result.nodes["requested_ms"] > 0].iloc[0]
    assert new["ready_ms"] - new["requested_ms"] == 20 * 60_000
    waited = _waited(result)
    assert len(waited) == 2
    assert waited["pending_s"].between(1195, 1205).all()


def test_a_single_host_has_nobody_waiting_and_loses_requests(story):
    result = story("single-host")
    assert _waited(result).empty
    assert result.summary.traffic.lost_ratio > 0.05
    assert {limit.kind for limit in result.summary.limits} & {"cpu-limit", "node-cpu"}


def test_same_seed_same_bytes_and_the_resolved_scenario_runs_again_to_them(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    _run("app10", first)
    done = CliRunner().invoke(app, ["run", str(first / "scenario.resolved.yaml"), "--out", str(second), "--no-figures"])
    assert done.exit_code == 0, done.output
    for path in [*sorted(first.rglob("*.parquet")), first / "scenario.resolved.yaml", first / "summary.json"]:
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path.name


STORY_WITH = {
    'series["responses"]': "journey/scenario",
    'series["objectives"]': "journey/scenario",
    'series["balance"]': "l4-l7/scenario",
    'series["network"]': "zones",
}
"""Frames that only runs have which ask for them."""


@pytest.mark.parametrize("name", list(FRAMES))
def test_frames_have_exactly_the_documented_columns(story, name):
    result = story(STORY_WITH.get(name, "app10"))
    frame = result.series[name.split('"')[1]] if name.startswith("series") else getattr(result, name)
    assert set(frame.columns) == {column.name for column in FRAMES[name][1]}
