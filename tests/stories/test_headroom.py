"""A spike with and without headroom: who waits for a node, and what it costs that nobody does."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.stories.conftest import ROOT

AT_THE_SCRAPE = "controlPlane.kubelet.housekeeping-interval=0"


class Headroom:
    """What the story compares of one run."""

    def __init__(self, run) -> None:
        self.path, self.events = run.path, run.events
        self.shop, self.placeholders = (
            run.pods[run.pods["workload"] == f"default/Deployment/{name}"] for name in ("shop", "placeholder")
        )
        self.pending_s = float(self.shop["pending_s"].sum())
        self.usd = json.loads((run.path / "summary.json").read_text())["cost"]["run_usd"]


@pytest.fixture
def headroom(told):
    return lambda variant, *sets: Headroom(told(f"headroom/{variant}", *sets))


def test_placeholders_save_the_wait_for_less_than_a_higher_minimum(headroom):
    none, placeholders, minimum = (headroom(name) for name in ("scenario", "placeholders", "higher-minimum"))
    assert placeholders.pending_s < 1 < 100 < minimum.pending_s < none.pending_s
    assert none.usd < placeholders.usd < minimum.usd

    picture = none.path.parent / "headroom.png"
    folders = [one.path for one in (none, placeholders, minimum)]
    subprocess.run([sys.executable, "scenarios/headroom/figure.py", *folders, "--out", picture], cwd=ROOT, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")

    # Each shop pod that found no room took a placeholder's, and one placeholder more waited for a node in its stead.
    events = placeholders.events
    preempted = events[events["reason"] == "Preempted"]
    found_no_room = placeholders.shop[placeholders.shop["reason"] != ""]["name"]
    by = preempted["message"].str.extract("^Preempted by pod default/(.*)$")[0]
    assert len(by)
    assert sorted(by) == sorted(found_no_room)
    assert preempted["object"].str.startswith("Pod/default/placeholder-").all()
    failed = events[events["reason"] == "FailedScheduling"]["object"]
    assert failed.str.contains("/shop-").any()
    assert failed.str.contains("/placeholder-").any()
    grown = events[events["reason"] == "TriggeredScaleUp"]["object"]
    assert len(grown)
    assert grown.str.startswith("Pod/default/placeholder-").all()
    assert placeholders.placeholders["ready_ms"].notna().all()
    running = placeholders.placeholders["gone_ms"].isna()
    assert running.sum() == 6


def test_placeholders_below_the_cutoff_reserve_nothing(headroom):
    # Read at the scrape: with cAdvisor's delay the nodes of the spike come in other loops, and some have room to spare.
    none, expendable = headroom("scenario", AT_THE_SCRAPE), headroom("expendable", AT_THE_SCRAPE)
    assert expendable.pending_s == pytest.approx(none.pending_s, abs=1)
    grown = expendable.events[expendable.events["reason"] == "TriggeredScaleUp"]["object"]
    assert len(grown)
    assert grown.str.startswith("Pod/default/shop-").all()
    assert expendable.usd < 1.05 * none.usd
    # They run only in what the nodes for shop pods have left.
    assert expendable.placeholders["ready_ms"].min() > expendable.events[grown.index.min() :]["time_ms"].iloc[0]
    assert (expendable.placeholders["ready_ms"].isna()).sum() == 6
