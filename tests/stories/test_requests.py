"""Stories of requests: L4 against L7, a retry storm and its cure, and where the p99 of a checkout comes from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]


class Told:
    """A run folder: its summary and series."""

    def __init__(self, path: Path) -> None:
        self.summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
        self.series = {file.stem: pd.read_parquet(file) for file in (path / "series").glob("*.parquet")}
        self.slos = {row["name"]: row for row in self.summary["objectives"]}

    def responses(self, name):
        frame = self.series["responses"]
        return frame[frame["name"] == name].set_index("time_ms")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    def tell(name, *words):
        out = tmp_path_factory.mktemp("run")
        command = [
            sys.executable,
            "-m",
            "capsim",
            "run",
            f"scenarios/{name}",
            *words,
            "--no-figures",
            "--out",
            str(out),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return Told(out)

    return tell


def test_behind_l4_new_pods_stay_cold_and_old_ones_hot(told):
    l4 = told("l4-l7")
    l7 = told("l4-l7", "-f", "scenarios/l4-l7/l7.yaml")
    later = l4.series["balance"].query("time_ms >= 900000 and time_ms < 1500000")
    assert later["oldest_utilization_ratio"].mean() > 0.9
    assert later["newest_utilization_ratio"].mean() < 0.3
    assert "balance" not in l7.series
    assert l4.summary["traffic"]["lost_ratio"] > 0.02
    assert l7.summary["traffic"]["lost_requests"] == 0.0
    slow, fast = l4.slos["quotes fast"], l7.slos["quotes fast"]
    assert not slow["met"]
    assert fast["met"]
    assert slow["minutes_violated"] > 20 > fast["minutes_violated"]
    # The HPA sees the mean of all pods' use and goes on adding pods that do not help.
    wanted = {run: run.summary["workloads"][0]["peak_desired"] for run in (l4, l7)}
    assert wanted[l4] > wanted[l7]


def test_a_shorter_life_of_connections_helps_without_a_proxy(told):
    slow = told("l4-l7").slos["quotes fast"]["bad_requests"]
    short = told("l4-l7", "--set", "services.quotes.balancing.connectionLifetime=2m")
    assert short.slos["quotes fast"]["bad_requests"] < 0.5 * slow


def test_a_retry_storm_outlives_its_spike_and_a_budget_ends_it(told):
    storm = told("overload")
    budget = told("overload", "-f", "scenarios/overload/budget.yaml")
    end = 1_700_000
    catalogue, calm = (run.responses("default/catalogue") for run in (storm, budget))
    assert catalogue["requests"].loc[end:].mean() == pytest.approx(15 * 4 * 450, rel=0.05)
    assert storm.responses("default/api")["failed_requests"].loc[end:].mean() > 0.9 * 15 * 450
    assert calm["requests"].loc[end:].mean() == pytest.approx(15 * 450, rel=0.001)
    assert budget.responses("default/api")["failed_requests"].loc[end:].sum() < 1.0
    assert calm["own_p99_ms"].loc[end:].max() < 200
    assert budget.slos["api available"]["minutes_violated"] < 4
    assert storm.slos["api available"]["minutes_violated"] > 20


def test_the_p99_of_a_checkout_comes_from_inventory(told):
    run = told("journey")
    morning, noon = 600_000, 7_000_000
    checkout = run.responses("checkout")
    assert checkout["p99_ms"].loc[noon:].mean() > 1.5 * checkout["p99_ms"].loc[:morning].mean()
    own = {n: run.responses(f"default/{n}")["own_p99_ms"] for n in ("inventory", "payment", "users", "orders")}
    medians = {n: run.responses(f"default/{n}")["own_p50_ms"] for n in own}
    assert max(medians, key=lambda n: medians[n].loc[noon:].mean()) == "payment"
    assert max(own, key=lambda n: own[n].loc[noon:].mean()) == "inventory"
    slo = run.slos["checkout fast"]
    assert not slo["met"]
    assert slo["budget_used_ratio"] > 1.0
    assert slo["worst_hour_burn_rate"] >= slo["burn_rate"] > 1.0
    assert run.slos["checkout works"]["met"]
    healed = told("journey", "--set", "objects.Deployment.inventory.spec.replicas=4")
    assert healed.slos["checkout fast"]["met"]
