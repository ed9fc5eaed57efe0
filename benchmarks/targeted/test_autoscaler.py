"""The Cluster Autoscaler: one scale-up decision, and scans for nodes that are not needed."""

from __future__ import annotations

from benchmarks import reference
from benchmarks.generated import GIB, deployment, nodes, scenario
from capsim.controllers.cluster_autoscaler.scan import scale_down
from capsim.engine.autoscaler import ask
from capsim.engine.drive import Simulation, copy_tables
from capsim.jit import entry
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.state.tables import C_CA_SIMULATIONS, CA_SEEN_WORK, G_MAX, T_UNNEEDED, UNSCHEDULABLE

NODES = 1000
KINDS = 50
NOW_MS = 300_000
"""Before any timer of the autoscaler runs out."""


def test_scale_up_decision(measure):
    """1,000 nodes that are full, 1,000 pending pods of 50 kinds; a decision is Python around a compiled estimator."""
    each = [500 + 20 * k for k in range(KINDS)]
    full = [deployment(f"full-{i}", NODES // 10, 15_700) for i in range(10)]
    pending = [deployment(f"kind-{k:02d}", 20, milli) for k, milli in enumerate(each)]
    group = nodes(16_000, NODES, NODES, NODES)
    sim = Simulation(
        scenario("scale-up", full + pending, group, duration_ms=1000, cluster_autoscaler=ClusterAutoscalerSpec())
    )
    assert sim.state.clock.values[UNSCHEDULABLE] == 20 * KINDS
    sim.state.groups.size[0, G_MAX] = 2 * NODES

    def decide():
        decision, _ = ask(sim, NOW_MS)
        return decision.nodes, sum(decision.helped)

    added, helped = measure(decide, unit="ms", beside=reference.interpreted)
    assert helped == 20 * KINDS
    allocatable_milli = int(sim.state.groups.template[0, 0])
    assert 20 * sum(each) / allocatable_milli <= added <= 1.1 * 20 * sum(each) / allocatable_milli + 1


@entry
def scan_many(clock, heap, classes, pods, links, nodes, scan, groups, workloads, queue, trees, marks, log, scans, anew):
    """``scans`` scans of all nodes; with ``anew`` each simulates the removal of every candidate again."""
    for k in range(scans):
        clock.values[CA_SEEN_WORK] = -1
        if anew:
            for n in range(scan.drain_version.shape[0]):
                scan.drain_version[n] = -2
        scale_down(
            clock, heap, classes, pods, links, nodes, scan, groups, workloads, queue, trees, marks, log, NOW_MS + k
        )  # fmt: skip
    return clock.counters[C_CA_SIMULATIONS]


def scanned(measure, scans: int, anew: bool, target_us: float):
    """Scans over 1,000 nodes that are used below the threshold, with 30 pods each."""
    group = nodes(16_000, NODES, 0, NODES)
    sim = Simulation(
        scenario(
            "scale-down",
            [deployment(f"app-{i}", 30 * NODES // 10, 240, GIB // 2) for i in range(10)],
            group,
            duration_ms=3_600_000,
            cluster_autoscaler=ClusterAutoscalerSpec(),
        )
    )
    s = sim.state

    def fresh():
        c = copy_tables
        return (
            c(s.clock), c(s.heap), s.classes, s.pods, s.links, c(s.nodes), c(s.scan), c(s.groups), s.workloads, s.queue,
            s.trees, s.marks, c(s.log), scans, anew,
        )  # fmt: skip

    simulations = measure(scan_many, prepare=fresh, amount=scans, unit="us", target=target_us)
    arguments = fresh()
    scan_many(*arguments)
    unneeded = arguments[5].times[:NODES, T_UNNEEDED]
    return simulations, int((unneeded >= 0).sum())


def test_scale_down_scan(measure):
    """Nothing changed: the timers are looked at."""
    simulations, unneeded = scanned(measure, 500, False, 20)
    assert simulations == NODES
    assert unneeded == NODES


def test_scale_down_simulation(measure):
    """The pods of every node are moved elsewhere in thought."""
    simulations, unneeded = scanned(measure, 20, True, 5000)
    assert simulations == 20 * NODES
    assert unneeded == NODES
