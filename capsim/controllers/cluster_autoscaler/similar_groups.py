"""Groups that are alike, and how new nodes are spread over them.

Source: cluster-autoscaler processors/nodegroupset/{compare_nodegroups,balancing_processor}.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capsim.controllers.cluster_autoscaler.go_sort import go_order
from capsim.controllers.cluster_autoscaler.view import NodeTemplate, View
from capsim.state.tables import I64, MEMORY

IGNORED_LABELS = frozenset(
    {
        "kubernetes.io/hostname", "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "beta.kubernetes.io/fluentd-ds-ready",
        "kops.k8s.io/instancegroup",
    }
)  # fmt: skip


def _within(one: int, other: int, ratio: float) -> bool:
    larger, smaller = float(max(one, other)), float(min(one, other))
    return larger - smaller <= larger * ratio


def _labels(view: View, template: NodeTemplate) -> dict[str, str]:
    ignored = IGNORED_LABELS | set(view.options.balancing_ignored_labels)
    return {key: value for key, value in view.shape_labels[template.shape].items() if key not in ignored}


def are_similar(view: View, one: NodeTemplate, other: NodeTemplate) -> bool:
    """Equal capacity (memory within 1.5 %), allocatable and free within 5 %, equal labels but for those of place."""
    options = view.options
    for r in range(len(one.capacity)):
        a, b = int(one.capacity[r]), int(other.capacity[r])
        if r == MEMORY:
            if not _within(a, b, options.memory_difference_ratio):
                return False
        elif a != b:
            return False
    free = [template.allocatable - template.requested(view.kinds) for template in (one, other)]
    for r in range(len(one.capacity)):  # volumes that nodes attach are not compared
        if not _within(int(one.allocatable[r]), int(other.allocatable[r]), options.allocatable_difference_ratio):
            return False
        if not _within(int(free[0][r]), int(free[1][r]), options.free_difference_ratio):
            return False
    return _labels(view, one) == _labels(view, other)


@dataclass
class Growth:
    """One group's part of a scale-up."""

    group: int
    before: int
    after: int
    most: int


def balance(groups: Sequence[int], targets: Sequence[int], maximum: I64, nodes: int) -> list[Growth]:
    """Spread ``nodes`` over ``groups``: the smallest first, until all are alike or full."""
    parts = [Growth(g, targets[g], targets[g], int(maximum[g])) for g in groups if targets[g] != int(maximum[g])]
    nodes = min(nodes, sum(max(0, part.most - part.before) for part in parts))
    parts = [parts[i] for i in go_order(np.array([float(part.before) for part in parts])).tolist()]
    start = here = 0
    while nodes > 0:
        part = parts[here]
        if part.after < part.most:
            part.after += 1
            nodes -= 1
        else:
            parts[start], parts[here] = parts[here], parts[start]
            part = parts[here]
            start += 1
        here = here + 1 if here < len(parts) - 1 and part.after > parts[here + 1].after else start
    return [part for part in parts if part.after != part.before]
