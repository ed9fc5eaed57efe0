"""What the LimitRanges of a namespace refuse in a pod, in upstream's words.

Source: kubernetes v1.36 plugin/pkg/admission/limitranger/admission.go (PodValidateLimitFunc, minConstraint,
maxConstraint, limitRequestRatioConstraint). A pod's requests and limits are the sums over its containers, at least
those of each init container.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from capsim.scenario.kubernetes.limit_range import LimitItem, LimitRange
from capsim.scenario.kubernetes.pod import Container, PodTemplate
from capsim.scenario.model import quantity_of
from capsim.units import format_milli

Amounts = Mapping[str, int]


def refusal(limit_ranges: list[LimitRange], namespace: str, template: PodTemplate) -> str:
    """Why the first LimitRange of a namespace that minds refuses pods of this template; empty when none does."""
    for one in sorted(limit_ranges, key=lambda found: found.name):
        if one.namespace == namespace:
            said = [text for item in one.limits for text in _of_item(item, template)]
            if said:
                return said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    return ""


def _of_item(item: LimitItem, template: PodTemplate) -> Iterator[str]:
    if item.type == "Pod":
        yield from _faults(item, total(template, "requests"), total(template, "limits"))
        return
    for container in (*template.containers, *template.init_containers):
        yield from _faults(item, container.requests, container.limits)


def total(template: PodTemplate, part: str) -> dict[str, int]:
    """Requests or limits of a whole pod: the sum of its containers, or the largest of an init container."""
    whole: dict[str, int] = {}
    for container in template.containers:
        for resource, amount in _part(container, part).items():
            whole[resource] = whole.get(resource, 0) + amount
    for container in template.init_containers:
        for resource, amount in _part(container, part).items():
            whole[resource] = max(whole.get(resource, 0), amount)
    return whole


def _part(container: Container, part: str) -> Amounts:
    return container.requests if part == "requests" else container.limits


def _faults(item: LimitItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for resource, least in item.least.items():
        head = f"minimum {resource} usage per {item.type} is"
        yield from _too_small(head, resource, least, requests.get(resource), limits.get(resource))
    for resource, most in item.most.items():
        head = f"maximum {resource} usage per {item.type} is"
        yield from _too_large(head, resource, most, requests.get(resource), limits.get(resource))
    for resource, ratio_milli in item.ratio_milli.items():
        head = f"{resource} max limit to request ratio per {item.type} is {format_milli(ratio_milli)}"
        yield from _too_far_apart(head, ratio_milli, requests.get(resource, 0), limits.get(resource, 0))


def _too_small(head: str, resource: str, least: int, request: int | None, limit: int | None) -> Iterator[str]:
    write = quantity_of(resource).write
    if request is None:
        yield f"{head} {write(least)}.  No request is specified"
    elif request < least:
        yield f"{head} {write(least)}, but request is {write(request)}"
    elif limit is not None and limit < least:
        yield f"{head} {write(least)}, but limit is {write(limit)}"


def _too_large(head: str, resource: str, most: int, request: int | None, limit: int | None) -> Iterator[str]:
    write = quantity_of(resource).write
    if limit is None:
        yield f"{head} {write(most)}.  No limit is specified"
    elif limit > most:
        yield f"{head} {write(most)}, but limit is {write(limit)}"
    elif request is not None and request > most:
        yield f"{head} {write(most)}, but request is {write(request)}"


def _too_far_apart(head: str, ratio_milli: int, request: int, limit: int) -> Iterator[str]:
    if request == 0:
        yield f"{head}, but no request is specified or request is 0"
    elif limit == 0:
        yield f"{head}, but no limit is specified or limit is 0"
    elif Decimal(limit) * 1000 > Decimal(request) * ratio_milli:
        yield f"{head}, but provided ratio is {limit / request:f}"
