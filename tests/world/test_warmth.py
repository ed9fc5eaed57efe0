"""Starts that burn CPU and pods whose code is cold. All loops at phase 0."""

from __future__ import annotations

import pytest

from capsim.scenario import ServiceSpec, TimedEvent
from capsim.scenario.series import ConstantSeries
from capsim.state.tables_warmth import COOLING, H_CPU, H_STAGE, V_COUNT, V_CPU, WARM
from tests.engine.clusters import behaviour, cluster, deployment, group
from tests.engine.faults.stories import played

pytestmark = pytest.mark.plain

WEB = "default/Deployment/web"
SCALE_MS, MINUTE_MS = 60_000, 60_000
STARTUP_MS = 5_000


def warming(
    replicas=1,
    before=0,
    cores_limit=1.0,
    rps=0.0,
    node_milli=8000,
    nodes=1,
    events=(),
    more=(),
    overload="drop",
    **spec,
):
    """A Deployment of ``before`` pods that is scaled to ``replicas``; a request costs 10 ms of CPU."""
    web = deployment("web", before, cpu_milli=100, limit_milli=int(1000 * cores_limit))
    scale = TimedEvent.model_validate({"at": f"{SCALE_MS}ms", "scale": {"target": WEB, "replicas": replicas}})
    return cluster(
        [web, *more],
        [group(cpu_milli=node_milli, count=nodes)],
        services={"default/web": ServiceSpec(workloads=[WEB], overload=overload)},
        traffic={"default/web": ConstantSeries(constant=rps)},
        workloads={WEB: behaviour(10.0, **spec)},
        events=[scale, *events],
        sample_interval_ms=1_000,
        initial_state="declared",
    )


def cpu_seconds(result, key=WEB):
    """CPU used from the start to the end of the run."""
    frame = result.series["workloads"]
    own = frame[frame["workload"] == key]
    return float(own["cpu_used_milli"].sum()) / 1000.0


def start_ms(result):
    pods = result.pods.sort_values("created_ms")
    return (pods["ready_ms"] - pods["scheduled_ms"]).tolist()


@pytest.mark.parametrize(
    ("limit", "cores", "burns_ms"), [(1.0, 1.0, 20_000), (0.5, 1.0, 40_000), (4.0, 1.0, 20_000), (4.0, 3.0, 6_667)]
)
def test_a_start_takes_its_cpu_over_the_limit_or_its_threads(limit, cores, burns_ms):
    """CFS quota: half the limit, twice the time; the CPU that it takes is the same."""
    cpu = {"cpu_seconds": 20.0, "cores_milli": 1000.0 * cores}
    sim, result = played(warming(cores_limit=limit, startup_cpu=cpu))
    assert start_ms(result) == [STARTUP_MS + burns_ms]
    assert cpu_seconds(result) == pytest.approx(20.0, rel=1e-3)
    assert sim.state.physics.warm[:, [V_COUNT, V_CPU]].tolist() == [[0.0, 0.0]]


def test_starts_share_what_the_node_has():
    """Two starts of 10 CPU-seconds on a core; the second begins 10 ms later and ends last."""
    cpu = {"cpu_seconds": 10.0}
    _, result = played(warming(2, cores_limit=4.0, node_milli=1000, startup_cpu=cpu))
    first, second = start_ms(result)
    assert first == pytest.approx(STARTUP_MS + 20_000, abs=20)
    assert second == pytest.approx(STARTUP_MS + 20_000, abs=20)
    assert cpu_seconds(result) == pytest.approx(20.0, rel=1e-3)


