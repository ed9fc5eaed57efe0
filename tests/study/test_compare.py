"""Comparing run folders and batch folders."""

from __future__ import annotations

import json
import shutil

import pytest

import capsim
from capsim.errors import ScenarioError
from capsim.result import write
from capsim.study.batch import batch
from capsim.study.cases import cases_of
from capsim.study.compare import compare
from capsim.study.compare_words import BEYOND, markdown
from capsim.study.executors import Serial
from capsim.study.folders import runs_in
from capsim.study.measures import HEADLINES
from capsim.study.pictures import draw_pair

THREE, FOUR = "three", "four"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two batches of one scenario with three seeds: three workers, and four."""
    from tests.study.conftest import APP10

    place = tmp_path_factory.mktemp("batches")
    for name, workers in ((THREE, 3), (FOUR, 4)):
        sets = ["duration=20m", f"nodeGroups.worker.max={workers}", f"nodeGroups.worker.initial={workers}"]
        batch(cases_of([APP10], seeds=3, sets=sets), place / name, executor=Serial())
    return place


def _measures(comparison):
    return {item.measure: item for item in comparison.pairs[0].differences}


def test_batches_seed_by_seed(folders):
    found = compare(folders / THREE, folders / FOUR)
    assert [pair.name for pair in found.pairs] == ["app10"]
    waited = _measures(found)["pending.pods"]
    assert (waited.a, waited.b, waited.difference, waited.beyond_noise) == (2, 0, -2, True)
    assert not _measures(found)["traffic.offered_requests"].beyond_noise


def test_headlines_come_first_and_nothing_is_left_out(folders):
    found = compare(folders / THREE, folders / FOUR).pairs[0]
    assert [item.measure for item in found.differences][: len(HEADLINES)] == [h.key for h in HEADLINES]
    every = {key for run in [*found.a, *found.b] for key in run.measures}
    assert {item.measure for item in found.differences} == every


def test_one_run_says_nothing_of_noise(folders):
    found = compare(folders / THREE / "app10" / "seed-1", folders / FOUR / "app10" / "seed-2")
    assert found.pairs[0].name == "seed-1 and seed-2"
    assert {item.beyond_noise for item in found.pairs[0].differences} == {None}
    assert "One seed on a side" in markdown(found)


def test_the_folder_of_one_scenario(folders):
    whole, part = compare(folders / THREE, folders / FOUR), compare(folders / THREE / "app10", folders / FOUR / "app10")
    assert part.pairs[0].differences == whole.pairs[0].differences


def test_whole_run_folders(folders, app10, tmp_path):
    write(capsim.run(capsim.load(app10, sets=["duration=20m"])), tmp_path / "run")
    found = compare(tmp_path / "run", folders / THREE / "app10" / "seed-1")
    assert all(item.equal for item in found.pairs[0].differences)


def test_markdown_has_every_measure_and_the_picture(folders, tmp_path):
    found = compare(folders / THREE, folders / FOUR)
    assert draw_pair(found, found.pairs[0], tmp_path / "overlay.png")  # simulated again: the batch kept no series
    page = markdown(found, [tmp_path / "overlay.png"])
    assert all(f"| `{item.measure}` |" in page for item in found.pairs[0].differences)
    assert BEYOND in page
    assert "overlay.png>)" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {7}


def test_json_round_trip(folders):
    found = json.loads(json.dumps(compare(folders / THREE, folders / FOUR).to_json(), allow_nan=False))
    assert found["scenarios"][0]["seeds_a"] == [1, 2, 3]
    by_name = {item["measure"]: item for item in found["scenarios"][0]["measures"]}
    assert by_name["pending.pods"]["beyond_noise"] is True


def test_scenarios_of_one_side_are_named(variants, folders, tmp_path):
    batch(cases_of([*variants, *_app10_of(folders)]), tmp_path / "more", executor=Serial())
    batch(cases_of([variants[0], *_app10_of(folders)]), tmp_path / "fewer", executor=Serial())
    found = compare(tmp_path / "more", tmp_path / "fewer")
    assert [pair.name for pair in found.pairs] == ["small", "seed-1"]
    assert found.only_a == ["large"]
    assert "Only A has: large" in markdown(found)


def _app10_of(folders):
    place = folders / "seed-1" / "scenario.yaml"
    place.parent.mkdir(exist_ok=True)
    shutil.copyfile(folders / THREE / "app10" / "seed-1" / "scenario.resolved.yaml", place)
    return [place]


def test_nothing_in_common(variants, folders, tmp_path):
    batch(cases_of(variants), tmp_path / "others", executor=Serial())
    with pytest.raises(ScenarioError, match="no scenario in common: app10 and small, large"):
        compare(folders / THREE, tmp_path / "others")


def test_what_makes_numbers_incomparable_is_said(folders, app10, tmp_path):
    write(capsim.run(capsim.load(app10, sets=["duration=10m"])), tmp_path / "short")
    (caution, *_) = compare(tmp_path / "short", folders / THREE).pairs[0].cautions
    assert "duration_ms differs: [600000] and [1200000]" in caution


def test_series_of_another_code_are_not_invented(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("capsim.study.folders.code_hash", lambda: "another")
    found = compare(folders / THREE, folders / FOUR)
    assert not draw_pair(found, found.pairs[0], tmp_path / "overlay.png")


@pytest.mark.parametrize("damage", ["nothing", "no summary", "half a file", "a list", "empty batch"])
def test_folders_that_hold_no_run(folders, tmp_path, damage):
    place = tmp_path / "run"
    place.mkdir()
    if damage != "nothing":
        shutil.copytree(folders / THREE / "app10" / "seed-1", place, dirs_exist_ok=True)
    if damage == "no summary":
        (place / "summary.json").unlink()
    elif damage == "half a file":
        (place / "summary.json").write_text((place / "summary.json").read_text()[:200])
    elif damage == "a list":
        (place / "run.json").write_text("[]")
    elif damage == "empty batch":
        shutil.rmtree(place)
        batch(cases_of(["missing.yaml"]), place, executor=Serial())
    with pytest.raises(ScenarioError, match=str(place)):
        runs_in(place)
