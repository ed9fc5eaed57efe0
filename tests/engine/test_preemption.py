"""Preemption in simulated time: victims terminate gracefully, the pod waits as nominated and takes their place."""

from __future__ import annotations

import pytest

from capsim.engine.drive import Simulation
from capsim.engine.run import collect
from capsim.scenario.event import TimedEvent
from capsim.scenario.kubernetes.pdb import Pdb
from tests.engine.clusters import cluster, deployment

pytestmark = pytest.mark.plain


def with_priority(name, replicas, priority, policy="PreemptLowerPriority"):
    workload = deployment(name, replicas)
    template = workload.template.replaced(priority=priority, preemption_policy=policy)
    return workload.replaced(template=template)


def full_cluster(policy="PreemptLowerPriority", pdbs=()):
    """One node of 4 cores with 40 low pods of 100m; a high one is asked for after a minute."""
    scale = {"at": "1m", "scale": {"target": "default/Deployment/high", "replicas": 1}}
    scenario = cluster([with_priority("low", 40, 0), with_priority("high", 0, 100, policy)])
    objects = scenario.objects.replaced(pdbs=list(pdbs))
    return scenario.replaced(objects=objects, events=[TimedEvent.model_validate(scale)], duration_ms=300_000)


def told(scenario):
    sim = Simulation(scenario)
    sim.advance(scenario.duration_ms)
    result = collect(sim)
    return result, result.events[result.events["source"] == "default-scheduler"]


def test_a_victim_goes_and_the_pod_takes_its_place():
    result, events = told(full_cluster())
    preempted = events[events["reason"] == "Preempted"]
    assert len(preempted) == 1
    assert "default/high" in preempted["message"].iloc[0]
    failed = events[(events["reason"] == "FailedScheduling") & events["object"].str.contains("high")]
    assert failed["message"].iloc[0] == "0/1 nodes are available: 1 Insufficient cpu."
    high = result.pods[result.pods["workload"] == "default/Deployment/high"].iloc[0]
    low = result.pods[result.pods["workload"] == "default/Deployment/low"]
    victim = low[low["deleted_ms"].notna() & low["node"].notna()].iloc[0]
    assert victim["deleted_ms"] < victim["gone_ms"] <= high["scheduled_ms"], "it terminates gracefully first"
    assert high["node"] == victim["node"]
    assert len(low) == 41, "its Deployment makes another, which stays Pending"


def test_a_pod_that_may_not_preempt_says_so():
    _, events = told(full_cluster(policy="Never"))
    assert (events["reason"] != "Preempted").all()


def test_budgets_do_not_save_the_only_candidates():
    pdb = Pdb(namespace="default", name="low", selector={"matchLabels": {"app": "low"}}, max_unavailable=0)
    _, events = told(full_cluster(pdbs=[pdb]))
    assert (events["reason"] == "Preempted").sum() == 1, "budgets are respected as far as they can be, as upstream's"
