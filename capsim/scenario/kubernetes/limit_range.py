"""LimitRanges: defaults for containers of a namespace, taken over when their workloads are read.

Source: kubernetes v1.36 plugin/pkg/admission/limitranger and pkg/apis/core/v1/defaults.go (SetDefaults_LimitRangeItem):
a default limit is `default`, else `max`; a default request `defaultRequest`, else the default limit, else `min`.
"""

from __future__ import annotations

from typing import Any

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.container_limits import ContainerLimits
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.pod_reading import amounts
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.model import quantity_of

coverage("LimitRange", "apiVersion kind metadata spec")
coverage("LimitRangeSpec", "limits")
coverage("LimitRangeItem", "type default defaultRequest min max", {"maxLimitRequestRatio": "ratios are not checked"})


@reads("", "LimitRange", {"v1": "LimitRange"}, order=20)
def read_limit_range(source: Source, reading: Reading) -> None:
    """Reads a LimitRange; items for pods and claims are listed."""
    for item in source.get("spec", "limits") or []:
        kind = item.get("type")
        if kind == "Container":
            _take(source, item, reading)
        elif kind in ("Pod", "PersistentVolumeClaim"):
            text = f"limits of a {kind} are not checked"
            reading.note("not_modelled", "LimitRange", text, source.content.mark, source.object_name)
        else:
            allowed = "Container, Pod, PersistentVolumeClaim"
            reading.problem(
                source.object_name, "spec.limits.type", "unknown type", (item, "type"), describe(kind), allowed
            )


def _take(source: Source, item: Any, reading: Reading) -> None:
    least, most, default, request = (amounts(item.get(key)) for key in ("min", "max", "default", "defaultRequest"))
    limits = {**most, **default}
    requests = {**least, **limits, **request}
    for resource, amount in requests.items():
        if resource in limits and amount > limits[resource]:
            write = quantity_of(resource).write
            at, allowed = (item, "defaultRequest"), f"at most {write(limits[resource])}"
            message = f"the default {resource} request is above the default limit"
            reading.problem(source.object_name, "spec.limits.defaultRequest", message, at, write(amount), allowed)
    before = reading.limits.get(source.namespace)
    merged = [dict(part) for part in before] if before else [{}, {}, {}, {}]
    for into, new in zip(merged, (limits, requests, least, most), strict=True):
        for resource, amount in new.items():
            into.setdefault(resource, amount)
    reading.limits[source.namespace] = ContainerLimits(*merged)
