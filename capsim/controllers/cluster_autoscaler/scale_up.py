"""The scale-up half of a loop: which groups could help, how many nodes each needs, which one grows, by how much.

Source: cluster-autoscaler core/scaleup/orchestrator/{orchestrator,executor}.go.

Not modelled: node autoprovisioning, parallel-scale-up (groups grow one after another), grouped errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from capsim.controllers.cluster_autoscaler.cluster_state import ClusterState
from capsim.controllers.cluster_autoscaler.equivalence import PodGroup, pod_groups
from capsim.controllers.cluster_autoscaler.estimator import append_node, estimate, node_limit
from capsim.controllers.cluster_autoscaler.expander import Option, Setting, choose
from capsim.controllers.cluster_autoscaler.predicates import PASS, check
from capsim.controllers.cluster_autoscaler.resource_limits import Amounts, exceeded, most_nodes, of_template, room_above
from capsim.controllers.cluster_autoscaler.similar_groups import Growth, are_similar, balance
from capsim.controllers.cluster_autoscaler.simulation import Simulation
from capsim.controllers.cluster_autoscaler.status import ScaleUpStatus
from capsim.controllers.cluster_autoscaler.tables import ROWS
from capsim.controllers.cluster_autoscaler.view import NodeTemplate, World
from capsim.state.tables import I64

NOT_READY = "not ready for scale-up"
BACKOFF = "in backoff after failed scale-up"
AT_MAXIMUM = "max node group size reached"
ATOMIC_TOO_MANY = "atomic scale-up exceeds cluster node count limit"


@dataclass
class ScaleUp:
    """One attempt to scale up, with everything that it looks at."""

    sim: Simulation
    state: ClusterState
    world: World
    templates: dict[int, NodeTemplate]
    ready: list[int]
    """Slots of the Ready nodes."""
    setting: Setting

    def __post_init__(self) -> None:
        self.view = self.sim.view
        self.options = self.view.options
        self.now_ms = self.view.now_ms
        self.targets = [self.world.target(g) for g in range(self.view.groups)]
        self.counted = len(self.ready) + sum(self.state.upcoming().values())
        """Nodes that count against max-nodes-total."""

    @cached_property
    def room(self) -> Amounts:
        """What the limits on the whole cluster's resources leave."""
        return room_above(self.view, self.templates, self.targets, self.ready)

    def run(self, pods: I64, grown: Callable[[int, int], None]) -> ScaleUpStatus:
        """Scale up for ``pods`` (slots); ``grown(group, nodes)`` is called for each group that grew."""
        status = ScaleUpStatus(groups=pod_groups(self.view.kinds, pods, self.view.pods.kind), templates=self.templates)
        valid = [g for g in range(self.view.groups) if self._is_valid(g, status.skipped)]
        fitting = {g: self._schedulable(status.groups, g) for g in valid}
        for g in valid:
            option = self._option(status.groups, g, fitting)
            if option is not None:
                status.options.append(option)
        left = choose(self.options.expander, status.options, self.setting) if status.options else []
        status.trail, status.notes = self.setting.trail, self.setting.notes
        if not left:
            status.result = "NoOptionsAvailable"
            status.remaining = [group for group in status.groups if not group.schedulable]
            return status
        best = left[0] if len(left) == 1 else left[self.setting.draw(len(left))]
        status.chosen, status.triggered = best.group, best.pods
        self._grow(best, fitting, status, grown)
        return status

    # -- groups that could grow --------------------------------------------------------------------------------------

    def _is_valid(self, group: int, skipped: dict[int, str]) -> bool:
        reason = self._reason_to_skip(group)
        if reason:
            skipped[group] = reason
        return not reason

    def _reason_to_skip(self, group: int) -> str:
        if not self.state.is_group_healthy(group):
            return NOT_READY
        if self.state.backoff.active(group, self.now_ms):
            return BACKOFF
        room = int(self.view.maximum[group]) - self.targets[group]
        if room <= 0:
            return AT_MAXIMUM
        nodes = 1
        if self.view.group_options[group].zero_or_max:
            nodes, total = room, self.options.max_nodes_total
            if total != 0 and self.counted + nodes > total:
                return ATOMIC_TOO_MANY
        each = of_template(self.view, self.templates[group])
        short = exceeded(self.room, {name: amount * nodes for name, amount in each.items()})
        return f"max cluster {', '.join(short)} limit reached" if short else ""

    def _schedulable(self, groups: list[PodGroup], group: int) -> list[int]:
        """Positions of the pod groups whose first pod fits on a new node; notes reasons in the others."""
        snap, kinds = self.sim.snap, self.view.kinds
        base, saved = int(snap.scalars[ROWS]), snap.count.copy()
        of = self.templates[group]
        row = append_node(kinds, snap, of.allocatable, of.traits, of.daemons)
        fitting = []
        for i, pods in enumerate(groups):
            reason = check(kinds, snap, pods.kind, row)
            if reason == PASS:
                pods.schedulable = True
                fitting.append(i)
            else:
                pods.errors[group] = int(reason)
        snap.scalars[ROWS] = base
        snap.count[:] = saved
        return fitting

    def _similar(self, group: int, fitting: dict[int, list[int]]) -> list[int]:
        """Groups that are alike, may grow, and take all pods that this one takes."""
        atomic = self.view.group_options[group].zero_or_max
        if not self.options.balance or atomic or not fitting.get(group):
            return []
        of = self.templates[group]
        found = []
        for other in range(self.view.groups):
            if other == group or not are_similar(self.view, of, self.templates[other]):
                continue
            safe = self.state.is_group_healthy(other) and not self.state.backoff.active(other, self.now_ms)
            if safe and other in fitting and set(fitting[group]) <= set(fitting[other]):
                found.append(other)
        return found

    # -- options -----------------------------------------------------------------------------------------------------

    def _option(self, groups: list[PodGroup], group: int, fitting: dict[int, list[int]]) -> Option | None:
        """What the group offers, None when it helps nobody."""
        chosen = [groups[i] for i in fitting[group]]
        if not chosen:
            return None
        similar = self._similar(group, fitting)
        room = sum(max(0, int(self.view.maximum[g]) - self.targets[g]) for g in [group, *similar])
        most = node_limit(self.options.max_nodes_per_scaleup, room, self.options.max_nodes_total, self.counted)
        kind = np.array([pods.kind for pods in chosen], np.int64)
        size = np.array([len(pods.pods) for pods in chosen], np.int64)
        found = estimate(self.view.kinds, self.sim.snap, kind, size, self.templates[group], most)
        if found.nodes == 0:
            return None
        parts = [chosen[g].pods[:n] for g, n in zip(found.order.tolist(), found.placed.tolist(), strict=True)]
        pods = np.concatenate(parts)
        nodes = found.nodes
        if self.view.group_options[group].zero_or_max:
            nodes = int(self.view.maximum[group])
        return Option(
            group, self.view.group_names[group], nodes, self.view.pods.kind[pods], pods, self.templates[group],
            self.view.price[group], tuple(similar),
        )  # fmt: skip

    # -- growing -----------------------------------------------------------------------------------------------------

    def _capped(self, nodes: int, current: int) -> int:
        """Nodes that max-nodes-total allows beside ``current``."""
        total = self.options.max_nodes_total
        return total - current if total > 0 and nodes + current > total else nodes

    def _grow(
        self, best: Option, fitting: dict[int, list[int]], status: ScaleUpStatus, grown: Callable[[int, int], None]
    ) -> None:
        nodes = self._capped(best.nodes, self.counted)
        if nodes < 1:
            status.result, status.error = "Error", "max node total count already reached"
            return
        nodes = most_nodes(self.room, of_template(self.view, best.template), nodes)
        groups = [best.group, *self._similar(best.group, fitting)]
        growths = balance(groups, self.targets, self.view.maximum, nodes)
        if not self.execute(growths, status, grown):
            return
        status.result = "Successful"
        status.growths = growths
        status.remaining = [group for group in status.groups if not group.schedulable]
        status.awaiting = [group for group in status.groups if group.schedulable and best.group in group.errors]

    def execute(self, growths: list[Growth], status: ScaleUpStatus, grown: Callable[[int, int], None]) -> bool:
        """Ask the cloud, group by group, until it refuses; returns whether it agreed to all."""
        for growth in growths:
            count = growth.after - growth.before
            refused = self.world.increase(growth.group, count)
            if refused:
                status.result = "Error"
                status.error = f"failed to increase node group size: {refused}"
                status.failed = [growth.group]
                self.state.register_failure(growth.group, "cloudProviderError", self.now_ms)
                return False
            self.state.register_scale_up(self.view, growth.group, count, self.now_ms)
            grown(growth.group, count)
        self.state.recalculate(self.world)
        return True

    def to_minimum(self, grown: Callable[[int, int], None]) -> ScaleUpStatus:
        """enforce-node-group-min-size: raise groups that are below their minimum."""
        status = ScaleUpStatus(result="NotNeeded")
        growths = []
        for g in range(self.view.groups):
            target, least = self.targets[g], int(self.view.minimum[g])
            if target >= least or not self.state.is_group_healthy(g) or self.state.backoff.active(g, self.now_ms):
                continue
            each = of_template(self.view, self.templates[g])
            if exceeded(self.room, each):
                continue
            nodes = self._capped(most_nodes(self.room, each, least - target), target)
            if nodes >= 1:
                growths.append(Growth(g, target, target + nodes, int(self.view.maximum[g])))
        if growths and self.execute(growths, status, grown):
            status.result, status.growths = "Successful", growths
        return status
