"""Namespaces and PriorityClasses: small cluster-wide kinds that others refer to."""

from __future__ import annotations

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads

NAME_LABEL = "kubernetes.io/metadata.name"
LARGEST_PRIORITY = 1_000_000_000

coverage("Namespace", "apiVersion kind metadata spec status")
coverage("PriorityClass", "apiVersion kind metadata value globalDefault preemptionPolicy")


@reads("", "Namespace", {"v1": "Namespace"}, order=10, namespaced=False)
def read_namespace(source: Source, reading: Reading) -> None:
    """Reads a Namespace: its labels, with the one that the API server adds."""
    reading.namespaces[source.name] = {**(source.get("metadata", "labels") or {}), NAME_LABEL: source.name}


@reads("scheduling.k8s.io", "PriorityClass", {"v1": "PriorityClass"}, order=10, namespaced=False)
def read_priority_class(source: Source, reading: Reading) -> None:
    """Reads a PriorityClass."""
    value = source.get("value")
    builtin = source.name.startswith("system-")
    if value is None or (value > LARGEST_PRIORITY and not builtin):
        at, allowed = source.at("value"), f"a whole number up to {LARGEST_PRIORITY:,}"
        reading.problem(source.object_name, "value", "wrong value", at, describe(value), allowed)
        return
    reading.priority_classes[source.name] = value
    if source.get("globalDefault"):
        reading.default_priority_class = source.name
    if source.get("preemptionPolicy") == "Never":
        reading.never_preempting.add(source.name)
