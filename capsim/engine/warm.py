"""Compiling everything once: a tiny run that passes through every compiled entry."""

from __future__ import annotations

from capsim.engine.drive import Simulation
from capsim.scenario.cluster import Instance, NodeGroup
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.pod import Container, PodTemplate
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.series.noise import NoiseSeries


def warm_up() -> None:
    """Simulate a minute in which a pod is too many, so that the autoscaler is asked as well; draw some noise."""
    template = PodTemplate(containers=(Container(name="app", requests={"cpu": 600}),))
    workload = Workload(kind="Deployment", namespace="default", name="warm", replicas=2, template=template)
    instance = Instance(cpu_milli=1000, memory_bytes=2**30)
    Simulation(
        Scenario(
            name="warm",
            duration_ms=60_000,
            initial_state="empty",
            node_groups=[NodeGroup(name="workers", instance=instance, min=1, max=3, initial=1)],
            cluster_autoscaler=ClusterAutoscalerSpec(),
            objects=KubeObjects(workloads=[workload]),
        )
    ).advance(60_000)
    for noise in ({"kind": "lognormal", "cv": 0.1}, {"kind": "poisson"}):
        NoiseSeries.model_validate({"noise": 10, "step": "1m", **noise}).points(60_000)
