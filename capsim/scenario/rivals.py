"""Whose pods the selectors of HorizontalPodAutoscalers' targets match: their own, and sometimes others'.

Upstream's HPA lists the pods that the selector of its target's scale matches, whoever owns them. When one of these pods
is matched by another HPA's selector, too, it refuses to work (AmbiguousSelector; podautoscaler/horizontal.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.labels import selects
from capsim.scenario.kubernetes.workload import Workload


class Rival(NamedTuple):
    """HPA ``hpa`` counts pods of workload ``shared`` that HPA ``other`` counts as well (indices into the lists)."""

    hpa: int
    other: int
    shared: int


def is_selected(scaled: Workload, other: Workload) -> bool:
    """Whether an HPA on ``scaled`` takes the pods of ``other`` for its own."""
    if scaled.key == other.key:
        return True
    alike = scaled.namespace == other.namespace and bool(scaled.selector)
    return alike and selects(scaled.selector, other.template.labels)


def counted_workloads(hpas: Sequence[Hpa], workloads: Sequence[Workload]) -> list[list[int]]:
    """Per HPA, the workloads whose pods its target's selector matches; its target is among them."""
    by_key = {workload.key: workload for workload in workloads}
    known: dict[str, list[int]] = {}
    for hpa in hpas:
        if hpa.target_key not in known:
            scaled = by_key[hpa.target_key]
            known[hpa.target_key] = [w for w, other in enumerate(workloads) if is_selected(scaled, other)]
    return [known[hpa.target_key] for hpa in hpas]


def rivals(hpas: Sequence[Hpa], workloads: Sequence[Workload]) -> list[Rival]:
    """Everybody's rivals, in the order of the HPAs."""
    counted = counted_workloads(hpas, workloads)
    by_workload: dict[int, list[int]] = {}
    for h, mine in enumerate(counted):
        for w in mine:
            by_workload.setdefault(w, []).append(h)
    return [
        Rival(h, other, w) for h, mine in enumerate(counted) for w in mine for other in by_workload[w] if other != h
    ]
