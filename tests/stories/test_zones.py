"""Topology hints come and go with the number of pods; the bytes between zones follow."""

from __future__ import annotations

import json

import pandas as pd
import pytest

EACH = 61 * 1024
"""Bytes of a request and its answer."""


def crossing(folder):
    """Share of the bytes that cross zones by number of Ready pods, in samples in which that did not change."""
    frame = pd.read_parquet(folder.path / "series" / "network.parquet")
    workloads = pd.read_parquet(folder.path / "series" / "workloads.parquet")
    ready = workloads.query("workload == 'default/Deployment/shop'")["ready"].to_numpy()
    frame["ready"], frame["share"] = ready, frame["cross_zone_bytes"] / frame["requests"] / EACH
    return frame[frame["ready"] % 1.0 == 0.0].groupby("ready")[["share", "hottest_pod_ratio"]].agg(["min", "max"])


def test_hints_are_gone_while_a_zone_would_be_overloaded(told):
    folder = told("zones")
    found = crossing(folder)["share"]
    assert set(found.index) >= {3.0, 4.0, 6.0}
    for pods, share in ((3.0, 0.0), (4.0, 2 / 3), (6.0, 0.0)):
        assert found.loc[pods].tolist() == pytest.approx([share, share], abs=1e-9)
    summary = json.loads((folder.path / "summary.json").read_text())
    (shop,) = summary["network"]
    assert shop["cross_zone_usd"] == pytest.approx(shop["cross_zone_bytes"] / 1e9 * 0.02)
    summed = pd.read_parquet(folder.path / "series" / "network.parquet")[["cross_zone_usd", "load_balancer_usd"]].sum()
    assert 0.5 < summed["cross_zone_usd"] / summed["load_balancer_usd"] < 1.0, "the picture's two areas"
    assert summary["cost"]["network_usd"] == pytest.approx(shop["cross_zone_usd"] + shop["load_balancer_usd"])


def test_prefer_close_never_crosses_and_loads_the_pod_that_is_alone(told):
    folder = told(
        "zones",
        "objects.Service.shop.spec.trafficDistribution=PreferClose",
        "objects.Service.shop.metadata.annotations=null",
    )
    found = crossing(folder)
    assert found["share"].to_numpy().max() == 0.0
    assert found["hottest_pod_ratio"].loc[4.0, "max"] == pytest.approx(4 / 3)
