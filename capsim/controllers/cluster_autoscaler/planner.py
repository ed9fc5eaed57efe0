"""Which nodes are unneeded, since when, and which of them may go now.

Source: cluster-autoscaler core/scaledown/planner/planner.go, core/scaledown/unneeded/nodes.go,
processors/nodes/scale_down_set_processor.go.

Not modelled: scale-down-simulation-timeout (wall-clock time of the real autoscaler). Recently evicted pods are not
injected: upstream keeps evictions for 0 s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from capsim.controllers.cluster_autoscaler.drain_rules import REASONS as POD_REASONS
from capsim.controllers.cluster_autoscaler.eligibility import eligible
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.removal import (
    BLOCKED,
    NO_PLACE,
    R_MOVED,
    R_POD,
    R_REASON,
    R_RISKY,
    R_STATUS,
    simulate,
)
from capsim.controllers.cluster_autoscaler.resource_limits import (
    Amounts,
    add,
    being_deleted,
    exceeded,
    of_node,
    of_template,
    room_below,
)
from capsim.controllers.cluster_autoscaler.simulation import Simulation, drop_old, new_hints, room_for
from capsim.controllers.cluster_autoscaler.tables import Hints
from capsim.controllers.cluster_autoscaler.unremovable import Unremovable, UnremovableNodes
from capsim.controllers.cluster_autoscaler.view import NodeTemplate, View, among
from capsim.state.tables import I64


@dataclass
class Unneeded:
    """A node that could go."""

    slot: int
    uid: int
    since_ms: int
    risky: bool
    moved: int
    """Pods that would have to move."""


@dataclass
class Planner:
    """Upstream's scale-down planner."""

    options: Options
    unneeded: dict[int, Unneeded] = field(default_factory=dict)
    """By slot, in order of the nodes' names."""
    unremovable: UnremovableNodes = field(default_factory=UnremovableNodes)
    utilisation: dict[int, float] = field(default_factory=dict)
    hints: Hints = field(default_factory=new_hints)
    latest_ms: int = -(1 << 60)
    interval_ms: int = 0

    def __post_init__(self) -> None:
        self.interval_ms = max(1, self.options.unneeded_ms)

    def clear(self) -> None:
        """Forget which nodes are unneeded."""
        self.unneeded = {}

    def update(
        self, sim: Simulation, destinations: I64, candidates: I64, ready: I64, deleting: set[int], names: list[str]
    ) -> None:
        """Find the unneeded nodes among ``candidates`` (slots in order); pods may move to ``destinations``.

        ``deleting`` are nodes whose deletion is under way, ``names`` the nodes' names by slot. The snapshot is changed.
        """
        view = sim.view
        self.interval_ms = min(self.interval_ms, view.now_ms - self.latest_ms)
        self.latest_ms = view.now_ms
        if deleting:
            destinations = destinations[~among(destinations, deleting)]
            candidates = candidates[~among(candidates, deleting)]
        in_snapshot = sim.snap.uid[: sim.rows]
        self.unremovable.start(set(in_snapshot[in_snapshot >= 0].tolist()), view.now_ms)
        candidates, self.utilisation = eligible(sim, candidates, ready, self.unremovable)
        removable = self._simulate(sim, destinations, candidates)
        self.unneeded = {one.slot: one for one in sorted(removable, key=lambda one: names[one.slot])}
        drop_old(self.hints)

    def _simulate(self, sim: Simulation, destinations: I64, candidates: I64) -> list[Unneeded]:
        view = sim.view
        self.hints = room_for(self.hints, len(view.pods.uid))
        goals = np.zeros(sim.snap.free.shape[0], np.int64)
        goals[sim.rows_of[destinations]] = 1
        atomic = np.array([o.zero_or_max for o in view.group_options] + [False])
        result = np.zeros((len(candidates), 5), np.int64)
        tried = simulate(
            view.kinds, sim.snap, self.hints, view.pods, sim.rows_of, sim.rows_of[candidates],
            1 - atomic[view.nodes.group[candidates]].astype(np.int64), goals, view.budgets.matches,
            view.budgets.allowed.copy(), view.now_ms, self._limit(), np.empty((len(view.pods.uid) + 1, 3), np.int64),
            result,
        )  # fmt: skip
        removable = []
        for slot, of in zip(candidates[:tried].tolist(), result[:tried].tolist(), strict=True):
            uid = int(view.nodes.uid[slot])
            if of[R_STATUS] in (BLOCKED, NO_PLACE):
                self.unremovable.until_ms[uid] = view.now_ms + self.options.recheck_ms
                blocked = of[R_STATUS] == BLOCKED
                self.unremovable.add(
                    Unremovable(slot, "BlockedByPod", of[R_POD], POD_REASONS[of[R_REASON]])
                    if blocked
                    else Unremovable(slot, "NoPlaceToMovePods")
                )
                continue
            before = self.unneeded.get(slot)
            since = before.since_ms if before is not None and before.uid == uid else view.now_ms
            removable.append(Unneeded(slot, uid, since, bool(of[R_RISKY]), of[R_MOVED]))
        return removable

    def _limit(self) -> int:
        """How many unneeded nodes are enough for now (upstream: unneededNodesLimit)."""
        parallel = self.options.max_parallelism
        interval = max(1, self.interval_ms)
        upper = parallel * (max(self.options.unneeded_ms, interval) // interval) + parallel
        return min(len(self.unneeded) + 2 * parallel, upper)

    def to_delete(
        self, sim: Simulation, ready: I64, targets: list[int], deletions: list[int], templates: dict[int, NodeTemplate]
    ) -> tuple[list[int], list[int]]:
        """(empty nodes, nodes to drain) that may go now, in order; ``deletions`` under way by group."""
        view = sim.view
        room = room_below(view, _present(sim, templates), view.now_ms)
        sizes = list(targets)
        empty: list[Unneeded] = []
        drain: list[Unneeded] = []
        for has_pods in (False, True):
            for one in self.unneeded.values():
                if (one.moved > 0) != has_pods:
                    continue
                reason = self._keep(view, one, bool(ready[one.slot]), sizes, deletions, room)
                if reason:
                    self.unremovable.add(Unremovable(one.slot, reason))
                else:
                    (drain if has_pods else empty).append(one)
        drain = [one for one in drain if not one.risky] + [one for one in drain if one.risky]
        left = _whole_groups(view, empty + drain, targets)
        return [o.slot for o in left if not o.moved], [o.slot for o in left if o.moved]

    def _keep(
        self, view: View, one: Unneeded, ready: bool, sizes: list[int], deletions: list[int], room: Amounts
    ) -> str:
        """Why an unneeded node stays for now; empty when it may go, which is then taken from the sizes and the room."""
        if view.nodes.kept[one.slot]:
            return "ScaleDownDisabledAnnotation"
        group = int(view.nodes.group[one.slot])
        wait = view.group_option(group, "unneeded_ms" if ready else "unready_ms")
        if one.since_ms + wait >= view.now_ms:
            return "NotUnneededLongEnough" if ready else "NotUnreadyLongEnough"
        if sizes[group] - deletions[group] <= int(view.minimum[group]):
            return "NodeGroupMinSizeReached"
        amounts = of_node(view, one.slot)
        if exceeded(room, amounts):
            return "MinimalResourceLimitExceeded"
        add(room, {name: -amount for name, amount in amounts.items() if name in room})
        sizes[group] -= 1
        return ""


def _present(sim: Simulation, templates: dict[int, NodeTemplate]) -> list[tuple[Amounts, int]]:
    """What each node of the snapshot counts for, those being deleted left out."""
    view = sim.view
    options = view.options
    if not (options.min_cores or options.min_memory_bytes or any(least for least, _ in options.gpu_total.values())):
        return []
    slots = np.flatnonzero(sim.rows_of >= 0).tolist()
    found = [(of_node(view, slot), 1) for slot in slots if not being_deleted(view, slot, view.now_ms)]
    return found + [(of_template(view, templates[g]), 1) for g, _ in sim.upcoming]


def _whole_groups(view: View, nodes: list[Unneeded], targets: list[int]) -> list[Unneeded]:
    """Nodes of zero-or-max groups only where the whole group goes; after the others, by group name."""
    result: list[Unneeded] = []
    atomic: dict[int, list[Unneeded]] = {}
    for one in nodes:
        group = int(view.nodes.group[one.slot])
        if view.group_options[group].zero_or_max:
            atomic.setdefault(group, []).append(one)
        else:
            result.append(one)
    for group in sorted(atomic, key=lambda g: view.group_names[g]):
        if len(atomic[group]) == targets[group]:
            result.extend(atomic[group])
    return result
