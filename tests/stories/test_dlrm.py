"""Recommendation models of a month, created and deleted as recorded, and how long they wait for a node.

The recording is in a folder beside the repository (or $CAPSIM_SHARED); skipped without it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import capsim
from capsim.engine.drive import Simulation
from capsim.state.tables import C_BINDS, C_FAILED_TRIES, C_PODS_CREATED
from tests.stories.conftest import ROOT

SHARED = Path(os.environ.get("CAPSIM_SHARED", ROOT.parent / "shared"))
HOUR_MS, MONTH_H = 3_600_000, 744


def data(name):
    path = SHARED / "data" / name
    if not path.is_file():
        pytest.skip(f"{path} is absent: the recordings are in a folder beside the repository (or $CAPSIM_SHARED)")
    return path


@pytest.fixture
def recording():
    return data("alibaba-dlrm-2025/disaggregated_DLRM_trace.csv.gz")


@pytest.fixture
def replayed(told, recording):
    """Tell a variant; its folder."""

    def tell(name):
        return told(f"dlrm/{name}", f"pods[0].file={recording}")

    return tell


def live(run, at_ms):
    """Pods of each workload (name without the number of its size) that are there at ``at_ms``."""
    pods = run.pods
    there = (pods["created_ms"] <= at_ms) & ~(pods["deleted_ms"] <= at_ms).fillna(False)
    names = pods.loc[there, "workload"].astype(str).str.extract(r"ReplicaSet/(app-\d+-[a-z]+)")[0]
    return names.value_counts()


def most_on_a_node(pods):
    """The most pods of one workload that were on one node at the same time, by workload."""
    bound = pods.dropna(subset=["node"])
    app = bound["workload"].astype(str).str.extract(r"ReplicaSet/(app-\d+-[a-z]+)")[0]
    place = pd.DataFrame({"app": app, "node": bound["node"]})
    came = place.assign(at=bound["scheduled_ms"].astype(float), change=1)
    went = place.assign(at=bound["deleted_ms"].astype(float), change=-1).dropna(subset=["at"])
    steps = pd.concat([came, went]).sort_values(["at", "change"])
    return steps.groupby(["app", "node"])["change"].cumsum().groupby(steps["app"]).max()


def test_instances_come_and_go_as_recorded_within_their_limits(replayed, recording):
    run = replayed("tight")
    assert len(run.pods) == 23_871
    assert (run.pods["created_ms"] >= 0).sum() == 16_591
    assert run.pods["deleted_ms"].notna().sum() == 14_993
    hourly = pd.read_csv(data("alibaba-dlrm-2025/derived_replicas_hourly_wide.csv.gz"))
    names = hourly["app_name"].str.replace("_", "-") + "-" + hourly["role"].str.lower()
    for hour in (0, 1, 100, 371, 700, MONTH_H):
        counts = pd.Series(hourly[str(hour)].to_numpy(), names)
        assert live(run, hour * HOUR_MS).to_dict() == counts[counts > 0].to_dict(), hour
    rows = pd.read_csv(recording)
    limit = rows.groupby(rows["app_name"].str.replace("_", "-") + "-" + rows["role"].str.lower())[
        "max_instance_per_node"
    ].agg(["min", "max"])
    limited = limit[(limit["min"] > 0)]["max"]
    most = most_on_a_node(run.pods).reindex(limited.index).dropna()
    assert len(most) > 100
    assert (most <= limited[most.index]).all()
    waits = run.pods.loc[run.pods["created_ms"] >= 0, "pending_s"].to_numpy()
    recorded = (rows["scheduled_time"] - rows["creation_time"]).dropna().to_numpy()
    for seconds in (600, 3600, 6 * 3600, 86_400):  # the tail: a nearly full cluster
        share, seen = (waits > seconds).mean(), (recorded > seconds).mean()
        assert seen / 3 < share < seen * 3, seconds
    assert (waits > 10).mean() < (recorded > 10).mean() / 4, "what waited for seconds did not wait for a node"
    picture = run.path.parent / "dlrm.png"
    command = [sys.executable, "scenarios/dlrm/figure.py", recording, run.path, "--out", picture]
    subprocess.run(command, cwd=ROOT, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_spreading_leaves_no_room_for_the_largest_packing_does(recording):
    failed = {}
    for name in ("scenario", "packed"):
        scenario = capsim.load(ROOT / "scenarios" / "dlrm" / f"{name}.yaml", sets=[f"pods[0].file={recording}"])
        sim = Simulation(scenario)
        sim.advance(scenario.duration_ms)
        counters = sim.state.clock.counters
        assert counters[C_PODS_CREATED] == 23_871
        failed[name] = int(counters[C_FAILED_TRIES])
        unplaced = 23_871 - int(counters[C_BINDS])
        assert (250 < unplaced < 350) if name == "scenario" else unplaced == 15, "created and deleted in one second"
    assert failed["packed"] == 0
    assert failed["scenario"] > 600


def test_the_machines_are_those_of_the_list():
    listed = pd.read_csv(data("alibaba-spot-nodes-2026/node_info_df.csv"))
    shapes = listed.groupby(["gpu_capacity_num", "cpu_num"]).size()
    scenario = capsim.load(
        ROOT / "scenarios" / "dlrm" / "scenario.yaml",
        sets=[f"pods[0].file={data('alibaba-dlrm-2025/disaggregated_DLRM_trace.csv.gz')}"],
    )
    found: dict[tuple[int, int], int] = {}
    for group in scenario.node_groups:
        key = (group.instance.gpus, group.instance.cpu_milli // 1000)
        found[key] = found.get(key, 0) + group.initial
        assert group.instance.memory_bytes == 8 * 2**30 * key[1]
    assert found == shapes.to_dict()
    assert np.sum(list(found.values())) == 4278
