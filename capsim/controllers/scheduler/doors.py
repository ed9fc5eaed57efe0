"""The scheduler's kernels as functions that Python calls, over all of its tables in one tuple.

Replays of recordings, `capsim fit`, explanations and tests use these; a run calls the same kernels from its loop.
"""

from __future__ import annotations

from typing import NamedTuple

from capsim.controllers.scheduler.choose import best_node, nth
from capsim.controllers.scheduler.filters import exists
from capsim.controllers.scheduler.finish import extremes, normal_affinity, normal_pod, normal_spread, normal_taint
from capsim.controllers.scheduler.preempt import preempt
from capsim.controllers.scheduler.prepare import prepare
from capsim.controllers.scheduler.reasons import REASON_FIT
from capsim.controllers.scheduler.reserved import scan_reserved, try_nominated
from capsim.controllers.scheduler.scores import balanced_score, fit_score, image_score, requests_nothing
from capsim.controllers.scheduler.verdict import diagnose, has_nominees, verdict
from capsim.jit import entry, kernel
from capsim.state.links import link_node, unlink_node
from capsim.state.placement import leave, place
from capsim.state.tables import NODE_TOP, POD_STARTING, POD_TERMINATING, Classes, Clock, Nodes, PodLinks, Pods, Presence
from capsim.state.tables_scheduler import (
    A_NODE,
    A_POD,
    A_SHAPE,
    A_SPREAD,
    A_TOTAL,
    BALANCED,
    IMAGE_LOCALITY,
    INTER_POD,
    NODE_AFFINITY,
    RESOURCES_FIT,
    SCORE_PLUGINS,
    TAINT_TOLERATION,
    TOPOLOGY_SPREAD,
    Y_COUNT,
    Y_TOTAL,
    Budgets,
    Preemption,
    Scheduling,
)
from capsim.state.transitions import node_changed

COLUMN_SHORT, COLUMN_TOTAL, COLUMN_REASON = 0, SCORE_PLUGINS, SCORE_PLUGINS + 1
"""Columns of Cycle.result beside the plugins' scores; the first is the same as that of the first plugin."""


class Tables(NamedTuple):
    """Everything that the scheduler reads or writes."""

    clock: Clock
    classes: Classes
    pods: Pods
    links: PodLinks
    nodes: Nodes
    presence: Presence
    k: Scheduling
    budgets: Budgets
    preemption: Preemption


# fmt: off
@kernel
def _decide(t: Tables, p, entity, event):
    """The node for pod ``p`` as a run would choose it, -1: none."""
    c = t.pods.pod_class[p]
    prepare(t.clock, t.nodes, t.k.rules, t.presence, t.k.shapes, t.k.cycle, c)
    if t.k.nominations.count[0] > 0:
        n = try_nominated(t.clock, t.classes, t.pods, t.nodes, t.presence, t.k, t.preemption.counts, p)
        if n >= 0:
            return n
    if t.k.nominations.count[0] > 0 and has_nominees(t.classes, t.pods, t.k.nominations, p, -1):
        return scan_reserved(
            t.clock, t.classes, t.pods, t.nodes, t.presence, t.k, t.preemption.counts, p, entity, event)
    return best_node(
        t.clock, t.k.profiles, t.classes, t.nodes, t.k.rules, t.presence, t.k.shapes, t.k.extras, t.k.views, t.k.cycle,
        c, entity, event)


@kernel
def _nth_best(t: Tables, p, k):
    """The ``k``-th of the equally good nodes of the last decision, which was for pod ``p``."""
    return nth(t.presence, t.k.shapes, t.k.rules, t.k.views, t.k.cycle, t.pods.pod_class[p], k)


@kernel
def _judge_nodes(t: Tables, p):
    """Why each node takes pod ``p`` or not, into ``cycle.result``: PASS, INSUFFICIENT or a reason in the last column,
    the resources that are short as a bit set in the first."""
    counts = t.preemption.counts
    prepare(t.clock, t.nodes, t.k.rules, t.presence, t.k.shapes, t.k.cycle, t.pods.pod_class[p])
    for n in range(t.clock.values[NODE_TOP]):
        if exists(t.nodes, n):
            counts[:] = 0
            t.k.cycle.result[n, COLUMN_REASON] = verdict(
                t.clock, t.classes, t.pods, t.nodes, t.presence, t.k, counts, True, p, n)
            short = 0
            for r in range(t.nodes.allocatable.shape[1]):
                if counts[REASON_FIT + r] > 0:
                    short |= 1 << r
            t.k.cycle.result[n, COLUMN_SHORT] = short


@kernel
def _detail_scores(t: Tables, p):
    """Weighted scores of every plugin for the candidates of the last decision into ``cycle.result``."""
    c = t.pods.pod_class[p]
    profile = t.k.rules.profile[c]
    weight = t.k.profiles.weight[profile]
    idle = requests_nothing(t.k.profiles, t.classes, profile, c)
    taint, affinity, low_spread, high_spread, low_pod, high_pod = extremes(t.k.rules, t.k.cycle, c)
    for i in range(t.k.cycle.scalar[Y_COUNT]):
        n = t.k.cycle.candidate[i, A_NODE]
        s = t.k.cycle.candidate[i, A_SHAPE]
        row = t.k.cycle.result[n]
        row[TAINT_TOLERATION] = weight[TAINT_TOLERATION] * normal_taint(t.k.rules.shape_raw[c, 0, s], taint)
        row[NODE_AFFINITY] = weight[NODE_AFFINITY] * normal_affinity(t.k.rules.shape_raw[c, 1, s], affinity)
        row[RESOURCES_FIT] = weight[RESOURCES_FIT] * fit_score(t.k.profiles, t.nodes, t.k.rules, profile, c, n)
        balanced = 0 if idle else balanced_score(t.k.profiles, t.classes, t.nodes, profile, c, n)
        row[BALANCED] = weight[BALANCED] * balanced
        row[IMAGE_LOCALITY] = 0
        if t.k.extras.image_bytes.shape[0] > 0:
            image = image_score(t.presence, t.k.extras, t.k.cycle.scalar[Y_TOTAL], c, n)
            row[IMAGE_LOCALITY] = weight[IMAGE_LOCALITY] * image
        row[INTER_POD] = weight[INTER_POD] * normal_pod(t.k.cycle.candidate[i, A_POD], low_pod, high_pod)
        row[TOPOLOGY_SPREAD] = weight[TOPOLOGY_SPREAD] * normal_spread(
            t.k.cycle.candidate[i, A_SPREAD], low_spread, high_spread)
        row[COLUMN_TOTAL] = t.k.cycle.candidate[i, A_TOTAL]


