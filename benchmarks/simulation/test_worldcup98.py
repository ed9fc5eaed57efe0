"""The 1998 World Cup's web site replayed on Online Boutique: 61 days of minutes, an HPA on each of 12 Deployments."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

import capsim
from benchmarks.answers import outcome
from benchmarks.children import ROOT
from benchmarks.generated import hpa
from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario.scenario import Scenario
from capsim.state.tables import C_TRAFFIC

DATA = ROOT.parent / "shared" / "data"
TRACE = DATA / "worldcup98" / "requests_per_minute.csv.gz"
MANIFESTS = DATA / "manifests" / "online-boutique.yaml"
DAYS = 61
CALLS = {
    "frontend": 1.0, "productcatalogservice": 0.9, "currencyservice": 0.9, "cartservice": 0.4, "redis-cart": 0.4,
    "recommendationservice": 0.5, "adservice": 0.5, "shippingservice": 0.2, "checkoutservice": 0.05,
    "paymentservice": 0.05, "emailservice": 0.05, "loadgenerator": 0.02,
}  # fmt: skip
"""Requests to each service for a request to the site."""
COST = "1500u"
"""CPU-seconds of a request: the front end needs about 80 pods for the busiest minute."""


def document() -> dict:
    """The scenario file."""
    series = {"file": str(TRACE), "column": "count", "unit": "requests", "gaps": "hold"}
    return {
        "apiVersion": "capsim/v1",
        "name": "worldcup98",
        "duration": f"{DAYS}d",
        "sampleInterval": "15m",
        "manifests": [str(MANIFESTS)],
        "objects": [
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", **hpa(name, 2, 200, 70).manifest()}
            for name in CALLS
        ],
        "nodeGroups": [{"name": "workers", "instance": {"cpu": 4, "memory": "16Gi"}, "min": 3, "max": 60}],
        "services": {"loadgenerator": {"workloads": ["loadgenerator"]}},
        "traffic": {name: {**series, "scale": scale} for name, scale in CALLS.items()},
        "workloads": {name: {"containers": {container(name): {"cpuPerRequest": COST}}} for name in CALLS},
        "clusterAutoscaler": {},
    }


def container(name: str) -> str:
    """The container of a Deployment of Online Boutique."""
    return {"redis-cart": "redis", "loadgenerator": "main"}.get(name, "server")


@pytest.fixture(scope="module")
def replay(tmp_path_factory) -> Scenario:
    """The scenario, its trace read."""
    path: Path = tmp_path_factory.mktemp("worldcup98") / "scenario.yaml"
    path.write_text(yaml.safe_dump(document()), encoding="utf-8")
    return capsim.load(path)


@pytest.mark.skipif(not TRACE.is_file(), reason=f"needs {TRACE}: real data that is not part of this repository")
def test_worldcup98(measure, replay):
    def run():
        sim = Simulation(replay)
        sim.advance(replay.duration_ms)
        return outcome(sim)

    counters = measure(run, rounds=7, unit="s", target=0.5, needs_data=True)
    assert counters[C_TRAFFIC] >= 11 * (DAYS * 1440 - 20)
    sim = Simulation(replay)
    sim.advance(replay.duration_ms)
    totals = collect(sim).series["totals"]
    requests = totals.rps.mean() * DAYS * 86_400 / sum(CALLS.values())
    minutes = pd.read_csv(TRACE)["count"].ffill()[: DAYS * 1440]
    assert requests == pytest.approx(minutes.sum(), rel=1e-6), "the requests of the trace"
    assert totals.pods_ready.max() > 100
