"""Zones, nodes and control planes that fail, and upgrades: what the READMEs of the scenarios say."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from tests.stories.conftest import ROOT

MINUTE_MS = 60_000


def lost(run, sample_s=15) -> float:
    series = pd.read_parquet(run.path / "series" / "workloads.parquet")
    return float(series["lost_rps"].sum() * sample_s)


def drawn(script, runs, *words) -> bytes:
    out = runs[0].path.parent / "figure.png"
    command = [sys.executable, script, *(str(run.path) for run in runs), "--out", str(out), *words]
    subprocess.run(command, cwd=ROOT, check=True)
    return out.read_bytes()


def test_a_zone_dies_and_the_spread_decides_what_it_costs(told):
    spread, packed, strict = runs = [told(f"zone-loss/{name}") for name in ("scenario", "packed", "strict")]
    dead = [
        run.pods[run.pods["node"].str.startswith("zone-a", na=False) & run.pods["deleted_ms"].notna()] for run in runs
    ]
    evicted = [set(pods.loc[pods["deleted_ms"].between(60 * MINUTE_MS, 70 * MINUTE_MS), "name"]) for pods in dead]
    assert [len(names) for names in evicted] == [5, 14, 5]
    assert lost(packed) > 10 * lost(spread) > 0
    assert lost(strict) == pytest.approx(lost(spread))
    # Replaced at once where the constraint is soft, when the zone is back where it is strict.
    for run, most_s in ((spread, 1), (packed, 1), (strict, 25 * 60)):
        late = run.pods[run.pods["created_ms"].between(65 * MINUTE_MS, 70 * MINUTE_MS)]
        assert len(late) >= 5
        assert late["pending_s"].max() < most_s
    assert strict.pods["pending_s"].max() > 24 * 60
    text = "didn't match pod topology spread constraints"
    assert strict.waited["reason"].str.contains(text).all()
    found = spread.events[spread.events["reason"] == "NodeNotReady"]["time_ms"]
    assert (found - 60 * MINUTE_MS).between(40_000, 55_000).all()
    assert drawn("scenarios/outages.py", runs, "--mark", "60m,90m").startswith(b"\x89PNG")


def test_an_upgrade_waits_for_budgets_and_loses_nothing(told):
    surge, none, stuck = runs = [told(f"node-upgrade/{name}") for name in ("scenario", "no-surge", "stuck")]
    ends = []
    for run in runs:
        assert lost(run) == 0.0
        assert len(run.nodes[(run.nodes["requested_ms"] < 0) & run.nodes["gone_ms"].notna()]) == 8
        done = run.events[run.events["message"] == "upgrade of node group worker is done: 8 nodes"]
        ends.append(int(done["time_ms"].iloc[0]) - 10 * MINUTE_MS)
    assert ends[1] < ends[0] < 20 * MINUTE_MS < 180 * MINUTE_MS < ends[2]
    fewest = [pd.read_parquet(run.path / "series" / "totals.parquet")["nodes_ready"].min() for run in runs]
    assert fewest[0] > 7.5 > 6.5 > fewest[1] >= 6
    held = stuck.pods[stuck.pods["workload"].str.endswith("ledger") & stuck.pods["deleted_ms"].notna()]
    assert (held["deleted_ms"].diff().dropna() >= 60 * MINUTE_MS).any(), "one timeout after another"
    assert surge.pods["pending_s"].max() < 1
    assert none.pods["pending_s"].max() < 1
    assert drawn("scenarios/node-upgrade/figure.py", runs).startswith(b"\x89PNG")


def test_without_a_quorum_nothing_is_decided(told):
    one, three = (told(f"quorum/{name}") for name in ("scenario", "three"))
    outage = (20 * MINUTE_MS, 40 * MINUTE_MS)
    assert not one.pods["created_ms"].between(*outage).any()
    assert three.pods["created_ms"].between(*outage).sum() >= 5
    assert lost(one) > 10 * lost(three) > 0
    acts = one.events[~one.events["source"].isin(["capsim"])]
    assert not acts["time_ms"].between(outage[0] + 1, outage[1]).any()


def test_a_fifth_too_much_traffic_becomes_an_outage(told):
    tight, roomy, shedding = runs = [told(f"oom/{name}") for name in ("scenario", "roomy", "shedding")]
    killed = [run.events[run.events["reason"] == "OOMKilled"]["time_ms"] for run in runs]
    assert [len(times) > 0 for times in killed] == [True, False, False]
    assert killed[0].min() > 10 * MINUTE_MS + 30_000, "the memory fills first"
    assert tight.pods["restarts"].sum() == len(killed[0]) > 40
    waits = tight.events[tight.events["reason"] == "BackOff"]["message"].str.extract(r"(\d+) s")[0].astype(int)
    assert set(waits) >= {10, 20, 40, 80}
    assert lost(tight, 5) > 4 * lost(shedding, 5) > 4 * lost(roomy, 5) / 2 > 0
    assert drawn("scenarios/outages.py", runs, "--mark", "10m,20m").startswith(b"\x89PNG")
