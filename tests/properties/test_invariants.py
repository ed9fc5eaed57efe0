"""Small random scenarios, looked at again and again while they run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from tests.properties.checks import check
from tests.properties.scenarios import scenarios

pytestmark = pytest.mark.plain


@given(scenarios(), st.data())
@settings(max_examples=50)
def test_the_tables_agree_at_any_moment(scenario, data):
    sim = Simulation(scenario)
    looks = data.draw(st.lists(st.integers(0, scenario.duration_ms), min_size=12, max_size=12, unique=True))
    # Moments at which much happens: events, and a little later.
    looks += [event.at_ms + later for event in scenario.events for later in (0, 60, 20_000)]
    for until_ms in sorted(looks):
        sim.advance(until_ms)
        check(sim)


@given(scenarios((10, 20)))
@settings(max_examples=10)
def test_the_tables_agree_at_every_second(scenario):
    sim = Simulation(scenario)
    for until_ms in range(0, 300_000, 1000):
        sim.advance(until_ms)
        check(sim)


def rate_integral(points, until_ms):
    times, values = points
    spans = np.diff(np.append(times, until_ms))
    return float((spans * values).sum()) / 1000.0


@given(scenarios())
@settings(max_examples=50)
def test_requests_are_served_lost_or_waiting(scenario):
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    result = collect(sim)
    frame = result.series["workloads"]
    span_s = np.diff(np.append(frame["time_ms"].unique(), scenario.duration_ms)) / 1000.0
    offered = 0.0
    for w, name in enumerate(sim.names.workloads[: sim.names.shown]):
        if w in sim.names.usage:
            continue
        mine = frame[frame["workload"] == name]
        arrived, served, lost = (
            (mine[column].to_numpy() * span_s).sum() for column in ("rps", "served_rps", "lost_rps")
        )
        waiting = float(sim.state.physics.backlog[sim.names.rows(w)].sum())
        offered += arrived
        # The end of a backlog is found to the millisecond: its last one may serve more than there was.
        assert arrived == pytest.approx(served + lost + waiting, rel=2e-3, abs=5.0), name
        assert min(served, lost, waiting) >= 0.0
    sent = sum(rate_integral(s.points(scenario.duration_ms), scenario.duration_ms) for s in scenario.traffic.values())
    assert offered == pytest.approx(sent, rel=1e-9, abs=1e-6)


@given(scenarios())
@settings(max_examples=50)
def test_cost_is_node_seconds_times_price(scenario):
    result = collect(ran(scenario))
    price = {group.name: group.price_per_hour_usd for group in scenario.node_groups}
    end = scenario.duration_ms
    for name, usd in price.items():
        nodes = result.nodes[result.nodes["node_group"] == name]
        gone = nodes["gone_ms"].fillna(end)
        seconds = (gone - nodes["requested_ms"].clip(lower=0)).sum() / 1000.0
        groups = result.series["node_groups"]
        assert groups[groups["node_group"] == name]["cost_usd"].sum() == pytest.approx(seconds / 3600.0 * usd)
        assert nodes["cost_usd"].sum() == pytest.approx(seconds / 3600.0 * usd)
        assert nodes["node_hours"].sum() == pytest.approx(seconds / 3600.0)


def ran(scenario):
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    return sim
