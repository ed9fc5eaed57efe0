"""A short way for classes that no other pod keeps off a node, but whose spread (or images) every node is scored by.

Every Deployment is such a class by default. Where a window of nodes is read anyway, or nodes are few, or so many have
changed since the last decision that the index's sums would be made anew, one pass over the leaves is cheaper. What is
added to a node's leaf depends on its shape, the peers on it and the class's images on it alone: it is worked out once
for each combination that the pass meets (``Cycle.met``). The general way (``choose.py``, ``finish.py``) gives the
same.
"""

from __future__ import annotations

import math

from capsim.controllers.scheduler.finish import (
    IGNORED,
    normal_affinity,
    normal_spread,
    normal_taint,
)
from capsim.controllers.scheduler.index import refresh_leaves
from capsim.controllers.scheduler.judge import is_ignored
from capsim.controllers.scheduler.scores import image_part
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.tables import NEVER, NODE_TOP, Classes, Clock, Nodes, Presence
from capsim.state.tables_scheduler import (
    CLASS_IMAGES,
    CLASS_SOFT,
    IMAGES,
    K_AMOUNT,
    K_GROUP,
    K_HOST,
    K_KEY,
    MEMO_COUNTS,
    MEMO_IMAGES,
    MEMO_SHAPES,
    NODE_AFFINITY,
    PAGE,
    TAINT_TOLERATION,
    TOPOLOGY_SPREAD,
    Y_BEST,
    Y_COUNT,
    Y_ENOUGH,
    Y_EXAMINED,
    Y_FEASIBLE,
    Y_MET,
    Y_STAMP,
    Y_START,
    Y_TOTAL,
    Y_WAYS,
    Cycle,
    Extras,
    Profiles,
    Rules,
    Shapes,
    Views,
)

SEEN = 0
"""Row of ``Cycle.cell`` that counts candidates by shape."""
NODE_COST, PAGE_COST, SUM_COST = 1, 25, 75
"""What it costs to look at a node, to sum up a page, and to ask the sums: in units of about 4 ns."""


@inline_kernel
def is_short(presence: Presence, rules: Rules, views: Views, some, c, top):
    """Whether the short way serves class ``c``, and is the shorter one: always in a window."""
    if rules.flag[c] & CLASS_SOFT == 0:
        return False
    if some:
        return True
    v = rules.view_row[c]
    pages = top // PAGE
    behind = presence.head[0] - views.view_seen[v]
    if views.view_seen[v] < 0 or behind > pages:
        behind = pages
    return top * NODE_COST < behind * PAGE_COST + SUM_COST


@inline_kernel
def host_group(rules: Rules, c):
    """Peer group that the class's one constraint by node counts, -1: none."""
    for m in range(rules.start[c], rules.start[c + 1]):
        if rules.rule[m, K_HOST] == 1:
            return rules.rule[m, K_GROUP]
    return -1


@inline_kernel
def image_groups(presence: Presence, extras: Extras, rules: Rules, c):
    """Rows of ``on_node`` of the class's images, in the order of its containers; -1: there are fewer."""
    first = -1
    second = -1
    third = -1
    if rules.flag[c] & CLASS_IMAGES:
        for i in range(presence.part_start[c, IMAGES], presence.part_start[c, IMAGES + 1]):
            if presence.part[i] >= 0:
                row = extras.image_group[presence.part[i]]
                if first < 0:
                    first = row
                elif second < 0:
                    second = row
                else:
                    third = row
    return first, second, third


# fmt: off
@separate_kernel
def gather_soft(
    clock: Clock, profiles: Profiles, classes: Classes, nodes: Nodes, rules: Rules, presence: Presence, shapes: Shapes,
    extras: Extras, views: Views, cycle: Cycle, some, c):
    """Candidates: feasible nodes of the window (``some``) or of all slots, each with what it has in common with others.

    Returns False, having changed nothing that counts, where the memo has no row for one."""
    t = views.signature[rules.view_row[c]]
    refresh_leaves(clock, profiles, classes, nodes, rules, extras, views, presence, cycle, t, c)
    stamp = cycle.scalar[Y_STAMP] + 1
    cycle.scalar[Y_STAMP] = stamp
    for s in range(presence.shape_nodes.shape[0]):
        cycle.cell[SEEN, s] = 0
    group = host_group(rules, c)
    first, second, third = image_groups(presence, extras, rules, c)
    total = cycle.scalar[Y_TOTAL] if some else clock.values[NODE_TOP]
    enough = cycle.scalar[Y_ENOUGH] if some else total + 1
    i = cycle.scalar[Y_START] if some else 0
    start = i
    count = examined = met = 0
    while examined < total:
        n = shapes.order[i] if some else i
        own = views.leaf[t, n]
        if own >= 0:
            if count == enough:
                break
            s = nodes.shape[n]
            peers = presence.on_node[group, n] if group >= 0 else 0
            if s >= MEMO_SHAPES or peers >= MEMO_COUNTS:
                return False
            row = (s * MEMO_COUNTS + peers) * MEMO_IMAGES
            if first >= 0:
                row += presence.on_node[first, n]
                if second >= 0:
                    row += 2 * presence.on_node[second, n]
                    if third >= 0:
                        row += 4 * presence.on_node[third, n]
            if cycle.memo[row, 0] != stamp:
                cycle.memo[row, 0] = stamp
                cycle.memo[row, 1] = met
                cycle.met[met, 0] = row
                cycle.met[met, 1] = n
                met += 1
            cycle.cell[SEEN, s] += 1
            cycle.short[count, 0] = n
            cycle.short[count, 1] = cycle.memo[row, 1]
            cycle.short[count, 2] = own
            count += 1
        examined += 1
        i += 1
        if some and i >= total:
            i = 0
    cycle.scalar[Y_COUNT] = count
    cycle.scalar[Y_MET] = met
    cycle.scalar[Y_FEASIBLE] = count
    if some:
        cycle.scalar[Y_EXAMINED] = examined
        cycle.scalar[Y_START] = (start + examined) % total if total > 0 else 0
    return True
