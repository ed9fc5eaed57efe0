"""The Cluster Autoscaler: estimates, whole loops, and loops that change nothing."""

from __future__ import annotations

import numpy as np

from benchmarks import reference
from benchmarks.generated import GIB, deployment, nodes, scenario
from capsim.controllers.cluster_autoscaler.estimator import estimate
from capsim.controllers.cluster_autoscaler.scan import changes_nothing
from capsim.controllers.cluster_autoscaler.simulation import build
from capsim.engine.drive import Simulation, copy_tables
from capsim.jit import entry
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.state.tables import CA_SEEN_WORK, G_MAX, UNSCHEDULABLE

NODES = 1000
KINDS = 50
EACH = 1000
PODS = 30 * NODES
UP_MS = 300_000
"""Before any timer of the autoscaler runs out."""


def full_cluster(pods_of_a_kind: int, kinds: int) -> Simulation:
    """1,000 nodes that are full, and pending pods of different sizes."""
    full = [deployment(f"full-{i}", NODES // 10, 15_700) for i in range(10)]
    pending = [deployment(f"kind-{k:02d}", pods_of_a_kind, 500 + 20 * k) for k in range(kinds)]
    sim = Simulation(
        scenario(
            "scale-up",
            full + pending,
            nodes(16_000, NODES, NODES, NODES),
            duration_ms=UP_MS,
            cluster_autoscaler=ClusterAutoscalerSpec(),
        )
    )
    assert sim.state.clock.values[UNSCHEDULABLE] == pods_of_a_kind * kinds
    sim.state.groups.size[0, G_MAX] = 100 * NODES
    return sim


def test_estimate(measure):
    """50,000 pods of 50 sizes are packed on new nodes; nothing but sizes matters."""
    sim = full_cluster(EACH, KINDS)
    view = sim.autoscaler.world.refresh(UP_MS)
    thought = build(view, {}, {}, [], 0, EACH * KINDS + 2)
    kind = view.pods.kind[view.pending]
    kinds, sizes = np.unique(kind, return_counts=True)
    template = view.template(0)

    def packed():
        found = estimate(view.kinds, thought.snap, kinds, sizes.astype(np.int64), template, EACH * KINDS)
        return found.nodes, int(found.placed.sum())

    added, placed = measure(packed, unit="pods/s", amount=EACH * KINDS, target=5e6)
    assert placed == EACH * KINDS
    wanted = sum(EACH * (500 + 20 * k) for k in range(KINDS)) / int(template.allocatable[0])
    assert wanted <= added <= 1.1 * wanted + 1


def test_scale_up_loop(measure):
    """A whole loop that adds nodes for 1,000 pods: Python around compiled kernels, rare in a run."""
    sim = full_cluster(20, KINDS)
    turn, before = sim.autoscaler, sim.snapshot()

    def fresh():
        sim.restore(before)
        return ()

    def loop():
        view = turn.world.refresh(UP_MS)
        return turn.scaler.loop(view, turn.world, turn.world.names()).scale_up.result

    assert measure(loop, unit="ms", prepare=fresh, beside=reference.interpreted) == "Successful"


def settled_cluster(request_milli: int, apps: int = 10) -> Simulation:
    """1,000 nodes with 30 pods each."""
    listed = [deployment(f"app-{i}", PODS // apps, request_milli, GIB // 2) for i in range(apps)]
    return Simulation(
        scenario(
            "scale-down",
            listed,
            nodes(16_000, NODES, 0, NODES),
            duration_ms=3_600_000,
            cluster_autoscaler=ClusterAutoscalerSpec(),
        )
    )


def test_scale_down_simulation(measure):
    """The first loop over nodes used below the threshold: the pods of each are moved elsewhere in thought."""
    sim = settled_cluster(240)
    turn, before = sim.autoscaler, sim.snapshot()

    def fresh():
        sim.restore(before)
        return ()

    def loop():
        view = turn.world.refresh(UP_MS)
        turn.scaler.loop(view, turn.world, turn.world.names())
        return len(turn.scaler.planner.unneeded)

    # Upstream stops at twice the nodes that it may remove at a time.
    assert measure(loop, unit="ms", prepare=fresh, beside=reference.interpreted, target=5) == 20


@entry
def idle_loops(clock, nodes, scan, groups, now, loops, anew):
    """How many of ``loops`` loops could be passed over; ``anew``: pods came or went before each."""
    passed = 0
    for k in range(loops):
        if anew:
            clock.values[CA_SEEN_WORK] = -1
        passed += changes_nothing(clock, nodes, scan, groups, now + k)
    return passed


def idle(measure, anew: bool, loops: int, unit: str, target: float) -> None:
    """Loops over 1,000 busy nodes with 30,000 pods."""
    sim = settled_cluster(400)
    sim.advance(30_000)
    s = sim.state

    def fresh():
        return copy_tables(s.clock), s.nodes, s.scan, s.groups, sim.now_ms + 1, loops, anew

    assert measure(idle_loops, prepare=fresh, amount=loops, unit=unit, target=target) == loops


def test_idle_loop(measure):
    """Nothing has happened since the last loop."""
    idle(measure, False, 100_000, "ns", 200)


def test_idle_loop_that_looks_at_every_node(measure):
    """Pods have come and gone, but no node could become a candidate."""
    idle(measure, True, 1000, "us", 20)
