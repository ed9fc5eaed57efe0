"""The short way for classes to which all shapes are even: no rule looks at other pods, no shape is preferred.

Then a node's own score decides alone. A placement changes one leaf, its page and its cell, and the best cell is the
answer; ``finish`` and its candidates are not needed. The general way (``choose.py``) gives the same.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import exists, node_reason
from capsim.controllers.scheduler.finish import normal_affinity, normal_taint
from capsim.controllers.scheduler.index import BEST, HINT, ROOM, WAYS, refresh_leaves, refresh_view
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.scores import own_score, requests_nothing
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.tables import Classes, Clock, Nodes, Presence
from capsim.state.tables_scheduler import (
    CLASS_EVEN,
    NODE_AFFINITY,
    PAGE,
    TAINT_TOLERATION,
    Y_BEST,
    Y_ENOUGH,
    Y_EXAMINED,
    Y_FEASIBLE,
    Y_FROM,
    Y_OWN,
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

FEW = 64
"""Changed nodes that are taken in one by one; after more, pages are summed up anew."""


@inline_kernel
def is_even(rules: Rules, c):
    """Whether the short way serves class ``c``."""
    return rules.flag[c] & CLASS_EVEN != 0


@inline_kernel
def constant(profiles: Profiles, rules: Rules, c):
    """What the normalised scores add to every node alike."""
    weight = profiles.weight[rules.profile[c]]
    taint = rules.shape_raw[c, 0, 0]
    affinity = rules.shape_raw[c, 1, 0]
    return weight[TAINT_TOLERATION] * normal_taint(taint, taint) + weight[NODE_AFFINITY] * normal_affinity(
        affinity, affinity
    )


@inline_kernel
def sum_again(views: Views, v, t, page):
    """Best leaf of a page and how many have it."""
    best = -1
    ways = 0
    for n in range(page * PAGE, page * PAGE + PAGE):
        own = views.leaf[t, n]
        if own > best:
            best = own
            ways = 1
        elif own == best:
            ways += 1
    views.page[v, BEST, 0, page] = best
    views.page[v, WAYS, 0, page] = ways


@kernel
def look_through(presence: Presence, views: Views, v, s):
    """The best of a shape is gone: look through its pages."""
    best = -1
    ways = 0
    first = 0
    for page in range(presence.page.shape[0]):
        if presence.page[page] == s:
            own = views.page[v, BEST, 0, page]
            if own > best:
                best = own
                ways = 0
                first = page
            if own == best:
                ways += views.page[v, WAYS, 0, page]
    views.cell[v, BEST, 0, s] = best
    views.cell[v, WAYS, 0, s] = ways if best >= 0 else 0
    views.cell[v, HINT, 0, s] = first


@inline_kernel
def change(presence: Presence, views: Views, v, t, n, own):
    """The leaf of node ``n`` becomes ``own``."""
    old = views.leaf[t, n]
    views.leaf[t, n] = own
    page = n // PAGE
    s = presence.page[page]
    before = views.page[v, BEST, 0, page]
    ways_before = views.page[v, WAYS, 0, page]
    more = (1 if own >= 0 else 0) - (1 if old >= 0 else 0)
    views.page[v, ROOM, 0, page] += more
    views.cell[v, ROOM, 0, s] += more
    if own > before:
        views.page[v, BEST, 0, page] = own
        views.page[v, WAYS, 0, page] = 1
    elif old == before and (own == before or ways_before > 1):
        views.page[v, WAYS, 0, page] += (1 if own == before else 0) - 1
    elif old == before:
        sum_again(views, v, t, page)
    elif own == before:
        views.page[v, WAYS, 0, page] += 1
    best = views.cell[v, BEST, 0, s]
    if before == best and best >= 0:
        views.cell[v, WAYS, 0, s] -= ways_before
    now = views.page[v, BEST, 0, page]
    if now > best:
        views.cell[v, BEST, 0, s] = now
        views.cell[v, WAYS, 0, s] = views.page[v, WAYS, 0, page]
        views.cell[v, HINT, 0, s] = page
    elif now == best and best >= 0:
        views.cell[v, WAYS, 0, s] += views.page[v, WAYS, 0, page]
        if page < views.cell[v, HINT, 0, s]:
            views.cell[v, HINT, 0, s] = page
    if views.cell[v, WAYS, 0, s] <= 0:
        look_through(presence, views, v, s)


@inline_kernel
def first_page(presence: Presence, views: Views, v, s):
    """The first page of shape ``s`` that has its best; no page before the cell's hint does."""
    best = views.cell[v, BEST, 0, s]
    page = views.cell[v, HINT, 0, s]
    while presence.page[page] != s or views.page[v, BEST, 0, page] != best:
        page += 1
    views.cell[v, HINT, 0, s] = page
    return page