# fmt: on


@kernel
def weigh(rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, c):
    """Weight of each constraint, ln(domains + 2): of those that candidates are in (``finish.spread_scores``)."""
    hosts = 0
    for s in range(presence.shape_nodes.shape[0]):
        if cycle.cell[SEEN, s] > 0 and not is_ignored(rules, shapes, c, s):
            hosts += cycle.cell[SEEN, s]
    first = rules.start[c]
    for m in range(first, rules.start[c + 1]):
        size = hosts
        if rules.rule[m, K_HOST] == 0:
            key = rules.rule[m, K_KEY]
            size = 0
            for d in range(shapes.domains[key] + 1):
                cycle.domain[1, d] = 0
            for s in range(presence.shape_nodes.shape[0]):
                d = shapes.domain[key, s] + 1
                if cycle.cell[SEEN, s] > 0 and cycle.domain[1, d] == 0 and not is_ignored(rules, shapes, c, s):
                    cycle.domain[1, d] = 1
                    size += 1
        cycle.weight[m - first] = math.log(float(size + 2))


@inline_kernel
def raw_of(rules: Rules, shapes: Shapes, cycle: Cycle, c, s, peers):
    """``judge.spread_raw`` of a node of shape ``s`` with so many peers on it; IGNORED where it scores nothing."""
    if is_ignored(rules, shapes, c, s):
        return IGNORED
    first = rules.start[c]
    score = 0.0
    for m in range(first, rules.start[c + 1]):
        if shapes.domain[rules.rule[m, K_KEY], s] >= 0:
            r = m - first
            count = cycle.count[r, s]
            if rules.rule[m, K_HOST] == 1:
                count = peers if rules.counted[m, s] == 1 else 0
            score += float(count) * cycle.weight[r] + float(rules.rule[m, K_AMOUNT] - 1)
    whole = int(score)
    return whole + 1 if score - whole >= 0.5 else whole


@inline_kernel
def shape_extremes(rules: Rules, presence: Presence, cycle: Cycle, c):
    """Highest taint and affinity raw score of the candidates."""
    taint = 0
    affinity = 0
    for s in range(presence.shape_nodes.shape[0]):
        if cycle.cell[SEEN, s] > 0:
            taint = max(taint, rules.shape_raw[c, 0, s])
            affinity = max(affinity, rules.shape_raw[c, 1, s])
    return taint, affinity


@separate_kernel
def score_soft(profiles: Profiles, rules: Rules, presence: Presence, shapes: Shapes, extras: Extras, cycle: Cycle, c):
    """Totals of the candidates of ``gather_soft``, the best total and how many nodes have it; ``prepare`` has run."""
    met = cycle.scalar[Y_MET]
    soft = rules.start[c] < rules.start[c + 1]
    weight = profiles.weight[rules.profile[c]]
    low = NEVER
    high = 0
    if soft:
        weigh(rules, presence, shapes, cycle, c)
        for k in range(met):
            row = cycle.met[k, 0]
            s = row // (MEMO_COUNTS * MEMO_IMAGES)
            raw = raw_of(rules, shapes, cycle, c, s, row // MEMO_IMAGES % MEMO_COUNTS)
            cycle.met[k, 2] = raw
            if raw != IGNORED:
                low = min(low, raw)
                high = max(high, raw)
    taint, affinity = shape_extremes(rules, presence, cycle, c)
    for k in range(met):
        s = cycle.met[k, 0] // (MEMO_COUNTS * MEMO_IMAGES)
        more = image_part(profiles, rules, presence, extras, cycle.scalar[Y_TOTAL], c, cycle.met[k, 1])
        more += weight[TAINT_TOLERATION] * normal_taint(rules.shape_raw[c, 0, s], taint)
        more += weight[NODE_AFFINITY] * normal_affinity(rules.shape_raw[c, 1, s], affinity)
        if soft:
            more += weight[TOPOLOGY_SPREAD] * normal_spread(cycle.met[k, 2], low, high)
        cycle.met[k, 3] = more
    best = -1
    ways = 0
    for i in range(cycle.scalar[Y_COUNT]):
        total = cycle.short[i, 2] + cycle.met[cycle.short[i, 1], 3]
        if total >= best:
            if total > best:
                best = total
                ways = 0
            cycle.short[ways, 3] = cycle.short[i, 0]
            ways += 1
    cycle.scalar[Y_BEST] = best
    cycle.scalar[Y_WAYS] = ways


@inline_kernel
def nth_of_short(cycle: Cycle, k):
    """The ``k``-th of the best nodes in the order of candidates."""
    return cycle.short[k, 3]


@inline_kernel
def lowest_of_short(cycle: Cycle):
    """The best node with the lowest slot."""
    lowest = cycle.short[0, 3]
    for k in range(1, cycle.scalar[Y_WAYS]):
        lowest = min(lowest, cycle.short[k, 3])
    return lowest