def test_what_a_start_burns_is_not_left_for_others():
    """A neighbour with the same request gets half of the core while the start burns, and all that it wants after."""
    busy = "default/Deployment/busy"
    scenario = warming(node_milli=1000, startup_cpu={"cpu_seconds": 10.0}, more=[deployment("busy", 1, cpu_milli=100)])
    services = {**scenario.services, "default/busy": ServiceSpec(workloads=[busy], overload="drop")}
    scenario = scenario.model_copy(
        update={
            "services": services,
            "traffic": {**scenario.traffic, "default/busy": ConstantSeries(constant=90.0)},
            "workloads": {**scenario.workloads, busy: behaviour(10.0)},
        }
    )
    _, result = played(scenario)
    assert start_ms(result)[-1] == STARTUP_MS + 20_000
    frame = result.series["workloads"]
    used = frame[frame["workload"] == busy].set_index("time_ms")["cpu_used_milli"]
    assert used[70_000] == pytest.approx(500)
    assert used[100_000] == pytest.approx(900)
    both = frame.groupby("time_ms")["cpu_used_milli"].sum()
    assert both.max() <= 1000.001


def test_cold_requests_cost_more_and_the_excess_halves():
    """Three times 10 ms at first: 0.2 cores more at 10 requests a second, over the half-life / ln 2."""
    warm = cpu_seconds(played(warming(rps=10.0))[1])
    sim, result = played(warming(rps=10.0, warm_up={"factor": 3.0, "half_life_ms": 20_000}))
    assert cpu_seconds(result) - warm == pytest.approx(0.2 * 20 / 0.693147 * (1 - 2**-6), rel=1e-3)
    used = result.series["workloads"].set_index("time_ms")["cpu_used_milli"]
    ready = int(result.pods["ready_ms"].iloc[0])
    at = [used[ready // 1000 * 1000 + after] for after in (5_000, 15_000, 25_000, 200_000)]
    assert at == pytest.approx([100 + 200 * 0.8451 * 2 ** (-k / 2) for k in (0, 1, 2)] + [100], rel=1e-3)
    assert sim.state.usage.warmth[:, H_STAGE].tolist() == [WARM] * len(sim.state.usage.warmth)
    assert sim.state.scan.contended.sum() == 0


def test_a_cold_pod_serves_no_more_than_its_limit_lets_it():
    """A core is 100 warm requests a second; four times as dear at first they are a quarter of that."""
    _, result = played(warming(rps=80.0, warm_up={"factor": 4.0, "half_life_ms": 20_000}))
    frame = result.series["workloads"].set_index("time_ms")
    ready = int(result.pods["ready_ms"].iloc[0]) // 1000 * 1000
    assert frame["served_rps"][ready + 2000] == pytest.approx(100 / (1 + 3 * 0.8451), rel=1e-3)
    assert frame["cpu_used_milli"][ready + 2000] == pytest.approx(1000)
    assert frame["served_rps"][ready + 200_000] == pytest.approx(80)
    assert frame["cpu_used_milli"].max() <= 1000.001


@pytest.mark.parametrize(("overload", "warm_rps"), [("queue", 100), ("drop", 60)])
def test_a_warm_pod_takes_what_a_cold_one_cannot(overload, warm_rps):
    """Two pods, one of them new, as on a contended node: requests that queue go where there is CPU for them."""
    cold = {"factor": 8.0, "half_life_ms": 60_000}
    _, result = played(warming(2, before=1, rps=120.0, overload=overload, warm_up=cold))
    frame = result.series["workloads"].set_index("time_ms")
    ready = int(result.pods["ready_ms"].max()) // 1000 * 1000
    assert frame["served_rps"][ready + 2000] == pytest.approx(warm_rps + 100 / (1 + 7 * 0.8451), rel=1e-3)


@pytest.mark.parametrize("factor", [1.0, 2.0, 5.0])
def test_more_warm_up_never_lowers_the_cpu_used(factor):
    used = [
        cpu_seconds(played(warming(3, rps=60.0, warm_up={"factor": f, "half_life_ms": 30_000}))[1])
        for f in (factor, factor * 1.5)
    ]
    assert used[0] <= used[1] + 1e-6


@pytest.mark.parametrize(
    "fault",
    [
        {"crash": {"target": WEB, "after": "1s", "duration": "5s"}},
        {"fail": {"node": "n-1", "mode": "partition", "duration": "20s"}},
        {"fail": {"node": "n-1", "mode": "unreachable", "duration": "20s"}},
        {"fail": {"node": "n-1"}},
        {"scale": {"target": WEB, "replicas": 1}},
    ],
)
@pytest.mark.parametrize("at", ["70s", "85s"])
def test_what_ends_a_start_or_a_cold_pod_ends_what_it_uses(fault, at):
    """At 70 s the pods burn, at 85 s they are cold; afterwards the books are closed, and others begin anew."""
    cpu, cold = {"cpu_seconds": 15.0}, {"factor": 3.0, "half_life_ms": 20_000}
    event = TimedEvent.model_validate({"at": at, **fault})
    sim, _ = played(warming(3, rps=30.0, nodes=2, events=[event], startup_cpu=cpu, warm_up=cold))
    s = sim.state
    assert s.physics.warm[0, [V_COUNT, V_CPU]].tolist() == [0.0, 0.0]
    assert (s.usage.warmth[:, H_STAGE] == WARM).all()
    assert (s.usage.warmth[:, H_CPU] == 0.0).all()


def test_an_outage_of_the_control_plane_does_not_stop_a_start():
    """What runs goes on: the start uses its CPU and no more, though nobody is told that it is over."""
    outage = TimedEvent.model_validate({"at": "70s", "controlPlaneOutage": {"duration": "60s"}})
    _, result = played(warming(events=[outage], startup_cpu={"cpu_seconds": 20.0}))
    assert cpu_seconds(result) == pytest.approx(20.0, rel=1e-3)
    assert start_ms(result)[0] > STARTUP_MS + 20_000


def test_stages_are_in_order():
    """A pod burns, then it is cold, step by step."""
    from capsim.engine.drive import Simulation

    scenario = warming(rps=10.0, startup_cpu={"cpu_seconds": 20.0}, warm_up={"factor": 3.0})
    sim = Simulation(scenario)
    seen = []
    for at_ms in range(60_000, 300_000, 5_000):
        sim.advance(at_ms)
        seen.append(int(sim.state.usage.warmth[:, H_STAGE].max()))
    steps = [stage for i, stage in enumerate(seen) if i == 0 or stage != seen[i - 1]]
    assert steps == [WARM, 1, *range(COOLING, COOLING + 12), WARM]


def metrics(cores_limit=1.0, skip=True, **spec):
    """What metrics-server says of the pods every 15 s, ms -> (has, milli, window) of the first of them."""
    from capsim.engine.custom import Custom
    from capsim.engine.drive import Simulation

    found = {}

    def look(view):
        pods = [pod for pod in view.pods(WEB) if pod.ready]
        if pods:
            found[view.now_ms] = (pods[0].has_metrics, pods[0].cpu_milli, pods[0].window_ms)

    scenario = warming(rps=10.0, cores_limit=cores_limit, **spec)
    sim = Simulation(scenario, custom=[Custom(act=look, period_ms=15_000, phase_ms=0)], skip_syncs=skip)
    sim.advance(scenario.duration_ms)
    return found


def test_metrics_server_reads_what_a_start_burned_and_what_cold_requests_cost():
    """The first window with two samples straddles Ready: its CPU is in part what the start used, 100m after that."""
    seen = metrics(startup_cpu={"cpu_seconds": 20.0})
    values = [milli for has, milli, _ in seen.values() if has]
    assert values[0] > 150
    assert values[-1] == 100
    assert max(values) <= 1000
    warm = [milli for has, milli, _ in metrics().values() if has]
    assert set(warm) == {100}
    cold = [milli for has, milli, _ in metrics(warm_up={"factor": 3.0, "half_life_ms": 60_000}).values() if has]
    assert cold[0] > 200
    assert cold == sorted(cold, reverse=True)
    assert cold[-1] == 100
