"""HorizontalPodAutoscalers, all versions brought to autoscaling/v2."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.model import Model, Text, WholeNumber


class Hpa(Model):
    """A HorizontalPodAutoscaler."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    target_key: Text = Field(description="The workload it scales, as namespace/Kind/name.")
    min_replicas: WholeNumber = Field(1, description="minReplicas.")
    max_replicas: WholeNumber = Field(description="maxReplicas.")
    metrics: list[dict[Text, Any]] = Field(description="autoscaling/v2 metrics.")
    behavior: dict[Text, Any] | None = Field(None, description="autoscaling/v2 behavior, as written.")

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        _, kind, name = self.target_key.split("/")
        version = {} if kind == "ReplicationController" else {"apiVersion": "apps/v1"}
        spec: dict[str, Any] = {
            "scaleTargetRef": {**version, "kind": kind, "name": name},
            "minReplicas": self.min_replicas,
            "maxReplicas": self.max_replicas,
            "metrics": self.metrics,
        }
        if self.behavior is not None:
            spec["behavior"] = self.behavior
        metadata = {"name": self.name, "namespace": self.namespace}
        head = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata}
        return {**head, "spec": spec}
