"""The scenario of a recorded end-to-end run: its inputs as models, its phases, its flags; nothing of its outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from capsim.scenario import (
    ClusterAutoscalerSpec,
    Container,
    ControlPlaneSpec,
    Distribution,
    Hpa,
    Instance,
    KubeControllerManagerSpec,
    KubeletSpec,
    KubeObjects,
    MetricsServerSpec,
    NodeGroup,
    NodeObject,
    Phases,
    PodTemplate,
    Scenario,
    StepsSeries,
    Toleration,
    UsageSpec,
    Workload,
    WorkloadSpec,
)
from capsim.units import cpu_milli, memory_bytes

Json = Mapping[str, Any]
GROUP = "workers"
NAMESPACE = "default"
RESOLUTION_MS = 15_000
CNI_MEMORY_BYTES = 50 * 2**20
"""Request of the recorded DaemonSet; the inputs name its CPU only."""


def shift_ms(recording: Json) -> int:
    """How long before the load script the simulated run starts (ms): whole scrapes that cover the HPA's creation."""
    lead_s = float(recording["inputs"].get("hpa_lead_s", 0.0))
    return RESOLUTION_MS * math.ceil((lead_s + 1.0) * 1000 / RESOLUTION_MS)


def scenario_of(recording: Json) -> Scenario:
    """The scenario of a recording; time 0 of the run is ``shift_ms`` before time 0 of the recording."""
    inputs = recording["inputs"]
    shift = shift_ms(recording)
    start = datetime.fromisoformat(recording["meta"]["t0_utc"]) - timedelta(milliseconds=shift)
    return Scenario(
        name=str(recording["meta"]["run"]),
        duration_ms=round(float(inputs["end_s"]) * 1000) + shift,
        start=start.replace(microsecond=start.microsecond // 1000 * 1000),
        initial_state="declared",
        node_groups=[node_group(inputs)] if "max" in inputs else [],
        objects=objects_of(recording),
        workloads={workload_key(app): behaviour(inputs) for app in inputs["apps"]},
        usage={workload_key(app): UsageSpec(cpu=load_of(app, shift)) for app in inputs["apps"]},
        cluster_autoscaler=autoscaler(recording) if "max" in inputs else None,
        control_plane=control_plane(recording, shift),
    )


def workload_key(app: Json) -> str:
    """Canonical name of an app's Deployment."""
    return f"{NAMESPACE}/Deployment/{app['name']}"


def behaviour(inputs: Json) -> WorkloadSpec:
    """How long pods take to become Ready and to go."""
    return WorkloadSpec(
        startup_time=Distribution.constant(round(float(inputs["start_delay_s"]) * 1000)),
        termination_time_ms=round(float(inputs["term_delay_s"]) * 1000),
    )


def load_of(app: Json, shift: int) -> StepsSeries:
    """Cores over the time of the run; what is first holds from its start."""
    steps = [(round(at * 1000) + shift, cores) for at, cores in app["load"]]
    first = [(0, steps[0][1])] if steps[0][0] > 0 else []
    return StepsSeries.model_validate({"steps": [[f"{at}ms", cores] for at, cores in first + steps]}, by_alias=True)


def node_group(inputs: Json) -> NodeGroup:
    """The autoscaler's group: machines like the first node, all of them allocatable."""
    node = inputs["nodes"][0]
    instance = Instance(cpu_milli=cpu_milli(node["cpu"]), memory_bytes=memory_bytes(node["memory"]))
    return NodeGroup(
        name=GROUP,
        instance=instance.model_copy(update={"pods": int(node["pods"])}),
        eviction_hard={},
        min=inputs["min"],
        max=inputs["max"],
        initial=len(inputs["nodes"]),
        boot_delay=Distribution.constant(round(inputs["ready_s"] * 1000)),
        register_delay=Distribution.constant(round(inputs["register_s"] * 1000)),
        delete_delay_ms=round(inputs["delete_s"] * 1000),
    )


def objects_of(recording: Json) -> KubeObjects:
    """Nodes, system pods, the DaemonSet, Deployments and HPAs."""
    inputs = recording["inputs"]
    created = {e["hpa"]: e["spec"] for e in recording["timeline"] if e.get("what") == "hpa_created"}
    daemons = [daemonset(inputs["cni_daemonset_cpu"])] if inputs.get("cni_daemonset_cpu") else []
    return KubeObjects(
        nodes=[node_object(node, "max" in inputs) for node in inputs["nodes"]],
        workloads=[
            *daemons,
            *(system_pod(*row) for row in inputs.get("system_pods", ())),
            *(deployment(app) for app in inputs["apps"]),
        ],
        hpas=[hpa(app, created.get(app["name"], {})) for app in inputs["apps"]],
    )


def node_object(node: Json, grouped: bool) -> NodeObject:
    """A node of the start."""
    room = {"cpu": cpu_milli(node["cpu"]), "memory": memory_bytes(node["memory"]), "pods": int(node["pods"])}
    labels = {"kubernetes.io/hostname": node["name"]}
    return NodeObject(
        name=node["name"], labels=labels, allocatable=room, capacity=room, group=GROUP if grouped else None
    )


def template(name: str, request_milli: int, request_bytes: int, **more: Any) -> PodTemplate:
    """Pods of one container."""
    limits = {"cpu": more.pop("limit_milli")} if "limit_milli" in more else {}
    requests = {"cpu": request_milli, "memory": request_bytes}
    container = Container(name=name, requests=requests, limits=limits)
    return PodTemplate(labels={"app": name}, containers=(container,), **more)


def daemonset(cpu: str) -> Workload:
    """The network DaemonSet, on every node."""
    pods = template("cni", cpu_milli(cpu), CNI_MEMORY_BYTES, tolerations=(Toleration(operator="Exists"),))
    selector = {"matchLabels": {"app": "cni"}}
    return Workload(kind="DaemonSet", namespace="kube-system", name="cni", replicas=0, selector=selector, template=pods)


def system_pod(name: str, node: str, cpu: str, memory: str) -> Workload:
    """A bare pod that is bound to its node."""
    pods = template(name, cpu_milli(cpu), memory_bytes(memory), node_name=node)
    return Workload(kind="Pod", namespace="kube-system", name=name, template=pods)


def deployment(app: Json) -> Workload:
    """An app: its pods can burn ``cap`` cores each."""
    limit = round(float(app["cap"]) * 1000)
    pods = template(app["name"], cpu_milli(app["cpu"]), memory_bytes(app["memory"]), limit_milli=limit)
    selector = {"matchLabels": {"app": app["name"]}}
    return Workload(
        kind="Deployment",
        namespace=NAMESPACE,
        name=app["name"],
        replicas=app["replicas"],
        selector=selector,
        template=pods,
    )


def hpa(app: Json, spec: Json) -> Hpa:
    """An app's HPA, as it was created."""
    target = {"type": "Utilization", "averageUtilization": app["target"]}
    metrics = spec.get("metrics") or [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return Hpa(
        namespace=NAMESPACE,
        name=app["name"],
        target_key=workload_key(app),
        min_replicas=app["min"],
        max_replicas=app["max"],
        metrics=metrics,
        behavior=spec.get("behavior"),
    )


def flags_of(recording: Json, program: str, model: type[Any]) -> dict[str, Any]:
    """Those of a program's recorded flags that the model knows, as text."""
    known = {field.alias for field in model.model_fields.values()}
    pairs = (text.lstrip("-").split("=", 1) for text in recording["meta"].get("flags", {}).get(program, ())[1:])
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and pair[0] in known}


def autoscaler(recording: Json) -> ClusterAutoscalerSpec:
    """The Cluster Autoscaler with its recorded flags."""
    flags = flags_of(recording, "cluster-autoscaler", ClusterAutoscalerSpec)
    return ClusterAutoscalerSpec.model_validate(flags, by_alias=True)


def control_plane(recording: Json, shift: int) -> ControlPlaneSpec:
    """Recorded phases: first HPA syncs, first scrape, first autoscaler loop."""
    manager = flags_of(recording, "kube-controller-manager", KubeControllerManagerSpec)
    return ControlPlaneSpec(
        kube_controller_manager=KubeControllerManagerSpec.model_validate(manager, by_alias=True),
        metrics_server=MetricsServerSpec(metric_resolution_ms=RESOLUTION_MS),
        kubelet=KubeletSpec(housekeeping_interval_ms=0),  # the recorded kubelets are stand-ins that read at the scrape
        phases=Phases(
            scrape_ms=(first_of(recording, "scrape", 0.0) + shift) % RESOLUTION_MS,
            hpa_ms={name: round(at[0] * 1000) + shift for name, at in recording["derived"]["hpa_syncs"].items()},
            cluster_autoscaler_ms=first_of(recording, "ca_loop", -shift / 1000) + shift if "ca_log" in recording else 0,
        ),
    )


def first_of(recording: Json, kind: str, after_s: float) -> int:
    """Time (ms of the recording) of the first event of a kind at or after ``after_s``."""
    times = [float(event["t"]) for event in recording["timeline"] if event["k"] == kind and event["t"] >= after_s]
    return round(times[0] * 1000)
