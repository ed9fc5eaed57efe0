"""How many nodes would have meant that no pod waits: first-fit of the waiting pods on empty nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from capsim.result.summary.model import ZeroPending
from capsim.result.summary.spans import peak, times_ms
from capsim.scenario import PodTemplate, Scenario, Taint, Toleration

Amounts = Mapping[str, int]  # resource -> milli-CPU, bytes, or a count
STATIC = "(static)"
ASSUMED = (
    "Waiting pods put first-fit on empty nodes (allocatable minus DaemonSets) beside what was there; node selectors "
    "and taints count, affinity and spread do not. With more nodes the autoscalers might have acted otherwise."
)


@dataclass(frozen=True)
class Shape:
    """An empty node of one group; ``room`` in base units (cpu in milli-CPU)."""

    group: str
    room: Amounts
    labels: Mapping[str, str]
    taints: Sequence[Taint]
    usd_per_hour: float

    def holds(self, template: PodTemplate) -> int:
        """How many pods of this template fit on one empty node; 0 when it may not or cannot run there."""
        return count_that_fit(self.room, demand(template)) if self.admits(template) else 0

    def admits(self, template: PodTemplate) -> bool:
        """True when node selector and tolerations let the pod run on such a node."""
        return admits(template, self.labels, self.taints)


@dataclass(frozen=True)
class Waiting:
    """Identical pods that wait."""

    template: PodTemplate
    pods: int


def zero_pending(scenario: Scenario, nodes: pd.DataFrame, waiting: pd.DataFrame) -> ZeroPending:
    """Answer for the moment at which most pods waited; ``waiting`` as :func:`pending.waiting_pods` returns it."""
    if waiting.empty:
        return ZeroPending(nodes=None, more=0, node_group=None, at_ms=None, estimate=False, note="No pod waited.")
    _, at_ms = peak(waiting["since_ms"].to_numpy(), waiting["until_ms"].to_numpy())
    now = waiting[(waiting["since_ms"] <= at_ms) & (waiting["until_ms"] > at_ms)]
    templates = {workload.key: workload.template for workload in scenario.objects.workloads}
    groups = [Waiting(templates[str(key)], len(rows)) for key, rows in now.groupby("workload", observed=True)]
    choice = cheapest(shapes(scenario), groups)
    if choice is None:
        return ZeroPending(nodes=None, more=None, node_group=None, at_ms=at_ms, estimate=True, note=_why_not(now))
    more = sum(choice.values())
    return ZeroPending(
        nodes=_ready_at(nodes, at_ms) + more,
        more=more,
        node_group=", ".join(sorted(choice)),
        at_ms=at_ms,
        estimate=True,
        note=ASSUMED,
    )


def shapes(scenario: Scenario) -> list[Shape]:
    """One shape per node group, or the kinds of Node objects where there is no group."""
    daemons = [w.template for w in scenario.objects.workloads if w.kind == "DaemonSet"]
    groups = [
        Shape(group.name, group.allocatable(), group.labels, group.taints, group.price_per_hour_usd)
        for group in scenario.node_groups
    ]
    static = [
        Shape(STATIC, node.allocatable, node.labels, node.taints, node.price_per_hour_usd)
        for node in scenario.objects.nodes
        if not node.unschedulable
    ]
    return [_without_daemons(shape, daemons) for shape in groups or static]


def cheapest(candidates: list[Shape], waiting: list[Waiting]) -> dict[str, int] | None:
    """Nodes to add by group: the cheapest single group that holds all, else the cheapest group for each kind of pod."""
    whole = [(shape, count) for shape in candidates if (count := nodes_needed(shape, waiting)) is not None]
    if whole:
        shape, count = min(whole, key=lambda found: (found[0].usd_per_hour * found[1], found[1]))
        return {shape.group: count}
    chosen: dict[str, list[Waiting]] = {}
    by_name = {shape.group: shape for shape in candidates}
    for kind in waiting:
        options = [shape for shape in candidates if shape.holds(kind.template)]
        if not options:
            return None
        best = min(options, key=lambda shape: shape.usd_per_hour / shape.holds(kind.template))
        chosen.setdefault(best.group, []).append(kind)
    return {name: nodes_needed(by_name[name], kinds) or 0 for name, kinds in chosen.items()}


def nodes_needed(shape: Shape, waiting: Iterable[Waiting]) -> int | None:
    """First-fit, largest pods first; None when some pod does not fit on an empty node."""
    alike: Counter[tuple[tuple[str, int], ...]] = Counter()
    for kind in waiting:
        if not shape.holds(kind.template):
            return None
        alike[tuple(sorted(demand(kind.template).items()))] += kind.pods
    bins: list[dict[str, int]] = []
    for key, left in sorted(alike.items(), key=lambda kind: (-_share(shape.room, dict(kind[0])), kind[0])):
        each = dict(key)
        for room in bins:
            left -= _put(room, each, left)
        while left:
            bins.append(dict(shape.room))
            left -= _put(bins[-1], each, left)
    return len(bins)


def demand(template: PodTemplate) -> dict[str, int]:
    """What one pod takes from a node: its requests and one pod slot."""
    return {**{name: amount for name, amount in template.requests().items() if amount}, "pods": 1}


def count_that_fit(room: Amounts, each: Amounts) -> int:
    """How many times ``each`` fits into ``room``; a resource that the room does not have counts as 0."""
    return max(0, min(room.get(name, 0) // amount for name, amount in each.items()))


def admits(template: PodTemplate, labels: Mapping[str, str], taints: Sequence[Taint]) -> bool:
    """Node selector against labels, tolerations against taints (PreferNoSchedule does not keep anybody away)."""
    if any(labels.get(key) != value for key, value in template.node_selector.items()):
        return False
    return all(
        taint.effect == "PreferNoSchedule" or any(_tolerates(toleration, taint) for toleration in template.tolerations)
        for taint in taints
    )


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect not in ("", taint.effect) or toleration.key not in ("", taint.key):
        return False
    return toleration.operator == "Exists" or (toleration.key != "" and toleration.value == taint.value)


def _without_daemons(shape: Shape, daemons: list[PodTemplate]) -> Shape:
    room = dict(shape.room)
    for template in daemons:
        if shape.admits(template):
            for name, amount in demand(template).items():
                room[name] = room.get(name, 0) - amount
    return replace(shape, room=room)


def _put(room: dict[str, int], each: Amounts, wanted: int) -> int:
    placed = min(wanted, count_that_fit(room, each))
    for name, amount in each.items():
        room[name] = room.get(name, 0) - amount * placed
    return placed


def _share(room: Amounts, each: Amounts) -> float:
    return max((amount / room[name] for name, amount in each.items() if room.get(name, 0) > 0), default=0.0)


def _ready_at(nodes: pd.DataFrame, at_ms: int) -> int:
    gone = np.minimum(times_ms(nodes["deleting_ms"]), times_ms(nodes["gone_ms"]))
    return int(((times_ms(nodes["ready_ms"]) <= at_ms) & (gone > at_ms)).sum())


def _why_not(now: pd.DataFrame) -> str:
    names = ", ".join(sorted({str(name) for name in now["workload"]}))
    return (
        f"No number of nodes would hold a pod of {names}: larger than an empty node of every group in the scenario, or "
        "kept away by node selector or taints."
    )
