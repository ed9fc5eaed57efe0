"""Pod templates: what the scheduler and the kubelet need to know of a pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from capsim.scenario.kubernetes.lifecycle import Probe
from capsim.scenario.model import Integer, Labels, Model, Switch, Text, WholeNumber, quantity_of

POD_LEVEL_RESOURCES = ("cpu", "memory")


class Container(Model):
    """One container of a pod; quantities in base units, cpu in millicores."""

    name: Text = Field(description="Name.")
    requests: dict[Text, WholeNumber] = Field({}, description="Requests, those missing taken from the limits.")
    limits: dict[Text, WholeNumber] = Field({}, description="Limits.")
    host_ports: tuple[tuple[Text, Text, WholeNumber], ...] = Field((), description="(IP, protocol, port) on the node.")
    image: Text = Field("", description="Image.")
    restart_policy: Text | None = Field(None, description="`Always` makes an init container a sidecar.")
    pull_policy: Literal["", "Always", "IfNotPresent", "Never"] = Field("", description="imagePullPolicy, as written.")
    startup_probe: Probe | None = Field(None, description="startupProbe.")
    readiness_probe: Probe | None = Field(None, description="readinessProbe.")
    liveness_probe: Probe | None = Field(None, description="livenessProbe.")
    pre_stop_s: WholeNumber = Field(0, description="How long its preStop hook sleeps.")

    @property
    def is_sidecar(self) -> bool:
        """Whether it is an init container that keeps running."""
        return self.restart_policy == "Always"

    def manifest(self) -> dict[str, Any]:
        """The container as a manifest writes it."""
        resources = {
            key: {name: quantity_of(name).write(amount) for name, amount in amounts.items()}
            for key, amounts in (("requests", self.requests), ("limits", self.limits))
            if amounts
        }
        ports = [
            {"containerPort": port, "hostPort": port, "protocol": protocol, **({"hostIP": ip} if ip else {})}
            for ip, protocol, port in self.host_ports
        ]
        written: dict[str, Any] = {
            "image": self.image,
            "resources": resources,
            "ports": ports,
            "restartPolicy": self.restart_policy,
        }
        written |= {
            "imagePullPolicy": self.pull_policy,
            "startupProbe": self.startup_probe.manifest() if self.startup_probe else None,
            "readinessProbe": self.readiness_probe.manifest() if self.readiness_probe else None,
            "livenessProbe": self.liveness_probe.manifest() if self.liveness_probe else None,
            "lifecycle": {"preStop": {"sleep": {"seconds": self.pre_stop_s}}} if self.pre_stop_s else None,
        }
        return {"name": self.name, **{key: value for key, value in written.items() if value}}


class Toleration(Model):
    """A toleration, as in a pod spec."""

    key: Text = Field("", description="Key; empty with Exists: every taint.")
    operator: Literal["Equal", "Exists", "Lt", "Gt"] = Field("Equal", description="How key and value compare.")
    value: Text = Field("", description="Value.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field("", description="Empty: every effect.")
    seconds: Integer | None = Field(None, description="How long NoExecute is tolerated; None: for ever.")

    def manifest(self) -> dict[str, Any]:
        """The toleration as a manifest writes it."""
        written = {"key": self.key, "operator": self.operator, "value": self.value, "effect": self.effect}
        seconds = {} if self.seconds is None else {"tolerationSeconds": self.seconds}
        return {key: value for key, value in written.items() if value} | seconds


class PodTemplate(Model):
    """What all pods of a workload have in common."""

    labels: Labels = Field({}, description="Labels.")
    annotations: Labels = Field({}, description="Annotations that controllers act upon; others are not kept.")
    containers: tuple[Container, ...] = Field(description="Containers.")
    init_containers: tuple[Container, ...] = Field((), description="Init containers and sidecars, in order.")
    node_selector: Labels = Field({}, description="Labels that a node must have.")
    affinity: dict[Text, Any] | None = Field(None, description="Affinity, as written.")
    tolerations: tuple[Toleration, ...] = Field((), description="Tolerations.")
    topology_spread: list[dict[Text, Any]] = Field([], description="topologySpreadConstraints, as written.")
    overhead: dict[Text, WholeNumber] = Field({}, description="Overhead of the pod sandbox.")
    pod_requests: dict[Text, WholeNumber] = Field({}, description="Pod-level requests (spec.resources).")
    pod_limits: dict[Text, WholeNumber] = Field({}, description="Pod-level limits (spec.resources).")
    priority: Integer = Field(0, description="Priority.")
    priority_class_name: Text = Field("", description="PriorityClass.")
    preemption_policy: Literal["PreemptLowerPriority", "Never"] = Field(
        "PreemptLowerPriority", description="Preemption."
    )
    node_name: Text | None = Field(None, description="Node, when fixed by the manifest.")
    termination_grace_s: WholeNumber = Field(30, description="terminationGracePeriodSeconds.")
    volumes: list[dict[Text, Any]] = Field([], description="Volumes: name and source, as written.")
    host_network: Switch = Field(False, description="Whether the pod uses the node's network.")
    scheduling_gates: list[Text] = Field([], description="Names of scheduling gates: the pod is not tried.")
    scheduler_name: Text = Field("default-scheduler", description="Which scheduler places the pod.")

    def requests(self) -> dict[str, int]:
        """Effective request of the pod, resource -> base units (cpu in millicores); absent: nothing requested.

        Source: k8s.io/component-helpers/resource/helpers.go (PodRequests): the larger of all containers with their
        sidecars and of each init step, pod-level requests instead where given, plus overhead.
        """
        total = self._together("requests")
        for resource, amount in self.pod_limits.items():
            total.setdefault(resource, amount)
        total.update(self.pod_requests)
        return _sum((total, self.overhead))

    def limits(self) -> dict[str, int]:
        """Effective limits of the pod, likewise (PodLimits): overhead is added to what is limited."""
        total = self._together("limits") | self.pod_limits
        return {resource: amount + self.overhead.get(resource, 0) for resource, amount in total.items()}

    def _together(self, part: Literal["requests", "limits"]) -> dict[str, int]:
        """Requests or limits of all containers that run at once, or of the init step that has most."""
        total = _sum(getattr(c, part) for c in self.containers)
        running: dict[str, int] = {}
        peak: dict[str, int] = {}
        for container in self.init_containers:
            amounts = getattr(container, part)
            if container.is_sidecar:
                total, running = _sum((total, amounts)), _sum((running, amounts))
                step = running
            else:
                step = _sum((running, amounts))
            peak = _largest(peak, step)
        return _largest(total, peak)

    def manifest(self) -> dict[str, Any]:
        """The template as a manifest writes it: `{metadata, spec}`."""
        pod_level = {
            key: {name: quantity_of(name).write(amount) for name, amount in amounts.items()}
            for key, amounts in (("requests", self.pod_requests), ("limits", self.pod_limits))
            if amounts
        }
        spec: dict[str, Any] = {
            "initContainers": [c.manifest() for c in self.init_containers],
            "nodeSelector": self.node_selector,
            "affinity": self.affinity,
            "tolerations": [t.manifest() for t in self.tolerations],
            "topologySpreadConstraints": self.topology_spread,
            "overhead": {name: quantity_of(name).write(amount) for name, amount in self.overhead.items()},
            "resources": pod_level,
            "priorityClassName": self.priority_class_name,
            "nodeName": self.node_name,
            "volumes": self.volumes,
            "hostNetwork": self.host_network,
            "schedulingGates": [{"name": gate} for gate in self.scheduling_gates],
        }
        defaults = PodTemplate(containers=())
        for key, attribute in _SCALARS.items():
            if getattr(self, attribute) != getattr(defaults, attribute):
                spec[key] = getattr(self, attribute)
        if self.priority:
            spec["priority"] = self.priority
        kept = {key: value for key, value in spec.items() if value or key in _SCALARS}
        metadata = {"labels": self.labels, "annotations": self.annotations}
        return {
            "metadata": {key: value for key, value in metadata.items() if value},
            "spec": {"containers": [c.manifest() for c in self.containers], **kept},
        }


_SCALARS = {
    "preemptionPolicy": "preemption_policy",
    "terminationGracePeriodSeconds": "termination_grace_s",
    "schedulerName": "scheduler_name",
}


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for resource, amount in part.items():
            total[resource] = total.get(resource, 0) + amount
    return total


def _largest(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {resource: max(a.get(resource, 0), b.get(resource, 0)) for resource in {**a, **b}}
