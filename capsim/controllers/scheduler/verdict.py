"""Whether one node takes a pod, and if not why: all filters, with the pods that are nominated to the node.

Source: kube-scheduler v1.34.1, runtime/framework.go (RunFilterPluginsWithNominatedPods): nominated pods of equal or
higher priority are taken as running, and the pod must fit with and without them.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import exists, is_short, node_reason, preemption_helps
from capsim.controllers.scheduler.judge import judge
from capsim.controllers.scheduler.prepare import prepare
from capsim.controllers.scheduler.reasons import (
    INSUFFICIENT,
    PASS,
    REASON_ANTI,
    REASON_EXISTING,
    REASON_FIT,
    REASON_NODE_NAME,
    REASON_SPREAD,
)
from capsim.jit import inline_kernel, separate_kernel
from capsim.state.placement import place
from capsim.state.tables import NODE_TOP, PODS, Classes, Clock, Nodes, Pods, Presence
from capsim.state.tables_scheduler import Y_SKIP_POD, Nominations, Profiles, Rules, Scheduling


@inline_kernel
def reason_on(classes: Classes, nodes: Nodes, presence: Presence, k: Scheduling, c, n):
    """PASS, INSUFFICIENT or the first reason against node ``n``, with the pods that are there."""
    reason = node_reason(k.profiles, classes, nodes, k.rules, presence, k.extras, c, n)
    if reason == PASS:
        reason = judge(k.rules, presence, k.shapes, k.cycle, c, n, nodes.shape[n])
    return reason


@inline_kernel
def outranks(classes: Classes, pods: Pods, other, p):
    """Whether nominated pod ``other`` is to be taken as running when pod ``p`` is tried."""
    return other != p and classes.priority[pods.pod_class[other]] >= classes.priority[pods.pod_class[p]]


@inline_kernel
def has_nominees(classes: Classes, pods: Pods, nominations: Nominations, p, n):
    """Whether some pod that outranks ``p`` is nominated to node ``n`` (-1: to any)."""
    for i in range(nominations.count[0]):
        if (n < 0 or nominations.node[i] == n) and outranks(classes, pods, nominations.pod[i], p):
            return True
    return False


@separate_kernel
def add_nominees(classes: Classes, pods: Pods, nodes: Nodes, presence: Presence, nominations: Nominations, p, n, sign):
    """Put the pods nominated to node ``n`` that outrank ``p`` there (1), or take them away again (-1)."""
    for i in range(nominations.count[0]):
        if nominations.node[i] == n and outranks(classes, pods, nominations.pod[i], p):
            place(classes, nodes, presence, pods.pod_class[nominations.pod[i]], n, sign, 0)


@inline_kernel
def again(clock: Clock, nodes: Nodes, presence: Presence, k: Scheduling, c):
    """Count anew after pods came or went, except that a skipped InterPodAffinity stays skipped."""
    if k.rules.start[c] < k.rules.start[c + 1]:
        skip = k.cycle.scalar[Y_SKIP_POD]
        prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, c)
        k.cycle.scalar[Y_SKIP_POD] = skip


@separate_kernel
def verdict(
    clock: Clock, classes: Classes, pods: Pods, nodes: Nodes, presence: Presence, k: Scheduling, counts, counting, p, n
):
    """PASS or the first reason why node ``n`` does not take pod ``p``; with ``counting`` it is added to ``counts``."""
    c = pods.pod_class[p]
    reserved = k.nominations.count[0] > 0 and has_nominees(classes, pods, k.nominations, p, n)
    if reserved:
        add_nominees(classes, pods, nodes, presence, k.nominations, p, n, 1)
        again(clock, nodes, presence, k, c)
    reason = reason_on(classes, nodes, presence, k, c, n)
    if counting and reason != PASS:
        count_reason(k.profiles, classes, nodes, k.rules, counts, reason, c, n)
    if reserved:
        add_nominees(classes, pods, nodes, presence, k.nominations, p, n, -1)
        again(clock, nodes, presence, k, c)
        if reason == PASS:
            reason = reason_on(classes, nodes, presence, k, c, n)
            if counting and reason != PASS:
                count_reason(k.profiles, classes, nodes, k.rules, counts, reason, c, n)
    return reason


@inline_kernel
def count_reason(profiles: Profiles, classes: Classes, nodes: Nodes, rules: Rules, counts, reason, c, n):
    """Add a refusal to the counts of its reasons: NodeResourcesFit names every resource that is short."""
    if reason == INSUFFICIENT:
        for r in range(nodes.allocatable.shape[1]):
            if is_short(profiles, classes, nodes, rules.profile[c], c, n, r):
                counts[REASON_FIT + r] += 1
    else:
        counts[reason] += 1


@inline_kernel
def is_helpful(profiles: Profiles, classes: Classes, nodes: Nodes, rules: Rules, reason, c, n):
    """Whether a refusal has the code Unschedulable: preemption could change it.

    Resources that the whole node does not have are UnschedulableAndUnresolvable, except for the number of pods."""
    if reason == INSUFFICIENT:
        for r in range(nodes.allocatable.shape[1]):
            if is_short(profiles, classes, nodes, rules.profile[c], c, n, r):
                if r != PODS and classes.request[c, r] > nodes.allocatable[n, r]:
                    return False
        return True
    if preemption_helps(reason):
        return True
    return reason in (REASON_SPREAD, REASON_ANTI, REASON_EXISTING)


@separate_kernel
def diagnose(
    clock: Clock, classes: Classes, pods: Pods, nodes: Nodes, presence: Presence, k: Scheduling, counts, p, target
):
    """Count rejected nodes per reason into ``counts`` [reasons + 3]; the last three are nodes that preemption could
    help, nodes that it could not, and all nodes. ``target`` >= 0: the only node that the pod may have. ``prepare`` has
    run for the pod's class."""
    last = counts.shape[0]
    for i in range(last):
        counts[i] = 0
    for n in range(clock.values[NODE_TOP]):
        if exists(nodes, n):
            counts[last - 1] += 1
            if target >= 0 and n != target:
                counts[REASON_NODE_NAME] += 1
                counts[last - 2] += 1
                continue
            reason = verdict(clock, classes, pods, nodes, presence, k, counts, True, p, n)
            if reason != PASS:
                helpful = is_helpful(k.profiles, classes, nodes, k.rules, reason, pods.pod_class[p], n)
                counts[last - 3 if helpful else last - 2] += 1
