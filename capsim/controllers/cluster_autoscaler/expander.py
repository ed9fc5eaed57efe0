"""Which of the groups that could help gets the nodes: the expanders of the Cluster Autoscaler.

Each is a filter over options and leaves the best; filters form a chain, and what the chain leaves is decided by chance.

Source: cluster-autoscaler expander/{waste,mostpods,leastnodes,random,price,priority}, expander/factory/chain.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from capsim.controllers.cluster_autoscaler.tables import Kinds
from capsim.controllers.cluster_autoscaler.view import NodeTemplate
from capsim.scenario.expander_priorities import Priorities
from capsim.state.tables import CPU, I64, MEMORY


@dataclass(frozen=True)
class Option:
    """What one group offers: nodes to add, and the pods that they would hold."""

    group: int
    name: str
    nodes: int
    kinds: I64
    """Kind of each pod, in the order in which the estimator placed them."""
    pods: I64
    """Slot of each pod."""
    template: NodeTemplate
    price_usd: float
    """Of one node for an hour."""
    similar: tuple[int, ...] = ()


@dataclass
class Setting:
    """What expanders look at beside the options."""

    kinds: Kinds
    cluster_nodes: int
    priorities: Priorities | None
    gpu: int = -1
    has_gpu: Callable[[NodeTemplate], bool] = lambda template: False
    draw: Callable[[int], int] = lambda count: 0
    """Chance: a number below ``count``; the first by default, as the recordings have it."""
    newest: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    """What an expander says of each option that it left."""
    trail: list[tuple[str, list[int]]] = field(default_factory=list)
    """(expander, groups left) for each filter that ran."""


Expander = Callable[[Sequence[Option], Setting], list[Option]]


def most_pods(options: Sequence[Option], setting: Setting) -> list[Option]:
    """Options that help the most pods."""
    most = max((len(option.pods) for option in options), default=0)
    return [option for option in options if len(option.pods) == most]


def least_nodes(options: Sequence[Option], setting: Setting) -> list[Option]:
    """Options that add the fewest nodes."""
    counts = [option.nodes for option in options if option.nodes]
    return [option for option in options if option.nodes and option.nodes == min(counts)]


def wasted_ratio(option: Option, setting: Setting) -> float:
    """Shares of the new nodes' CPU and memory capacity that the pods leave unused, summed."""
    of = setting.kinds.request if setting.newest else setting.kinds.packing
    wasted = 0.0
    for column, r in ((0, CPU), (1, MEMORY)):
        have = int(option.template.capacity[r]) * option.nodes
        want = int(of[option.kinds, r if setting.newest else column].sum())
        wasted += (have - want) / have if have else 0.0
    return wasted


def least_waste(options: Sequence[Option], setting: Setting) -> list[Option]:
    """Options that waste the least."""
    scores = [wasted_ratio(option, setting) for option in options]
    best = min(scores, default=0.0)
    return [option for option, score in zip(options, scores, strict=True) if score == best]


def chance(options: Sequence[Option], setting: Setting) -> list[Option]:
    """One option by chance."""
    return [options[setting.draw(len(options))]] if options else []


def priority(options: Sequence[Option], setting: Setting) -> list[Option]:
    """Options whose group's name matches the highest priority that matches any; all when none does."""
    if setting.priorities is None:
        return list(options)
    ranked = [(setting.priorities.highest(option.name), option) for option in options]
    best = max((rank for rank, _ in ranked), default=-1)
    if best < 0:
        return list(options)
    return [option for rank, option in ranked if rank == best]


PREFERRED_NODES = ((2, 1000), (6, 2000), (20, 4000), (60, 8000), (200, 16_000))
"""Nodes in the cluster up to which a node of so many milli-CPU is preferred; above, one of 32 CPUs."""
STABILISER = (500, 500 << 20, 0)
GPU_UNFITNESS = 1000.0
CORE_PRICE, GIB_PRICE, GPU_PRICE = 0.03, 0.004, 1.0
"""What a pod's requests are worth for an hour, USD."""


def pod_price(cpu_milli: Any, memory_bytes: Any, gpus: Any) -> Any:
    """Price of pods for an hour from their requests: numbers, or arrays of one number a pod."""
    return cpu_milli / 1000.0 * CORE_PRICE + memory_bytes / (1 << 30) * GIB_PRICE + gpus * GPU_PRICE


def price(options: Sequence[Option], setting: Setting) -> list[Option]:
    """Options with the lowest price per value of the pods, weighed by how far the node is from the preferred size."""
    preferred = next((cpu for most, cpu in PREFERRED_NODES if setting.cluster_nodes <= most), 32_000)
    stabiliser = pod_price(*STABILISER)
    left: list[Option] = []
    best = 0.0
    for option in options:
        total = option.price_usd * option.nodes
        packing = setting.kinds.packing[option.kinds].astype(np.float64)
        each = pod_price(packing[:, 0], packing[:, 1], packing[:, 2])
        # Summed one after another, as upstream does: the last bits of a sum depend on its order.
        pods = float(np.add.accumulate(each)[-1]) if len(option.kinds) else 0.0
        ratio = (total + stabiliser) / (pods + stabiliser)
        cpu = float(option.template.capacity[CPU])
        unfitness = max(preferred / cpu, cpu / preferred) if cpu else float("inf")
        suppressed = (unfitness - 1.0) * (1.0 - math.tanh((option.nodes - 1) / 15.0)) + 1.0
        if setting.has_gpu(option.template):
            suppressed = GPU_UNFITNESS
        score = suppressed * ratio
        setting.notes[option.name] = (
            f" | price-expander: all_nodes_price={total:f} pods_price={pods:f} stabilized_ratio={ratio:f}"
            f" unfitness={unfitness:f} suppressed={suppressed:f} final_score={score:f}"
        )
        if not left or score == best:
            left.append(option)
            best = score
        elif score < best:
            left, best = [option], score
    return left


EXPANDERS: dict[str, Expander] = {
    "random": chance,
    "most-pods": most_pods,
    "least-waste": least_waste,
    "least-nodes": least_nodes,
    "price": price,
    "priority": priority,
}


def choose(names: Sequence[str], options: Sequence[Option], setting: Setting) -> list[Option]:
    """What the chain leaves: one option, or several among which chance decides."""
    left = list(options)
    for name in names:
        if name == "random":
            break
        left = EXPANDERS[name](left, setting)
        setting.trail.append((name, [option.group for option in left]))
        if len(left) == 1:
            break
    return left
