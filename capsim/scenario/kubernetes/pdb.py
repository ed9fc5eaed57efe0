"""PodDisruptionBudgets."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.kubernetes.selector import read_selector
from capsim.scenario.model import Model, Text


class Pdb(Model):
    """A PodDisruptionBudget: how many of the selected pods may be evicted."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    selector: dict[Text, Any] | None = Field(None, description="LabelSelector; None selects nothing.")
    min_available: int | Text | None = Field(None, description="minAvailable: pods or per cent.")
    max_unavailable: int | Text | None = Field(None, description="maxUnavailable: pods or per cent.")
    unhealthy_pod_eviction_policy: Literal["IfHealthyBudget", "AlwaysAllow"] = Field(
        "IfHealthyBudget", description="Whether pods that are not Ready may always be evicted."
    )

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        spec: dict[str, Any] = {
            "selector": self.selector,
            "minAvailable": self.min_available,
            "maxUnavailable": self.max_unavailable,
        }
        if self.unhealthy_pod_eviction_policy != "IfHealthyBudget":
            spec["unhealthyPodEvictionPolicy"] = self.unhealthy_pod_eviction_policy
        kept = {key: value for key, value in spec.items() if value is not None}
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": kept}


coverage("PodDisruptionBudget", "apiVersion kind metadata spec status")
coverage("PodDisruptionBudgetSpec", "selector minAvailable maxUnavailable unhealthyPodEvictionPolicy")
_FORM = re.compile(r"\d+%")


@reads("policy", "PodDisruptionBudget", {"v1": "PodDisruptionBudget", "v1beta1": "PodDisruptionBudget"}, into="pdbs")
def read_pdb(source: Source, reading: Reading) -> Pdb | None:
    """Reads a PodDisruptionBudget; in policy/v1 an empty selector selects every pod of the namespace."""
    bounds = {
        "minAvailable": source.get("spec", "minAvailable"),
        "maxUnavailable": source.get("spec", "maxUnavailable"),
    }
    for key, value in bounds.items():
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if value is not None and not whole and not (isinstance(value, str) and _FORM.fullmatch(value)):
            at = source.at("spec", key)
            reading.problem(source.object_name, f"spec.{key}", "wrong bound", at, describe(value), "2 or 50%")
            return None
    if all(value is not None for value in bounds.values()):
        at = source.at("spec", "maxUnavailable")
        reading.problem(source.object_name, "spec", "two bounds", at, "", "minAvailable or maxUnavailable")
        return None
    selector = read_selector(source, ("spec", "selector"), reading)
    if selector is None:
        return None
    policy = source.get("spec", "unhealthyPodEvictionPolicy") or "IfHealthyBudget"
    if policy not in ("IfHealthyBudget", "AlwaysAllow"):
        at = source.at("spec", "unhealthyPodEvictionPolicy")
        allowed = "IfHealthyBudget, AlwaysAllow"
        reading.problem(source.object_name, "spec.unhealthyPodEvictionPolicy", "unknown", at, describe(policy), allowed)
        return None
    return Pdb(
        namespace=source.namespace,
        name=source.name,
        selector=None if source.get("spec", "selector") is None else selector,
        min_available=bounds["minAvailable"],
        max_unavailable=bounds["maxUnavailable"],
        unhealthy_pod_eviction_policy=policy,
    )
