"""Node objects: machines that are simply there."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.cluster import Taint
from capsim.scenario.model import Labels, Model, NotNegative, Switch, Text, WholeNumber, quantity_of

GROUP_LABEL = "capsim.io/node-group"
"""A Node object with this label belongs to that node group; without it the node is static."""


class NodeObject(Model):
    """A node as the cluster reports it; quantities in base units, cpu in millicores."""

    name: Text = Field(description="Name.")
    labels: Labels = Field({}, description="Labels.")
    taints: list[Taint] = Field([], description="Taints.")
    allocatable: dict[Text, WholeNumber] = Field(description="What pods can request.")
    capacity: dict[Text, WholeNumber] = Field(description="What the machine has.")
    unschedulable: Switch = Field(False, description="Whether it is cordoned.")
    group: Text | None = Field(None, description="Node group it belongs to; None: it is neither added nor removed.")
    price_per_hour_usd: NotNegative = Field(0.0, description="USD per hour.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata: dict[str, Any] = {"name": self.name}
        if self.labels:
            metadata["labels"] = self.labels
        taints = [{k: v for k, v in taint.model_dump().items() if v} for taint in self.taints]
        spec = {"taints": taints, "unschedulable": self.unschedulable}
        written = {
            part: {name: quantity_of(name).write(amount) for name, amount in getattr(self, part).items()}
            for part in ("allocatable", "capacity")
        }
        kept = {key: value for key, value in spec.items() if value}
        return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": kept, "status": written}
