"""The index over nodes: what a decision needs of 5,000 nodes without looking at each.

Three layers, each brought up to date from the log of changed nodes when a decision asks for it:

* *leaf*: a node's own score for a signature (all classes with the same requests, filters and scoring), -1 if the node
  itself refuses;
* *page*: the highest leaf of 16 node slots, how many nodes have it, and how many are feasible, by *level*: nodes with
  the same number of peers on them score alike in everything but the leaf;
* *cell*: the same for all pages of a shape.

So a decision compares a few cells (shapes times levels), and the pods of a ReplicaSet on the nodes of a cluster fall
into two or three levels. The plain scan stays beside it (``choose.scan``) and gives the same answer.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import exists, node_reason
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.scores import own_score, requests_nothing
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.state.tables import NODE_TOP, Classes, Clock, Nodes, Presence
from capsim.state.tables_scheduler import (
    HOST_GROUPS,
    LEVELS,
    PAGE,
    Cycle,
    Extras,
    Profiles,
    Rules,
    Views,
)

BEST, WAYS, ROOM, HINT = 0, 1, 2, 3
FAR = LEVELS - 1


@inline_kernel
def leaf(
    profiles: Profiles,
    classes: Classes,
    nodes: Nodes,
    rules: Rules,
    presence: Presence,
    extras: Extras,
    cycle: Cycle,
    best_effort,
    c,
    n,
):
    """Own score of node ``n`` for class ``c``, -1 where the node itself refuses it."""
    if not exists(nodes, n) or node_reason(profiles, classes, nodes, rules, presence, extras, c, n) != PASS:
        return -1
    return own_score(profiles, classes, nodes, rules, best_effort, c, n)


@separate_kernel
def look(
    profiles: Profiles,
    classes: Classes,
    nodes: Nodes,
    rules: Rules,
    presence: Presence,
    extras: Extras,
    cycle: Cycle,
    best_effort,
    c,
    n,
):
    """``leaf`` for those who look at single nodes."""
    return leaf(profiles, classes, nodes, rules, presence, extras, cycle, best_effort, c, n)


@separate_kernel
def refresh_leaves(
    clock: Clock,
    profiles: Profiles,
    classes: Classes,
    nodes: Nodes,
    rules: Rules,
    extras: Extras,
    views: Views,
    presence: Presence,
    cycle: Cycle,
    t,
    c,
):
    """Bring the leaves of signature ``t`` up to date: the changed nodes, or all when the log has moved on."""
    head = presence.head[0]
    size = presence.log.shape[0]
    best_effort = requests_nothing(profiles, classes, rules.profile[c], c)
    behind = head - views.seen[t]
    top = clock.values[NODE_TOP]
    if views.seen[t] < 0 or behind > size or behind > nodes.state.shape[0]:
        first, end, anew = 0, nodes.state.shape[0], True
    else:
        first, end, anew = views.seen[t], head, False
    last = -1
    for k in range(first, end):
        n = k if anew else presence.log[k & (size - 1)]
        if n != last:
            last = n
            own = -1
            if n < top:
                own = leaf(profiles, classes, nodes, rules, presence, extras, cycle, best_effort, c, n)
            views.leaf[t, n] = own
    views.seen[t] = head


@inline_kernel
def same_level(views: Views, presence: Presence, v, level, n):
    """Whether node ``n`` has the counts of ``level``."""
    for k in range(HOST_GROUPS):
        g = views.group[v, k]
        if g < 0:
            return True
        if views.level[v, level, k] != presence.on_node[g, n]:
            return False
    return True


@inline_kernel
def level_of(views: Views, presence: Presence, v, n):
    """Level of node ``n``, a new one while there is room, else FAR."""
    if views.group[v, 0] < 0:
        return 0
    used = views.levels[v]
    for level in range(used):
        if same_level(views, presence, v, level, n):
            return level
    if used >= FAR:
        return FAR
    for k in range(HOST_GROUPS):
        g = views.group[v, k]
        views.level[v, used, k] = presence.on_node[g, n] if g >= 0 else 0
    views.levels[v] = used + 1
    return used


@kernel
def sum_page_flat(views: Views, v, t, page):
    """Sum up a page whose nodes are all of one level; returns nothing."""
    best = -1
    ways = 0
    room = 0
    for n in range(page * PAGE, page * PAGE + PAGE):
        own = views.leaf[t, n]
        if own >= 0:
            room += 1
            if own > best:
                best = own
                ways = 1
            elif own == best:
                ways += 1
    views.page[v, BEST, 0, page] = best
    views.page[v, WAYS, 0, page] = ways
    views.page[v, ROOM, 0, page] = room


@separate_kernel
def sum_page(presence: Presence, views: Views, v, t, page):
    """Sum up a page by level."""
    if views.group[v, 0] < 0:
        sum_page_flat(views, v, t, page)
        return
    for level in range(LEVELS):
        views.page[v, BEST, level, page] = -1
        views.page[v, WAYS, level, page] = 0
        views.page[v, ROOM, level, page] = 0
    for n in range(page * PAGE, page * PAGE + PAGE):
        own = views.leaf[t, n]
        if own >= 0:
            level = level_of(views, presence, v, n)
            views.page[v, ROOM, level, page] += 1
            if own > views.page[v, BEST, level, page]:
                views.page[v, BEST, level, page] = own
                views.page[v, WAYS, level, page] = 1
            elif own == views.page[v, BEST, level, page]:
                views.page[v, WAYS, level, page] += 1


@inline_kernel
def sum_cell(presence: Presence, views: Views, v, level, s):
    """Sum up the pages of shape ``s`` at one level."""
    best = -1
    ways = 0
    room = 0
    for page in range(presence.page.shape[0]):
        if presence.page[page] == s:
            own = views.page[v, BEST, level, page]
            room += views.page[v, ROOM, level, page]
            if own > best:
                best = own
                ways = views.page[v, WAYS, level, page]
            elif own == best:
                ways += views.page[v, WAYS, level, page]
    views.cell[v, BEST, level, s] = best
    views.cell[v, WAYS, level, s] = ways if best >= 0 else 0
    views.cell[v, ROOM, level, s] = room


@separate_kernel
def sum_everything(presence: Presence, views: Views, v, t):
    """All pages and cells of a view, levels given out anew."""
    views.levels[v] = 0 if views.group[v, 0] >= 0 else 1
    for level in range(LEVELS):
        for s in range(presence.shape_nodes.shape[0]):
            views.cell[v, BEST, level, s] = -1
            views.cell[v, WAYS, level, s] = 0
            views.cell[v, ROOM, level, s] = 0
            views.cell[v, HINT, level, s] = 0
    for page in range(presence.page.shape[0]):
        if presence.page[page] >= 0:
            sum_page(presence, views, v, t, page)
            add_page(presence, views, v, page)


@inline_kernel
def add_page(presence: Presence, views: Views, v, page):
    """Add a page that was not counted before to the cells of its shape."""
    s = presence.page[page]
    for level in range(LEVELS if views.group[v, 0] >= 0 else 1):
        own = views.page[v, BEST, level, page]
        if own >= 0:
            views.cell[v, ROOM, level, s] += views.page[v, ROOM, level, page]
            views.cell[v, HINT, level, s] = page
        if own > views.cell[v, BEST, level, s]:
            views.cell[v, BEST, level, s] = own
            views.cell[v, WAYS, level, s] = views.page[v, WAYS, level, page]
        elif own >= 0 and own == views.cell[v, BEST, level, s]:
            views.cell[v, WAYS, level, s] += views.page[v, WAYS, level, page]


@inline_kernel
def take_page(presence: Presence, views: Views, v, page):
    """Take a page off the cells of its shape, before it is summed anew; marks a cell (WAYS -1) whose best it held
    alone."""
    s = presence.page[page]
    for level in range(LEVELS if views.group[v, 0] >= 0 else 1):
        own = views.page[v, BEST, level, page]
        views.cell[v, ROOM, level, s] -= views.page[v, ROOM, level, page]
        if own >= 0 and own == views.cell[v, BEST, level, s]:
            views.cell[v, WAYS, level, s] -= views.page[v, WAYS, level, page]


@separate_kernel
def renew_page(presence: Presence, views: Views, v, t, page):
    """A node of the page has changed: sum it up again and correct the cells of its shape."""
    take_page(presence, views, v, page)
    sum_page(presence, views, v, t, page)
    add_page(presence, views, v, page)
    s = presence.page[page]
    for level in range(LEVELS if views.group[v, 0] >= 0 else 1):
        if views.cell[v, WAYS, level, s] == 0 and views.cell[v, ROOM, level, s] > 0:
            sum_cell(presence, views, v, level, s)
        elif views.cell[v, ROOM, level, s] == 0:
            views.cell[v, BEST, level, s] = -1


@separate_kernel
def refresh_view(presence: Presence, views: Views, v, t):
    """Bring the sums of view ``v`` up to date; its leaves are."""
    head = presence.head[0]
    size = presence.log.shape[0]
    pages = presence.page.shape[0]
    behind = head - views.view_seen[v]
    if views.view_seen[v] < 0 or behind > size or behind > pages * 4:
        sum_everything(presence, views, v, t)
    else:
        for k in range(views.view_seen[v], head):
            page = presence.log[k & (size - 1)] // PAGE
            if views.mark[page] != head:
                views.mark[page] = head
                renew_page(presence, views, v, t, page)
        for k in range(views.view_seen[v], head):
            views.mark[presence.log[k & (size - 1)] // PAGE] = -1
    views.view_seen[v] = head
    crowd(presence, views, v, t)


@kernel
def crowd(presence: Presence, views: Views, v, t):
    """When many nodes belong to no level, levels that are empty by now are given out anew."""
    if views.levels[v] < FAR:
        return
    far = 0
    empty = False
    for level in range(LEVELS):
        room = 0
        for s in range(presence.shape_nodes.shape[0]):
            room += views.cell[v, ROOM, level, s]
        if level == FAR:
            far = room
        elif room == 0:
            empty = True
    if far > 0 and empty:
        sum_everything(presence, views, v, t)


@inline_kernel
def a_node_of(presence: Presence, views: Views, v, t, level, s):
    """A feasible node of a cell that has one."""
    page = views.cell[v, HINT, level, s]
    if presence.page[page] != s or views.page[v, ROOM, level, page] == 0:
        page = 0
        while presence.page[page] != s or views.page[v, ROOM, level, page] == 0:
            page += 1
        views.cell[v, HINT, level, s] = page
    n = page * PAGE
    while views.leaf[t, n] < 0 or level_of(views, presence, v, n) != level:
        n += 1
    return n