@kernel
def _count_reasons(t: Tables, p):
    """The diagnosis of pod ``p``, which fits nowhere, into ``preemption.counts``."""
    prepare(t.clock, t.nodes, t.k.rules, t.presence, t.k.shapes, t.k.cycle, t.pods.pod_class[p])
    diagnose(t.clock, t.classes, t.pods, t.nodes, t.presence, t.k, t.preemption.counts, p, -1)


@kernel
def _find_victims(t: Tables, p, offset):
    """Candidates for preemption into ``t.preemption``; returns the best, -1: none."""
    return preempt(t.clock, t.classes, t.pods, t.links, t.nodes, t.presence, t.k, t.budgets, t.preemption, p, offset)


@kernel
def _settle_on(t: Tables, p, n, start_ms):
    """Pod ``p`` runs on node ``n``."""
    t.pods.node[p] = n
    t.pods.bound_ms[p] = start_ms
    t.pods.state[p] = POD_STARTING
    link_node(t.links, t.nodes, p, n)
    place(t.classes, t.nodes, t.presence, t.pods.pod_class[p], n, 1, 0)
    node_changed(t.presence, t.nodes, n)


@kernel
def _terminate(t: Tables, p):
    """Pod ``p`` begins to terminate."""
    t.pods.state[p] = POD_TERMINATING
    leave(t.nodes, t.presence, t.pods.pod_class[p], t.pods.node[p])
    node_changed(t.presence, t.nodes, t.pods.node[p])


@kernel
def _take_off(t: Tables, p):
    """Pod ``p`` is gone from its node."""
    n = t.pods.node[p]
    leaving = 1 if t.pods.state[p] == POD_TERMINATING else 0
    unlink_node(t.links, t.nodes, p, n)
    place(t.classes, t.nodes, t.presence, t.pods.pod_class[p], n, -1, leaving)
    node_changed(t.presence, t.nodes, n)


(
    DECIDE,
    NTH_BEST,
    JUDGE,
    DETAIL,
    COUNT,
    VICTIMS,
    SETTLE,
    TERMINATE,
    TAKE_OFF,
) = range(9)


@entry
def call(t: Tables, what, p, a, b):
    """Carry out step ``what`` for pod ``p``: one entry, because each would compile its own copy of all kernels."""
    if what == DECIDE:
        return _decide(t, p, a, b)
    if what == NTH_BEST:
        return _nth_best(t, p, a)
    if what == VICTIMS:
        return _find_victims(t, p, a)
    if what == JUDGE:
        _judge_nodes(t, p)
    elif what == DETAIL:
        _detail_scores(t, p)
    elif what == COUNT:
        _count_reasons(t, p)
    elif what == SETTLE:
        _settle_on(t, p, a, b)
    elif what == TERMINATE:
        _terminate(t, p)
    elif what == TAKE_OFF:
        _take_off(t, p)
    return 0
# fmt: on


def decide(t: Tables, p: int, entity: int = 0, event: int = 0) -> int:
    """Slot of the node for pod ``p`` as a run would choose it, -1: none."""
    return int(call(t, DECIDE, p, entity, event))


def nth_best(t: Tables, p: int, k: int) -> int:
    """Slot of the ``k``-th of the equally good nodes of the last decision, which was for pod ``p``."""
    return int(call(t, NTH_BEST, p, k, 0))


def judge_nodes(t: Tables, p: int) -> None:
    """Why each node takes pod ``p`` or not, into ``cycle.result`` (COLUMN_REASON, COLUMN_SHORT)."""
    call(t, JUDGE, p, 0, 0)


def detail_scores(t: Tables, p: int) -> None:
    """Weighted scores of every plugin for the candidates of the last decision, which are nodes, into
    ``cycle.result``."""
    call(t, DETAIL, p, 0, 0)


def count_reasons(t: Tables, p: int) -> list[int]:
    """Nodes per reason that refuse pod ``p``, then those that preemption could help, could not help, and all."""
    call(t, COUNT, p, 0, 0)
    return [int(count) for count in t.preemption.counts]


def find_victims(t: Tables, p: int, offset: int = 0) -> int:
    """Candidates for preemption into ``t.preemption``; returns the best, -1: none."""
    return int(call(t, VICTIMS, p, offset, 0))


def settle_on(t: Tables, p: int, n: int, start_ms: int) -> None:
    """Pod ``p`` runs on the node of slot ``n`` since ``start_ms``."""
    call(t, SETTLE, p, n, start_ms)


def terminate(t: Tables, p: int) -> None:
    """Pod ``p`` begins to terminate."""
    call(t, TERMINATE, p, 0, 0)


def take_off(t: Tables, p: int) -> None:
    """Pod ``p`` is gone from its node."""
    call(t, TAKE_OFF, p, 0, 0)
