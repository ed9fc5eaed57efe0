"""LimitRanges: defaults for containers of a namespace, taken over when their workloads are read, and bounds for new
pods.

Source: kubernetes v1.36 plugin/pkg/admission/limitranger and pkg/apis/core/v1/defaults.go (SetDefaults_LimitRangeItem):
a default limit is `default`, else `max`; a default request `defaultRequest`, else the default limit, else `min`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.container_limits import ContainerLimits
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.pod_reading import amounts
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.model import Model, Text, WholeNumber, quantity_of
from capsim.units import format_milli, parse_quantity

AMOUNTS = {"max": "most", "min": "least", "default": "default", "defaultRequest": "default_request"}


class LimitItem(Model):
    """What a LimitRange says of each container, or of each pod; amounts in base units (cpu in millicores)."""

    type: Literal["Container", "Pod"] = Field(description="What it is about.")
    most: dict[Text, WholeNumber] = Field({}, description="max: largest limits.")
    least: dict[Text, WholeNumber] = Field({}, description="min: smallest requests.")
    default: dict[Text, WholeNumber] = Field({}, description="Limits of containers without.")
    default_request: dict[Text, WholeNumber] = Field({}, description="Requests of containers without.")
    ratio_milli: dict[Text, WholeNumber] = Field({}, description="maxLimitRequestRatio: limit / request, thousandths.")

    def manifest(self) -> dict[str, Any]:
        """The item as a manifest writes it."""
        written: dict[str, Any] = {"type": self.type}
        for key, name in AMOUNTS.items():
            if amounts := getattr(self, name):
                written[key] = {resource: quantity_of(resource).write(n) for resource, n in amounts.items()}
        if self.ratio_milli:
            written["maxLimitRequestRatio"] = {name: format_milli(n) for name, n in self.ratio_milli.items()}
        return written


class LimitRange(Model):
    """A LimitRange."""

    namespace: Text = Field(description="Namespace.")
    name: Text = Field(description="Name.")
    limits: tuple[LimitItem, ...] = Field(description="Its items.")

    def manifest(self) -> dict[str, Any]:
        """The object as a manifest writes it."""
        metadata = {"name": self.name, "namespace": self.namespace}
        spec = {"limits": [item.manifest() for item in self.limits]}
        return {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": spec}


coverage("LimitRange", "apiVersion kind metadata spec")
coverage("LimitRangeSpec", "limits")
coverage("LimitRangeItem", "type default defaultRequest min max maxLimitRequestRatio")


@reads("", "LimitRange", {"v1": "LimitRange"}, into="limit_ranges", order=20)
def read_limit_range(source: Source, reading: Reading) -> LimitRange | None:
    """Reads a LimitRange; items for claims are listed."""
    before = len(reading.problems)
    found = []
    for item in source.get("spec", "limits") or []:
        kind = item.get("type")
        if kind == "Container":
            _take(source, item, reading)
        if kind in ("Container", "Pod"):
            found.append(_item(source, item, reading))
        elif kind == "PersistentVolumeClaim":
            text = f"limits of a {kind} are not checked"
            reading.note("not_modelled", "LimitRange", text, source.content.mark, source.object_name)
        else:
            allowed = "Container, Pod, PersistentVolumeClaim"
            reading.problem(
                source.object_name, "spec.limits.type", "unknown type", (item, "type"), describe(kind), allowed
            )
    if len(reading.problems) > before:
        return None
    return LimitRange(namespace=source.namespace, name=source.name, limits=tuple(found))


def _item(source: Source, item: Any, reading: Reading) -> LimitItem:
    given = {name: amounts(item.get(key)) for key, name in AMOUNTS.items()}
    for resource, least in given["least"].items():
        if least > given["most"].get(resource, least):
            message, allowed = f"the {resource} min is above the max", "at most the max"
            write = quantity_of(resource).write
            reading.problem(source.object_name, "spec.limits.min", message, (item, "min"), write(least), allowed)
    ratios = item.get("maxLimitRequestRatio") or {}
    ratio_milli = {name: int(parse_quantity(value) * 1000) for name, value in ratios.items() if value is not None}
    for resource, ratio in ratio_milli.items():
        if ratio < 1000:
            at, path = (ratios, resource), "spec.limits.maxLimitRequestRatio"
            reading.problem(source.object_name, path, "below 1", at, format_milli(ratio), "1 or more")
    return LimitItem(type=item["type"], **given, ratio_milli=ratio_milli)


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
    merged = [dict(part) for part in before] if before else [{}, {}]
    for into, new in zip(merged, (limits, requests), strict=True):
        for resource, amount in new.items():
            into.setdefault(resource, amount)
    reading.limits[source.namespace] = ContainerLimits(*merged)
