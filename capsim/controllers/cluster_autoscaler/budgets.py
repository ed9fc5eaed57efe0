"""How many of the nodes that may go are taken at once: in all, and of those that must be drained.

Source: cluster-autoscaler core/scaledown/budgets/budgets.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capsim.controllers.cluster_autoscaler.view import View


@dataclass
class Bucket:
    """Nodes (slots) of one group that go together; ``batch`` 0: one by one."""

    group: int
    nodes: list[int]
    batch: int = 0


def _by_group(view: View, slots: Sequence[int]) -> list[Bucket]:
    found: dict[int, Bucket] = {}
    for slot in slots:
        group = int(view.nodes.group[slot])
        if group >= 0:
            found.setdefault(group, Bucket(group, [])).nodes.append(slot)
    return list(found.values())


def _crop(buckets: Sequence[Bucket], budget: int) -> tuple[list[Bucket], int]:
    """The first nodes that the budget allows, and how many those are."""
    taken: list[Bucket] = []
    left = budget
    for bucket in buckets:
        if left < 1:
            break
        bucket.nodes = bucket.nodes[:left]
        taken.append(bucket)
        left -= len(bucket.nodes)
    return taken, budget - left


def crop(
    view: View, empty: Sequence[int], drain: Sequence[int], in_progress: tuple[int, int], targets: Sequence[int]
) -> tuple[list[Bucket], list[Bucket]]:
    """(empty nodes, nodes to drain) that go now; ``in_progress``: deletions under way without and with a drain.

    Zero-or-max groups come first, whole; the first of them may exceed what is left of the budget.
    """
    options = view.options
    budget = options.max_parallelism - sum(in_progress)
    drain_budget = options.max_drain_parallelism - in_progress[1]
    empty_buckets, drain_buckets = _by_group(view, empty), _by_group(view, drain)
    atomic = [o.zero_or_max for o in view.group_options]
    first_empty: list[Bucket] = []
    first_drain: list[Bucket] = []
    may_exceed = True
    drained_too = {b.group: b for b in drain_buckets if atomic[b.group]}
    for bucket in (b for b in empty_buckets if atomic[b.group]):
        other = drained_too.get(bucket.group)
        more = len(other.nodes) if other else 0
        all_nodes = len(bucket.nodes) + more
        if (budget < all_nodes or drain_budget < more) and (
            budget == 0 or (more > 0 and drain_budget == 0) or not may_exceed
        ):
            break
        bucket.batch = targets[bucket.group]
        if all_nodes != bucket.batch:
            continue
        first_empty.append(bucket)
        if other:
            other.batch = bucket.batch
            first_drain.append(other)
        budget, drain_budget, may_exceed = budget - all_nodes, drain_budget - more, False
    drain_budget = min(budget, drain_budget)
    emptied = {b.group for b in empty_buckets if atomic[b.group]}
    for bucket in (b for b in drain_buckets if atomic[b.group] and b.group not in emptied):
        count = len(bucket.nodes)
        if drain_budget < count and (drain_budget == 0 or not may_exceed):
            break
        bucket.batch = targets[bucket.group]
        if count != bucket.batch:
            continue
        first_drain.append(bucket)
        budget, drain_budget, may_exceed = budget - count, drain_budget - count, False
    single_empty, taken = _crop([b for b in empty_buckets if not atomic[b.group]], budget)
    drain_budget = min(budget - taken, drain_budget)
    single_drain, _ = _crop([b for b in drain_buckets if not atomic[b.group]], drain_budget)
    return first_empty + single_empty, first_drain + single_drain
