"""The best node while pods are nominated: each node is looked at with the pods that are to come there."""

from __future__ import annotations

from capsim.controllers.scheduler.choose import add_candidate, begin, chosen
from capsim.controllers.scheduler.filters import exists
from capsim.controllers.scheduler.finish import finish
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.scores import image_part, own_score, requests_nothing
from capsim.controllers.scheduler.verdict import verdict
from capsim.jit import inline_kernel, separate_kernel
from capsim.state.tables import NODE_TOP, Classes, Clock, Nodes, Pods, Presence
from capsim.state.tables_scheduler import (
    A_TOTAL,
    GATHERED_SLOTS,
    GATHERED_WINDOW,
    Y_BEST,
    Y_COUNT,
    Y_ENOUGH,
    Y_EXAMINED,
    Y_FEASIBLE,
    Y_GATHERED,
    Y_START,
    Y_TOTAL,
    Y_WAYS,
    Nominations,
    Scheduling,
)


@separate_kernel
def scan_reserved(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    counts,
    p,
    entity,
    event,
):
    """The node for pod ``p``, -1 when none fits; ``prepare`` has run for its class. ``counts`` is not written."""
    c = pods.pod_class[p]
    some = begin(clock, k.profiles, nodes, k.rules, presence, k.shapes, k.cycle, c)
    k.cycle.scalar[Y_GATHERED] = GATHERED_WINDOW if some else GATHERED_SLOTS
    k.cycle.scalar[Y_COUNT] = 0
    best_effort = requests_nothing(k.profiles, classes, k.rules.profile[c], c)
    total = k.cycle.scalar[Y_TOTAL]
    start = k.cycle.scalar[Y_START]
    examined = 0
    steps = total if some else clock.values[NODE_TOP]
    while examined < steps:
        n = k.shapes.order[(start + examined) % total] if some else examined
        if exists(nodes, n):
            reason = verdict(clock, classes, pods, nodes, presence, k, counts, False, p, n)
            if reason == PASS:
                if k.cycle.scalar[Y_COUNT] == k.cycle.scalar[Y_ENOUGH]:
                    break
                own = own_score(k.profiles, classes, nodes, k.rules, best_effort, c, n)
                image = image_part(k.profiles, k.rules, presence, k.extras, total, c, n)
                add_candidate(k.cycle, n, nodes.shape[n], own, image, 1, 1, -1)
        examined += 1
    if some:
        k.cycle.scalar[Y_EXAMINED] = examined
        k.cycle.scalar[Y_START] = (start + examined) % total
    if k.cycle.scalar[Y_COUNT] == 0:
        return -1
    finish(k.profiles, k.rules, presence, k.shapes, k.cycle, c)
    return chosen(clock, presence, k.shapes, k.rules, k.views, k.cycle, c, entity, event)


@inline_kernel
def nominated_node(nominations: Nominations, p):
    """The node that pod ``p`` is nominated to, -1: none."""
    for i in range(nominations.count[0]):
        if nominations.pod[i] == p:
            return nominations.node[i]
    return -1


@separate_kernel
def try_nominated(
    clock: Clock, classes: Classes, pods: Pods, nodes: Nodes, presence: Presence, k: Scheduling, counts, p
):
    """The node that pod ``p`` was nominated to, if it takes the pod by now; no other is looked at then. Else -1."""
    n = nominated_node(k.nominations, p)
    if n < 0 or not exists(nodes, n):
        return -1
    reason = verdict(clock, classes, pods, nodes, presence, k, counts, False, p, n)
    if reason != PASS:
        return -1
    k.cycle.scalar[Y_COUNT] = 0
    add_candidate(k.cycle, n, nodes.shape[n], 0, 0, 1, 1, -1)
    k.cycle.candidate[0, A_TOTAL] = 0
    k.cycle.scalar[Y_BEST] = 0
    k.cycle.scalar[Y_WAYS] = 1
    k.cycle.scalar[Y_FEASIBLE] = 1
    k.cycle.scalar[Y_GATHERED] = GATHERED_SLOTS
    return n
