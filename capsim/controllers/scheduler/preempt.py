"""DefaultPreemption: on which node, and at whose cost, a pod that fits nowhere could run.

On every node whose refusal removing pods could change, all pods of lower priority are removed; if the pod then fits,
as many as possible are spared, first those whose removal would violate a PodDisruptionBudget, then the more important
ones.

Source: kube-scheduler v1.34.1, plugins/defaultpreemption/default_preemption.go and framework/preemption/preemption.go.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import exists
from capsim.controllers.scheduler.prepare import prepare
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.verdict import again, is_helpful, verdict
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.placement import place
from capsim.state.tables import NODE_TOP, POD_TERMINATING, Classes, Clock, Nodes, PodLinks, Pods, Presence
from capsim.state.tables_scheduler import (
    V_COUNT,
    V_FIRST,
    V_NODE,
    V_START,
    V_SUM,
    V_TOP,
    V_VIOLATIONS,
    Budgets,
    Preemption,
    Scheduling,
)

MIN_CANDIDATES = 100
PERCENT_CANDIDATES = 10


@inline_kernel
def more_important(classes: Classes, pods: Pods, a, b):
    """Higher priority first, then the longer running."""
    pa = classes.priority[pods.pod_class[a]]
    pb = classes.priority[pods.pod_class[b]]
    if pa != pb:
        return pa > pb
    if pods.bound_ms[a] != pods.bound_ms[b]:
        return pods.bound_ms[a] < pods.bound_ms[b]
    return pods.uid[a] < pods.uid[b]


@kernel
def list_lower(classes: Classes, pods: Pods, links: PodLinks, nodes: Nodes, found: Preemption, p, n):
    """Pods of node ``n`` with a lower priority than ``p``, most important first; returns how many."""
    mine = classes.priority[pods.pod_class[p]]
    count = 0
    q = nodes.first_pod[n]
    while q >= 0:
        if classes.priority[pods.pod_class[q]] < mine:
            i = count
            while i > 0 and more_important(classes, pods, q, found.pods[i - 1, 0]):
                found.pods[i, 0] = found.pods[i - 1, 0]
                i -= 1
            found.pods[i, 0] = q
            count += 1
        q = links.node_next[q]
    return count


@kernel
def mark_violations(pods: Pods, budgets: Budgets, found: Preemption, count):
    """Which of the listed pods could not be evicted under their budgets, were they evicted in this order."""
    for b in range(budgets.allowed.shape[0]):
        budgets.left[b] = budgets.allowed[b]
    for i in range(count):
        c = pods.pod_class[found.pods[i, 0]]
        found.pods[i, 1] = 0
        for k in range(budgets.start[c], budgets.start[c + 1]):
            b = budgets.budget[k]
            budgets.left[b] -= 1
            if budgets.left[b] < 0:
                found.pods[i, 1] = 1


@inline_kernel
def put(classes: Classes, pods: Pods, nodes: Nodes, presence: Presence, q, n, sign):
    """Put pod ``q`` back on node ``n``, or take it off for the time being."""
    leaving = 1 if pods.state[q] == POD_TERMINATING else 0
    place(classes, nodes, presence, pods.pod_class[q], n, sign, leaving)


@separate_kernel
def spare(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    found: Preemption,
    p,
    n,
    count,
    violating,
):
    """Put the listed pods (those that violate a budget, or the others) back one by one while ``p`` still fits."""
    c = pods.pod_class[p]
    kept = 0
    for i in range(count):
        if found.pods[i, 1] == violating:
            q = found.pods[i, 0]
            put(classes, pods, nodes, presence, q, n, 1)
            again(clock, nodes, presence, k, c)
            found.pods[i, 2] = 0
            reason = verdict(clock, classes, pods, nodes, presence, k, found.counts, False, p, n)
            if reason != PASS:
                put(classes, pods, nodes, presence, q, n, -1)
                again(clock, nodes, presence, k, c)
                found.pods[i, 2] = 1
                kept += 1
    return kept


@kernel
def note_candidate(classes: Classes, pods: Pods, found: Preemption, n, count, violations):
    """Append a candidate with the figures that the choice compares."""
    k = found.found[0]
    first = found.found[1]
    top = 0
    total = 0
    start = 0
    victims = 0
    for i in range(count):
        if found.pods[i, 2] == 1:
            q = found.pods[i, 0]
            priority = classes.priority[pods.pod_class[q]]
            if victims == 0 or (priority == top and pods.bound_ms[q] < start):
                start = pods.bound_ms[q]
            if victims == 0:
                top = priority
            total += priority + (1 << 31)
            found.victims[first + victims] = q
            victims += 1
    found.candidate[k, V_NODE] = n
    found.candidate[k, V_VIOLATIONS] = violations
    found.candidate[k, V_TOP] = top
    found.candidate[k, V_SUM] = total
    found.candidate[k, V_COUNT] = victims
    found.candidate[k, V_START] = start
    found.candidate[k, V_FIRST] = first
    found.found[0] = k + 1
    found.found[1] = first + victims


@separate_kernel
def try_node(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    budgets: Budgets,
    found: Preemption,
    p,
    n,
):
    """Look for victims on node ``n``; the tables are left as they were."""
    c = pods.pod_class[p]
    count = list_lower(classes, pods, links, nodes, found, p, n)
    if count == 0:
        found.counts[found.counts.shape[0] - 3] += 1
        return
    for i in range(count):
        put(classes, pods, nodes, presence, found.pods[i, 0], n, -1)
    again(clock, nodes, presence, k, c)
    reason = verdict(clock, classes, pods, nodes, presence, k, found.counts, True, p, n)
    if reason == PASS:
        mark_violations(pods, budgets, found, count)
        violations = spare(clock, classes, pods, nodes, presence, k, found, p, n, count, 1)
        spare(clock, classes, pods, nodes, presence, k, found, p, n, count, 0)
        note_candidate(classes, pods, found, n, count, violations)
    for i in range(count):
        if reason != PASS or found.pods[i, 2] == 1:
            put(classes, pods, nodes, presence, found.pods[i, 0], n, 1)
    again(clock, nodes, presence, k, c)


@inline_kernel
def is_better(found: Preemption, a, b):
    """Whether candidate ``a`` comes before ``b``: fewest violations, lowest top priority, smallest sum of priorities,
    fewest victims, latest start."""
    for column in range(V_VIOLATIONS, V_COUNT + 1):
        if found.candidate[a, column] != found.candidate[b, column]:
            return found.candidate[a, column] < found.candidate[b, column]
    return found.candidate[a, V_START] > found.candidate[b, V_START]


@separate_kernel
def preempt(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    budgets: Budgets,
    found: Preemption,
    p,
    offset,
):
    """Fill ``found`` for pod ``p`` that fits nowhere; returns the best candidate, or -1.

    ``offset``: the node after which the search begins (upstream: random); it ends at max(100, 10 %) candidates."""
    c = pods.pod_class[p]
    prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, c)
    last = found.counts.shape[0]
    found.counts[:] = 0
    found.found[:] = 0
    top = clock.values[NODE_TOP]
    total = 0
    for n in range(top):
        total += 1 if exists(nodes, n) else 0
    enough = max(min(MIN_CANDIDATES, total), total * PERCENT_CANDIDATES // 100)
    for i in range(top):
        n = (offset + i) % top
        if not exists(nodes, n):
            continue
        reason = verdict(clock, classes, pods, nodes, presence, k, found.counts, False, p, n)
        if not is_helpful(k.profiles, classes, nodes, k.rules, reason, c, n):
            found.counts[last - 2] += 1
        elif found.found[0] < enough:
            try_node(clock, classes, pods, links, nodes, presence, k, budgets, found, p, n)
    found.counts[last - 1] = total
    best = -1
    for i in range(found.found[0]):
        if best < 0 or is_better(found, i, best):
            best = i
    found.found[2] = best
    return best
