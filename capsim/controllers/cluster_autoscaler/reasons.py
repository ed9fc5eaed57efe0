"""Why a new node of a group would not take a pod, in the scheduler's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from capsim.controllers.cluster_autoscaler.predicates import (
    REJECT_AFFINITY,
    REJECT_ANTI_AFFINITY,
    REJECT_EXISTING_ANTI_AFFINITY,
    REJECT_FLAGS,
    REJECT_PORTS,
    REJECT_RESOURCES,
    REJECT_SPREAD,
    REJECT_STATIC,
)
from capsim.controllers.cluster_autoscaler.view import NodeTemplate, View
from capsim.state.tables import PODS

TEXTS = {
    REJECT_FLAGS: "node(s) were unschedulable",
    REJECT_PORTS: "node(s) didn't have free ports for the requested pod ports",
    REJECT_SPREAD: "node(s) didn't match pod topology spread constraints",
    REJECT_AFFINITY: "node(s) didn't match pod affinity rules",
    REJECT_ANTI_AFFINITY: "node(s) didn't match pod anti-affinity rules",
    REJECT_EXISTING_ANTI_AFFINITY: "node(s) didn't satisfy existing pods anti-affinity rules",
}


def reason_texts(
    resources: Sequence[str], static: Sequence[str]
) -> Callable[[View, NodeTemplate, int, int], list[str]]:
    """A function from (view, template, kind, reason) to texts; ``resources`` by column."""

    def texts(view: View, of: NodeTemplate, kind: int, reason: int) -> list[str]:
        if reason >= REJECT_STATIC:
            return [static[reason - REJECT_STATIC]]
        if reason != REJECT_RESOURCES:
            return [TEXTS[reason]]
        free = of.allocatable - of.requested(view.kinds)
        want = view.kinds.request[kind]
        short = [r for r in range(len(want)) if want[r] > 0 and want[r] > free[r]]
        first = ["Too many pods"] if PODS in short else []
        return first + [f"Insufficient {resources[r]}" for r in short if r != PODS]

    return texts
