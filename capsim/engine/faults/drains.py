"""Draining nodes: cordon, then evict through the eviction API, which asks PodDisruptionBudgets.

Source: kubectl drain (k8s.io/kubectl v0.36 pkg/drain): every pod is evicted by itself, a refused one again after five
seconds, until all are gone or the timeout is over; pods of DaemonSets stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capsim.controllers.cluster_autoscaler.scan import IGNORED_BY_DRAIN
from capsim.engine.actions import ACT_CORDON, ACT_EVICT_POD
from capsim.engine.budgets import may_evict
from capsim.engine.faults.cluster import name_of, node_named, pods_bound, pods_on, slot_of_uid, tell
from capsim.state.tables import POD_TERMINATING

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.chaos import Drain as DrainEvent

RETRY_MS = 5_000
"""Between two attempts to evict a pod that budgets hold."""


@dataclass
class Drain:
    """A drain under way; ``until_ms`` -1: it never gives up. ``forced``: pods are deleted, budgets are not asked."""

    until_ms: int = -1
    forced: bool = False


def drain(sim: Simulation, event: DrainEvent) -> int:
    """``kubectl drain``; 0 when there is no such node."""
    n = node_named(sim, event.node_name)
    if n < 0:
        return 0
    sim.act(ACT_CORDON, n)
    begin(sim, n, event.timeout_ms, forced=event.disable_eviction)
    return 1


def begin(sim: Simulation, n: int, timeout_ms: int = 0, *, forced: bool = False) -> None:
    """Evict the pods of the cordoned node ``n``, what is refused again and again."""
    uid = int(sim.state.nodes.uid[n])
    again = uid in sim.faults.drains
    sim.faults.drains[uid] = Drain(sim.now_ms + timeout_ms if timeout_ms else -1, forced)
    if not again:
        step(sim, uid)


def evictable(sim: Simulation, n: int) -> list[int]:
    """Pods that a drain moves."""
    s = sim.state
    return [p for p in pods_on(sim, n) if not s.classes.drain[s.pods.pod_class[p]] & IGNORED_BY_DRAIN]


def is_empty(sim: Simulation, n: int) -> bool:
    """Whether everything that a drain moves is gone from the node, not only told to go."""
    s = sim.state
    p = int(s.nodes.first_pod[n])
    while p >= 0:
        if not s.classes.drain[s.pods.pod_class[p]] & IGNORED_BY_DRAIN:
            return False
        p = int(s.links.node_next[p])
    return True


def step(sim: Simulation, uid: int) -> None:
    """One round of a drain."""
    n, job = slot_of_uid(sim, uid), sim.faults.drains.get(uid)
    if n < 0 or job is None or is_empty(sim, n):
        sim.faults.drains.pop(uid, None)
        return
    sim.make_room(heap=2 * pods_bound(sim, n) + 4)
    for p in evictable(sim, n):
        if sim.state.pods.state[p] != POD_TERMINATING and (job.forced or may_evict(sim, p)):
            sim.act(ACT_EVICT_POD, p)
    if 0 <= job.until_ms <= sim.now_ms:
        left = len(evictable(sim, n))
        if left:
            tell(sim, f"drain of node {name_of(sim, n)} gives up: budgets hold {left} pods")
        del sim.faults.drains[uid]
        return
    sim.faults.agenda.add(sim.now_ms + RETRY_MS, "drain", uid)
