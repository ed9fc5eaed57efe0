"""Lives of pods in their parts: pulled, probed, serving, told to go, and lost to nobody."""

from __future__ import annotations

from benchmarks.generated import deployment, nodes, scenario
from capsim.engine.drive import Simulation
from capsim.scenario import ControlPlaneSpec, DelaySpec, KubeletSpec, Scale, TimedEvent
from capsim.scenario.images import ImageSpec
from capsim.scenario.kubernetes.lifecycle import Probe
from capsim.state.tables import C_PODS_GONE

DEPLOYMENTS, EACH, CYCLES = 50, 200, 10
NODES = 120
CYCLE_MS = 600_000
LAYERS = {"base": 200_000_000, "app": 30_000_000}


def in_parts(i: int):
    """A Deployment without pods whose container is pulled, probed, and sleeps before it stops."""
    whole = deployment(f"app-{i}", 0, 300, 2**28)
    parts = {
        "image": f"app-{i}:1",
        "startup_probe": Probe(period_s=2, failure_threshold=30),
        "readiness_probe": Probe(initial_delay_s=1, period_s=5),
        "pre_stop_s": 1,
    }
    container = whole.template.containers[0].model_copy(update=parts)
    return whole.model_copy(update={"template": whole.template.model_copy(update={"containers": (container,)})})


def test_a_hundred_thousand_lives(measure):
    """50 Deployments come and go ten times, 10,000 pods together: every life has a pull or a look at the cache, two
    probes, a termination with a hook, and endpoints that follow late."""
    listed = [in_parts(i) for i in range(DEPLOYMENTS)]
    events = [
        TimedEvent(at_ms=cycle * CYCLE_MS + at_ms, scale=Scale(target=workload.key, replicas=replicas))
        for cycle in range(CYCLES)
        for at_ms, replicas in ((1000, EACH), (CYCLE_MS // 2, 0))
        for workload in listed
    ]
    plane = ControlPlaneSpec(
        rate_limits=False,
        delays=DelaySpec(endpoint_propagation_ms=2000),
        kubelet=KubeletSpec(serialize_image_pulls=False, max_parallel_image_pulls=4),
    )
    images = {w.template.containers[0].image: ImageSpec(layers={**LAYERS, w.name: 10**7}) for w in listed}
    group = nodes(32_000, NODES, NODES, NODES)
    sim = Simulation(
        scenario(
            "lives", listed, group, duration_ms=CYCLES * CYCLE_MS, events=events, control_plane=plane, images=images
        )
    )
    before = sim.snapshot()

    def fresh():
        sim.restore(before)
        return ()

    def lived():
        sim.advance(CYCLES * CYCLE_MS)
        return int(sim.state.clock.counters[C_PODS_GONE])

    gone = measure(lived, unit="us", amount=DEPLOYMENTS * EACH * CYCLES, target=2.0, prepare=fresh, rounds=5)
    assert gone == DEPLOYMENTS * EACH * CYCLES
