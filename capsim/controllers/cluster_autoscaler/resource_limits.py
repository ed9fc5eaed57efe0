"""Cores, memory and GPUs of the whole cluster against their totals, in both directions.

Source: cluster-autoscaler core/scaleup/resource/manager.go, core/scaledown/resource/limits.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from capsim.controllers.cluster_autoscaler.view import NodeTemplate, View
from capsim.state.tables import CPU, I64, MEMORY

CORES, BYTES = "cpu", "memory"
Amounts = dict[str, int]
DELETION_MS = 300_000
"""A node that was marked for deletion no longer ago does not count (MaxCloudProviderNodeDeletionTime)."""


def of_capacity(view: View, shape: int, capacity: I64, allocatable: I64) -> Amounts:
    """What one node counts for: whole cores (rounded up), bytes, and GPUs under the type's name."""
    amounts = {CORES: -(-int(capacity[CPU]) // 1000), BYTES: int(capacity[MEMORY])}
    kind = view.shape_gpu[shape]
    if view.options.gpu_total and kind is not None and view.gpu >= 0:
        count = int(allocatable[view.gpu]) or int(capacity[view.gpu])
        amounts[kind] = amounts.get(kind, 0) + count
    return amounts


def of_template(view: View, template: NodeTemplate) -> Amounts:
    """What one new node of a template counts for."""
    return of_capacity(view, template.shape, template.capacity, template.allocatable)


def of_node(view: View, slot: int) -> Amounts:
    """What an existing node counts for."""
    nodes = view.nodes
    return of_capacity(view, int(nodes.shape[slot]), nodes.capacity[slot], nodes.allocatable[slot])


def add(total: Amounts, amounts: Amounts, times: int = 1) -> None:
    """Add amounts to a total."""
    for name, amount in amounts.items():
        total[name] = total.get(name, 0) + amount * times


def room_above(view: View, templates: dict[int, NodeTemplate], targets: list[int], ready: Iterable[int]) -> Amounts:
    """What may still be added: groups count with target x template, other Ready nodes as they are."""
    total: Amounts = {}
    for g, target in enumerate(targets):
        add(total, of_template(view, templates[g]), max(0, target))
    for slot in ready:
        if view.nodes.group[slot] < 0:
            add(total, of_node(view, slot))
    options = view.options
    limits = {CORES: options.max_cores, BYTES: options.max_memory_bytes}
    limits.update({kind: most for kind, (_, most) in options.gpu_total.items()})
    return {name: max(0, most - total.get(name, 0)) for name, most in limits.items() if most > 0}


def exceeded(room: Amounts, wanted: Amounts) -> list[str]:
    """Names of what is wanted beyond the room left, sorted."""
    return sorted(name for name, amount in wanted.items() if name in room and amount > 0 and amount > room[name])


def most_nodes(room: Amounts, each: Amounts, count: int) -> int:
    """How many of ``count`` nodes the room allows."""
    for name, amount in each.items():
        if name in room and count * amount > room[name]:
            count = room[name] // amount
    return count


def being_deleted(view: View, slot: int, now_ms: int) -> bool:
    """Whether the node was marked for deletion recently."""
    marked = int(view.nodes.deleted_ms[slot])
    return marked >= 0 and now_ms - marked < DELETION_MS


def room_below(view: View, rows: Iterable[tuple[Amounts, int]], now_ms: int) -> Amounts:
    """What may still be taken away; ``rows``: (amounts, how many) of what the snapshot holds, less deletions."""
    total: Amounts = {}
    for amounts, times in rows:
        add(total, amounts, times)
    options = view.options
    limits = {CORES: options.min_cores, BYTES: options.min_memory_bytes}
    limits.update({kind: least for kind, (least, _) in options.gpu_total.items()})
    return {name: max(0, total.get(name, 0) - least) for name, least in limits.items() if least > 0}
