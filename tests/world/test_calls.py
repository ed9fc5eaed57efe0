"""Calls, retries, failures, connections: what is sent, served and lost, and how long it takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.actions import ACT_SCALE
from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.result import frames
from capsim.scenario import ServiceSpec, StepsSeries
from capsim.scenario.calls import Balancing, Call, LatencyObjective, ServiceTime, Slo, Visit
from capsim.state.tables import U_CPU
from tests.engine.clusters import behaviour, cluster, deployment, group

pytestmark = pytest.mark.plain


def key(name):
    return f"default/Deployment/{name}"


def chain(names, rates, calls=(), replicas=2, duration_ms=60_000, model=None, spec=None, **more):
    """Services of one workload each (10 ms CPU a request, one core a pod); ``rates`` reach the first."""
    own = spec or {}
    services = {
        f"default/{n}": ServiceSpec(
            workloads=[key(n)], calls=[c for caller, c in calls if caller == n], **own.get(n, {})
        )
        for n in names
    }
    return cluster(
        [deployment(n, replicas=replicas, cpu_milli=500, limit_milli=1000) for n in names],
        groups=[group(cpu_milli=64_000)],
        duration_ms=duration_ms,
        sample_interval_ms=5_000,
        services=services,
        traffic={f"default/{names[0]}": StepsSeries.model_validate({"steps": rates})},
        workloads={key(n): behaviour(service_time=model or ServiceTime()) for n in names},
        **more,
    )


def run(scenario):
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    return sim, collect(sim)


def last(recording, name, kind="service"):
    frame = recording.series["responses"]
    return frame[(frame["name"] == name) & (frame["kind"] == kind)].iloc[-1]


def test_calls_reach_their_callees_and_times_add_up():
    calls = [("a", Call(service="default/b")), ("b", Call(service="default/c", per_request=2.0))]
    _, recording = run(chain(["a", "b", "c"], [["0s", 40.0]], calls))
    assert last(recording, "default/c")["requests"] == pytest.approx(5 * 80.0)
    a, b, c = (last(recording, f"default/{n}") for n in "abc")
    assert a["mean_ms"] == pytest.approx(a["own_mean_ms"] + b["mean_ms"], rel=0.01)
    assert b["mean_ms"] == pytest.approx(b["own_mean_ms"] + 2 * c["mean_ms"], rel=0.01)
    assert c["own_mean_ms"] == pytest.approx(10.0 / (1.0 - 0.4), rel=0.02)
    assert a["p50_ms"] < a["p95_ms"] < a["p99_ms"]


def test_of_parallel_calls_the_slower_one_counts():
    names = ["a", "b", "c"]
    both = Call(parallel=[Call(service="default/b"), Call(service="default/c")])
    _, at_once = run(chain(names, [["0s", 40.0]], [("a", both)]))
    _, in_turn = run(chain(names, [["0s", 40.0]], [("a", Call(service=f"default/{n}")) for n in "bc"]))
    a, b = last(at_once, "default/a"), last(at_once, "default/b")
    slower = a["mean_ms"] - a["own_mean_ms"]
    assert b["mean_ms"] < slower < last(in_turn, "default/a")["mean_ms"] - a["own_mean_ms"]
    assert slower == pytest.approx(1.5 * b["mean_ms"], rel=0.03)  # two exponential times: 1 + 1/2


def test_caches_and_probabilities_thin_what_is_sent():
    call = Call(service="default/b", per_request=0.5, cache_hits=0.8)
    _, recording = run(chain(["a", "b"], [["0s", 100.0]], [("a", call)]))
    assert last(recording, "default/b")["requests"] == pytest.approx(5 * 10.0)


@pytest.mark.parametrize(("budget", "arriving"), [(None, 4.0), (0.1, 1.1)])
def test_retries_multiply_what_fails_within_their_budget(budget, arriving):
    call = Call(service="default/b", retries=3, timeout_ms=500, retry_budget=budget)
    spec = {"b": {"request_timeout_ms": 2_000}}
    _, recording = run(chain(["a", "b"], [["0s", 60.0], ["5s", 400.0]], [("a", call)], replicas=4, spec=spec))
    frame = recording.series["workloads"]
    rates = frame[frame["workload"] == key("b")]["rps"].to_numpy()
    served = frame[frame["workload"] == key("a")]["served_rps"].to_numpy()[-1]
    call_rows = last(recording, "default/b")
    assert call_rows["requests"] / 5.0 == pytest.approx(rates[-1], rel=1e-3)
    if budget is None:
        assert rates[-1] <= arriving * served * (1 + 1e-6)
    else:
        assert rates[-1] == pytest.approx(min(arriving, 1.1) * served, rel=0.02)


def test_a_slow_callee_takes_its_callers_places():
    """50 places a pod and a bank that answers after a second: no more than 50 requests a second and pod."""
    names = ["a", "b"]
    scenario = chain(names, [["0s", 300.0]], [("a", Call(service="default/b"))], spec={"a": {"overload": "drop"}})
    workloads = {
        key("a"): behaviour(cpu_per_request_milli=1.0, service_time=ServiceTime(concurrency=50)),
        key("b"): behaviour(cpu_per_request_milli=0.1, service_time=ServiceTime(wait_ms=1000)),
    }
    _, recording = run(scenario.replaced(workloads=workloads))
    frame = recording.series["workloads"]
    served = frame[frame["workload"] == key("a")]["served_rps"].iloc[-1]
    assert served == pytest.approx(2 * 50 / 1.002, rel=0.02)


def test_without_a_ready_endpoint_requests_fail_at_once():
    _, recording = run(chain(["a"], [["0s", 50.0]], replicas=0))
    row = last(recording, "default/a")
    assert row["failed_requests"] == pytest.approx(row["requests"])
    assert np.isnan(row["p99_ms"])


def test_a_full_queue_refuses():
    _, recording = run(chain(["a"], [["0s", 250.0]], model=ServiceTime(concurrency=1, queue=10)))
    frame = recording.series["workloads"]
    assert frame["backlog_requests_max"].max() <= 2 * 10 + 1e-6
    assert last(recording, "default/a")["failed_requests"] == pytest.approx(5 * 50.0, rel=0.01)
    assert last(recording, "default/a")["own_mean_ms"] == pytest.approx(10 + 100 + 10, rel=0.05)


@settings(max_examples=10)
@given(
    rates=st.lists(st.floats(0.0, 600.0), min_size=2, max_size=4),
    retries=st.integers(0, 3),
    number=st.floats(0.1, 3.0),
)
def test_work_is_conserved(rates, retries, number):
    """Arrived = served + failed + waiting, for callers and callees, with retries and time-outs."""
    steps = [[f"{10 * i}s", rate] for i, rate in enumerate(rates)]
    call = Call(service="default/b", per_request=number, retries=retries, timeout_ms=1_000)
    sim, recording = run(chain(["a", "b"], steps, [("a", call)], duration_ms=40_000))
    frame = recording.series["workloads"]
    for w, name in enumerate(("a", "b")):
        rows = frame[frame["workload"] == key(name)]
        arrived, served, lost = (float((rows[c] * 5.0).sum()) for c in ("rps", "served_rps", "lost_rps"))
        waiting = float(sim.state.physics.backlog[w])
        # A backlog that is gone is seen at the next millisecond: up to one millisecond's work too much.
        assert arrived == pytest.approx(served + lost + waiting, rel=1e-6, abs=2.0)


@settings(max_examples=10)
@given(rate=st.floats(5.0, 170.0), more=st.floats(1.01, 1.1), replicas=st.integers(2, 5))
def test_latency_grows_with_load_and_falls_with_replicas(rate, more, replicas):
    def mean(r, n):
        return last(run(chain(["a"], [["0s", r]], replicas=n, duration_ms=20_000))[1], "default/a")["mean_ms"]

    base = mean(rate, replicas)
    assert mean(rate * more, replicas) >= base * (1 - 1e-9)
    assert mean(rate, replicas + 1) <= base * (1 + 1e-9)


def test_recursion_that_dies_out_is_damped():
    calls = [("a", Call(service="default/b")), ("b", Call(service="default/a", per_request=0.5, recursive=True))]
    _, recording = run(chain(["a", "b"], [["0s", 20.0]], calls, duration_ms=90_000))
    assert last(recording, "default/a")["requests"] == pytest.approx(5 * 40.0, rel=0.01)  # 1 + 1/2 + 1/4 + ...


def test_frames_have_exactly_the_documented_columns():
    slos = [Slo(service="default/a", latency=LatencyObjective(percentile=99.0, below_ms=100))]
    connection = {"balancing": Balancing(policy="connection", connections=10)}
    visits = {"j": [Visit(service="default/a")]}
    scenario = chain(["a"], [["0s", 20.0]], spec={"a": connection}, slos=slos, journeys=visits)
    _, recording = run(scenario)
    for name in ("responses", "objectives", "balance"):
        documented = {column.name for column in frames.FRAMES[f'series["{name}"]'][1]}
        assert set(recording.series[name].columns) == documented


def test_new_pods_behind_connections_stay_cold_until_these_turn_over():
    def newest(life_ms):
        connection = {"balancing": Balancing(policy="connection", connections=40, connection_lifetime_ms=life_ms)}
        scenario = chain(["a"], [["0s", 100.0]], spec={"a": connection}, duration_ms=300_000)
        sim = Simulation(scenario)
        sim.advance(20_000)
        sim.make_room(pods=4)
        sim.act(ACT_SCALE, 0, 4, 0)
        sim.advance(scenario.duration_ms)
        return collect(sim).series["balance"]

    long, short = newest(36_000_000), newest(30_000)
    assert long["ready"].iloc[-1] == short["ready"].iloc[-1] == 4
    assert long["newest_connections"].iloc[-1] <= 1
    assert long["highest_utilization_ratio"].iloc[-1] > 0.4
    assert short["newest_connections"].iloc[-1] >= 3
    assert long["newest_utilization_ratio"].iloc[5:].max() < short["newest_utilization_ratio"].iloc[-20:].mean()


def test_connections_carry_all_requests():
    connection = {"balancing": Balancing(policy="connection", connections=7)}
    sim, recording = run(chain(["a"], [["0s", 100.0]], replicas=3, spec={"a": connection}))
    frame = recording.series["workloads"]
    assert frame["served_rps"].iloc[-1] == pytest.approx(100.0)
    assert sim.state.usage.connections[sim.state.pods.state == 3].sum() == 7


def test_connections_leave_the_rates_of_others_alone():
    """All workloads are computed at once at the start; what is set by connections used to write over the list."""
    connection = {"balancing": Balancing(policy="connection", connections=10)}
    scenario = chain(["a"], [["0s", 20.0]], spec={"a": connection}, slos=[Slo(service="default/a", availability=99.0)])
    first = [deployment(name, 2) for name in ("x", "y", "z")]
    objects = scenario.objects.model_copy(update={"workloads": [*first, *scenario.objects.workloads]})
    idle = {w.key: behaviour(0.0, idle_cpu_milli=30.0) for w in first}
    sim = Simulation(scenario.model_copy(update={"objects": objects, "workloads": {**idle, **scenario.workloads}}))
    assert sim.state.physics.usage[:3, U_CPU].tolist() == [60.0, 60.0, 60.0]
