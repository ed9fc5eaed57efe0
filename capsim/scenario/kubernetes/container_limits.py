"""Defaults that the LimitRanges of a namespace give a container (upstream: plugin/pkg/admission/limitranger, v1.36)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ContainerLimits(NamedTuple):
    """Defaults of a namespace's LimitRanges for each container; amounts in base units (cpu in millicores)."""

    limits: Mapping[str, int]
    requests: Mapping[str, int]


def with_defaults(
    limits: dict[str, int], requests: dict[str, int], of: ContainerLimits
) -> tuple[dict[str, int], dict[str, int]]:
    """(limits, requests) of a container; requests have been defaulted to its limits before."""
    return {**of.limits, **limits}, {**of.requests, **requests}
