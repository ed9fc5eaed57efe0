"""Node groups: machines of one shape that can be added and removed."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from capsim.scenario.chaos import Failures
from capsim.scenario.distribution import Distribution
from capsim.scenario.model import (
    Bytes,
    CpuMilli,
    Labels,
    Milliseconds,
    Model,
    Name,
    NotNegative,
    Ratio,
    Resources,
    Switch,
    Text,
    WholeNumber,
    Written,
    problem,
)
from capsim.scenario.scheduled_size import ScheduledSize
from capsim.scenario.subnets import PodAddresses
from capsim.units import format_duration, parse_quantity

EVICTION_SIGNALS = {"memory.available": "memory", "nodefs.available": "ephemeral-storage"}
"""The kubelet's names for the two thresholds that lower a node's allocatable."""
EVICTION_IGNORED = ("imagefs.available", "imagefs.inodesFree", "nodefs.inodesFree", "pid.available")
"""Thresholds that do not lower allocatable."""
EVICTION_DEFAULT = {"memory": "100Mi", "ephemeral-storage": "10%"}


class Taint(Model):
    """A taint of a node, as in a Node object."""

    key: Text = Field(min_length=1, description="Key of the taint.")
    value: Text = Field("", description="Value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(description="What it does to pods.")


class Instance(Model):
    """Capacity of one machine."""

    cpu_milli: CpuMilli = Field(gt=0, alias="cpu", description="vCPUs (`2`, `1500m`).")
    memory_bytes: Bytes = Field(gt=0, alias="memory", description="Memory that the node reports as its capacity.")
    ephemeral_storage_bytes: Bytes = Field(
        100 * 2**30, alias="ephemeralStorage", description="Disk for images, logs and emptyDir volumes."
    )
    pods: WholeNumber = Field(110, description="Most pods on a node (kubelet's maxPods).")
    gpus: WholeNumber = Field(0, description="GPUs, offered as the resource nvidia.com/gpu.")
    instance_type: Text | None = Field(None, description="Name of the machine type, becomes a node label.")

    def capacity(self) -> dict[str, int]:
        """Resource -> base units (cpu in millicores)."""
        capacity = {
            "cpu": self.cpu_milli,
            "memory": self.memory_bytes,
            "ephemeral-storage": self.ephemeral_storage_bytes,
            "pods": self.pods,
        }
        return {**capacity, "nvidia.com/gpu": self.gpus} if self.gpus else capacity


class GroupAutoscaling(Model):
    """What a node group may set for itself instead of the autoscaler's flag (upstream: NodeGroupAutoscalingOptions)."""

    model_config = ConfigDict(alias_generator=lambda name: name.removesuffix("_ms").replace("_", "-"))

    scale_down_unneeded_time_ms: Milliseconds | None = Field(None, description="How long unneeded until it goes.")
    scale_down_unready_time_ms: Milliseconds | None = Field(None, description="The same for nodes that are not Ready.")
    scale_down_utilization_threshold: Ratio | None = Field(None, description="Candidates are below it.")
    scale_down_gpu_utilization_threshold: Ratio | None = Field(None, description="The same for nodes with GPUs.")
    max_node_provision_time_ms: Milliseconds | None = Field(None, description="A node that takes longer has failed.")
    ignore_daemonsets_utilization: Switch | None = Field(None, description="DaemonSet pods are no utilisation.")
    zero_or_max_node_scaling: Switch = Field(False, description="The group has no nodes or its most (TPU slices).")


