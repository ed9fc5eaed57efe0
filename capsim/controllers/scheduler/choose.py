"""The best node for a pod class, three ways that give the same answer.

* ``scan``: every node is looked at; the reference.
* ``window``: nodes in the order of the scheduler's node tree until enough are feasible (percentageOfNodesToScore).
* ``ask_index``: the index's cells, when all nodes are scored.

Each gathers candidates; ``finish`` scores them. Classes with soft rules only have a shorter way through a window or few
nodes (``soft.py``). Equally good nodes are ordered by slot in all of them, so that a seeded
draw picks the same node.
"""

from __future__ import annotations

from capsim.controllers.scheduler.even import best_even, is_even, nth_even, nth_of_window, window_even
from capsim.controllers.scheduler.filters import exists
from capsim.controllers.scheduler.finish import finish
from capsim.controllers.scheduler.index import (
    BEST,
    FAR,
    ROOM,
    WAYS,
    a_node_of,
    level_of,
    look,
    refresh_leaves,
    refresh_view,
)
from capsim.controllers.scheduler.judge import judge
from capsim.controllers.scheduler.reasons import PASS
from capsim.controllers.scheduler.scores import image_part, requests_nothing
from capsim.controllers.scheduler.soft import gather_soft, is_short, lowest_of_short, nth_of_short, score_soft
from capsim.jit import inline_kernel, kernel, separate_kernel
from capsim.rng import STREAM_TIE, draw
from capsim.state.tables import NODE_TOP, P_SEED, P_TIE_RANDOM, P_TREE_NODES, Classes, Clock, Nodes, Presence
from capsim.state.tables_scheduler import (
    A_BEST,
    A_IMAGES,
    A_LEVEL,
    A_NODE,
    A_POD,
    A_ROOM,
    A_SHAPE,
    A_SPREAD,
    A_TOTAL,
    A_WAYS,
    CLASS_IMAGES,
    GATHERED_CELLS,
    GATHERED_EVEN,
    GATHERED_EVEN_WINDOW,
    GATHERED_SHORT,
    GATHERED_SLOTS,
    GATHERED_WINDOW,
    LEVELS,
    PAGE,
    SET_PERCENTAGE,
    Y_BEST,
    Y_COUNT,
    Y_ENOUGH,
    Y_EXAMINED,
    Y_FEASIBLE,
    Y_GATHERED,
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


@inline_kernel
def pick(clock: Clock, ways, entity, event):
    """Which of ``ways`` equally good nodes: a seeded draw, or the first."""
    if ways <= 1 or clock.params[P_TIE_RANDOM] == 0:
        return 0
    return draw(clock.params[P_SEED], STREAM_TIE, entity, event) % ways


@inline_kernel
def add_candidate(cycle: Cycle, n, s, best, images, ways, room, level):
    """Append a candidate; ``images`` is what its images add to its own score."""
    i = cycle.scalar[Y_COUNT]
    cycle.scalar[Y_COUNT] = i + 1
    cycle.candidate[i, A_NODE] = n
    cycle.candidate[i, A_BEST] = best
    cycle.candidate[i, A_WAYS] = ways
    cycle.candidate[i, A_ROOM] = room
    cycle.candidate[i, A_SPREAD] = 0
    cycle.candidate[i, A_POD] = 0
    cycle.candidate[i, A_LEVEL] = level
    cycle.candidate[i, A_SHAPE] = s
    cycle.candidate[i, A_IMAGES] = images


@separate_kernel
def scan(
    clock: Clock,
    profiles: Profiles,
    classes: Classes,
    nodes: Nodes,
    rules: Rules,
    presence: Presence,
    shapes: Shapes,
    extras: Extras,
    cycle: Cycle,
    c,
):
    """Candidates: every feasible node, from scratch."""
    cycle.scalar[Y_COUNT] = 0
    best_effort = requests_nothing(profiles, classes, rules.profile[c], c)
    for n in range(clock.values[NODE_TOP]):
        own = look(profiles, classes, nodes, rules, presence, extras, cycle, best_effort, c, n)
        if own >= 0 and judge(rules, presence, shapes, cycle, c, n, nodes.shape[n]) == PASS:
            images = image_part(profiles, rules, presence, extras, cycle.scalar[Y_TOTAL], c, n)
            add_candidate(cycle, n, nodes.shape[n], own, images, 1, 1, -1)


@inline_kernel
def nodes_to_find(percentage, total):
    """numFeasibleNodesToFind: how many feasible nodes are enough, of ``total``; percentage 0 is adaptive."""
    if total < 100 or percentage >= 100:
        return total
    if percentage == 0:
        percentage = max(50 - total // 125, 5)
    return max(total * percentage // 100, 100)


@separate_kernel
def order_nodes(clock: Clock, nodes: Nodes, presence: Presence, shapes: Shapes, cycle: Cycle):
    """The snapshot's order: zones in the order of their first node, one node of each in turn.

    Within a zone by age. Source: backend/cache/node_tree.go (list).
    """
    count = 0
    for n in range(clock.values[NODE_TOP]):
        if exists(nodes, n):
            i = count
            while i > 0 and nodes.uid[cycle.result[i - 1, 0]] > nodes.uid[n]:
                cycle.result[i, 0] = cycle.result[i - 1, 0]
                i -= 1
            cycle.result[i, 0] = n
            count += 1
    zones = 0
    for i in range(count):  # column 1: rank of the node's zone; column 2: first node of a zone
        z = shapes.zone[nodes.shape[cycle.result[i, 0]]]
        rank = -1
        for k in range(zones):
            if shapes.zone[nodes.shape[cycle.result[cycle.result[k, 2], 0]]] == z:
                rank = k
                break
        if rank < 0:
            rank = zones
            cycle.result[zones, 2] = i
            zones += 1
        cycle.result[i, 1] = rank
    done = 0
    while done < count:
        for k in range(zones):
            i = cycle.result[k, 2]
            if i >= 0:
                shapes.order[done] = cycle.result[i, 0]
                done += 1
                i += 1
                while i < count and cycle.result[i, 1] != k:
                    i += 1
                cycle.result[k, 2] = i if i < count else -1
    cycle.scalar[Y_TOTAL] = count
    presence.ordered[0] = 1
    if cycle.scalar[Y_START] >= count:
        cycle.scalar[Y_START] = 0


@separate_kernel
def window(
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
    indexed,
    c,
):
    """Candidates: feasible nodes in the order of the node tree until there are enough; the next pod goes on there.

    Upstream notices that it has enough when it meets one more: refused nodes before that one are behind it, too."""
    total = cycle.scalar[Y_TOTAL]
    enough = cycle.scalar[Y_ENOUGH]
    v = rules.view_row[c]
    t = views.signature[v] if indexed else 0
    if indexed:
        refresh_leaves(clock, profiles, classes, nodes, rules, extras, views, presence, cycle, t, c)
    best_effort = requests_nothing(profiles, classes, rules.profile[c], c)
    flat = rules.start[c] == rules.start[c + 1]
    cycle.scalar[Y_COUNT] = 0
    found = 0
    i = cycle.scalar[Y_START]
    start = i
    examined = 0
    while examined < total:
        n = shapes.order[i]
        own = (
            views.leaf[t, n]
            if indexed
            else look(profiles, classes, nodes, rules, presence, extras, cycle, best_effort, c, n)
        )
        if own >= 0 and (flat or judge(rules, presence, shapes, cycle, c, n, nodes.shape[n]) == PASS):
            if found == enough:
                break
            images = image_part(profiles, rules, presence, extras, total, c, n)
            add_candidate(cycle, n, nodes.shape[n], own, images, 1, 1, -1)
            found += 1
        examined += 1
        i += 1
        if i >= total:
            i = 0
    cycle.scalar[Y_EXAMINED] = examined
    cycle.scalar[Y_START] = (start + examined) % total if total > 0 else 0


@separate_kernel
def ask_index(
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
    """Candidates: the index's cells, and one by one the nodes that belong to no level."""
    v = rules.view_row[c]
    t = views.signature[v]
    refresh_leaves(clock, profiles, classes, nodes, rules, extras, views, presence, cycle, t, c)
    refresh_view(presence, views, v, t)
    cycle.scalar[Y_COUNT] = 0
    flat = rules.start[c] == rules.start[c + 1] and rules.flag[c] & CLASS_IMAGES == 0
    total = cycle.scalar[Y_TOTAL]
    for level in range(min(views.levels[v], FAR)):
        for s in range(presence.shape_nodes.shape[0]):
            if views.cell[v, ROOM, level, s] > 0:
                if flat:
                    add_candidate(
                        cycle,
                        -1,
                        s,
                        views.cell[v, BEST, level, s],
                        0,
                        views.cell[v, WAYS, level, s],
                        views.cell[v, ROOM, level, s],
                        level,
                    )
                    continue
                n = a_node_of(presence, views, v, t, level, s)
                if judge(rules, presence, shapes, cycle, c, n, s) == PASS:
                    best = views.cell[v, BEST, level, s]
                    ways = views.cell[v, WAYS, level, s]
                    images = image_part(profiles, rules, presence, extras, total, c, n)
                    add_candidate(cycle, n, s, best, images, ways, views.cell[v, ROOM, level, s], level)
    if views.levels[v] >= FAR:
        add_far(profiles, nodes, rules, presence, shapes, extras, views, cycle, v, t, c)


@separate_kernel
def add_far(
    profiles: Profiles,
    nodes: Nodes,
    rules: Rules,
    presence: Presence,
    shapes: Shapes,
    extras: Extras,
    views: Views,
    cycle: Cycle,
    v,
    t,
    c,
):
    """Candidates: nodes of no level, each by itself."""
    for page in range(presence.page.shape[0]):
        if presence.page[page] >= 0 and views.page[v, ROOM, FAR, page] > 0:
            for n in range(page * PAGE, page * PAGE + PAGE):
                if views.leaf[t, n] >= 0 and level_of(views, presence, v, n) == FAR:
                    if judge(rules, presence, shapes, cycle, c, n, nodes.shape[n]) == PASS:
                        images = image_part(profiles, rules, presence, extras, cycle.scalar[Y_TOTAL], c, n)
                        add_candidate(cycle, n, nodes.shape[n], views.leaf[t, n], images, 1, 1, FAR)


@inline_kernel
def lowest_slot(cycle: Cycle):
    """The best node with the lowest slot when every candidate is a node."""
    best = cycle.scalar[Y_BEST]
    n = -1
    for i in range(cycle.scalar[Y_COUNT]):
        slot = cycle.candidate[i, A_NODE]
        if cycle.candidate[i, A_TOTAL] == best and (n < 0 or slot < n):
            n = slot
    return n


@kernel
def nth_of_scan(cycle: Cycle, k):
    """The ``k``-th best node in the order of candidates, which are nodes."""
    best = cycle.scalar[Y_BEST]
    for i in range(cycle.scalar[Y_COUNT]):
        if cycle.candidate[i, A_TOTAL] == best:
            if k == 0:
                return cycle.candidate[i, A_NODE]
            k -= 1
    return -1


@separate_kernel
def nth_of_cells(presence: Presence, shapes: Shapes, views: Views, cycle: Cycle, v, t, k):
    """The ``k``-th best node by slot when candidates are cells: page by page."""
    best = cycle.scalar[Y_BEST]
    levels = LEVELS if views.group[v, 0] >= 0 else 1
    for level in range(levels):
        for s in range(presence.shape_nodes.shape[0]):
            cycle.cell[level, s] = -1
    for i in range(cycle.scalar[Y_COUNT]):
        if cycle.candidate[i, A_TOTAL] == best and cycle.candidate[i, A_LEVEL] != FAR:
            s = cycle.candidate[i, A_SHAPE]
            cycle.cell[cycle.candidate[i, A_LEVEL], s] = cycle.candidate[i, A_BEST]
    for page in range(presence.page.shape[0]):
        s = presence.page[page]
        if s >= 0:
            ways = 0
            for level in range(min(levels, FAR)):
                own = cycle.cell[level, s]
                if own >= 0 and views.page[v, BEST, level, page] == own:
                    ways += views.page[v, WAYS, level, page]
            far = levels > 1 and views.page[v, ROOM, FAR, page] > 0
            if far or k < ways:
                n = nth_in_page(presence, views, cycle, v, t, s, page, k)
                if n >= 0:
                    return n
                k = -n - 1
            else:
                k -= ways
    return -1


@kernel
def nth_in_page(presence: Presence, views: Views, cycle: Cycle, v, t, s, page, k):
    """The ``k``-th best node of a page, or -(what is left of k) - 1."""
    best = cycle.scalar[Y_BEST]
    for n in range(page * PAGE, page * PAGE + PAGE):
        own = views.leaf[t, n]
        if own >= 0:
            level = level_of(views, presence, v, n)
            is_best = level != FAR and cycle.cell[level, s] == own
            if level == FAR:
                for i in range(cycle.scalar[Y_COUNT]):
                    if cycle.candidate[i, A_NODE] == n and cycle.candidate[i, A_LEVEL] == FAR:
                        is_best = cycle.candidate[i, A_TOTAL] == best
            if is_best:
                if k == 0:
                    return n
                k -= 1
    return -k - 1


@inline_kernel
def is_indexed(clock: Clock, rules: Rules, c):
    """Whether the index serves class ``c``."""
    return rules.view_row[c] >= 0 and clock.values[NODE_TOP] > clock.params[P_TREE_NODES]


@kernel
def begin(
    clock: Clock,
    profiles: Profiles,
    nodes: Nodes,
    rules: Rules,
    presence: Presence,
    shapes: Shapes,
    cycle: Cycle,
    c,
):
    """Nodes in their order, and how many feasible ones are enough; returns whether that is fewer than all."""
    if presence.ordered[0] == 0:
        order_nodes(clock, nodes, presence, shapes, cycle)
    total = cycle.scalar[Y_TOTAL]
    cycle.scalar[Y_ENOUGH] = nodes_to_find(profiles.setting[rules.profile[c], SET_PERCENTAGE], total)
    cycle.scalar[Y_FEASIBLE] = 0
    cycle.scalar[Y_WAYS] = 0
    return cycle.scalar[Y_ENOUGH] < total


@kernel
def nth(presence: Presence, shapes: Shapes, rules: Rules, views: Views, cycle: Cycle, c, k):
    """The ``k``-th of the best nodes of the last decision: by slot, or in the order in which a window was read."""
    v = rules.view_row[c]
    way = cycle.scalar[Y_GATHERED]
    if way == GATHERED_EVEN:
        return nth_even(presence, views, cycle, v, views.signature[v], k)
    if way == GATHERED_EVEN_WINDOW:
        return nth_of_window(shapes, views, cycle, views.signature[v], k)
    if way == GATHERED_CELLS:
        return nth_of_cells(presence, shapes, views, cycle, v, views.signature[v], k)
    if way == GATHERED_SHORT:
        return nth_of_short(cycle, k)
    return nth_of_scan(cycle, k)


@inline_kernel
def chosen(
    clock: Clock, presence: Presence, shapes: Shapes, rules: Rules, views: Views, cycle: Cycle, c, entity, event
):
    """One of the best nodes: a seeded draw, or the one with the lowest slot."""
    if cycle.scalar[Y_GATHERED] == GATHERED_WINDOW and clock.params[P_TIE_RANDOM] == 0:
        return lowest_slot(cycle)
    return nth(presence, shapes, rules, views, cycle, c, pick(clock, cycle.scalar[Y_WAYS], entity, event))


@separate_kernel
def best_node(
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
    entity,
    event,
):
    """The node for a pod of class ``c``, -1 when none fits; ``prepare`` has run for the class."""
    indexed = is_indexed(clock, rules, c)
    some = begin(clock, profiles, nodes, rules, presence, shapes, cycle, c)
    if indexed and is_even(rules, c):
        if some:
            cycle.scalar[Y_GATHERED] = GATHERED_EVEN_WINDOW
            n = window_even(clock, profiles, classes, nodes, rules, presence, shapes, extras, views, cycle, c)
        else:
            cycle.scalar[Y_GATHERED] = GATHERED_EVEN
            n = best_even(clock, profiles, classes, nodes, rules, presence, extras, views, cycle, c)
        k = pick(clock, cycle.scalar[Y_WAYS], entity, event)
        return n if n < 0 or clock.params[P_TIE_RANDOM] == 0 else nth(presence, shapes, rules, views, cycle, c, k)
    if indexed and is_short(presence, rules, views, some, c, clock.values[NODE_TOP]):
        # fmt: off
        if gather_soft(
            clock, profiles, classes, nodes, rules, presence, shapes, extras, views, cycle, some, c):
            cycle.scalar[Y_GATHERED] = GATHERED_SHORT
            if cycle.scalar[Y_COUNT] == 0:
                return -1
            score_soft(profiles, rules, presence, shapes, extras, cycle, c)
            if clock.params[P_TIE_RANDOM] == 0:
                return lowest_of_short(cycle)
            return nth_of_short(cycle, pick(clock, cycle.scalar[Y_WAYS], entity, event))
        # fmt: on
    if some:
        window(clock, profiles, classes, nodes, rules, presence, shapes, extras, views, cycle, indexed, c)
        cycle.scalar[Y_GATHERED] = GATHERED_WINDOW
    elif indexed:
        ask_index(clock, profiles, classes, nodes, rules, presence, shapes, extras, views, cycle, c)
        cycle.scalar[Y_GATHERED] = GATHERED_CELLS
    else:
        scan(clock, profiles, classes, nodes, rules, presence, shapes, extras, cycle, c)
        cycle.scalar[Y_GATHERED] = GATHERED_SLOTS
    if cycle.scalar[Y_COUNT] == 0:
        return -1
    finish(profiles, rules, presence, shapes, cycle, c)
    return chosen(clock, presence, shapes, rules, views, cycle, c, entity, event)
