"""Service objects: which pods answer to a name."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from capsim.scenario.document import describe, mark_of
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.model import Labels, Model, Text


class KService(Model):
    """A Service; without a selector it has no pods of its own."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    selector: Labels = Field({}, description="Labels of the pods that serve it.")
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = Field("ClusterIP", description="Its type.")
    external_traffic_policy: Literal["Cluster", "Local"] = Field(
        "Cluster", description="Whether traffic from outside may go on to pods of other nodes."
    )
    topology: Literal["", "Auto", "PreferSameZone"] = Field(
        "",
        description="Auto: hints by zone (annotation service.kubernetes.io/topology-mode); PreferSameZone: "
        "spec.trafficDistribution, PreferClose included.",
    )

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        spec: dict[str, Any] = {"type": self.type}
        if self.selector:
            spec["selector"] = self.selector
        if self.external_traffic_policy != "Cluster":
            spec["externalTrafficPolicy"] = self.external_traffic_policy
        if self.topology == "PreferSameZone":
            spec["trafficDistribution"] = "PreferClose"
        metadata: dict[str, Any] = {"name": self.name, "namespace": self.namespace}
        if self.topology == "Auto":
            metadata["annotations"] = {TOPOLOGY_MODE[0]: "Auto"}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


TOPOLOGY_MODE = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
"""Annotation, and what it was called before 1.27."""
DISTRIBUTIONS = {"PreferClose": "PreferSameZone", "PreferSameZone": "PreferSameZone"}
coverage("Service", "apiVersion kind metadata spec status")
coverage(
    "ServiceSpec",
    "selector type externalTrafficPolicy trafficDistribution",
    {
        "sessionAffinity": "session affinity is not modelled yet",
        "internalTrafficPolicy": "internalTrafficPolicy is not modelled",
    },
)


@reads("", "Service", {"v1": "Service"}, into="services")
def read_service(source: Source, reading: Reading) -> KService | None:
    """Reads a Service."""
    values: dict[str, Any] = {}
    for field, key, allowed, default in (
        ("type", "type", ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"), "ClusterIP"),
        ("externalTrafficPolicy", "external_traffic_policy", ("Cluster", "Local"), "Cluster"),
    ):
        value = source.get("spec", field) or default
        if value not in allowed:
            at = source.at("spec", field)
            reading.problem(source.object_name, f"spec.{field}", "unknown", at, describe(value), ", ".join(allowed))
            return None
        values[key] = value
    if values["external_traffic_policy"] == "Local" and values["type"] not in ("NodePort", "LoadBalancer"):
        at = source.at("spec", "externalTrafficPolicy")
        message = f"a Service of type {values['type']} gets no traffic from outside"
        reading.problem(
            source.object_name, "spec.externalTrafficPolicy", message, at, "Local", "type NodePort or LoadBalancer"
        )
        return None
    topology = _topology(source, reading)
    if topology is None:
        return None
    return KService(
        namespace=source.namespace,
        name=source.name,
        selector=dict(source.get("spec", "selector") or {}),
        topology=topology,
        **values,
    )


def _topology(source: Source, reading: Reading) -> str | None:
    """How endpoints are chosen by zone; None when that cannot be read. Upstream: the annotation goes first."""
    annotations = source.get("metadata", "annotations") or {}
    mode = next((annotations[name] for name in TOPOLOGY_MODE if annotations.get(name)), "")
    if mode in ("Auto", "auto"):
        return "Auto"
    value = source.get("spec", "trafficDistribution")
    if value is None:
        return ""
    at = source.at("spec", "trafficDistribution")
    if value == "PreferSameNode":
        reading.note("not_modelled", "spec.trafficDistribution", "PreferSameNode", mark_of(*at), source.object_name)
        return ""
    if value not in DISTRIBUTIONS:
        allowed = ", ".join([*DISTRIBUTIONS, "PreferSameNode"])
        reading.problem(source.object_name, "spec.trafficDistribution", "unknown", at, describe(value), allowed)
        return None
    return DISTRIBUTIONS[value]
