"""From candidates to the best node: scores that are normalised over all feasible nodes, totals, ties.

A candidate is a node, or all nodes of a shape with the same peers on them: those differ in their own score only, and
the best of them speaks for the rest. Source: kube-scheduler v1.34.1, NormalizeScore of tainttoleration, nodeaffinity,
interpodaffinity and podtopologyspread.
"""

from __future__ import annotations

import math

from capsim.controllers.scheduler.judge import is_ignored, pod_raw, spread_raw
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.tables import NEVER, Presence
from capsim.state.tables_scheduler import (
    A_BEST,
    A_IMAGES,
    A_NODE,
    A_POD,
    A_ROOM,
    A_SHAPE,
    A_SPREAD,
    A_TOTAL,
    A_WAYS,
    INTER_POD,
    K_HOST,
    K_KEY,
    K_KIND,
    NODE_AFFINITY,
    RULE_SOFT,
    TAINT_TOLERATION,
    TOPOLOGY_SPREAD,
    Y_BEST,
    Y_COUNT,
    Y_FEASIBLE,
    Y_WAYS,
    Cycle,
    Profiles,
    Rules,
    Shapes,
)

IGNORED = -1


@inline_kernel
def has_soft(rules: Rules, c):
    """Whether class ``c`` has soft spread constraints, and whether it has rules that prefer other pods."""
    soft = False
    prefers = False
    for m in range(rules.start[c], rules.start[c + 1]):
        soft = soft or rules.rule[m, K_KIND] == RULE_SOFT
        prefers = prefers or rules.rule[m, K_KIND] > RULE_SOFT
    return soft, prefers


@inline_kernel
def domain_size(rules: Rules, shapes: Shapes, cycle: Cycle, m, host_size):
    """Number of domains of a soft constraint among the candidates; a missing key counts as a domain, as upstream's."""
    if rules.rule[m, K_HOST] == 1:
        return host_size
    key = rules.rule[m, K_KEY]
    for d in range(shapes.domains[key] + 1):
        cycle.domain[1, d] = 0
    size = 0
    for i in range(cycle.scalar[Y_COUNT]):
        if cycle.candidate[i, A_SPREAD] != IGNORED:
            d = shapes.domain[key, cycle.candidate[i, A_SHAPE]] + 1
            if cycle.domain[1, d] == 0:
                cycle.domain[1, d] = 1
                size += 1
    return size


@separate_kernel
def spread_scores(rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, c):
    """Raw spread scores of all candidates."""
    host_size = 0
    for i in range(cycle.scalar[Y_COUNT]):
        ignored = is_ignored(rules, shapes, c, cycle.candidate[i, A_SHAPE])
        cycle.candidate[i, A_SPREAD] = IGNORED if ignored else 0
        if not ignored:
            host_size += cycle.candidate[i, A_ROOM]
    first = rules.start[c]
    for m in range(first, rules.start[c + 1]):
        if rules.rule[m, K_KIND] == RULE_SOFT:
            size = domain_size(rules, shapes, cycle, m, host_size)
            cycle.weight[m - first] = math.log(float(size + 2))
    for i in range(cycle.scalar[Y_COUNT]):
        if cycle.candidate[i, A_SPREAD] != IGNORED:
            n = cycle.candidate[i, A_NODE]
            cycle.candidate[i, A_SPREAD] = spread_raw(rules, presence, shapes, cycle, c, n, cycle.candidate[i, A_SHAPE])


@inline_kernel
def normal_spread(raw, low, high):
    """PodTopologySpread's normalised score."""
    if raw == IGNORED:
        return 0
    return 100 if high == 0 else 100 * (high + low - raw) // high


@inline_kernel
def normal_pod(raw, low, high):
    """InterPodAffinity's normalised score: divided first, in floating point."""
    return int(100.0 * (float(raw - low) / float(high - low))) if high > low else 0


@inline_kernel
def normal_taint(raw, high):
    """TaintToleration's normalised score."""
    return 100 if high == 0 else 100 - 100 * raw // high


@inline_kernel
def normal_affinity(raw, high):
    """NodeAffinity's normalised score."""
    return 0 if high == 0 else 100 * raw // high


@kernel
def extremes(rules: Rules, cycle: Cycle, c):
    """Highest taint and affinity raw score of the candidates, lowest and highest spread and pod raw score."""
    taint = 0
    affinity = 0
    low_spread = NEVER
    high_spread = 0
    low_pod = NEVER
    high_pod = -NEVER
    for i in range(cycle.scalar[Y_COUNT]):
        s = cycle.candidate[i, A_SHAPE]
        taint = max(taint, rules.shape_raw[c, 0, s])
        affinity = max(affinity, rules.shape_raw[c, 1, s])
        raw = cycle.candidate[i, A_SPREAD]
        if raw != IGNORED:
            low_spread = min(low_spread, raw)
            high_spread = max(high_spread, raw)
        low_pod = min(low_pod, cycle.candidate[i, A_POD])
        high_pod = max(high_pod, cycle.candidate[i, A_POD])
    return taint, affinity, low_spread, high_spread, low_pod, high_pod


@separate_kernel
def finish(profiles: Profiles, rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, c):
    """Totals of all candidates, the best total and how many nodes have it; they are feasible; ``prepare`` has run."""
    soft, prefers = has_soft(rules, c)
    if soft:
        spread_scores(rules, presence, shapes, cycle, c)
    if prefers:
        for i in range(cycle.scalar[Y_COUNT]):
            n = cycle.candidate[i, A_NODE]
            cycle.candidate[i, A_POD] = pod_raw(rules, presence, shapes, cycle, c, n, cycle.candidate[i, A_SHAPE])
    taint, affinity, low_spread, high_spread, low_pod, high_pod = extremes(rules, cycle, c)
    weight = profiles.weight[rules.profile[c]]
    best = -1
    ways = 0
    feasible = 0
    for i in range(cycle.scalar[Y_COUNT]):
        s = cycle.candidate[i, A_SHAPE]
        total = cycle.candidate[i, A_BEST] + cycle.candidate[i, A_IMAGES]
        total += weight[TAINT_TOLERATION] * normal_taint(rules.shape_raw[c, 0, s], taint)
        total += weight[NODE_AFFINITY] * normal_affinity(rules.shape_raw[c, 1, s], affinity)
        if soft:
            total += weight[TOPOLOGY_SPREAD] * normal_spread(cycle.candidate[i, A_SPREAD], low_spread, high_spread)
        if prefers:
            total += weight[INTER_POD] * normal_pod(cycle.candidate[i, A_POD], low_pod, high_pod)
        cycle.candidate[i, A_TOTAL] = total
        feasible += cycle.candidate[i, A_ROOM]
        if total > best:
            best = total
            ways = 0
        if total == best:
            ways += cycle.candidate[i, A_WAYS]
    cycle.scalar[Y_BEST] = best
    cycle.scalar[Y_WAYS] = ways
    cycle.scalar[Y_FEASIBLE] = feasible
