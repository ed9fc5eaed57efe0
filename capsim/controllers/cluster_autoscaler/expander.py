"""Which option a scale-up takes: the expanders of the Cluster Autoscaler, one function each.

Source: cluster-autoscaler/expander/{waste,mostpods,leastnodes,random}. Each returns the options that it leaves; more
than one are decided by a seeded draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from capsim.state.tables import CPU, MEMORY


@dataclass(frozen=True)
class Option:
    """What one group offers: nodes to add and what they would take."""

    group: int
    nodes: int
    pods: int
    requested: tuple[int, ...]
    allocatable: tuple[int, ...]


Expander = Callable[[Sequence[Option]], list[Option]]


def _best(options: Sequence[Option], key: Callable[[Option], float]) -> list[Option]:
    least = min(key(option) for option in options)
    return [option for option in options if key(option) == least]


def wasted_ratio(option: Option) -> float:
    """Wasted CPU plus wasted memory, as fractions of what the new nodes have."""
    total = 0.0
    for r in (CPU, MEMORY):
        available = option.allocatable[r] * option.nodes
        total += (available - option.requested[r]) / available if available > 0 else 0.0
    return total


def least_waste(options: Sequence[Option]) -> list[Option]:
    """Options that waste the least."""
    return _best(options, wasted_ratio)


def most_pods(options: Sequence[Option]) -> list[Option]:
    """Options that schedule the most pods."""
    return _best(options, lambda option: -option.pods)


def least_nodes(options: Sequence[Option]) -> list[Option]:
    """Options that add the fewest nodes."""
    return _best(options, lambda option: option.nodes)


def any_option(options: Sequence[Option]) -> list[Option]:
    """All options: the draw decides."""
    return list(options)


EXPANDERS: dict[str, Expander] = {
    "least-waste": least_waste,
    "most-pods": most_pods,
    "least-nodes": least_nodes,
    "random": any_option,
}
