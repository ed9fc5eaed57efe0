"""Charts of zones and load balancers: what they hold is what the frame holds."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.engine.run import run_scenario
from capsim.report.charts.network_charts import network_charts
from capsim.result import Result
from capsim.scenario.network import LoadBalancer
from tests.engine.test_network_frame import BYTES, HOUR_MS, scenario


def charts(found):
    recording = run_scenario(found)
    parts = {name: getattr(recording, name) for name in ("series", "pods", "nodes", "events", "facts")}
    result = Result(scenario=found, **parts)
    return result, {chart.title: chart for chart in network_charts(result)}


def test_pods_bytes_and_money_on_one_axis():
    balancer = LoadBalancer(max_rps=8.0)
    found = scenario(4, network=BYTES.replaced(load_balancer=balancer), service={"type": "LoadBalancer"})
    result, drawn = charts(found)
    frame = result.series["network"]
    assert {chart.end_ms for chart in drawn.values()} == {HOUR_MS}
    assert drawn["Ready pods"].layers[0].values == pytest.approx(np.full(6, 4.0))
    sent = drawn["Bytes between zones"].layers[0].values * 2.0**20 * 600.0
    assert sent == pytest.approx(frame["cross_zone_bytes"].to_numpy())
    spent = frame["cross_zone_usd"].sum() + frame["load_balancer_usd"].sum()
    assert drawn["Cost of the network so far"].top == pytest.approx(spent)
    assert drawn["Requests from outside that reach no pod"].top == pytest.approx(2.0)


def test_a_run_without_network_has_none():
    found = scenario(4)
    found.services["default/web"] = found.services["default/web"].replaced(network=None)
    assert charts(found)[1] == {}
