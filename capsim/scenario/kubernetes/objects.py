"""All Kubernetes objects of a scenario."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.ingress import KIngress, KIngressClass
from capsim.scenario.kubernetes.limit_range import LimitRange
from capsim.scenario.kubernetes.node import NodeObject
from capsim.scenario.kubernetes.pdb import Pdb
from capsim.scenario.kubernetes.resource_quota import ResourceQuota
from capsim.scenario.kubernetes.service import KService
from capsim.scenario.kubernetes.storage import Claim, CsiNode, PersistentVolume, StorageClass
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.model import Integer, Labels, Model, Text

SYSTEM_PRIORITY_CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


class KubeObjects(Model):
    """The objects that are simulated, in the order in which they were read."""

    workloads: list[Workload] = Field([], description="Deployments, ReplicaSets, DaemonSets and bare Pods.")
    nodes: list[NodeObject] = Field([], description="Node objects.")
    services: list[KService] = Field([], description="Services.")
    ingress_classes: list[KIngressClass] = Field([], description="IngressClasses.")
    ingresses: list[KIngress] = Field([], description="Ingresses.")
    hpas: list[Hpa] = Field([], description="HorizontalPodAutoscalers.")
    pdbs: list[Pdb] = Field([], description="PodDisruptionBudgets.")
    quotas: list[ResourceQuota] = Field([], description="ResourceQuotas.")
    limit_ranges: list[LimitRange] = Field([], description="LimitRanges.")
    storage_classes: list[StorageClass] = Field([], description="StorageClasses.")
    volumes: list[PersistentVolume] = Field([], description="PersistentVolumes.")
    claims: list[Claim] = Field([], description="PersistentVolumeClaims.")
    csi_nodes: list[CsiNode] = Field([], description="CSINodes.")
    priority_classes: dict[Text, Integer] = Field(SYSTEM_PRIORITY_CLASSES, description="Values of PriorityClasses.")
    namespaces: dict[Text, Labels] = Field({}, description="Labels of each namespace that occurs.")
    other: list[tuple[Text, Text, Text, Text]] = Field(
        [], description="(kind, namespace, name, `ignored` or `not modelled`) of all other objects."
    )

    def workload(self, key: str) -> Workload:
        """The workload `namespace/Kind/name`. Raises KeyError when there is none."""
        for workload in self.workloads:
            if workload.key == key:
                return workload
        raise KeyError(key)

    def manifests(self) -> list[dict[str, Any]]:
        """All objects as manifests write them; read again they give equal objects."""
        namespaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            for name, labels in self.namespaces.items()
        ]
        classes = [
            {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value}
            for name, value in self.priority_classes.items()
            if name not in SYSTEM_PRIORITY_CLASSES
        ]
        listed: list[Any] = [*self.nodes, *self.workloads, *self.services, *self.hpas, *self.pdbs, *self.quotas]
        listed += [*self.limit_ranges, *self.ingress_classes, *self.ingresses]
        listed += [*self.storage_classes, *self.volumes, *self.claims, *self.csi_nodes]
        return [*namespaces, *classes, *(item.manifest() for item in listed)]
