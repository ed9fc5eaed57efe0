"""PodDisruptionBudgets."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.model import Model, Text


class Pdb(Model):
    """A PodDisruptionBudget: how many of the selected pods may be evicted."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    selector: dict[Text, Any] | None = Field(None, description="LabelSelector; None selects nothing.")
    min_available: int | Text | None = Field(None, description="minAvailable: pods or per cent.")
    max_unavailable: int | Text | None = Field(None, description="maxUnavailable: pods or per cent.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        spec = {
            "selector": self.selector,
            "minAvailable": self.min_available,
            "maxUnavailable": self.max_unavailable,
        }
        kept = {key: value for key, value in spec.items() if value is not None}
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": kept}
