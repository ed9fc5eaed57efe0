"""Recorded traffic of two web sites, replayed minute by minute on Online Boutique with an HPA on each Deployment.

The recordings and the manifests are in a folder beside the repository (or $CAPSIM_SHARED); skipped without it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import yaml

import capsim
from capsim.engine.drive import Simulation
from capsim.result import Result
from capsim.scenario import KubeletSpec, Scenario

SHARED = Path(os.environ.get("CAPSIM_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
WORLD_CUP = "worldcup98/requests_per_minute.csv.gz"
NASA = "nasa-http-1995/requests_per_minute_{}.csv.gz"
BOUTIQUE = "manifests/online-boutique.yaml"
CALLS = {
    "frontend": 1.0, "productcatalogservice": 0.9, "currencyservice": 0.9, "cartservice": 0.4, "redis-cart": 0.4,
    "recommendationservice": 0.5, "adservice": 0.5, "shippingservice": 0.2, "checkoutservice": 0.05,
    "paymentservice": 0.05, "emailservice": 0.05,
}  # fmt: skip
"""Requests to each service for a request to the site: our own guess, nobody published them."""
DEPLOYMENTS = (*CALLS, "loadgenerator")
CONTAINERS = {"redis-cart": "redis"}
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
WORLD_CUP_DAYS, NASA_DAYS = 61, 27


def _data(name: str) -> Path:
    path = SHARED / "data" / name
    if not path.is_file():
        pytest.skip(f"{path} is absent: recordings and manifests are in a folder beside the repository (CAPSIM_SHARED)")
    return path


def _hpa(name: str) -> dict:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    metric = {"type": "Resource", "resource": cpu}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 300, "metrics": [metric]}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def _scenario(place: Path, trace: str, duration: str, scale: float = 1.0, **series: object) -> Scenario:
    recording = {"file": str(_data(trace)), "unit": "requests", "gaps": "zero", **series}
    document = {
        "apiVersion": "capsim/v1",
        "name": trace.partition("/")[0],
        "duration": duration,
        "sampleInterval": "15m",
        "manifests": [str(_data(BOUTIQUE))],
        "objects": [_hpa(name) for name in DEPLOYMENTS],
        "nodeGroups": [
            {"name": "workers", "instance": {"cpu": 4, "memory": "16Gi"}, "min": 3, "max": 60, "pricePerHour": 0.2}
        ],
        "clusterAutoscaler": {},
        "traffic": {name: {**recording, "scale": scale * calls} for name, calls in CALLS.items()},
        "workloads": {
            name: {"containers": {CONTAINERS.get(name, "server"): {"cpuPerRequest": "1500u"}}} for name in CALLS
        },
    }
    file = place / "scenario.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return capsim.load(file)


@pytest.fixture(scope="module")
def world_cup_scenario(tmp_path_factory) -> Scenario:
    return _scenario(tmp_path_factory.mktemp("worldcup98"), WORLD_CUP, "61d31m")


@pytest.fixture(scope="module")
def world_cup(world_cup_scenario) -> Result:
    return capsim.run(world_cup_scenario)


@pytest.fixture(scope="module")
def nasa(tmp_path_factory) -> Result:
    return capsim.run(_scenario(tmp_path_factory.mktemp("nasa"), NASA.format("jul"), f"{NASA_DAYS}d", scale=200.0))


def _frontend(result):
    frame = result.series["workloads"]
    return frame[frame["workload"] == "default/Deployment/frontend"].reset_index(drop=True)


def _conserved(result):
    """Requests that arrived are served, lost, or still wait."""
    traffic = result.summary.traffic
    waiting = result.series["workloads"].groupby("workload", observed=True)["backlog_requests_max"].last().sum()
    rest = traffic.offered_requests - traffic.served_requests - traffic.lost_requests
    assert -1e-6 * traffic.offered_requests <= rest <= waiting + 1e-6 * traffic.offered_requests


def test_every_request_of_the_world_cup_arrives(world_cup):
    rows, end_ms = _frontend(world_cup), world_cup.summary.reached_ms
    seconds = np.diff(rows["time_ms"], append=end_ms) / 1000  # the last interval has one minute
    requests = (rows["rps"] * seconds).sum()
    assert requests == pytest.approx(1_020_006_421, rel=1e-6)  # the sum of the file
    assert world_cup.summary.traffic.offered_requests == pytest.approx(requests * sum(CALLS.values()), rel=1e-6)
    _conserved(world_cup)


def test_the_world_cup_peaks_at_its_matches(world_cup):
    rows = _frontend(world_cup)
    busiest_ms = rows.loc[rows["rps"].idxmax(), "time_ms"]
    # The recording begins on 30 April at 21:30 GMT; its peak minute is 29 June 16:27.
    peak_minute_ms = 59 * DAY_MS + 18 * HOUR_MS + 57 * MINUTE_MS
    assert busiest_ms <= peak_minute_ms < busiest_ms + 15 * MINUTE_MS
    assert rows["rps"].max() > 3000
    quiet = rows[rows["time_ms"] < 7 * DAY_MS]["rps"].median()
    assert quiet < 70  # "typical May minute 1,000-4,000"


def test_replicas_follow_the_matches_and_come_back(world_cup):
    rows = _frontend(world_cup)
    assert rows["ready"].max() > 60
    assert (rows["ready"] < 4).mean() > 0.2  # May
    busy = rows[rows["rps"] > rows["rps"].quantile(0.9)]
    needed = busy["rps"] * 1.5 / (0.7 * 100)  # milli-CPU over the target of an HPA: 70 % of 100m
    assert (busy["ready"] / needed).median() == pytest.approx(1.1, abs=0.25)
    assert np.corrcoef(rows["rps"], rows["ready"])[0, 1] > 0.9


def test_nodes_follow_too_and_only_matches_make_pods_wait(world_cup):
    summary = world_cup.summary
    assert summary.peaks.nodes > 2 * summary.peaks.nodes_at_start
    assert summary.pending.pods > 0
    assert summary.traffic.lost_ratio < 0.01
    assert summary.cost.node_hours == pytest.approx(world_cup.nodes["node_hours"].sum())


def test_a_simulated_day_costs_the_same_in_june_as_in_may(world_cup_scenario):
    """Processor time for each instant, day by day: no list of the loop grows that is walked through.

    With counters read at the scrape: with housekeeping a sync reads pod by pod, and there are more pods in June.
    On nodes that are all there from the start: loops of the Cluster Autoscaler are Python's, and there are more of them
    on the days when nodes come and go."""
    groups = [group.replaced(initial=group.max) for group in world_cup_scenario.node_groups]
    plane = world_cup_scenario.control_plane.replaced(kubelet=KubeletSpec(housekeeping_interval_ms=0))
    scenario = world_cup_scenario.replaced(node_groups=groups, cluster_autoscaler=None, control_plane=plane)
    best = np.full(WORLD_CUP_DAYS, np.inf)
    for _ in range(3):
        best = np.minimum(best, _day_costs(scenario))
    first, last = median(best[1:16]), median(best[-15:])
    assert last < 1.6 * first, f"{1e9 * first:.0f} ns for an instant at first, {1e9 * last:.0f} ns at last"


def _day_costs(scenario: Scenario) -> np.ndarray:
    """Processor time of each day over the instants at which anything happened, s."""
    from capsim.state.tables import C_INSTANTS

    sim = Simulation(scenario)
    counters, costs = sim.state.clock.counters, []
    for day in range(1, WORLD_CUP_DAYS + 1):
        instants, since = int(counters[C_INSTANTS]), time.process_time()
        sim.advance(day * DAY_MS)
        costs.append((time.process_time() - since) / max(1, int(counters[C_INSTANTS]) - instants))
    return np.array(costs)


def test_every_request_to_nasa_arrives(nasa):
    # Until 28 July 13:32 minutes are recorded; the run takes the first 27 days of them, 200 times as many.
    import pandas as pd

    minutes = pd.read_csv(_data(NASA.format("jul")))["requests"][: NASA_DAYS * 1440]
    assert (_frontend(nasa)["rps"] * 900).sum() == pytest.approx(200 * minutes.sum(), rel=1e-6)
    _conserved(nasa)


def test_nasa_has_days_and_weekends(nasa):
    rows = _frontend(nasa)
    hours = rows.groupby(rows["time_ms"] // HOUR_MS % 24)["rps"].mean()
    assert 8 <= hours.idxmax() <= 16  # office hours in Florida
    assert hours.idxmin() in range(2, 7)
    days = rows.groupby(rows["time_ms"] // DAY_MS)["rps"].mean()
    weekends = [day for day in range(NASA_DAYS) if day % 7 in (0, 1)]  # 1 July 1995 was a Saturday
    assert days[weekends].mean() < 0.8 * days.drop(weekends).mean()
    assert days.idxmax() == 12  # 13 July, the launch of Discovery


def test_replicas_follow_the_days_of_nasa(nasa):
    rows = _frontend(nasa)
    assert np.corrcoef(rows["rps"], rows["ready"])[0, 1] > 0.9
    assert nasa.summary.traffic.lost_ratio < 0.01


def test_an_outage_of_a_day_and_a_half_empties_the_cluster(tmp_path):
    """August: the server was off from 1 August 14:52 to 3 August 04:36 (Hurricane Erin)."""
    result = capsim.run(_scenario(tmp_path, NASA.format("aug"), "4d", scale=200.0))
    rows = _frontend(result)
    off = (rows["time_ms"] >= 15 * HOUR_MS) & (rows["time_ms"] < 52 * HOUR_MS)
    assert rows[off]["rps"].max() == 0
    late = rows[off & (rows["time_ms"] > 16 * HOUR_MS)]
    assert late["ready"].max() == 2  # minReplicas, once the five minutes of stabilisation are over
    assert rows[rows["time_ms"] > 56 * HOUR_MS]["ready"].max() > 3
