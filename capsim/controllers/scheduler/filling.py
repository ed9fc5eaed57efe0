"""How many pods of a class fit at once, counted node by node: for pods that other pods keep off no node.

Where no rule of the class looks at other pods, a node takes as many as its free resources hold, whatever the order in
which the scheduler fills the nodes, so that placing them one by one can be left out.
Source: kube-scheduler v1.34.1, plugins/noderesources/fit.go.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import exists, node_reason
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.verdict import count_reason, is_helpful
from capsim.jit import entry, inline_kernel
from capsim.state.tables import I64, NEVER, NODE_TOP, Classes, Clock, Nodes, Presence
from capsim.state.tables_scheduler import (
    K_KIND,
    PORTS_REFUSED,
    PORTS_TAKEN,
    RULE_SOFT,
    Profiles,
    Scheduling,
)


@entry
def fits_by_resources(presence: Presence, k: Scheduling, c):
    """Whether pods of class ``c`` are kept off a node by its own state alone: no required (anti-)affinity, also none of
    others' against them, no hard spread constraint, host port, volume or nomination."""
    for m in range(k.rules.start[c], k.rules.start[c + 1]):
        if k.rules.rule[m, K_KIND] < RULE_SOFT:
            return False
    ports = presence.part_start[c, PORTS_REFUSED + 1] - presence.part_start[c, PORTS_REFUSED]
    ports += presence.part_start[c, PORTS_TAKEN + 1] - presence.part_start[c, PORTS_TAKEN]
    for d in range(presence.attach.shape[1]):
        if presence.attach[c, d] > 0:
            return False
    return ports == 0 and k.rules.volume[c] < 0 and k.nominations.count[0] == 0


@inline_kernel
def room_for(profiles: Profiles, classes: Classes, nodes: Nodes, profile, c, n):
    """Pods of class ``c`` that node ``n``, which takes one, has room for: NodeResourcesFit."""
    room = NEVER
    for r in range(nodes.allocatable.shape[1]):
        want = classes.request[c, r]
        if want > 0 and profiles.ignored[profile, r] == 0:
            room = min(room, (nodes.allocatable[n, r] - nodes.requested[n, r]) // want)
    return room


@entry
def fill(clock: Clock, classes: Classes, nodes: Nodes, presence: Presence, k: Scheduling, c, more: I64, counts: I64):
    """Fill every node with pods of class ``c`` and say why the next one fits nowhere; the nodes are left as they were.

    ``more`` [N]: pods by node. ``counts`` [reasons + 3]: the diagnosis of the first pod that finds no node, as
    ``diagnose`` writes it. The class is one that ``fits_by_resources``."""
    last = counts.shape[0]
    profile = k.rules.profile[c]
    counts[:] = 0
    for n in range(clock.values[NODE_TOP]):
        more[n] = 0
        if not exists(nodes, n):
            continue
        if node_reason(k.profiles, classes, nodes, k.rules, presence, k.extras, c, n) == PASS:
            more[n] = room_for(k.profiles, classes, nodes, profile, c, n)
        for r in range(nodes.requested.shape[1]):
            nodes.requested[n, r] += more[n] * classes.request[c, r]
        reason = node_reason(k.profiles, classes, nodes, k.rules, presence, k.extras, c, n)
        count_reason(k.profiles, classes, nodes, k.rules, counts, reason, c, n)
        helpful = is_helpful(k.profiles, classes, nodes, k.rules, reason, c, n)
        counts[last - 3 if helpful else last - 2] += 1
        counts[last - 1] += 1
        for r in range(nodes.requested.shape[1]):
            nodes.requested[n, r] -= more[n] * classes.request[c, r]
