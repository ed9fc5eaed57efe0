"""What other pods say to a class on a node: VolumeRestrictions, PodTopologySpread and InterPodAffinity.

``prepare`` has counted. A node is judged by its shape and by the peers on itself, so one node speaks for all that have
both in common. Source: kube-scheduler v1.34.1, plugins/podtopologyspread, plugins/interpodaffinity.
"""

from __future__ import annotations

from capsim.controllers.scheduler.reasons import (
    PASS,
    REASON_ANTI,
    REASON_CLAIM,
    REASON_EXISTING,
    REASON_POD_AFFINITY,
    REASON_SPREAD,
    REASON_SPREAD_KEY,
)
from capsim.jit import inline_kernel, separate_kernel
from capsim.state.tables import Presence
from capsim.state.tables_scheduler import (
    CLASS_NEEDS_KEYS,
    K_AMOUNT,
    K_GROUP,
    K_HOST,
    K_KEY,
    K_KIND,
    K_SELF,
    RULE_AFFINITY,
    RULE_ANTI,
    RULE_CLAIM,
    RULE_SOFT,
    RULE_SPREAD,
    Y_AFFINITY_TOTAL,
    Y_SKIP_POD,
    Cycle,
    Rules,
    Shapes,
)


@inline_kernel
def count_at(rules: Rules, presence: Presence, cycle: Cycle, r, m, n, s):
    """Peers of rule ``m`` in the domain of node ``n``."""
    if rules.rule[m, K_HOST] == 1:
        return presence.on_node[rules.rule[m, K_GROUP], n] if rules.counted[m, s] == 1 else 0
    return cycle.count[r, s]


@separate_kernel
def judge(rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, c, n, s):
    """PASS, or the first reason that other pods give to keep class ``c`` off node ``n`` of shape ``s``."""
    first = rules.start[c]
    alone = False
    for m in range(first, rules.start[c + 1]):
        kind = rules.rule[m, K_KIND]
        if kind >= RULE_SOFT:
            break
        r = m - first
        if kind == RULE_CLAIM:
            if cycle.total[r, 0] > 0:
                return REASON_CLAIM
            continue
        present = shapes.domain[rules.rule[m, K_KEY], s] >= 0
        count = count_at(rules, presence, cycle, r, m, n, s)
        if kind == RULE_SPREAD:
            if not present:
                return REASON_SPREAD_KEY
            if count + rules.rule[m, K_SELF] - cycle.total[r, 1] > rules.rule[m, K_AMOUNT]:
                return REASON_SPREAD
        elif cycle.scalar[Y_SKIP_POD] == 1:
            continue
        elif kind == RULE_AFFINITY:
            if not present:
                return REASON_POD_AFFINITY
            if count <= 0:
                if cycle.scalar[Y_AFFINITY_TOTAL] > 0 or rules.rule[m, K_SELF] == 0:
                    alone = True
        else:
            if alone:
                return REASON_POD_AFFINITY
            if present and count > 0:
                return REASON_ANTI if kind == RULE_ANTI else REASON_EXISTING
    return REASON_POD_AFFINITY if alone else PASS


@inline_kernel
def is_ignored(rules: Rules, shapes: Shapes, c, s):
    """PodTopologySpread: nodes without one of the keys of a pod's own soft constraints score nothing."""
    if rules.flag[c] & CLASS_NEEDS_KEYS == 0:
        return False
    for m in range(rules.start[c], rules.start[c + 1]):
        if rules.rule[m, K_KIND] == RULE_SOFT and shapes.domain[rules.rule[m, K_KEY], s] < 0:
            return True
    return False


@inline_kernel
def spread_raw(rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, c, n, s):
    """PodTopologySpread's score before normalising: rounded sum of count * ln(size + 2) + maxSkew - 1."""
    first = rules.start[c]
    score = 0.0
    for m in range(first, rules.start[c + 1]):
        if rules.rule[m, K_KIND] == RULE_SOFT and shapes.domain[rules.rule[m, K_KEY], s] >= 0:
            r = m - first
            count = count_at(rules, presence, cycle, r, m, n, s)
            score += float(count) * cycle.weight[r] + float(rules.rule[m, K_AMOUNT] - 1)
    whole = int(score)
    return whole + 1 if score - whole >= 0.5 else whole


@inline_kernel
def pod_raw(rules: Rules, presence: Presence, shapes: Shapes, cycle: Cycle, c, n, s):
    """InterPodAffinity's score before normalising: sum of weight * peers in the domain."""
    first = rules.start[c]
    score = 0
    for m in range(first, rules.start[c + 1]):
        if rules.rule[m, K_KIND] > RULE_SOFT and shapes.domain[rules.rule[m, K_KEY], s] >= 0:
            score += rules.rule[m, K_AMOUNT] * count_at(rules, presence, cycle, m - first, m, n, s)
    return score
