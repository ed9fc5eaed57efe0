"""Service objects: which pods answer to a name."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.model import Labels, Model, Text


class KService(Model):
    """A Service; without a selector it has no pods of its own."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    selector: Labels = Field({}, description="Labels of the pods that serve it.")
    type: Text = Field("ClusterIP", description="ClusterIP, NodePort, LoadBalancer or ExternalName.")

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        spec: dict[str, Any] = {"type": self.type}
        if self.selector:
            spec["selector"] = self.selector
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
