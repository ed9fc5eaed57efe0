"""The best node for a pod class: a plain scan, and a tournament tree that gives the same answer faster.

Ties are ordered by node slot in both, so that a seeded draw picks the same node either way.
"""

from __future__ import annotations

from capsim.controllers.scheduler.filters import fits
from capsim.controllers.scheduler.scores import score
from capsim.jit import inline_kernel, kernel
from capsim.rng import STREAM_TIE, draw
from capsim.state.tables import (
    NODE_TOP,
    P_SEED,
    P_TIE_RANDOM,
    P_TREE_NODES,
    Classes,
    Clock,
    Nodes,
    Queue,
    Trees,
)


@inline_kernel
def pick(clock: Clock, ways, entity, event):
    """Which of ``ways`` equally good nodes: a seeded draw, or the first."""
    if ways <= 1 or clock.params[P_TIE_RANDOM] == 0:
        return 0
    return draw(clock.params[P_SEED], STREAM_TIE, entity, event) % ways


@kernel
def scan_best(clock: Clock, classes: Classes, nodes: Nodes, queue: Queue, c, entity, event):
    """Reference: score every feasible node; returns a node with the highest total, or -1."""
    best = -1
    ways = 0
    for n in range(clock.values[NODE_TOP]):
        if fits(classes, nodes, c, n):
            total = score(classes, nodes, c, n)
            if total > best:
                best = total
                ways = 0
            if total == best:
                queue.scratch[ways] = n
                ways += 1
    if ways == 0:
        return -1
    return queue.scratch[pick(clock, ways, entity, event)]


@inline_kernel
def combine(trees: Trees, t, i):
    """Recompute inner place ``i`` of tree ``t`` from its two children; returns whether it changed."""
    left = trees.best[t, 2 * i]
    right = trees.best[t, 2 * i + 1]
    best = left if left >= right else right
    ways = 0
    if best >= 0:
        if left == best:
            ways += trees.ways[t, 2 * i]
        if right == best:
            ways += trees.ways[t, 2 * i + 1]
    if trees.best[t, i] == best and trees.ways[t, i] == ways:
        return False
    trees.best[t, i] = best
    trees.ways[t, i] = ways
    return True


@inline_kernel
def leaf_score(classes: Classes, nodes: Nodes, c, n):
    """Score of node ``n`` for class ``c``, -1 where it is not feasible."""
    return score(classes, nodes, c, n) if fits(classes, nodes, c, n) else -1


@kernel
def rebuild(clock: Clock, classes: Classes, nodes: Nodes, trees: Trees, t, c):
    """Compute tree ``t`` for class ``c`` from scratch."""
    half = trees.best.shape[1] >> 1
    top = clock.values[NODE_TOP]
    for n in range(half):
        total = leaf_score(classes, nodes, c, n) if n < top else -1
        trees.best[t, half + n] = total
        trees.ways[t, half + n] = 1
    for i in range(half - 1, 0, -1):
        combine(trees, t, i)


@kernel
def refresh(clock: Clock, classes: Classes, nodes: Nodes, trees: Trees, t, c):
    """Bring tree ``t`` up to date: replay the changed nodes, or rebuild when that is cheaper."""
    half = trees.best.shape[1] >> 1
    size = trees.log.shape[0]
    head = trees.head[0]
    behind = head - trees.seen[t]
    if trees.seen[t] < 0 or behind > size or behind * 4 > half:
        rebuild(clock, classes, nodes, trees, t, c)
    else:
        last = -1
        for k in range(trees.seen[t], head):
            n = trees.log[k & (size - 1)]
            if n != last:
                last = n
                i = half + n
                total = leaf_score(classes, nodes, c, n)
                if trees.best[t, i] != total:
                    trees.best[t, i] = total
                    i >>= 1
                    while i >= 1 and combine(trees, t, i):
                        i >>= 1
    trees.seen[t] = head


@kernel
def tree_best(clock: Clock, classes: Classes, nodes: Nodes, trees: Trees, c, entity, event):
    """Same answer as ``scan_best``, from the tree of the class's signature."""
    t = classes.signature[c]
    refresh(clock, classes, nodes, trees, t, c)
    half = trees.best.shape[1] >> 1
    best = trees.best[t, 1]
    if best < 0:
        return -1
    k = pick(clock, trees.ways[t, 1], entity, event)
    i = 1
    while i < half:
        i = 2 * i
        if trees.best[t, i] == best:
            if k >= trees.ways[t, i]:
                k -= trees.ways[t, i]
                i += 1
        else:
            i += 1
    return i - half


@inline_kernel
def best_node(clock: Clock, classes: Classes, nodes: Nodes, queue: Queue, trees: Trees, c, entity, event):
    """The node for a pod of class ``c``, -1 when none fits."""
    t = classes.signature[c]
    if t < trees.seen.shape[0] and clock.values[NODE_TOP] > clock.params[P_TREE_NODES]:
        return tree_best(clock, classes, nodes, trees, c, entity, event)
    return scan_best(clock, classes, nodes, queue, c, entity, event)
