"""Scenarios of any size, made of equal Deployments with HPAs under diurnal traffic with noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from capsim.rng import draw
from capsim.scenario.cluster import Instance, NodeGroup
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.scenario.control_plane import ControlPlaneSpec, KubeControllerManagerSpec
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.pod import Container, PodTemplate
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import DiurnalSeries, NoiseSeries, Series
from capsim.scenario.workload import ContainerBehaviour, ServiceSpec, WorkloadSpec

DAY_MS = 86_400_000
REQUEST_MILLI = 1500
COST_MILLI = 15.0
"""CPU-milliseconds of a request: 100 requests per second use one request of CPU."""
TARGET_PERCENT = 65
GIB = 2**30


@dataclass(frozen=True)
class Fleet:
    """How large a generated scenario is."""

    name: str
    workloads: int
    days: float
    pods_each: float
    """Mean number of pods of a workload, over workloads and days."""
    node_milli: int
    most_nodes: int
    peak_ratio: float = 1.6
    weekend_factor: float = 0.7
    noise_cv: float = 0.05
    step_ms: int = 60_000
    sample_ms: int = 900_000
    autoscaled: bool = True
    kube_api_qps: float = 20.0
    """Of kube-controller-manager; upstream's default is enough for 300 HPAs."""


MONTH = Fleet("month", workloads=100, days=30, pods_each=8.4, node_milli=16_000, most_nodes=400)
"""30 days, about 1,000 pods and 100 nodes, the Cluster Autoscaler every 10 s, noise of 5 % each minute."""
BIG_DAY = Fleet("big-day", workloads=1000, days=1, pods_each=56, node_milli=32_000, most_nodes=8000, kube_api_qps=100.0)
"""24 hours, 100,000 pods and 5,000 nodes at its peak."""


def share(entity: int, event: int) -> float:
    """A number in [0, 1) that is the same on every machine."""
    return draw(1, 99, entity, event) / 2**32


def traffic(fleet: Fleet, i: int) -> Series:
    """Requests per second of workload ``i``: its own size and hour of the peak, days and weekends, noise."""
    pods = fleet.pods_each * (0.4 + 1.2 * share(i, 0))
    mean_rps = pods * REQUEST_MILLI * TARGET_PERCENT / 100 / COST_MILLI
    cycle = DiurnalSeries(
        mean=mean_rps,
        peak_ratio=fleet.peak_ratio,
        peak_hour=14 + 2 * share(i, 1),
        weekend_factor=fleet.weekend_factor,
        step_ms=fleet.step_ms,
    )
    return NoiseSeries(of=cycle, cv=fleet.noise_cv, step_ms=fleet.step_ms) if fleet.noise_cv else cycle


def deployment(name: str, replicas: int, request_milli: int = REQUEST_MILLI, memory_bytes: int = GIB) -> Workload:
    """A Deployment of one container, which may use twice what it requests."""
    container = Container(
        name="app",
        requests={"cpu": request_milli, "memory": memory_bytes},
        limits={"cpu": 2 * request_milli, "memory": 2 * memory_bytes},
    )
    return Workload(
        kind="Deployment",
        namespace="default",
        name=name,
        replicas=replicas,
        selector={"matchLabels": {"app": name}},
        template=PodTemplate(labels={"app": name}, containers=(container,)),
    )


def daemonset() -> Workload:
    """A small DaemonSet: each node has one pod more."""
    template = PodTemplate(containers=(Container(name="agent", requests={"cpu": 100, "memory": GIB // 16}),))
    return Workload(kind="DaemonSet", namespace="kube-system", name="agent", replicas=0, template=template)


def hpa(name: str, low: int, high: int, percent: int = TARGET_PERCENT) -> Hpa:
    """An HPA on the CPU utilisation of a Deployment."""
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
    }
    return Hpa(
        namespace="default",
        name=name,
        target_key=f"default/Deployment/{name}",
        min_replicas=low,
        max_replicas=high,
        metrics=[metric],
    )


def behaviour(cost_milli: float = COST_MILLI) -> WorkloadSpec:
    """What a request costs."""
    container = ContainerBehaviour(cpu_per_request_milli=cost_milli, idle_cpu_milli=5.0, memory_base_bytes=GIB // 4)
    return WorkloadSpec(containers={"app": container})


def nodes(milli: int, initial: int, low: int, high: int, pods: int = 110) -> NodeGroup:
    """A node group with 4 GiB a core."""
    instance = Instance(cpu_milli=milli, memory_bytes=milli * GIB // 250, pods=pods)
    return NodeGroup(name="workers", instance=instance, min=low, max=high, initial=initial, price_per_hour_usd=0.7)


def scenario(name: str, deployments: list[Workload], group: NodeGroup, **more: Any) -> Scenario:
    """A scenario of these objects; ``more`` are its other fields."""
    objects = KubeObjects(workloads=deployments, hpas=more.pop("hpas", []))
    return Scenario(name=name, node_groups=[group], objects=objects, **more)


def fleet_scenario(fleet: Fleet) -> Scenario:
    """The generated scenario of a fleet."""
    names = [f"svc-{i:04d}" for i in range(fleet.workloads)]
    most = round(10 * fleet.pods_each)
    return scenario(
        fleet.name,
        [*(deployment(name, round(fleet.pods_each)) for name in names), daemonset()],
        nodes(fleet.node_milli, 3, 3, fleet.most_nodes),
        hpas=[hpa(name, 2, most) for name in names],
        duration_ms=round(fleet.days * DAY_MS),
        sample_interval_ms=fleet.sample_ms,
        services={f"default/{name}": ServiceSpec(workloads=[f"default/Deployment/{name}"]) for name in names},
        traffic={f"default/{name}": traffic(fleet, i) for i, name in enumerate(names)},
        workloads={f"default/Deployment/{name}": behaviour() for name in names},
        control_plane=ControlPlaneSpec(
            kube_controller_manager=KubeControllerManagerSpec(kube_api_qps=fleet.kube_api_qps)
        ),
        cluster_autoscaler=ClusterAutoscalerSpec() if fleet.autoscaled else None,
    )