class NodeGroup(Model):
    """Machines of one shape; its nodes are called `<name>-1`, `<name>-2`, …"""

    name: Name = Field(description="Name of the group.")
    instance: Instance = Field(description="Capacity of each machine.")
    kube_reserved: Resources = Field({}, description="What the kubelet and the container runtime keep for themselves.")
    system_reserved: Resources = Field({}, description="What the operating system keeps for itself.")
    eviction_hard: Resources = Field(
        EVICTION_DEFAULT,
        validate_default=True,
        description="Hard eviction thresholds (memory, ephemeral-storage; quantities or % of the capacity); like the "
        "kubelet's flag, it replaces the defaults memory 100Mi and ephemeral-storage 10 %.",
    )
    labels: Labels = Field({}, description="Labels of the nodes, beside the well-known ones.")
    taints: list[Taint] = Field([], description="Taints of the nodes.")
    zones: list[Text] = Field([], description="Zones over which the group spreads its nodes, in turn.")
    min: WholeNumber = Field(0, description="Fewest nodes.")
    max: WholeNumber = Field(description="Most nodes.")
    initial: WholeNumber = Field(0, description="Nodes at the start; default `min`.")
    boot_delay: Distribution = Field(
        Distribution.constant(60_000),
        description="From the request for a node until it is Ready (60 s: the recorded end-to-end runs).",
    )
    register_delay: Distribution = Field(
        Distribution.constant(40_000),
        description="From the request until the Node object exists; default two thirds of bootDelay, same draw.",
    )
    delete_delay_ms: Milliseconds = Field(
        10_000, alias="deleteDelay", description="From the request to delete a node until it is gone."
    )
    pod_ips: WholeNumber | None = Field(
        None,
        alias="podIPs",
        description="Addresses that a node has for pods (its pod CIDR, its network interfaces); pods beyond them stay "
        "without a sandbox. Missing: enough.",
    )
    subnet: Text | dict[Text, Text] | None = Field(
        None, description="Subnet that its machines get their addresses from, or one for each zone; missing: enough."
    )
    pod_addresses: PodAddresses | None = Field(
        None,
        alias="podAddresses",
        description="How its pods get addresses of a subnet, `{}` for one by one; missing: they take none.",
    )
    attach_limits: dict[Text, WholeNumber] = Field(
        {}, description="Volumes of a CSI driver that a node can attach, by driver (CSINode); missing: no limit."
    )
    autoscaling: GroupAutoscaling = Field(
        GroupAutoscaling(), description="Settings of the Cluster Autoscaler for this group, under the flags' names."
    )
    schedule: list[ScheduledSize] = Field([], description="Sizes by the clock, like a cloud's scheduled actions.")
    auto_repair_ms: Milliseconds | None = Field(
        None,
        alias="autoRepair",
        description="The cloud replaces a machine that is gone, or has not answered, for that long (GKE: about ten "
        "minutes); missing: never.",
    )
    pull_bandwidth_bytes: Bytes = Field(
        50 * 10**6,
        gt=0,
        alias="pullBandwidth",
        description="Bytes per second of one image pull, unpacking included (an assumption).",
    )
    preloaded_images: list[Text] = Field(
        [], alias="preloadedImages", description="Images that are on every node from its start (baked in)."
    )
    failures: Failures | None = Field(None, description="Random failures of its nodes.")
    price_per_hour_usd: NotNegative = Field(0.0, alias="pricePerHour", description="USD per node and hour.")

    @model_validator(mode="before")
    @classmethod
    def _derived_defaults(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        filled = dict(data)
        filled.setdefault("initial", filled.get("min", 0))
        boot = filled.get("boot_delay", filled.get("bootDelay"))
        if boot is not None and "register_delay" not in filled and "registerDelay" not in filled:
            try:
                filled["registerDelay"] = Distribution.model_validate(boot).scaled(2, 3)
            except ValueError:
                pass  # bootDelay itself is reported where it stands
        return filled

    @field_validator("eviction_hard", mode="before")
    @classmethod
    def _thresholds(cls, value: Any, info: ValidationInfo) -> Any:
        instance = info.data.get("instance")
        if not isinstance(value, dict):
            return value
        for key in value:
            if key not in (*EVICTION_SIGNALS, *EVICTION_SIGNALS.values(), *EVICTION_IGNORED):
                raise problem(f"unknown threshold {key!r}", ", ".join(EVICTION_SIGNALS.values()))
        if instance is None:
            return {}
        return {
            resource: _threshold(resource, amount, instance.capacity())
            for resource, amount in (
                (EVICTION_SIGNALS.get(str(key), str(key)), amount)
                for key, amount in value.items()
                if key not in EVICTION_IGNORED
            )
        }

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.max < self.min:
            raise problem(f"max {self.max} is below min {self.min}", f"at least {self.min}", key="max")
        if not self.min <= self.initial <= self.max:
            raise problem(
                f"initial {self.initial} is outside min {self.min} and max {self.max}",
                f"{self.min} to {self.max}",
                key="initial",
            )
        if self.register_delay.mean_ms > self.boot_delay.mean_ms:
            found = f"{format_duration(self.register_delay.mean_ms)} > {format_duration(self.boot_delay.mean_ms)}"
            raise problem(
                f"a node would register after it is Ready ({found})", "at most bootDelay", key="registerDelay"
            )
        capacity = self.instance.capacity()
        for resource, amount in self._reserves().items():
            if resource not in ("cpu", "memory", "ephemeral-storage"):
                raise problem(f"{resource!r} cannot be reserved", "cpu, memory, ephemeral-storage", key="kubeReserved")
            if amount > capacity[resource]:
                raise problem(
                    f"kubeReserved + systemReserved + evictionHard take more {resource} than the instance has",
                    f"at most the instance's {resource}",
                    key="kubeReserved",
                )
        return self

    def _reserves(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for reserve in (self.kube_reserved, self.system_reserved, self.eviction_hard):
            for resource, amount in reserve.items():
                total[resource] = total.get(resource, 0) + amount
        return total

    def allocatable(self) -> dict[str, int]:
        """What pods can request on a node, in base units (cpu in millicores): capacity less the three reserves."""
        reserves = self._reserves()
        return {name: amount - reserves.get(name, 0) for name, amount in self.instance.capacity().items()}

    def node_name(self, index: int) -> str:
        """Name of the `index`-th node of the group, counted from 1."""
        return f"{self.name}-{index}"


def _threshold(resource: str, amount: Any, capacity: dict[str, int]) -> Any:
    text = amount.value if isinstance(amount, Written) else amount
    if not (isinstance(text, str) and text.endswith("%")):
        return amount
    try:
        percent = parse_quantity(text[:-1])
    except ValueError:
        return amount
    return int(capacity.get(resource, 0) * percent / 100)
