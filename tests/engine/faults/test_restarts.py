"""Containers that end: CrashLoopBackOff, OOM kills, preStop hooks and requests to pods that are gone."""

from __future__ import annotations

from itertools import pairwise

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.faults import restarts
from capsim.engine.run import collect
from capsim.scenario import ConstantSeries, ControlPlaneSpec, DelaySpec, ServiceSpec, StepsSeries
from capsim.scenario.kubernetes.lifecycle import pre_stop_s
from capsim.scenario.workload import ContainerBehaviour
from capsim.state.tables import M_DIRTY
from tests.engine.clusters import cluster, deployment, group
from tests.engine.faults.stories import MINUTE_MS, WEB, event, played, series, times_of, web_cluster

pytestmark = [pytest.mark.plain]

MIB = 2**20


def test_a_container_that_exits_once_is_restarted_at_once():
    _, result = played(web_cluster([event(MINUTE_MS, crash={"target": WEB, "pods": 1})]))
    assert times_of(result, "Exited") == [MINUTE_MS]
    assert times_of(result, "BackOff") == []
    assert result.pods["restarts"].tolist() == [1, 0, 0, 0, 0, 0]
    ready = series(result, "ready")
    assert ready[MINUTE_MS + 1000] == 5.0
    assert ready[MINUTE_MS + 6000] == 6.0, "5 s to start"


def test_the_back_off_doubles_from_ten_seconds_to_five_minutes():
    """10 s, 20 s, 40 s, 80 s, 160 s, 300 s after the container ended; it runs for 1 s each time."""
    crash = {"target": WEB, "pods": 1, "after": "1s", "duration": "19m"}
    _, result = played(web_cluster([event(MINUTE_MS, crash=crash)], duration_ms=30 * MINUTE_MS))
    ended = times_of(result, "Exited")
    waits = [b - a - 1000 for a, b in pairwise(ended)]
    assert waits == [1, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]
    assert len(times_of(result, "BackOff")) == len(ended) - 1
    assert series(result, "ready")[10 * MINUTE_MS] == 5.0
    assert series(result, "ready").iloc[-1] == 6.0


def test_the_back_off_is_forgotten_after_ten_minutes():
    crashes = [event(at * MINUTE_MS, crash={"target": WEB, "pods": 1}) for at in (1, 2, 3, 15)]
    _, result = played(web_cluster(crashes))
    assert times_of(result, "BackOff") == [2 * MINUTE_MS, 3 * MINUTE_MS], "not at 15 min"


def test_a_pod_that_is_deleted_meanwhile_is_not_restarted():
    crash = event(MINUTE_MS, crash={"target": WEB, "after": "1s", "duration": "10m"})
    down = event(3 * MINUTE_MS, scale={"target": WEB, "replicas": 0})
    _, result = played(web_cluster([crash, down]))
    assert result.pods["gone_ms"].notna().all()


def hungry(limit_mib, traffic, replicas=4, spread=0.0, **service):
    """100 MiB, and 1 MiB for each request in flight; a request takes 10 ms of one core."""
    web = deployment("web", replicas, cpu_milli=1000, limit_milli=1000)
    container = web.template.containers[0].model_copy(update={"limits": {"cpu": 1000, "memory": limit_mib * MIB}})
    web = web.model_copy(update={"template": web.template.model_copy(update={"containers": (container,)})})
    use = ContainerBehaviour(cpu_per_request_milli=10.0, memory_base_bytes=100 * MIB, memory_per_inflight_bytes=MIB)
    from capsim.scenario import WorkloadSpec

    spec = WorkloadSpec(containers={"app": use}, memory_spread_ratio=spread)
    return cluster(
        [web],
        [group(cpu_milli=8000, count=2)],
        services={"default/web": ServiceSpec(workloads=[WEB], **service)},
        traffic={"default/web": traffic},
        workloads={WEB: spec},
        duration_ms=20 * MINUTE_MS,
        sample_interval_ms=1000,
    )


def test_a_backlog_that_outgrows_the_memory_limit_kills_the_pods():
    """4 pods serve 400/s; 500/s come: 100 requests more wait each second, 25 in each pod, which has room for 200."""
    steps = StepsSeries.model_validate({"steps": [["0s", 300], ["60s", 500], ["120s", 100]]})
    _, result = played(hungry(300, steps))
    killed = times_of(result, "OOMKilled")
    # 200 MiB of requests less what is in service (1 at the cap), at 25 a second.
    assert killed[0] == pytest.approx(MINUTE_MS + 199 / 25 * 1000, abs=1100)
    assert result.pods["restarts"].sum() == len(killed) > 1
    assert series(result, "ready").iloc[-1] == 4.0


