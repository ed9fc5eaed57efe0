"""Response times against theory and against an independent simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.queueing import networks, simulate, table
from benchmarks.queueing.event_simulation import BINS, fcfs, quantiles
from capsim.world.queueing.erlang import light_traffic_ratio, waiting_chance
from capsim.world.queueing.phases import fit
from capsim.world.queueing.station import Station, closed_rps

BOUNDS = {"mean": 0.05, "p95": 0.10, "p99": 0.15}


def mm1_ps_mean(u):
    return 1.0 / (1.0 - u)


@pytest.mark.plain
def test_erlang_c_is_that_of_the_tables():
    assert waiting_chance(1, 0.5) == pytest.approx(0.5)
    assert waiting_chance(2, 0.75) == pytest.approx(9 / 14)  # 2 u^2 / (1 + u)
    assert waiting_chance(10, 0.8) == pytest.approx(0.4092, abs=1e-4)
    assert waiting_chance(3, 1.0) == 1.0
    assert waiting_chance(3, 0.0) == 0.0


@pytest.mark.plain
@given(servers=st.integers(1, 64), u=st.floats(0.01, 0.99), scv=st.floats(0.05, 9.0))
def test_one_server_and_exponential_service_are_exact(servers, u, scv):
    """Pollaczek-Khinchine and M/M/c."""
    alone = Station(1.0, 1.0, scv, slots=1).load(u)
    assert alone.mean_s == pytest.approx(1.0 + 0.5 * (1.0 + scv) * u / (1.0 - u), rel=2e-3)
    markov = Station(float(servers), 1.0, 1.0, slots=servers).load(u)
    assert markov.mean_s == pytest.approx(1.0 + waiting_chance(servers, u) / (servers * (1.0 - u)), rel=2e-3)


@pytest.mark.plain
@given(u=st.floats(0.01, 0.98), scv=st.floats(0.05, 9.0))
def test_the_mean_under_processor_sharing_does_not_depend_on_the_distribution(u, scv):
    assert Station(1.0, 1.0, scv).load(u).mean_s == pytest.approx(1.0 / (1.0 - u), rel=1e-6)


@pytest.mark.plain
@given(mean=st.floats(1e-4, 10.0), scv=st.floats(0.01, 20.0))
def test_fitted_durations_have_their_two_moments(mean, scv):
    phases = fit(mean, scv)
    assert phases.moment(1) == pytest.approx(mean, rel=1e-6)
    assert phases.moment(2) / mean**2 - 1.0 == pytest.approx(scv, rel=1e-5)
    q = np.array([0.1, 0.5, 0.9, 0.99])
    assert phases.cdf(phases.quantiles(q)) == pytest.approx(q, abs=2e-3)


@pytest.mark.plain
def test_light_traffic_of_exponential_service_is_that_of_markov():
    for servers in (1, 2, 8, 64):
        assert light_traffic_ratio(servers, fit(1.0, 1.0)) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.plain
def test_places_that_wait_bound_the_throughput():
    assert closed_rps(1, 1, 0.01, 0.09) == pytest.approx(10.0)
    assert closed_rps(1000, 1, 0.01, 0.09) == pytest.approx(100.0, rel=1e-3)
    assert Station(1.0, 0.01, slots=5, wait_s=0.09).capacity_rps <= 50.0


@pytest.mark.plain
@given(
    u=st.floats(0.02, 0.96),
    more=st.floats(1.001, 1.02),
    scv=st.floats(0.1, 6.0),
    slots=st.sampled_from([0, 1, 4, 16]),
    cores=st.sampled_from([0.5, 1.0, 4.0]),
    balancing=st.sampled_from(["random", "roundRobin", "leastRequests", "randomOfTwo"]),
)
def test_the_mean_grows_with_the_load(u, more, scv, slots, cores, balancing):
    station = Station(cores, 0.01, scv, slots=slots, balancing=balancing)
    assert station.load(min(u * more, 0.98), 4).mean_s >= station.load(u, 4).mean_s * (1.0 - 1e-6)


@pytest.mark.plain
@given(
    load=st.floats(0.05, 0.95),
    pods=st.integers(1, 40),
    scv=st.floats(0.1, 6.0),
    slots=st.sampled_from([0, 1, 4]),
    balancing=st.sampled_from(["random", "roundRobin", "leastRequests", "randomOfTwo"]),
)
def test_more_replicas_never_raise_the_mean(load, pods, scv, slots, balancing):
    station = Station(1.0, 0.01, scv, slots=slots, balancing=balancing)
    before = station.load(load, pods).mean_s
    assert station.load(load * pods / (pods + 1), pods + 1).mean_s <= before * (1.0 + 1e-3)


def test_errors_of_first_come_first_served_stay_within_their_bounds():
    rows = table.errors("fcfs")
    assert len(rows) == 72
    for row in rows:
        assert float(row["requests"]) >= 1e7
        factor = 1.0 if float(row["utilization"]) <= 0.8 else 2.0
        for measure, bound in BOUNDS.items():
            assert abs(row[measure]) <= factor * bound, (row, measure)


def test_errors_of_sharing_and_of_balancing_are_bounded_in_the_mean():
    for kind, policies, bound in (
        ("ps", ("",), 0.05),
        ("pods", ("random", "roundRobin", "leastRequests", "randomOfTwo"), 0.06),
        ("pods-ps", ("random",), 0.06),
    ):
        rows = [row for row in table.errors(kind) if row["policy"] in policies]
        assert rows
        assert table.worst(rows, "mean") <= bound


def test_the_step_overload_stays_within_its_bounds_in_every_interval():
    rows = table.overload_errors()
    assert len(rows) == 132
    for measure, bound in table.OVERLOAD_BOUNDS.items():
        assert table.worst(rows, measure) <= bound, measure


def test_journeys_stay_within_their_bounds():
    """Behind service that is not exponential the streams between services are burstier or smoother than Poisson."""
    rows = table.journey_errors()
    assert {row["policy"] for row in rows} == set(networks.CASES)
    assert {row["scv"] for row in rows} == {"0.25", "1", "4"}
    for measure, bound in table.JOURNEY_BOUNDS.items():
        assert table.worst(rows, measure) <= bound, measure


def test_the_page_has_the_table():
    page = table.PAGE.read_text(encoding="utf-8")
    assert table.block() in page, "python -m benchmarks.queueing.table"


@pytest.mark.parametrize(("servers", "scv", "u"), [(1, 1.0, 0.5), (2, 4.0, 0.8), (8, 0.25, 0.8)])
def test_the_recorded_points_are_what_the_simulation_gives(servers, scv, u):
    """A short simulation with another seed agrees with the long one on file."""
    histogram = np.zeros(BINS)
    arrive, serve = simulate.shape(fit(1.0 / (servers * u), 1.0)), simulate.shape(fit(1.0, scv))
    mean, _, _ = fcfs(servers, arrive, serve, 400_000, 99, histogram)
    (row,) = [
        r
        for r in table.simulated("fcfs")
        if (int(r["servers"]), float(r["scv"]), float(r["utilization"])) == (servers, scv, u)
    ]
    assert mean == pytest.approx(float(row["mean"]), rel=0.06)
    assert quantiles(histogram, np.array([0.95]))[0] == pytest.approx(float(row["p95"]), rel=0.08)


def test_ciw_agrees_with_the_simulation():
    points = {(r["servers"], float(r["scv"]), float(r["utilization"])): r for r in table.simulated("fcfs")}
    rows = table.simulated("ciw")
    assert rows
    assert len(rows) == 24
    for row in rows:
        mine = points[row["servers"], float(row["scv"]), float(row["utilization"])]
        away = abs(float(row["mean"]) - float(mine["mean"]))
        assert away <= 4.0 * float(row["standard_error"]), row  # by ciw's own batches
        assert away <= 0.10 * float(mine["mean"]), row
        assert math.isfinite(float(row["p99"]))