@separate_kernel
def best_even(
    clock: Clock,
    profiles: Profiles,
    classes: Classes,
    nodes: Nodes,
    rules: Rules,
    presence: Presence,
    extras: Extras,
    views: Views,
    cycle: Cycle,
    c,
):
    """The best of all nodes for class ``c``: fills the cycle's best, ways and feasible; returns the one with the lowest
    slot, -1: none."""
    v = rules.view_row[c]
    t = views.signature[v]
    head = presence.head[0]
    size = presence.log.shape[0]
    if views.seen[t] < 0 or views.seen[t] != views.view_seen[v] or head - views.seen[t] > FEW:
        refresh_leaves(clock, profiles, classes, nodes, rules, extras, views, presence, cycle, t, c)
        refresh_view(presence, views, v, t)
        for s in range(presence.shape_nodes.shape[0]):
            views.cell[v, HINT, 0, s] = 0
    else:
        best_effort = requests_nothing(profiles, classes, rules.profile[c], c)
        for i in range(views.seen[t], head):
            n = presence.log[i & (size - 1)]
            own = -1
            if exists(nodes, n) and node_reason(profiles, classes, nodes, rules, presence, extras, c, n) == PASS:
                own = own_score(profiles, classes, nodes, rules, best_effort, c, n)
            if own != views.leaf[t, n]:
                change(presence, views, v, t, n, own)
        views.seen[t] = head
        views.view_seen[v] = head
    best = -1
    ways = 0
    feasible = 0
    page = -1
    for s in range(presence.shape_nodes.shape[0]):
        feasible += views.cell[v, ROOM, 0, s]
        own = views.cell[v, BEST, 0, s]
        if own >= 0 and own >= best:
            first = first_page(presence, views, v, s)
            if own > best:
                ways = 0
                page = first
            best = own
            ways += views.cell[v, WAYS, 0, s]
            page = min(page, first)
    cycle.scalar[Y_OWN] = best
    cycle.scalar[Y_BEST] = best + constant(profiles, rules, c)
    cycle.scalar[Y_WAYS] = ways
    cycle.scalar[Y_FEASIBLE] = feasible
    if best < 0:
        return -1
    n = page * PAGE
    while views.leaf[t, n] != best:
        n += 1
    return n


@kernel
def nth_even(presence: Presence, views: Views, cycle: Cycle, v, t, k):
    """The ``k``-th of the best nodes by slot."""
    best = cycle.scalar[Y_OWN]
    for page in range(presence.page.shape[0]):
        if presence.page[page] >= 0 and views.page[v, BEST, 0, page] == best:
            ways = views.page[v, WAYS, 0, page]
            if k < ways:
                for n in range(page * PAGE, page * PAGE + PAGE):
                    if views.leaf[t, n] == best:
                        if k == 0:
                            return n
                        k -= 1
            k -= ways
    return -1


@separate_kernel
def window_even(
    clock: Clock,
    profiles: Profiles,
    classes: Classes,
    nodes: Nodes,
    rules: Rules,
    presence: Presence,
    shapes: Shapes,
    extras: Extras,
    views: Views,
    cycle: Cycle,
    c,
):
    """Like ``best_even`` for the nodes that are tried when only some are scored."""
    t = views.signature[rules.view_row[c]]
    refresh_leaves(clock, profiles, classes, nodes, rules, extras, views, presence, cycle, t, c)
    total = cycle.scalar[Y_TOTAL]
    enough = cycle.scalar[Y_ENOUGH]
    i = cycle.scalar[Y_START]
    cycle.scalar[Y_FROM] = i
    best = -1
    ways = 0
    first = -1
    found = 0
    examined = 0
    while examined < total:
        n = shapes.order[i]
        own = views.leaf[t, n]
        if own >= 0:
            if found == enough:
                break
            found += 1
            if own > best:
                best = own
                ways = 1
                first = n
            elif own == best:
                ways += 1
                first = min(first, n)
        examined += 1
        i += 1
        if i >= total:
            i = 0
    cycle.scalar[Y_EXAMINED] = examined
    cycle.scalar[Y_START] = i
    cycle.scalar[Y_OWN] = best
    cycle.scalar[Y_BEST] = best + constant(profiles, rules, c)
    cycle.scalar[Y_WAYS] = ways
    cycle.scalar[Y_FEASIBLE] = found
    return first


@kernel
def nth_of_window(shapes: Shapes, views: Views, cycle: Cycle, t, k):
    """The ``k``-th of the best nodes in the order in which the window was read."""
    i = cycle.scalar[Y_FROM]
    for _ in range(cycle.scalar[Y_EXAMINED]):
        n = shapes.order[i]
        if views.leaf[t, n] == cycle.scalar[Y_OWN]:
            if k == 0:
                return n
            k -= 1
        i += 1
        if i >= cycle.scalar[Y_TOTAL]:
            i = 0
    return -1