def test_within_the_limit_nobody_is_killed():
    _, result = played(hungry(300, ConstantSeries(constant=300.0)))
    assert times_of(result, "OOMKilled") == []


def test_kills_may_be_switched_off():
    steps = StepsSeries.model_validate({"steps": [["0s", 300], ["60s", 500], ["120s", 100]]})
    scenario = hungry(300, steps)
    spec = scenario.workloads[WEB].model_copy(update={"oom_kills": False})
    _, result = played(scenario.model_copy(update={"workloads": {WEB: spec}}))
    assert times_of(result, "OOMKilled") == []


def test_pods_whose_base_is_above_the_limit_crash_for_ever():
    _, result = played(hungry(90, ConstantSeries(constant=10.0), replicas=1))
    killed = times_of(result, "OOMKilled")
    assert len(killed) >= 6
    waits = [b - a - 5000 for a, b in pairwise(killed)]
    assert waits[:5] == pytest.approx([0, 10_000, 20_000, 40_000, 80_000], abs=1001)


def test_pods_near_their_limit_are_looked_at_twice_a_second_however_often_rates_change(monkeypatch):
    """Rates that never settle called for a look at each instant, and a look was an instant: time stood still."""
    looks = []
    within = restarts.kill_largest
    monkeypatch.setattr(restarts, "kill_largest", lambda sim, w: [looks.append(sim.now_ms), within(sim, w)][1])
    sim = Simulation(hungry(119, ConstantSeries(constant=10.0), spread=0.2))
    sim.advance(MINUTE_MS)
    looks.clear()
    for later in range(0, 5_000, 50):
        sim.state.marks.dirty_flag[0], sim.state.marks.dirty[0], sim.state.marks.touched_count[M_DIRTY] = 1, 0, 1
        sim.state.heal.next_ms[0] = sim.now_ms  # an instant at which nothing else happens
        sim.advance(MINUTE_MS + later)
    assert 5 <= len(looks) <= 10, "one that the rates call for, and one that is due, of 100 instants"
    assert times_of(collect(sim), "OOMKilled") == []


def lossy(propagation_s, hook_s=0):
    plane = ControlPlaneSpec(phases="zero", delays=DelaySpec(endpoint_propagation_ms=propagation_s * 1000))
    scenario = web_cluster([event(MINUTE_MS, scale={"target": WEB, "replicas": 3})], control_plane=plane)
    if hook_s:
        web = scenario.objects.workloads[0]
        container = web.template.containers[0].model_copy(update={"pre_stop_s": hook_s})
        web = web.model_copy(update={"template": web.template.model_copy(update={"containers": (container,)})})
        scenario = scenario.model_copy(update={"objects": scenario.objects.model_copy(update={"workloads": [web]})})
    return played(scenario)[1]


def test_requests_to_a_pod_that_ends_before_it_leaves_the_endpoints_are_lost():
    """Three of six pods go; their half of 60/s is lost for the two seconds until the endpoints follow."""
    result = lossy(2)
    assert series(result, "lost_rps").sum() == pytest.approx(2 * 30.0, rel=0.05)
    assert lossy(0).series["workloads"]["lost_rps"].sum() == 0.0


@pytest.mark.parametrize(("hook_s", "lost_s"), [(1, 1), (2, 0), (5, 0)])
def test_a_pre_stop_hook_that_sleeps_keeps_the_pod_serving(hook_s, lost_s):
    result = lossy(2, hook_s)
    assert series(result, "lost_rps").sum() == pytest.approx(lost_s * 30.0, rel=0.05, abs=1e-9)
    gone = result.pods["gone_ms"].dropna() - result.pods["deleted_ms"].dropna()
    assert (gone == 2000 + hook_s * 1000).all(), "the hook and then SIGTERM"


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        ({"sleep": {"seconds": 7}}, 7),
        ({"exec": {"command": ["sleep", "5"]}}, 5),
        ({"exec": {"command": ["/bin/sh", "-c", "nginx -s quit; sleep 12s"]}}, 12),
        ({"exec": {"command": ["/bin/sh", "-c", "touch /tmp/asleep 5"]}}, 0),
        ({"httpGet": {"path": "/", "port": 80}}, 0),
        (None, 0),
    ],
)
def test_how_long_a_hook_takes_is_read_from_it(hook, seconds):
    assert pre_stop_s({"preStop": hook} if hook else None) == seconds
