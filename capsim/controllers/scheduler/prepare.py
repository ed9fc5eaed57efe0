"""The start of a scheduling cycle: what a class's rules count, by topology domain (PreFilter and PreScore).

Source: kube-scheduler v1.34.1, plugins/podtopologyspread/filtering.go, plugins/interpodaffinity.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import exists
from capsim.jit import inline_kernel, separate_kernel
from capsim.state.tables import NEVER, NODE_TOP, Clock, Nodes, Presence
from capsim.state.tables_scheduler import (
    K_GROUP,
    K_HOST,
    K_KEY,
    K_KIND,
    K_MIN_DOMAINS,
    RULE_AFFINITY,
    RULE_ANTI,
    RULE_EXISTING,
    RULE_PREFER,
    RULE_SOFT,
    RULE_SPREAD,
    Y_AFFINITY_TOTAL,
    Y_POD_SKIPPED,
    Y_SKIP_POD,
    Cycle,
    Rules,
    Shapes,
)


@inline_kernel
def fewest_on_a_node(clock: Clock, nodes: Nodes, rules: Rules, presence: Presence, m):
    """Fewest pods of a rule's group on any node that counts, and the number of such nodes."""
    g = rules.rule[m, K_GROUP]
    least = NEVER
    found = 0
    for n in range(clock.values[NODE_TOP]):
        if exists(nodes, n) and rules.counted[m, nodes.shape[n]] == 1:
            found += 1
            least = min(least, presence.on_node[g, n])
    return least, found


@inline_kernel
def count_domains(rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, r, m, key):
    """Sum the rule's group over domains into ``cycle.count``; returns the fewest and the number of domains."""
    g = rules.rule[m, K_GROUP]
    for d in range(shapes.domains[key]):
        cycle.domain[0, d] = 0
        cycle.domain[1, d] = 0
    for s in range(presence.shape_nodes.shape[0]):
        d = shapes.domain[key, s]
        if d >= 0 and presence.shape_nodes[s] > 0 and rules.counted[m, s] == 1:
            cycle.domain[0, d] += presence.on_shape[g, s]
            cycle.domain[1, d] = 1
    least = NEVER
    found = 0
    total = 0
    for d in range(shapes.domains[key]):
        if cycle.domain[1, d] == 1:
            found += 1
            total += cycle.domain[0, d]
            least = min(least, cycle.domain[0, d])
    for s in range(presence.shape_nodes.shape[0]):
        d = shapes.domain[key, s]
        cycle.count[r, s] = cycle.domain[0, d] if d >= 0 else 0
    cycle.total[r, 0] = total
    return least, found


@inline_kernel
def total_on_nodes(rules: Rules, presence: Presence, shapes: Shapes, m):
    """Pods of a rule's group on all nodes that have its key."""
    total = 0
    for s in range(presence.shape_nodes.shape[0]):
        if rules.counted[m, s] == 1:
            total += presence.on_shape[rules.rule[m, K_GROUP], s]
    return total


@separate_kernel
def prepare(clock: Clock, nodes: Nodes, rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, c):
    """Fill ``cycle`` for class ``c``."""
    first = rules.start[c]
    affinity = 0
    hard = False
    existing = 0
    preferred = 0
    for m in range(first, rules.start[c + 1]):
        r = m - first
        kind = rules.rule[m, K_KIND]
        if rules.rule[m, K_HOST] == 0:
            least, found = count_domains(rules, presence, shapes, cycle, r, m, rules.rule[m, K_KEY])
        else:
            least, found = NEVER, 0
            if kind == RULE_SPREAD:
                least, found = fewest_on_a_node(clock, nodes, rules, presence, m)
            if kind != RULE_SOFT and kind != RULE_SPREAD:
                cycle.total[r, 0] = total_on_nodes(rules, presence, shapes, m)
        if kind == RULE_SPREAD:
            cycle.total[r, 1] = 0 if found < rules.rule[m, K_MIN_DOMAINS] else least
        elif kind == RULE_AFFINITY:
            affinity += cycle.total[r, 0]
        elif kind == RULE_EXISTING:
            existing += cycle.total[r, 0]
        elif kind == RULE_PREFER:
            preferred += abs(cycle.total[r, 0])
        hard = hard or kind in (RULE_AFFINITY, RULE_ANTI)
    cycle.scalar[Y_AFFINITY_TOTAL] = affinity
    cycle.scalar[Y_SKIP_POD] = 0 if hard or existing > 0 else 1
    cycle.scalar[Y_POD_SKIPPED] = 0 if preferred > 0 else 1
