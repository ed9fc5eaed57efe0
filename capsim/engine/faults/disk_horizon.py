"""How long no disk can run short, and no pod exceed its limit: so long the kubelets need not look.

A bound, never an estimate: pods write at most at the rate at which they can serve, those to come have been Ready for
the whole time, and no more of them come than their requests leave room for; images that a node has not may be pulled.
A run that looks every ten seconds (``Simulation(skip_syncs=False)``) comes to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.faults.disk import holdings, shares
from capsim.engine.faults.disk_limits import exceeds
from capsim.engine.faults.filesystems import Filesystems, filesystems, new_filesystems
from capsim.engine.faults.image_gc import PERIOD_MS
from capsim.state.tables import CPU, EPHEMERAL, F64, I64, MEMORY, NODE_FREE, PODS

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

MONITORING_MS = 10_000
"""evictionMonitoringPeriod."""
BOUNDING = [CPU, MEMORY, EPHEMERAL, PODS]
"""Resources whose requests say how many pods a node can hold."""


def at_most(sim: Simulation, offers: I64, each: F64) -> F64:
    """Most that the pods of a node use together, which offers a row of ``offers`` [N, R], when a pod of row w uses at
    most ``each`` [w]: pods request no more of any resource than there is."""
    if each.max(initial=0.0) <= 0.0:
        return np.zeros(len(offers))
    request = sim.state.classes.request[: len(each)][:, BOUNDING].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_unit = np.where(each[:, None] > 0.0, each[:, None] / request, 0.0).max(axis=0)
        bound = np.where(offers > 0, offers, 0)[:, BOUNDING] * per_unit
    bound = np.nan_to_num(bound, nan=0.0, posinf=np.inf)
    bound[:, sim.state.scheduling.profiles.ignored[:, BOUNDING].any(axis=0)] = np.inf
    result: F64 = bound.min(axis=1)
    return result


class Bounds:
    """What is on the disks at most, a while after now."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.held = holdings(sim)
        self.share = {w: shares(sim, w, held.pods) for w, held in self.held.items()}
        ratio = sim.scenario.control_plane.kubelet.unpacked_image_ratio
        self.images = float(sim.state.startup.layer_bytes.sum()) * ratio
        self.there = np.flatnonzero(sim.state.nodes.state != NODE_FREE)
        self.now = filesystems(sim)
        self.new = new_filesystems(sim)

    def grown(self, w: int, held: F64, share: F64, wait_ms: int) -> F64:
        """``held`` [parts, pods] after another ``wait_ms`` at the highest rate."""
        most_rps = self.sim.disks.most_rps[w]
        found = np.empty_like(held)
        for i, part in enumerate(self.sim.disks.parts[w]):
            per_ms = part.per_ms + (part.per_request * most_rps / 1000.0 if part.per_request else 0.0)
            found[i] = np.minimum(held[i] + share * (per_ms * wait_ms), part.up_to)
        return found

    def fresh(self, w: int, wait_ms: int) -> F64:
        """[parts, 1] of a pod to come."""
        base = np.array([[part.base] for part in self.sim.disks.parts[w]])
        return self.grown(w, base, np.array([1.0 + self.sim.disks.spread[w]]), wait_ms)

    def breaks_a_limit(self, wait_ms: int) -> bool:
        """Whether some pod may exceed a limit of its own."""
        return any(
            exceeds(held, limit).any()
            for w, limits in self.sim.disks.limits.items()
            if limits
            for held in (
                self.grown(w, self.held[w].parts, self.share[w], wait_ms),
                self.fresh(w, wait_ms),
            )
            for limit in limits
        )

    def fills_a_disk(self, wait_ms: int, most: Callable[[Filesystems], F64]) -> bool:
        """Whether images and pods of some node, or of one to come, may hold more than ``most`` says."""
        s = self.sim.state
        each = np.zeros(len(self.sim.scenario.objects.workloads))
        held = np.full(len(s.nodes.state), self.images)
        for w, (pods, parts) in self.held.items():
            each[w] = self.fresh(w, wait_ms).sum()
            np.add.at(held, s.pods.node[pods], self.grown(w, parts, self.share[w], wait_ms).sum(axis=0))
        held += at_most(self.sim, s.nodes.allocatable, each)
        new = self.images + at_most(self.sim, s.groups.template[: len(self.new.most)], each)
        return bool((held > most(self.now))[self.there].any() or (new > most(self.new)).any())


def longest_ms(sim: Simulation, may_happen: Callable[[int], bool]) -> int:
    """For how long something does not happen: 0, or looks by doubling; NEVER mind what is after the end of the run."""
    wait_ms, left_ms = 0, sim.scenario.duration_ms - sim.now_ms
    while wait_ms <= left_ms and not may_happen(next_ms := max(MONITORING_MS, 2 * wait_ms)):
        wait_ms = next_ms
    return wait_ms


def next_look_ms(sim: Simulation) -> int:
    """When the kubelets have to look at the disks again."""
    bounds = Bounds(sim)
    percent = 101 - sim.scenario.control_plane.kubelet.image_gc_high_threshold_percent

    def collects_from(disks: Filesystems) -> F64:
        with np.errstate(invalid="ignore"):
            return np.where(np.isinf(disks.most), np.inf, disks.most + disks.threshold - disks.capacity * percent / 100)

    def evicts(wait_ms: int) -> bool:
        return bounds.breaks_a_limit(wait_ms) or bounds.fills_a_disk(wait_ms, lambda disks: disks.most)

    look_ms = sim.now_ms + max(MONITORING_MS, longest_ms(sim, evicts))
    if bounds.images > 0.0:
        full_ms = sim.now_ms + longest_ms(sim, lambda wait_ms: bounds.fills_a_disk(wait_ms, collects_from))
        look_ms = min(look_ms, (full_ms // PERIOD_MS + 1) * PERIOD_MS)
    return look_ms
