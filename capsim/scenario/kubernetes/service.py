"""Service objects: which pods answer to a name."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
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


coverage("Service", "apiVersion kind metadata spec status")
coverage("ServiceSpec", "selector type", {"sessionAffinity": "session affinity is not modelled yet"})


@reads("", "Service", {"v1": "Service"}, into="services")
def read_service(source: Source, reading: Reading) -> KService:
    """Reads a Service."""
    return KService(
        namespace=source.namespace,
        name=source.name,
        selector=dict(source.get("spec", "selector") or {}),
        type=source.get("spec", "type") or "ClusterIP",
    )
