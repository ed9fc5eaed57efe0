"""The Cluster Autoscaler: estimates, whole loops, and loops that change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import reference
from benchmarks.generated import GIB, deployment, nodes, scenario
from capsim.controllers.cluster_autoscaler.estimator import estimate
from capsim.controllers.cluster_autoscaler.scan import needs_no_python
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


@pytest.mark.parametrize(("each", "of_kinds", "target"), [(10_000, 1, 5e6), (100, 100, 1e6), (EACH, KINDS, 5e6)])
def test_estimate(measure, each, of_kinds, target):
    """Pods of one size, or of many, are packed on new nodes; nothing but sizes matters."""
    sim = full_cluster(each, of_kinds)
    view = sim.autoscaler.world.refresh(UP_MS)
    thought = build(view, {}, {}, [], 0, each * of_kinds + 2)
    kind = view.pods.kind[view.pending]
    kinds, sizes = np.unique(kind, return_counts=True)
    template = view.template(0)

    def packed():
        found = estimate(view.kinds, thought.snap, kinds, sizes.astype(np.int64), template, each * of_kinds)
        return found.nodes, int(found.placed.sum())

    added, placed = measure(packed, unit="pods/s", amount=each * of_kinds, target=target)
    assert placed == each * of_kinds
    wanted = sum(each * (500 + 20 * k) for k in range(of_kinds)) / int(template.allocatable[0])
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


AS_IT_WAS, PODS_CHANGED, FORGOTTEN = range(3)
"""What happened before each loop: nothing; pods came or went; and it remembers no place for a pod either."""


@entry
def compiled_loops(clock, nodes, scan, groups, pods, links, workloads, ca, now, loops, before):
    """How many of ``loops`` loops needed no Python."""
    done = 0
    for k in range(loops):
        if before != AS_IT_WAS:
            clock.values[CA_SEEN_WORK] = -1
        if before == FORGOTTEN:
            ca.hints.now[0] += 2
        done += needs_no_python(clock, nodes, scan, groups, pods, links, workloads, ca, now + k)
    return done


def looking(measure, before: int, loops: int, unit: str, target: float, request_milli: int = 400) -> None:
    """Loops over 1,000 nodes with 30,000 pods."""
    sim = settled_cluster(request_milli)
    sim.advance(30_000)
    s = sim.state

    def fresh():
        tables = (s.clock, s.nodes, s.scan, s.groups, s.pods, s.links, s.workloads, s.autoscaler)
        return *(copy_tables(table) for table in tables), sim.now_ms + 1, loops, before

    assert measure(compiled_loops, prepare=fresh, amount=loops, unit=unit, target=target) == loops


def test_idle_loop(measure):
    """Nothing has happened since the last loop."""
    looking(measure, AS_IT_WAS, 100_000, "ns", 200)


def test_idle_loop_that_looks_at_every_node(measure):
    """Pods have come and gone, but no node could become a candidate."""
    looking(measure, PODS_CHANGED, 1000, "us", 20)


def test_scale_down_simulation_again(measure):
    """Pods have come and gone; those of unneeded nodes still fit where they did."""
    looking(measure, PODS_CHANGED, 100, "us", 5000, request_milli=240)


def test_scale_down_simulation_anew(measure):
    """The pods of unneeded nodes look for a place again."""
    looking(measure, FORGOTTEN, 100, "us", 5000, request_milli=240)
