"""The search for pods to preempt as a function that Python calls: it is rare, and compiled only where it happens."""

from __future__ import annotations

from capsim.controllers.scheduler.preempt import preempt
from capsim.jit import entry
from capsim.state.tables import Classes, Clock, Nodes, PodLinks, Pods, Presence
from capsim.state.tables_scheduler import Budgets, Preemption, Scheduling


@entry
def search(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    links: PodLinks,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    budgets: Budgets,
    found: Preemption,
    p,
    offset,
):
    """Fill ``found`` for pod ``p`` that fits nowhere; returns the best candidate, or -1."""
    return preempt(clock, classes, pods, links, nodes, presence, k, budgets, found, p, offset)
