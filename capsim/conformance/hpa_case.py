"""What all replays of HPA recordings share: settings of a case, and gathering one metric from a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capsim.conformance.hpa_snapshot import Cluster
from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import doors as k
from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.defaults import target_type_of
from capsim.controllers.hpa.messages import source
from capsim.controllers.hpa.spec import ControllerSettings

Json = Mapping[str, Any]


def settings_of(config: Json) -> ControllerSettings:
    """Controller flags and gates as a recording writes them."""
    return ControllerSettings(
        tolerance_ratio=config["tolerance"],
        downscale_stabilization_ms=int(config["downscale_stabilization_s"] * 1000),
        cpu_initialization_ms=int(config["cpu_initialization_s"] * 1000),
        initial_readiness_delay_ms=int(config["initial_readiness_delay_s"] * 1000),
        scale_to_zero=config["gate_HPAScaleToZero"],
        configurable_tolerance=config["gate_HPAConfigurableTolerance"],
        scale_up_limit_factor=config.get("scale_up_limit_factor", 2),
    )


def gather(cluster: Cluster, specs: t.HpaSpecs, state: t.HpaState, m: int, metric: Json, merge: bool) -> None:
    """Put the pods or the value behind one metric of HPA 0 into ``state.gathered``."""
    kind, now_ms = metric["type"], cluster.snap["t"]
    if kind in ("Object", "External"):
        name = source(metric)["metric"]["name"]
        if kind == "Object":
            value = cluster.object_value(name)
        else:
            value = cluster.external_value(name, target_type_of(kind, source(metric)["target"]) == "AverageValue")
        error = c.ERROR_EMPTY if value is None else c.NO_ERROR
        if cluster.failing(f"{'obj' if kind == 'Object' else 'ext'}:{name}"):
            error = c.ERROR_UNAVAILABLE
        k.gather_value(state, cluster.bare_pods(), value or 0, error)
        return
    failing = "resource"
    if kind == "Pods":
        name = source(metric)["metric"]["name"]
        pods, failing = cluster.metric_pods(name, merge), f"podm:{name}"
    elif kind in ("Resource", "ContainerResource"):
        about = source(metric)
        pods = cluster.resource_pods(about["name"], about.get("container"), merge)
    else:
        pods = cluster.bare_pods()
    error = c.ERROR_UNAVAILABLE if cluster.failing(failing) else c.NO_ERROR
    k.gather_pods(specs, state, 0, m, pods, now_ms, error)


def unavailable_text(metric: Json) -> str:
    """What the recorded metrics APIs say when they fail."""
    kind = metric["type"]
    if kind in ("Resource", "ContainerResource"):
        return "resource metrics unavailable"
    return f"{kind.lower()} metric unavailable"


def masked(text: str | None) -> str | None:
    """An error without the pod that it names: upstream walks pods in random order."""
    if text is None or " Pod " not in text:
        return text
    head, _, _ = text.rpartition(" Pod ")
    container = " in container "
    return head.split(container)[0] if container in head else head
