"""Groups of pending pods that are scheduled alike.

Source: cluster-autoscaler core/scaleup/equivalence/groups.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from capsim.controllers.cluster_autoscaler.tables import DAEMON, Kinds
from capsim.state.tables import I64

MOST_PER_CONTROLLER = 10


@dataclass
class PodGroup:
    """Pods that a node takes all alike, and what node groups said to them."""

    pods: I64
    kind: int
    schedulable: bool = False
    errors: dict[int, int] = field(default_factory=dict)
    """Node group -> reason why its new node does not take the pods."""


def pod_groups(kinds: Kinds, pods: I64, kind_of: I64) -> list[PodGroup]:
    """Group pods (slots in order; ``kind_of`` by slot) by controller, labels and spec, in order of their first pod.

    Pods without a controller, and those of the 11th kind of a controller and after, are groups of one.
    """
    found: list[list[int]] = []
    group_of: dict[int, int] = {}
    per_controller: dict[int, int] = {}
    kind = kind_of[pods]
    similar = kinds.similar[kind]
    if len(pods) > 64 and len(kinds.similar):
        return _many(kinds, pods, kind, similar)
    for p, c, s in zip(pods.tolist(), kind.tolist(), similar.tolist(), strict=True):
        owner = int(kinds.owner[c])
        if owner < 0 or kinds.flags[c] & DAEMON:
            found.append([p])
        elif s in group_of:
            found[group_of[s]].append(p)
        else:
            count = per_controller.get(owner, 0)
            if count < MOST_PER_CONTROLLER:
                per_controller[owner] = count + 1
                group_of[s] = len(found)
            found.append([p])
    return [PodGroup(np.array(group, np.int64), int(kind_of[group[0]])) for group in found]


def _many(kinds: Kinds, pods: I64, kind: I64, similar: I64) -> list[PodGroup]:
    """The same for many pods: one step per kind, and one per pod only where pods stand alone."""
    distinct, first, inverse = np.unique(similar, return_index=True, return_inverse=True)
    alone = np.zeros(len(distinct), np.bool_)
    per_controller: dict[int, int] = {}
    for d in np.argsort(first, kind="stable").tolist():
        c = int(kind[first[d]])
        owner = int(kinds.owner[c])
        count = per_controller.get(owner, 0)
        alone[d] = owner < 0 or bool(kinds.flags[c] & DAEMON) or count >= MOST_PER_CONTROLLER
        if not alone[d]:
            per_controller[owner] = count + 1
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(np.bincount(inverse, minlength=len(distinct)))
    groups: list[tuple[int, PodGroup]] = []
    for d in range(len(distinct)):
        members = order[ends[d - 1] if d else 0 : ends[d]]
        if alone[d]:
            groups.extend((int(i), PodGroup(pods[i : i + 1], int(kind[i]))) for i in members.tolist())
        else:
            groups.append((int(first[d]), PodGroup(pods[members], int(kind[first[d]]))))
    return [group for _, group in sorted(groups, key=lambda item: item[0])]
