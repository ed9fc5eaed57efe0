"""The Cluster Autoscaler: one loop after another over what the API server and the cloud show.

Source: cluster-autoscaler core/static_autoscaler.go (June 2024, k8s 1.31).

Not modelled: the status ConfigMap, time limits of the real autoscaler's own work, ProvisioningRequests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from capsim.controllers.cluster_autoscaler.backoff import Backoff
from capsim.controllers.cluster_autoscaler.budgets import crop
from capsim.controllers.cluster_autoscaler.cluster_state import ClusterState
from capsim.controllers.cluster_autoscaler.deletion import SOFT_TAINT, TAINT, Deletions
from capsim.controllers.cluster_autoscaler.eligibility import above_minimum, in_order, utilisation
from capsim.controllers.cluster_autoscaler.expander import Setting
from capsim.controllers.cluster_autoscaler.node_template import Templates
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.pending import all_new, old_enough, to_help
from capsim.controllers.cluster_autoscaler.planner import Planner
from capsim.controllers.cluster_autoscaler.scale_up import ScaleUp
from capsim.controllers.cluster_autoscaler.simulation import Simulation, build, new_hints, room_for
from capsim.controllers.cluster_autoscaler.status import LoopStatus, ScaledDown, ScaleUpStatus
from capsim.controllers.cluster_autoscaler.tables import DAEMON, FOUND, MIRROR, STARTING, UNSCHEDULABLE, Hints
from capsim.controllers.cluster_autoscaler.view import NodeTemplate, View, World, among
from capsim.scenario.expander_priorities import read_priorities
from capsim.state.tables import I64

LONG_AGO_MS = 3_600_000
"""Times of the last scale-up and scale-down before the first loop."""


@dataclass
class Autoscaler:
    """Upstream's StaticAutoscaler with all that it remembers between loops."""

    options: Options
    start_ms: int = 0
    state: ClusterState = field(init=False)
    planner: Planner = field(init=False)
    deletions: Deletions = field(init=False)
    templates: Templates = field(init=False)
    pending_hints: Hints = field(default_factory=new_hints)
    cursor: int = 0
    candidates: set[int] = field(default_factory=set)
    """Uids of the nodes that were unneeded in the last loop that looked."""
    recent: dict[str, dict[int, int]] = field(default_factory=lambda: {"up": {}, "down": {}, "failed": {}})
    """Last scale-up, scale-down and failed scale-down by group, for scale-down-delay-type-local."""
    first: bool = True
    found: int = 0
    """Searches of the last loop that found a node for a pod: then the round-robin counter moved."""
    upcoming: dict[int, int] | None = None
    """Nodes to come by group, as the last loop knew them; None: before the first that came so far."""
    thinking_ms: int = -1
    """When the loop that is being thought over falls due, for whoever models the loop's own time."""

    def __post_init__(self) -> None:
        o = self.options
        self.state = ClusterState(o, Backoff(o.initial_backoff_ms, o.max_backoff_ms, o.backoff_reset_ms))
        self.planner = Planner(o)
        self.deletions = Deletions(o)
        self.templates = Templates({})
        self.last_up_ms = self.last_down_ms = self.last_fail_ms = self.start_ms - LONG_AGO_MS
        self.priorities = read_priorities(o.priorities) if "priority" in o.expander else None

    # -- between loops -----------------------------------------------------------------------------------------------

    def due_ms(self) -> int | None:
        """When deletions under way have to go on."""
        return self.deletions.due_ms()

    def act(self, world: World, now_ms: int) -> None:
        """Go on with deletions under way."""
        self.deletions.run(world, now_ms)
        for group, at_ms in self.deletions.removed:
            self.state.register_scale_down(group, at_ms)
            self.recent["down"][group] = at_ms
        for group, at_ms in self.deletions.failed:
            self.recent["failed"][group] = at_ms
        self.deletions.removed, self.deletions.failed = [], []

    # -- a loop ------------------------------------------------------------------------------------------------------

    def loop(self, view: View, world: World, names: list[str], details: bool = True) -> LoopStatus:
        """One loop (upstream: RunOnce); ``names`` are the nodes' names by slot. ``details``: tell which nodes stay."""
        status = LoopStatus(view.now_ms)
        self._run(view, world, names, status)
        if status.started:
            status.results = self.deletions.take_results()
            if details:
                status.unremovable = sorted(self.planner.unremovable.told(), key=lambda one: names[one.slot])
        return status

    def _run(self, view: View, world: World, names: list[str], status: LoopStatus) -> None:
        if self.first and self._clean_taints(view, world):
            view = world.refresh(view.now_ms)
        ready = self._readiness(view)
        ready_nodes = view.listed[(ready[view.listed] == 1) & (view.nodes.flags[view.listed] & UNSCHEDULABLE == 0)]
        if not self.options.scale_up_from_zero and not len(ready_nodes):
            self.planner.clear()
            status.why_not, status.started = "the cluster has no ready nodes", False
            return
        draining = sorted(self.deletions.drained, key=lambda slot: names[slot])
        deleting = self.deletions.in_progress()
        per_group = self.deletions.per_group(view.groups)
        templates = self.templates.update(view, ready_nodes, view.now_ms)
        self.state.update(view, world, ready)
        self._remove_unregistered(view, world)
        status.why_not = self._stop_early(view, world)
        if status.why_not:
            return
        upcoming = self.state.upcoming()
        without = [slot for g in upcoming for slot in self.state.groups[g].not_started]
        self.upcoming = upcoming
        leaving = sum(len(view.pods_on(slot)) for slot in draining)
        extra = min(len(view.pending) + leaving, int(np.maximum(view.maximum, 0).sum())) + 2
        sim = build(view, upcoming, templates, without, self.cursor, extra)
        try:
            self._scale(
                sim, world, names, status, ready, ready_nodes, templates, draining, deleting, per_group, without
            )
        finally:
            self.cursor = sim.cursor
            self.found = int(sim.snap.scalars[FOUND])

    def _scale(
        self,
        sim: Simulation,
        world: World,
        names: list[str],
        status: LoopStatus,
        ready: I64,
        ready_nodes: I64,
        templates: dict[int, NodeTemplate],
        draining: list[int],
        deleting: set[int],
        per_group: list[int],
        without: list[int],
    ) -> None:
        view = sim.view
        self.pending_hints = room_for(self.pending_hints, len(view.pods.uid))
        waiting = old_enough(view, to_help(sim, self.pending_hints, draining))
        forbidden = False
        total = self.options.max_nodes_total
        attempt = ScaleUp(sim, self.state, world, templates, ready_nodes.tolist(), self.setting(view, world))
        if not len(waiting):
            status.scale_up.result = "NotNeeded"
        elif total > 0 and len(ready_nodes) >= total:
            status.scale_up.result = "NoOptionsAvailable"
        elif all_new(view, waiting):
            status.scale_up.result = "InCooldown"
            forbidden = True
        else:
            status.scale_up = attempt.run(waiting, self._grown(view.now_ms))
            if self._after_scale_up(view, status):
                return
        nodes = view.listed[~among(view.listed, set(without))] if without else view.listed
        if self.options.scale_down:
            self._scale_down(sim, world, names, status, ready, templates, nodes, deleting, per_group, forbidden)
        if self.options.enforce_min_size:
            attempt = ScaleUp(sim, self.state, world, templates, ready_nodes.tolist(), self.setting(view, world))
            status.scale_up = attempt.to_minimum(self._grown(view.now_ms))
            self._after_scale_up(view, status)

    def setting(self, view: View, world: World) -> Setting:
        """What expanders look at."""

        def has_gpu(template: NodeTemplate) -> bool:
            labelled = view.shape_gpu[template.shape] is not None
            return labelled or (view.gpu >= 0 and int(template.allocatable[view.gpu]) > 0)

        newest = self.options.newest
        return Setting(view.kinds, len(view.listed), self.priorities, view.gpu, has_gpu, world.draw, newest)

    def _grown(self, now_ms: int) -> Callable[[int, int], None]:
        def note(group: int, count: int) -> None:
            self.recent["up"][group] = now_ms

        return note

    def _after_scale_up(self, view: View, status: LoopStatus) -> bool:
        """Whether the loop ends after a scale-up: it worked, or it failed with an error."""
        if status.scale_up.error:
            status.error = status.scale_up.error
            return True
        if status.scale_up.result == "Successful":
            self.last_up_ms = view.now_ms
            status.scale_down = "InCooldown"
            return True
        return False

    # -- before anything else ----------------------------------------------------------------------------------------

    def _clean_taints(self, view: View, world: World) -> bool:
        """Remove taints that a predecessor left; returns whether there were any."""
        self.first, found = False, False
        for slot in view.listed.tolist():
            if view.nodes.group[slot] >= 0 and view.nodes.deleted_ms[slot] >= 0:
                world.taint(slot, TAINT, False, self.options.cordon)
                found = True
            if self.options.max_soft_taints == 0 and view.nodes.candidate[slot]:
                world.taint(slot, SOFT_TAINT, False, False)
                found = True
        return found

    def _readiness(self, view: View) -> I64:
        """1 by slot for nodes that are Ready; those whose GPUs do not show yet, or with a startup taint, are not."""
        ready = view.nodes.ready.copy()
        ready[view.nodes.flags & STARTING != 0] = 0
        for slot in np.flatnonzero(ready).tolist() if any(view.shape_gpu) else []:
            labelled = view.shape_gpu[int(view.nodes.shape[slot])] is not None
            if labelled and (view.gpu < 0 or view.nodes.allocatable[slot, view.gpu] == 0):
                ready[slot] = 0
        return ready

    def _remove_unregistered(self, view: View, world: World) -> None:
        """Delete machines that did not become nodes in time, but never below a group's minimum."""
        for g in range(view.groups):
            provision = int(view.group_option(g, "provision_ms"))
            since = self.state.unregistered_since(view, g)
            old = [slot for slot, seen in since.items() if seen + provision < view.now_ms]
            possible = world.target(g) - int(view.minimum[g])
            if not old or possible <= 0:
                continue
            going = old[:possible]
            if view.group_options[g].zero_or_max:
                going = [one.slot for one in world.instances(g)]
            failed = world.delete_nodes(g, going)
            self.state.invalidate(g)
            if failed:
                return

    def _stop_early(self, view: View, world: World) -> str:
        """Why the loop ends here: unhealthy cluster, machines that failed, a target that had to be corrected."""
        if not self.state.is_healthy():
            self.planner.clear()
            return "the cluster is unhealthy: too many nodes are not ready"
        deleted = False
        for g, slots in self.state.creation_failed().items():
            if view.group_options[g].zero_or_max:
                slots = [one.slot for one in world.instances(g)]
            deleted = not world.delete_nodes(g, slots) or deleted
            self.state.invalidate(g)
        if deleted:
            return "machines whose creation failed were deleted"
        fixed = False
        for g, wrong in self.state.wrong.items():
            provision = int(view.group_option(g, "provision_ms"))
            if wrong.since_ms + provision < view.now_ms and wrong.current < wrong.expected:
                world.decrease_target(g, wrong.expected - wrong.current)
                fixed = True
        return "the target of a group was corrected" if fixed else ""

    # -- scale-down --------------------------------------------------------------------------------------------------

    def _scale_down(
        self,
        sim: Simulation,
        world: World,
        names: list[str],
        status: LoopStatus,
        ready: I64,
        templates: dict[int, NodeTemplate],
        nodes: I64,
        deleting: set[int],
        per_group: list[int],
        forbidden: bool,
    ) -> None:
        view = sim.view
        targets = [world.target(g) for g in range(view.groups)]
        candidates = in_order(sim, above_minimum(sim, nodes, targets), self.candidates)
        if self.options.delay_type_local:
            candidates = self._rested(view, candidates)
        before = _copy(sim)
        self.planner.update(sim, nodes, candidates, ready, deleting, names)
        sim = before
        self.candidates = {one.uid for one in self.planner.unneeded.values()}
        if self._cooling(view.now_ms, forbidden, len(candidates)):
            status.scale_down = "InCooldown"
            return
        empty, drain = self.planner.to_delete(sim, ready, targets, per_group, templates)
        self._start_deletion(sim, world, status, empty, drain, targets)
        if status.scale_down == "NodeDeleteStarted":
            self.last_down_ms = view.now_ms
            self.state.recalculate(world)
        elif self.options.max_soft_taints:
            self._soft_taints(view, world, nodes)

    def _rested(self, view: View, candidates: I64) -> I64:
        """scale-down-delay-type-local: candidates whose own group is not in a delay."""
        o = self.options
        delays = (("up", o.delay_after_add_ms), ("down", o.delay_after_delete_ms), ("failed", o.delay_after_failure_ms))

        def rests(group: int) -> bool:
            return any(
                group in self.recent[what] and self.recent[what][group] + delay > view.now_ms for what, delay in delays
            )

        resting = {g for g in range(view.groups) if rests(g)}
        return candidates[~among(view.nodes.group[candidates], resting)]

    def _cooling(self, now_ms: int, forbidden: bool, candidates: int) -> bool:
        if forbidden or (candidates == 0 and not self.options.newest):
            return True
        if self.options.delay_type_local:
            return False
        o = self.options
        return (
            self.last_up_ms + o.delay_after_add_ms > now_ms
            or self.last_fail_ms + o.delay_after_failure_ms > now_ms
            or self.last_down_ms + o.delay_after_delete_ms > now_ms
        )

    def _start_deletion(
        self, sim: Simulation, world: World, status: LoopStatus, empty: list[int], drain: list[int], targets: list[int]
    ) -> None:
        view, deletions = sim.view, self.deletions
        deletions.failed_groups = set()
        in_progress = (len(deletions.empty), len(deletions.drained))
        to_empty, to_drain = crop(view, empty, drain, in_progress, targets)
        if not to_empty and not to_drain:
            status.scale_down = "NoNodeDeleted"
            return
        status.scale_down = "NodeDeleteStarted"
        for buckets, is_drain in ((to_empty, False), (to_drain, True)):
            slots = [slot for bucket in buckets for slot in bucket.nodes]
            if not slots:
                continue
            used = utilisation(sim, np.array(slots, np.int64))
            for slot, share in zip(slots, used.tolist(), strict=True):
                world.taint(slot, TAINT, True, self.options.cordon)
                status.scaled_down.append(ScaledDown(slot, _evicted(sim, slot) if is_drain else [], share))
            deletions.begin(buckets, is_drain, view.now_ms)

    def _soft_taints(self, view: View, world: World, nodes: I64) -> None:
        """Mark unneeded nodes with a soft taint, unmark the others, a few a loop."""
        budget = self.options.max_soft_taints
        marked = view.nodes.candidate
        free = view.nodes.deleted_ms < 0
        for slot in nodes.tolist():
            if view.nodes.group[slot] >= 0 and slot not in self.planner.unneeded and marked[slot] and free[slot]:
                if budget <= 0:
                    return
                world.taint(slot, SOFT_TAINT, False, False)
                budget -= 1
        there = set(nodes.tolist())
        for slot in nodes.tolist():
            if slot in self.planner.unneeded and slot in there and not marked[slot] and free[slot]:
                if budget <= 0:
                    return
                world.taint(slot, SOFT_TAINT, True, False)
                budget -= 1


def _evicted(sim: Simulation, slot: int) -> list[int]:
    """Pods of a row that a drain evicts, in their order on the node."""
    flags = sim.view.kinds.flags
    found = []
    p = int(sim.snap.first[sim.rows_of[slot]])
    while p >= 0:
        if not flags[sim.view.pods.kind[p]] & (DAEMON | MIRROR):
            found.append(p)
        p = int(sim.snap.next[p])
    return found


def _copy(sim: Simulation) -> Simulation:
    """The simulation as it is, to come back to; the round-robin counter stays shared."""
    s = sim.snap
    snap = s._replace(
        free=s.free.copy(), count=s.count.copy(), first=s.first.copy(), last=s.last.copy(), next=s.next.copy(),
        previous=s.previous.copy(), row=s.row.copy(),
    )  # fmt: skip
    return Simulation(sim.view, snap, sim.rows_of, sim.upcoming)


__all__ = ["Autoscaler", "ScaleUpStatus"]
