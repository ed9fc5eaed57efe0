"""How even the arrivals are that services send each other, and what that does to waits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario import ServiceSpec, StepsSeries
from capsim.scenario.calls import Balancing, Call, ServiceTime, Visit
from capsim.state.tables_calls import S_STRETCH, V_LEAVING
from tests.engine.clusters import behaviour, cluster, deployment, group

pytestmark = pytest.mark.plain
HOUR_MS = 3_600_000


def stations(models, traffic, calls=None, balancing=None, replicas=1, **more):
    """Services of one core a pod and 10 ms a request; ``models`` by name, ``traffic`` and ``calls`` by name, too."""
    return cluster(
        [deployment(n, replicas=replicas, cpu_milli=500, limit_milli=1000) for n in models],
        groups=[group(cpu_milli=64_000)],
        duration_ms=HOUR_MS,
        sample_interval_ms=HOUR_MS // 2,
        services={
            f"default/{n}": ServiceSpec(
                workloads=[f"default/Deployment/{n}"],
                calls=(calls or {}).get(n, []),
                balancing=Balancing(policy=(balancing or {}).get(n, "random")),
            )
            for n in models
        },
        traffic={f"default/{n}": StepsSeries.model_validate({"steps": [["0s", rps]]}) for n, rps in traffic.items()},
        workloads={f"default/Deployment/{n}": behaviour(service_time=model) for n, model in models.items()},
        **more,
    )


def run(scenario):
    """The simulation at its end, and the last response times by name."""
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    frame = collect(sim).series["responses"]
    return sim, {name: rows.iloc[-1] for name, rows in frame.groupby("name")}


def call(name, **more):
    return Call(service=f"default/{name}", **more)


def line(scv):
    return ServiceTime(variation=scv**0.5, concurrency=1)


def stretched(sim, name):
    names = list(sim.names.workloads)
    return sim.state.serving.stream[sim.state.serving.row[names.index(f"default/Deployment/{name}")], S_STRETCH]


def leaving(sim, name):
    return sim.state.calls.stream[sim.names.sources.index(f"default/{name}"), V_LEAVING]


@settings(max_examples=6, deadline=None)
@given(rps=st.floats(10.0, 90.0), scv=st.sampled_from([0.25, 4.0]))
def test_a_station_behind_shared_cores_has_the_numbers_of_poisson_arrivals(rps, scv):
    alone, direct = run(stations({"a": ServiceTime(), "b": line(scv)}, {"a": rps, "b": rps}))
    sim, called = run(stations({"a": ServiceTime(), "b": line(scv)}, {"a": rps}, {"a": [call("b")]}))
    assert stretched(sim, "b") == 1.0
    assert stretched(alone, "b") == 0.0, "without calls nobody looks"
    for column in ("own_mean_ms", "own_p50_ms", "own_p95_ms", "own_p99_ms"):
        assert called["default/b"][column] == direct["default/b"][column]


@pytest.mark.parametrize("scv", [0.25, 4.0])
def test_what_leaves_a_line_is_as_even_as_its_service_when_it_is_busy(scv):
    models = {"a": ServiceTime(), "b": line(scv), "c": line(scv)}
    sim, times = run(stations(models, {"a": 80.0}, {"a": [call("b"), call("c")]}))
    busy = 0.8**2
    behind = 1.0 + busy * (scv - 1.0)
    assert stretched(sim, "b") == 1.0
    assert leaving(sim, "b") == pytest.approx(behind, rel=0.01)
    assert leaving(sim, "c") == pytest.approx(1.0 + (1.0 - busy) * (behind - 1.0) + busy * (scv - 1.0), rel=0.01)
    assert stretched(sim, "c") == pytest.approx((behind + scv) / (1.0 + scv), rel=0.05)
    waits = [times[f"default/{n}"]["own_mean_ms"] - 10.0 for n in "bc"]
    assert waits[1] / waits[0] == pytest.approx(stretched(sim, "c"), rel=0.02)


def test_calls_of_some_requests_and_pods_that_are_drawn_see_less_of_it():
    models = {"a": ServiceTime(), "b": line(0.25), "c": line(0.25)}
    every, _ = run(stations(models, {"a": 80.0}, {"a": [call("b"), call("c")]}))
    half, _ = run(stations(models, {"a": 80.0, "c": 40.0}, {"a": [call("b"), call("c", per_request=0.5)]}))
    assert stretched(every, "c") < stretched(half, "c") < 1.0
    found = {}
    for policy in ("random", "roundRobin", "leastRequests"):
        calls = {"a": [call("b"), call("c")]}
        sim, _ = run(stations(models, {"a": 240.0}, calls, {"c": policy}, replicas=3))
        found[policy] = stretched(sim, "c")
    assert found["leastRequests"] < found["random"] < 1.0
    assert found["roundRobin"] < found["random"]


def test_the_next_visit_of_a_journey_follows_an_answer():
    models = {"a": line(4.0), "b": line(4.0)}
    visits = {"j": [Visit(service="default/a"), Visit(service="default/b")]}
    sim, times = run(stations(models, {"a": 80.0, "b": 80.0}, journeys=visits))
    other, apart = run(stations(models, {"a": 80.0, "b": 80.0}))
    assert stretched(sim, "b") > 1.2
    assert stretched(other, "b") == 0.0
    assert times["default/b"]["own_p95_ms"] > 1.1 * apart["default/b"]["own_p95_ms"]
    assert times["default/a"]["own_p95_ms"] == apart["default/a"]["own_p95_ms"]


def test_of_calls_at_the_same_time_the_larger_is_less_than_that_of_independent_ones():
    """Two M/M/1 stations fed by the same arrivals: (12 - u) / 8 of one of them (Nelson and Tantawi, exact)."""
    models = {"a": ServiceTime(), "b": line(1.0), "c": line(1.0)}
    both = [Call(parallel=[call("b"), call("c")])]
    for u in (0.4, 0.8):
        _, times = run(stations(models, {"a": 100.0 * u}, {"a": both}))
        slower = times["default/a"]["mean_ms"] - times["default/a"]["own_mean_ms"]
        assert slower / times["default/b"]["mean_ms"] == pytest.approx((12.0 - u) / 8.0, rel=0.015)


def test_a_circle_of_calls_settles():
    calls = {"a": [call("b"), call("c")], "c": [call("a", per_request=0.3, recursive=True)]}
    sim, times = run(stations({"a": ServiceTime(), "b": line(4.0), "c": ServiceTime()}, {"a": 50.0}, calls))
    assert 1.0 < stretched(sim, "b") < stretched(sim, "c") < 2.5
    assert 1.0 < leaving(sim, "a") < 4.0
    assert times["default/b"]["own_mean_ms"] > 10.0
