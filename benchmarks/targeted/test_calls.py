"""One traffic step over 1,000 services whose calls go five levels deep; and what those cost that ask for nothing."""

from __future__ import annotations

import pytest

from benchmarks.generated import behaviour, deployment, nodes, scenario
from capsim.engine.drive import Simulation
from capsim.scenario.calls import Call, ServiceTime
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import StepsSeries
from capsim.scenario.workload import ServiceSpec
from capsim.state.tables import C_TRAFFIC
from capsim.state.tables_calls import OUT_REQUESTS

SERVICES, LEVELS, STEPS = 1000, 5, 300
EACH = SERVICES // LEVELS


def name(i: int) -> str:
    """The service number ``i``."""
    return f"default/s{i:04d}"


def calls_of(i: int) -> list[Call]:
    """Two services of the next level, each for every second request."""
    level = i // EACH
    if level == LEVELS - 1:
        return []
    callees = ((level + 1) * EACH + (2 * i + k) % EACH for k in range(2))
    return [Call(service=name(j), per_request=0.5, timeout_ms=1000, retries=1, retry_budget=0.2) for j in callees]


def stepping(calls: bool, timed: bool) -> Scenario:
    """Rates that change every second: of the first level, whose calls reach the others, or of all services."""
    sources = EACH if calls else SERVICES
    model = ServiceTime() if timed else None
    return scenario(
        "calls",
        [deployment(name(i).rpartition("/")[2], 2, 500) for i in range(SERVICES)],
        nodes(64_000, 20, 20, 20),
        duration_ms=STEPS * 1000,
        sample_interval_ms=STEPS * 1000,
        services={
            name(i): ServiceSpec(workloads=[f"default/Deployment/s{i:04d}"], calls=calls_of(i) if calls else [])
            for i in range(SERVICES)
        },
        traffic={
            name(i): StepsSeries.model_validate({"steps": [[f"{t}s", 5.0 + t % 7 + i % 5] for t in range(STEPS)]})
            for i in range(sources)
        },
        workloads={
            f"default/Deployment/s{i:04d}": behaviour(10.0).replaced(service_time=model) for i in range(SERVICES)
        },
    )


@pytest.mark.parametrize(
    ("calls", "timed"),
    [(True, True), (False, True), (False, False)],
    ids=["calls", "response times", "neither"],
)
def test_step(measure, calls, timed):
    sim = Simulation(stepping(calls, timed))
    fresh = sim.snapshot()

    def prepare():
        sim.restore(fresh)
        return ()

    def advance():
        sim.advance(STEPS * 1000)
        return int(sim.state.clock.counters[C_TRAFFIC])

    changes = measure(advance, prepare=prepare, rounds=5, amount=STEPS, unit="steps/s")
    assert changes == (EACH if calls else SERVICES) * (STEPS - 1), "each second but the first brings a change"
    if calls:
        rows = sim.state.calls.out[0]
        asked = [rows[EACH * d : EACH * (d + 1), OUT_REQUESTS].sum() for d in range(LEVELS)]
        assert asked[1:] == pytest.approx(asked[:-1], rel=1e-3), "two calls for every second request: as many again"
