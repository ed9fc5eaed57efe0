"""Reads pod templates and bare pod specs, with the API server's defaults and the checks that matter here."""

from __future__ import annotations

from typing import Any

from capsim.scenario.document import SourceMap, describe
from capsim.scenario.kubernetes.container_limits import with_defaults
from capsim.scenario.kubernetes.fields import FieldCheck, coverage
from capsim.scenario.kubernetes.lifecycle import pre_stop_s, read_probe
from capsim.scenario.kubernetes.placement_rules import check_affinity, check_spread
from capsim.scenario.kubernetes.pod import Container, PodTemplate, Toleration
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source
from capsim.scenario.merge import suggestion
from capsim.scenario.model import quantity_of
from capsim.units import format_milli, quantity_bytes

KEPT_ANNOTATIONS = ("cluster-autoscaler.kubernetes.io/", "controller.kubernetes.io/", "karpenter.sh/")
"""Annotations that controllers act upon. Others stay out: they may be large or hold a copy of a whole object."""

coverage("PodTemplateSpec", "metadata spec")
coverage(
    "PodSpec",
    "containers initContainers nodeSelector tolerations overhead resources priority priorityClassName "
    "preemptionPolicy nodeName terminationGracePeriodSeconds schedulerName restartPolicy affinity "
    "topologySpreadConstraints hostNetwork schedulingGates volumes",
    {
        "schedulingGroup": "gang scheduling is not modelled yet",
        "resourceClaims": "dynamic resource allocation is not modelled yet",
        "runtimeClassName": "overhead of a RuntimeClass is not modelled yet",
        "readinessGates": "readiness gates are not modelled yet",
        "activeDeadlineSeconds": "deadlines are not modelled yet",
    },
)
coverage(
    "Container",
    "name resources restartPolicy image imagePullPolicy ports readinessProbe startupProbe livenessProbe lifecycle",
    {"resizePolicy": "in-place resizing is not modelled yet"},
)
coverage("ResourceRequirements", "requests limits", {"claims": "dynamic resource allocation is not modelled yet"})
coverage(
    "Volume",
    "name persistentVolumeClaim emptyDir hostPath configMap secret projected downwardAPI image",
    {"ephemeral": "claims of generic ephemeral volumes are not modelled: their pods run anywhere"},
)
coverage("ContainerPort", "hostPort hostIP protocol")
coverage("Toleration", "key operator value effect tolerationSeconds")


