"""The decision to scale up: what is pending, what is on its way, which group gets how many nodes.

Rare and large, so it runs in Python over the estimator's kernel. It only decides; the engine carries it out.
Thin model until its own recordings are replayed: see docs/fidelity.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capsim.controllers.cluster_autoscaler.estimator import pack
from capsim.controllers.cluster_autoscaler.expander import EXPANDERS, Option
from capsim.rng import STREAM_EXPANDER, draw
from capsim.state.tables import (
    CA_LAST_UP,
    FLAG_NOT_READY,
    FLAG_TO_BE_DELETED,
    FLAG_UNSCHEDULABLE,
    G_DELETING,
    G_EXIST,
    G_MAX,
    I64,
    NODE_DELETING,
    NODE_FREE,
    NODE_TOP,
    P_CA_EXPENDABLE,
    P_CA_MAX_NODES,
    P_CA_NEW_POD_DELAY,
    P_SEED,
    Classes,
    Clock,
    Groups,
    Nodes,
    PodLinks,
    Pods,
)

POD_TIME_BUFFER_MS = 2_000
"""Upstream: unschedulablePodTimeBuffer."""


@dataclass(frozen=True)
class Decision:
    """Add ``nodes`` nodes to ``group``; ``helped[k]`` pods of class ``classes[k]`` triggered it."""

    group: int
    nodes: int
    classes: tuple[int, ...]
    helped: tuple[int, ...]


def pending_classes(clock: Clock, classes: Classes, pods: Pods, links: PodLinks, now_ms: int) -> dict[int, int]:
    """Unschedulable pods by class, old enough and not expendable; DaemonSet pods wait for their node: left out."""
    youngest = now_ms - int(clock.params[P_CA_NEW_POD_DELAY])
    cutoff = int(clock.params[P_CA_EXPENDABLE])
    found: dict[int, int] = {}
    for c in np.flatnonzero(classes.queue_count).tolist():
        if classes.priority[c] < cutoff:
            continue
        count = 0
        p = int(classes.queue_head[c])
        while p >= 0:
            if pods.target[p] < 0 and pods.created_ms[p] < youngest:
                count += 1
            p = int(links.queue_next[p])
        if count:
            found[c] = count
    return found


def all_new(classes: Classes, pods: Pods, links: PodLinks, pending: dict[int, int], now_ms: int) -> bool:
    """Whether even the oldest pending pod is so young that more of its kind may be on their way (2 s,
    allPodsAreNew)."""
    oldest = min(int(pods.created_ms[int(classes.queue_head[c])]) for c in pending)
    return now_ms - oldest < POD_TIME_BUFFER_MS


def upcoming_nodes(nodes: Nodes, top: int) -> list[int]:
    """Nodes that were requested and do not take pods yet."""
    flags, state = nodes.flags[:top], nodes.state[:top]
    waiting = (flags & FLAG_NOT_READY != 0) & (flags & (FLAG_TO_BE_DELETED | FLAG_UNSCHEDULABLE) == 0)
    return np.flatnonzero(waiting & (state != NODE_FREE) & (state != NODE_DELETING)).tolist()


def sorted_kinds(classes: Classes, pending: dict[int, int], template: I64) -> list[int]:
    """Classes by CPU plus memory over the template's allocatable, largest first."""

    def size(c: int) -> float:
        return float(sum(classes.request[c, r] / template[r] for r in (0, 1) if template[r] > 0))

    return sorted(pending, key=lambda c: (-size(c), c))


def estimate(
    nodes: Nodes, groups: Groups, classes: Classes, pending: dict[int, int], upcoming: list[int], g: int, most_new: int
) -> tuple[int, dict[int, int], dict[int, int]]:
    """(new nodes, pods placed by class, of these on upcoming nodes) when group ``g`` may grow by ``most_new``."""
    template = groups.template[g] - groups.daemons[g]
    kinds = sorted_kinds(classes, pending, template)
    request = classes.request[kinds]
    count = np.array([pending[c] for c in kinds], np.int64)
    rows = len(upcoming) + most_new
    free = np.zeros((max(1, rows), request.shape[1]), np.int64)
    allowed = np.zeros((len(upcoming) + 1, len(kinds)), np.int64)
    for b, n in enumerate(upcoming):
        home = nodes.group[n]
        free[b] = nodes.allocatable[n] - np.maximum(nodes.requested[n], groups.daemons[home])
        allowed[b] = classes.shape_reason[kinds, nodes.shape[n]] < 0
    allowed[-1] = classes.shape_reason[kinds, groups.shapes[g, 0]] < 0
    before = np.zeros(len(kinds), np.int64)
    if upcoming:
        pack(free.copy(), len(upcoming), template, request, count, allowed, 0, before)
    after = np.zeros(len(kinds), np.int64)
    opened = int(pack(free, len(upcoming), template, request, count, allowed, most_new, after))
    return opened, dict(zip(kinds, after.tolist(), strict=True)), dict(zip(kinds, before.tolist(), strict=True))


def room_in(groups: Groups, clock: Clock, g: int, per_scale_up: int) -> int:
    """How many nodes group ``g`` may get now."""
    room = int(groups.size[g, G_MAX] - (groups.count[g, G_EXIST] - groups.count[g, G_DELETING]))
    total = int(clock.params[P_CA_MAX_NODES])
    if total > 0:
        room = min(room, total - int((groups.count[:, G_EXIST] - groups.count[:, G_DELETING]).sum()))
    return max(0, min(room, per_scale_up))


def options(
    clock: Clock, nodes: Nodes, groups: Groups, classes: Classes, pending: dict[int, int], per_scale_up: int
) -> list[tuple[Option, dict[int, int]]]:
    """One option per group that would help, with the pods that it helps by class."""
    upcoming = upcoming_nodes(nodes, int(clock.values[NODE_TOP]))
    found = []
    for g in np.flatnonzero(groups.managed).tolist():
        most = min(room_in(groups, clock, g, per_scale_up), sum(pending.values()))
        if most <= 0:
            continue
        opened, after, before = estimate(nodes, groups, classes, pending, upcoming, g, most)
        helped = {c: after[c] - before[c] for c in after if after[c] > before[c]}
        if opened > 0 and helped:
            requested = sum(classes.request[c] * k for c, k in helped.items()) + groups.daemons[g] * opened
            option = Option(
                g, opened, sum(helped.values()), tuple(requested.tolist()), tuple(groups.template[g].tolist())
            )
            found.append((option, helped))
    return found


def decide(
    clock: Clock,
    nodes: Nodes,
    groups: Groups,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    expander: str,
    per_scale_up: int,
    now_ms: int,
) -> tuple[Decision | None, bool]:
    """(what to add, or None; whether pods that are too young today may help tomorrow)."""
    pending = pending_classes(clock, classes, pods, links, now_ms)
    if not pending or all_new(classes, pods, links, pending, now_ms):
        return None, True
    listed = options(clock, nodes, groups, classes, pending, per_scale_up)
    if not listed:
        return None, False
    left = EXPANDERS[expander]([option for option, _ in listed])
    chosen = left[int(draw(int(clock.params[P_SEED]), STREAM_EXPANDER, 0, now_ms)) % len(left)]
    helped = next(h for option, h in listed if option is chosen)
    clock.values[CA_LAST_UP] = now_ms
    return Decision(chosen.group, chosen.nodes, tuple(helped), tuple(helped.values())), False
