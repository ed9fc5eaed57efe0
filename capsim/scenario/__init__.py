"""What people write, checked: scenario files, Kubernetes manifests, overlays. Knows nothing of arrays.

scenario = capsim.scenario.load("app10.yaml", overlays=["more.yaml"], sets=["nodeGroups.workers.max=6"])
"""

from typing import Any

from capsim.scenario.chaos import (
    ControlPlaneOutage,
    Crash,
    Drain,
    Fail,
    Failures,
    Hang,
    LeaderElection,
    NodeTarget,
    SpotReclaim,
    Upgrade,
    ZoneOutage,
)
from capsim.scenario.cluster import Instance, NodeGroup, Taint
from capsim.scenario.cluster_autoscaler import ClusterAutoscalerSpec
from capsim.scenario.control_plane import (
    ControlPlaneSpec,
    DelaySpec,
    KubeControllerManagerSpec,
    KubeletSpec,
    KubeSchedulerSpec,
    MetricsServerSpec,
    OutputSpec,
    Phases,
    SchedulerSpec,
)
from capsim.scenario.distribution import Distribution
from capsim.scenario.event import AddNodes, Apply, Scale, TimedEvent
from capsim.scenario.inventory import Inventory, Line
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.limit_range import LimitRange
from capsim.scenario.kubernetes.node import NodeObject
from capsim.scenario.kubernetes.objects import KubeObjects
from capsim.scenario.kubernetes.pdb import Pdb
from capsim.scenario.kubernetes.pod import Container, PodTemplate, Toleration
from capsim.scenario.kubernetes.resource_quota import ResourceQuota
from capsim.scenario.kubernetes.service import KService
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.load import load
from capsim.scenario.manifests import from_manifests
from capsim.scenario.metrics import MetricSpec, PrometheusAdapterSpec, PrometheusSpec
from capsim.scenario.rollout import PauseRollout, Rollback, Rollout
from capsim.scenario.scenario import Scenario, ScenarioFile
from capsim.scenario.self_heal import ArgoCdSpec, SelfHealSpec
from capsim.scenario.series import AnySeries, ConstantSeries, RampSeries, Series, StepsSeries
from capsim.scenario.workload import ContainerBehaviour, ServiceSpec, UsageSpec, WorkloadSpec


def json_schema() -> dict[str, Any]:
    """JSON Schema of a scenario file, as shipped in capsim-v1.schema.json."""
    from capsim.scenario.schema import build

    return build()


__all__ = [
    "AddNodes",
    "AnySeries",
    "Apply",
    "ArgoCdSpec",
    "ClusterAutoscalerSpec",
    "ConstantSeries",
    "Container",
    "ContainerBehaviour",
    "ControlPlaneOutage",
    "ControlPlaneSpec",
    "Crash",
    "DelaySpec",
    "Distribution",
    "Drain",
    "Fail",
    "Failures",
    "Hang",
    "Hpa",
    "Instance",
    "Inventory",
    "KService",
    "KubeControllerManagerSpec",
    "KubeObjects",
    "KubeSchedulerSpec",
    "KubeletSpec",
    "LeaderElection",
    "LimitRange",
    "Line",
    "MetricSpec",
    "MetricsServerSpec",
    "NodeGroup",
    "NodeObject",
    "NodeTarget",
    "OutputSpec",
    "PauseRollout",
    "Pdb",
    "Phases",
    "PodTemplate",
    "PrometheusAdapterSpec",
    "PrometheusSpec",
    "RampSeries",
    "ResourceQuota",
    "Rollback",
    "Rollout",
    "Scale",
    "Scenario",
    "ScenarioFile",
    "SchedulerSpec",
    "SelfHealSpec",
    "Series",
    "ServiceSpec",
    "SpotReclaim",
    "StepsSeries",
    "Taint",
    "TimedEvent",
    "Toleration",
    "Upgrade",
    "UsageSpec",
    "Workload",
    "WorkloadSpec",
    "ZoneOutage",
    "from_manifests",
    "json_schema",
    "load",
]