class TemplateReader:
    """Reads the template at `path` of an object (`spec.template`, or the object itself for a Pod)."""

    def __init__(self, source: Source, path: tuple[str, ...], reading: Reading) -> None:
        self.source, self.path, self.reading = source, path, reading
        self.spec: SourceMap = source.get(*path, "spec") or SourceMap(mark=source.content.mark)
        self.ok = True
        self.metadata: SourceMap = self._metadata()

    def _metadata(self) -> SourceMap:
        """The pods' metadata, labels and annotations checked; empty after a problem."""
        metadata = self.source.get(*self.path, "metadata")
        if metadata is None:
            return SourceMap(mark=self.source.content.mark)
        check = FieldCheck(self.reading, self.source.object_name)
        path = ".".join((*self.path, "metadata"))
        check.check(metadata, "{}any", *self.source.at(*self.path, "metadata"), path)
        for key in ("labels", "annotations") if check.ok else ():
            check.check(metadata.get(key), "{}string", metadata, key, f"{path}.{key}")
        self.ok = check.ok
        return metadata if check.ok else SourceMap(mark=self.source.content.mark)

    def read(self) -> PodTemplate | None:
        """The template, or None when it has problems."""
        containers = self._containers("containers")
        if not containers:
            self._problem(("containers",), "no containers", allowed="at least one container")
        spec = self.spec
        priority, class_name, policy = self._priority()
        check_affinity(spec.get("affinity") or {}, self._problem)
        check_spread(spec.get("topologySpreadConstraints") or [], self._problem)
        resources = spec.get("resources") or {}
        template = {
            "labels": dict(self.metadata.get("labels") or {}),
            "annotations": self._annotations(),
            "containers": containers,
            "init_containers": self._containers("initContainers"),
            "node_selector": dict(spec.get("nodeSelector") or {}),
            "affinity": plain(spec.get("affinity")) or None,
            "tolerations": self._tolerations(),
            "topology_spread": plain(spec.get("topologySpreadConstraints") or []),
            "overhead": amounts(spec.get("overhead")),
            "pod_requests": amounts(resources.get("requests")),
            "pod_limits": amounts(resources.get("limits")),
            "priority": priority,
            "priority_class_name": class_name,
            "preemption_policy": policy,
            "node_name": spec.get("nodeName") or None,
            "termination_grace_s": self._grace(),
            "volumes": plain(spec.get("volumes") or []),
            "host_network": bool(spec.get("hostNetwork")),
            "scheduling_gates": [str(gate.get("name")) for gate in spec.get("schedulingGates") or []],
            "scheduler_name": spec.get("schedulerName") or "default-scheduler",
        }
        return PodTemplate.model_validate(template, by_name=True) if self.ok else None

    def _problem(self, key: tuple[str, ...], message: str, found: str = "", allowed: str = "") -> None:
        self.ok = False
        at = self.source.at(*self.path, "spec", *key)
        path = ".".join((*self.path, "spec", *key))
        self.reading.problem(self.source.object_name, path, message, at, found, allowed)

    def _annotations(self) -> dict[str, str]:
        annotations = self.metadata.get("annotations") or {}
        return {key: value for key, value in annotations.items() if key.startswith(KEPT_ANNOTATIONS) and value}

    def _grace(self) -> int:
        seconds = self.spec.get("terminationGracePeriodSeconds")
        if seconds is not None and seconds < 0:
            self._problem(("terminationGracePeriodSeconds",), "negative", str(seconds), "0 or more seconds")
        return 30 if seconds is None else int(seconds)

    def _containers(self, field: str) -> tuple[Container, ...]:
        found: list[Container] = []
        for container in self.spec.get(field) or []:
            name = container.get("name")
            if not name:
                name = f"container-{len(found) + 1}"
                self._at_container(container, f"{field}[{len(found)}].name", "name", "no name", "a name")
            if any(other.name == name for other in found):
                self._at_container(container, f"{field}.{name}.name", "name", "duplicate name", "different names")
            found.append(self._container(container, f"{field}.{name}", name, field))
        return tuple(found)

    def _at_container(self, container: Any, path: str, key: str, message: str, allowed: str, found: str = "") -> None:
        self.ok = False
        full = ".".join((*self.path, "spec", path))
        self.reading.problem(self.source.object_name, full, message, (container, key), found, allowed)

    def _container(self, raw: SourceMap, path: str, name: str, field: str) -> Container:
        resources = raw.get("resources") or SourceMap(mark=raw.mark)
        limits = amounts(resources.get("limits"))
        requests = limits | amounts(resources.get("requests"))  # the API server defaults requests to limits
        for resource, limit in limits.items():
            if requests[resource] > limit:
                text = format_milli if resource == "cpu" else quantity_bytes
                self._at_container(
                    resources.get("requests") or resources, f"{path}.resources.requests.{resource}", resource,
                    "request above the limit", f"at most the limit {text(limit)}", text(requests[resource]),
                )  # fmt: skip
        if self.source.namespace in self.reading.limits:
            limits, requests = with_defaults(limits, requests, self.reading.limits[self.source.namespace])
        policy = raw.get("restartPolicy") if field == "initContainers" else None
        return Container(
            name=name,
            requests=requests,
            limits=limits,
            host_ports=self._host_ports(raw),
            image=raw.get("image") or "",
            restart_policy=policy,
            pull_policy=raw.get("imagePullPolicy") or "",
            startup_probe=read_probe(raw.get("startupProbe")),
            readiness_probe=read_probe(raw.get("readinessProbe")),
            liveness_probe=read_probe(raw.get("livenessProbe")),
            pre_stop_s=pre_stop_s(raw.get("lifecycle")),
        )

    def _host_ports(self, container: SourceMap) -> tuple[tuple[str, str, int], ...]:
        on_host = bool(self.spec.get("hostNetwork"))
        found = []
        for port in container.get("ports") or []:
            number = port.get("hostPort") or (port.get("containerPort") if on_host else None)
            if number:
                found.append((port.get("hostIP") or "", port.get("protocol") or "TCP", number))
        if found and not on_host:
            mark = container.marks.get("ports", container.mark)
            text = "host ports are not modelled yet"
            self.reading.note("not_modelled", "Container.ports.hostPort", text, mark, self.source.object_name)
        return tuple(found)

    def _tolerations(self) -> tuple[Toleration, ...]:
        found = []
        for index, raw in enumerate(self.spec.get("tolerations") or []):
            values = {"key": raw.get("key") or "", "value": raw.get("value") or "", "effect": raw.get("effect") or ""}
            operator = raw.get("operator") or "Equal"
            for key, value, allowed in (
                ("operator", operator, ("Equal", "Exists", "Lt", "Gt")),
                ("effect", values["effect"], ("", "NoSchedule", "PreferNoSchedule", "NoExecute")),
            ):
                if value not in allowed:
                    path = f"tolerations[{index}].{key}"
                    words = ", ".join(word for word in allowed if word)
                    self._at_container(raw, path, key, f"unknown {key}", words, describe(value))
                    break
            else:
                found.append(Toleration(operator=operator, seconds=raw.get("tolerationSeconds"), **values))
        return tuple(found)

    def _priority(self) -> tuple[int, str, str]:
        """Priority, class and preemption policy as the Priority admission plugin sets them."""
        reading, spec = self.reading, self.spec
        name = spec.get("priorityClassName") or ""
        if not name and spec.get("priority") is None:
            name = reading.default_priority_class or ""
        policy = spec.get("preemptionPolicy") or (
            "Never" if name in reading.never_preempting else "PreemptLowerPriority"
        )
        if policy not in ("Never", "PreemptLowerPriority"):
            self._problem(("preemptionPolicy",), "unknown policy", describe(policy), "Never, PreemptLowerPriority")
        if not name or name in reading.priority_classes:
            return reading.priority_classes.get(name, spec.get("priority") or 0), name, policy
        if spec.get("priority") is None:
            self._unknown_class(name)
        return spec.get("priority") or 0, name, policy

    def _unknown_class(self, name: str) -> None:
        known = list(self.reading.priority_classes)
        if self.reading.lenient:
            at = self.source.at(*self.path, "spec", "priorityClassName")
            mark = at[0].marks.get(at[1], at[0].mark)
            text = f"PriorityClass {name} is not in these files: priority 0"
            self.reading.note("guessed", "PodSpec.priorityClassName", text, mark, self.source.object_name)
            return
        message = "no such PriorityClass" + suggestion(name, known)
        self._problem(("priorityClassName",), message, describe(name), ", ".join(known))


def amounts(resources: Any) -> dict[str, int]:
    """Resource -> base units (cpu in millicores) of a mapping of quantities that was checked before."""
    return {name: int(quantity_of(name).parse(value)) for name, value in (resources or {}).items() if value is not None}


def plain(value: Any) -> Any:
    """A deep copy in plain dicts and lists, without empty (null) entries."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value
