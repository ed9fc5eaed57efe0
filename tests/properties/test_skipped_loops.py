"""Loops of the Cluster Autoscaler that are not executed: a run must be what it is when every one is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.engine.drive import Simulation
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.scenario.event import Scale, TimedEvent
from capsim.scenario.kubernetes.pdb import Pdb
from capsim.scenario.load import load
from tests.engine.clusters import cluster, deployment, group
from tests.properties.frames import COUNTERS_OF_SYNCS, assert_same, outcome
from tests.properties.scenarios import autoscalers, scenarios

HOUR_MS = 3_600_000


def both(scenario, until_ms):
    """The run, and the run with every loop executed; how many loops each executed."""
    runs, executed = [], []
    for skip in (True, False):
        sim = Simulation(scenario, skip_syncs=skip)
        loops = []
        sim.autoscaler.watch = lambda status, view, loops=loops: loops.append(view.now_ms)
        sim.advance(until_ms)
        runs.append((outcome(sim), sim.autoscaler.scaler))
        executed.append(loops)
    return runs, executed


def test_a_long_run_with_rechecks_and_scale_downs():
    scenario = load("scenarios/shop")
    (skipping, every), (some, all_loops) = both(scenario, 20 * HOUR_MS)
    assert_same(skipping[0], every[0], ignore=COUNTERS_OF_SYNCS)
    assert set(some) < set(all_loops)
    assert len(some) < len(all_loops) / 4


@given(scenarios((20, 45)), autoscalers, st.sampled_from([60_000, 300_000]))
@settings(max_examples=30)
def test_executing_every_loop_changes_nothing(scenario, spec, recheck_ms):
    spec = spec.model_copy(update={"unremovable_node_recheck_timeout_ms": recheck_ms})
    scenario = scenario.replaced(cluster_autoscaler=spec)
    (skipping, every), _ = both(scenario, scenario.duration_ms)
    assert_same(skipping[0], every[0], ignore=COUNTERS_OF_SYNCS)
    assert skipping[1].cursor == every[1].cursor
    assert skipping[1].candidates == every[1].candidates


def small(listed, groups, pdbs=(), events=(), hours=2):
    """A cluster with quick scale-down; nodes of different sizes, so that pods have somewhere to go."""
    spec = ClusterAutoscalerSpec(scale_down_unneeded_time_ms=120_000, scale_down_delay_after_add_ms=60_000)
    scenario = cluster(
        listed, groups, cluster_autoscaler=spec, duration_ms=hours * HOUR_MS, events=list(events),
        initial_state="declared",
    )  # fmt: skip
    objects = scenario.objects.model_copy(update={"pdbs": list(pdbs)})
    return scenario.model_copy(update={"objects": objects})


def scaled(minute, replicas):
    return TimedEvent(at_ms=minute * 60_000, scale=Scale(target="default/Deployment/a", replicas=replicas))


def test_drains_that_a_budget_holds_up():
    """One pod at a time may go, the next when its replacement is Ready: a drain goes on over many loops, and the pods
    that are still to be evicted count as pending in each."""
    pdb = Pdb(namespace="default", name="a", selector={"matchLabels": {"app": "a"}}, max_unavailable=1)
    listed = [deployment("a", 12, 300, termination_grace_s=25), deployment("b", 1, 100, kind="DaemonSet")]
    events = [scaled(5, 30), scaled(20, 9), scaled(50, 26), scaled(70, 5)]
    scenario = small(listed, [group(2000, 2, max=12)], [pdb], events)
    (skipping, every), (some, all_loops) = both(scenario, scenario.duration_ms)
    assert_same(skipping[0], every[0], ignore=COUNTERS_OF_SYNCS)
    assert skipping[0]["nodes"]["gone_ms"].notna().sum() >= 2
    assert len(some) < len(all_loops) / 3
