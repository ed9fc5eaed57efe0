"""What the LimitRanges of a namespace make of a container (upstream: plugin/pkg/admission/limitranger, v1.36)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from capsim.scenario.model import quantity_of


class ContainerLimits(NamedTuple):
    """What a namespace's LimitRanges say of each container; amounts in base units (cpu in millicores)."""

    limits: Mapping[str, int]
    requests: Mapping[str, int]
    least: Mapping[str, int]
    most: Mapping[str, int]


def limited(
    limits: dict[str, int], requests: dict[str, int], of: ContainerLimits
) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """(limits, requests, what would be refused) of a container; requests have been defaulted to its limits before."""
    own_limits, own_requests = {**of.limits, **limits}, {**of.requests, **requests}
    refused = []
    for resource, amount in own_requests.items():
        if amount < of.least.get(resource, 0):
            write = quantity_of(resource).write
            refused.append(
                f"minimum {resource} usage per Container is {write(of.least[resource])}, but request is {write(amount)}"
            )
    for resource, amount in own_limits.items():
        if amount > of.most.get(resource, amount):
            write = quantity_of(resource).write
            refused.append(
                f"maximum {resource} usage per Container is {write(of.most[resource])}, but limit is {write(amount)}"
            )
    return own_limits, own_requests, refused
