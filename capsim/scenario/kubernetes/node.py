"""Node objects: machines that are simply there."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.cluster import Taint
from capsim.scenario.document import describe
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.pod_reading import amounts
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
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


coverage("Node", "apiVersion kind metadata spec status")
coverage("NodeSpec", "taints unschedulable")
coverage("NodeStatus", "allocatable capacity conditions")
coverage("Taint", "key value effect")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


@reads("", "Node", {"v1": "Node"}, into="nodes", namespaced=False)
def read_node(source: Source, reading: Reading) -> NodeObject | None:
    """Reads a Node; without status.allocatable its capacity counts."""
    capacity = amounts(source.get("status", "capacity"))
    allocatable = amounts(source.get("status", "allocatable")) or dict(capacity)
    if not allocatable:
        at, allowed = source.at("status", "allocatable"), "cpu, memory, pods, …"
        reading.problem(source.object_name, "status.allocatable", "nothing to allocate", at, "", allowed)
        return None
    if "pods" not in allocatable:
        allocatable["pods"] = 110
        text = "a node that does not say how many pods it takes has the kubelet's default, 110"
        reading.note("guessed", "Node.status.allocatable.pods", text, source.content.mark, source.object_name)
    taints = _taints(source, reading)
    if taints is None:
        return None
    labels = dict(source.get("metadata", "labels") or {})
    return NodeObject(
        name=source.name,
        labels={"kubernetes.io/hostname": source.name, **labels},
        taints=taints,
        allocatable=allocatable,
        capacity=capacity or dict(allocatable),
        unschedulable=bool(source.get("spec", "unschedulable")),
        group=labels.get(GROUP_LABEL),
    )


def _taints(source: Source, reading: Reading) -> list[Taint] | None:
    found = []
    for index, raw in enumerate(source.get("spec", "taints") or []):
        if raw.get("effect") not in EFFECTS or not raw.get("key"):
            key = "key" if raw.get("effect") in EFFECTS else "effect"
            allowed = "a key" if key == "key" else ", ".join(EFFECTS)
            path = f"spec.taints[{index}].{key}"
            reading.problem(source.object_name, path, "wrong taint", (raw, key), describe(raw.get(key)), allowed)
            return None
        found.append(Taint(key=raw["key"], value=raw.get("value") or "", effect=raw["effect"]))
    return found
