"""The HPA controller over a day: 1,000 HPAs that sync every 15 s, all executed, and with idle syncs skipped; containers
read at the scrape, and as cAdvisor reads them."""

from __future__ import annotations

from functools import lru_cache

import pytest

from benchmarks.generated import DAY_MS, behaviour, deployment, hpa, nodes, scenario
from capsim.engine.drive import Simulation
from capsim.scenario.control_plane import ControlPlaneSpec, KubeControllerManagerSpec, KubeletSpec
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import DiurnalSeries
from capsim.scenario.workload import ServiceSpec
from capsim.state.tables import C_BINDS, C_HPA_SYNCS, P_HPA_PERIOD

HPAS = 1000
PODS = 10


@lru_cache
def day(housekeeping_ms: int) -> Scenario:
    """A day of 1-minute traffic that never leaves the tolerance of the HPAs: what it costs is the syncs.

    The client may send as many requests as 1,000 HPAs need: with upstream's 20 per second each would sync every 50 s.
    """
    names = [f"svc-{i:04d}" for i in range(HPAS)]
    rps = PODS * 150 * 0.65
    return scenario(
        "hpa-day",
        [deployment(name, PODS) for name in names],
        nodes(2_000_000, 20, 20, 20, pods=1000),
        hpas=[hpa(name, 2, 100) for name in names],
        duration_ms=DAY_MS,
        control_plane=ControlPlaneSpec(
            kube_controller_manager=KubeControllerManagerSpec(kube_api_qps=100.0),
            kubelet=KubeletSpec(housekeeping_interval_ms=housekeeping_ms),
        ),
        sample_interval_ms=3_600_000,
        services={f"default/{name}": ServiceSpec(workloads=[f"default/Deployment/{name}"]) for name in names},
        traffic={
            f"default/{name}": DiurnalSeries(mean=rps, peak_ratio=1.05, peak_hour=i % 24)
            for i, name in enumerate(names)
        },
        workloads={f"default/Deployment/{name}": behaviour(10.0) for name in names},
    )


@pytest.mark.parametrize(
    ("skip", "target_ns", "housekeeping_ms"),
    [(False, None, 0), (True, 25, 0), (True, 25, 10_000)],
    ids=["all executed", "idle ones skipped", "idle ones skipped, housekeeping"],
)
def test_hpa_day(measure, skip, target_ns, housekeeping_ms):
    sim = Simulation(day(housekeeping_ms), skip_syncs=skip)
    fresh = sim.snapshot()
    period_ms = int(sim.state.clock.params[P_HPA_PERIOD])
    placed = int(sim.state.clock.counters[C_BINDS])
    ticks = HPAS * DAY_MS / period_ms

    def prepare():
        sim.restore(fresh)
        return ()

    def advance():
        sim.advance(DAY_MS)
        return int(sim.state.clock.counters[C_HPA_SYNCS]), int(sim.state.clock.counters[C_BINDS])

    executed, binds = measure(advance, prepare=prepare, rounds=3, amount=ticks, unit="ns", target=target_ns)
    assert binds == placed, "nobody scales"
    assert executed < ticks * 0.95 if skip else executed == pytest.approx(ticks, rel=0.001)
