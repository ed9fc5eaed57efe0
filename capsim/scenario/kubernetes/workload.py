"""Deployments, ReplicaSets, DaemonSets and bare Pods."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.scenario.model import Labels, Model, Text, WholeNumber


class Workload(Model):
    """Something that owns pods of one template. A Pod of its own is a workload with one replica."""

    kind: Literal["Deployment", "ReplicaSet", "DaemonSet", "Pod"] = Field(description="Kind of the object.")
    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    replicas: WholeNumber = Field(1, description="Replicas as written; 0 for a DaemonSet (one pod per node).")
    labels: Labels = Field({}, description="Labels of the object itself.")
    selector: dict[Text, Any] = Field({}, description="LabelSelector of its pods.")
    template: PodTemplate = Field(description="What its pods are.")
    strategy: dict[Text, Any] = Field({}, description="Deployment strategy or updateStrategy, as written.")

    @property
    def key(self) -> str:
        """namespace/Kind/name."""
        return f"{self.namespace}/{self.kind}/{self.name}"

    @property
    def api_version(self) -> str:
        """apiVersion of the kind."""
        return "v1" if self.kind == "Pod" else "apps/v1"

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace}
        if self.labels:
            metadata["labels"] = self.labels
        template = self.template.manifest()
        head = {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}
        if self.kind == "Pod":
            return {**head, "metadata": {**template["metadata"], **metadata}, "spec": template["spec"]}
        spec: dict[str, Any] = {} if self.kind == "DaemonSet" else {"replicas": self.replicas}
        if self.strategy:
            spec["updateStrategy" if self.kind == "DaemonSet" else "strategy"] = self.strategy
        return {**head, "spec": {**spec, "selector": self.selector, "template": template}}
