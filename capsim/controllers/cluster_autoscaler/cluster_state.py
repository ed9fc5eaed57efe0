"""What the autoscaler believes of its groups: readiness of nodes, scale-ups under way, sizes that stay wrong.

Source: cluster-autoscaler clusterstate/clusterstate.go, clusterstate/utils/node_instances_cache.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from capsim.controllers.cluster_autoscaler.backoff import Backoff
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.tables import INSTANCES_REFRESH_MS
from capsim.controllers.cluster_autoscaler.view import Instance, View, World
from capsim.jit import entry
from capsim.state.tables import I64

DELETION_EXPECTED_MS = 300_000


T_REGISTERED, T_READY, T_UNREADY, T_GONE, T_STARTING, T_COLUMNS = range(6)
"""Columns of ``tally``: the first four are those of ``Readiness``."""


@entry
def tally(listed: I64, exists: I64, ready: I64, created_ms, group: I64, startup_ms, now, counts: I64, starting: I64):
    """Count the ``listed`` nodes by group, the last row of ``counts`` [G + 1, T_COLUMNS] all of them; ``starting`` are
    the slots of those that have not started yet."""
    last = counts.shape[0] - 1
    for i in range(listed.shape[0]):
        n = listed[i]
        what = T_UNREADY
        if exists[n] == 0:
            what = T_GONE
        elif ready[n] == 1:
            what = T_READY
        elif created_ms[n] + startup_ms > now:
            what = T_STARTING
            starting[counts[last, T_STARTING]] = n
        counts[last, T_REGISTERED] += 1
        counts[last, what] += 1
        if group[n] >= 0:
            counts[group[n], T_REGISTERED] += 1
            counts[group[n], what] += 1


@dataclass
class Request:
    """A scale-up under way."""

    time_ms: int
    expected_ms: int
    increase: int


@dataclass(frozen=True)
class WrongSize:
    """Registered nodes that have differed from the target since ``since_ms``."""

    current: int
    expected: int
    since_ms: int


@dataclass
class Readiness:
    """Node slots of a group, or of all."""

    registered: int = 0
    ready: int = 0
    unready: int = 0
    deleted: int = 0
    not_started: list[int] = field(default_factory=list)
    unregistered: int = 0
    long_unregistered: int = 0

    @property
    def seen(self) -> bool:
        """Whether the group has any node or instance: upstream's map has an entry."""
        return bool(self.registered or self.unregistered or self.long_unregistered)


@dataclass
class ClusterState:
    """Upstream's ClusterStateRegistry."""

    options: Options
    backoff: Backoff
    requests: dict[int, Request] = field(default_factory=dict)
    scale_downs: list[tuple[int, int]] = field(default_factory=list)
    """(group, time by which the node should be gone)."""
    nodes: int = 0
    total: Readiness = field(default_factory=Readiness)
    groups: list[Readiness] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    least: list[int] = field(default_factory=list)
    """Acceptable minimum of Ready nodes by group."""
    wrong: dict[int, WrongSize] = field(default_factory=dict)
    unregistered: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    """Slot -> (name, group, first seen)."""
    cache: dict[int, list[Instance]] = field(default_factory=dict)
    refreshed_ms: int = -1
    current: dict[int, list[Instance]] = field(default_factory=dict)
    previous: dict[int, list[Instance]] = field(default_factory=dict)
    failures: list[tuple[int, str]] = field(default_factory=list)
    """Failed scale-ups of this loop: (group, reason)."""

    # -- scale-ups ---------------------------------------------------------------------------------------------------

    def register_scale_up(self, view: View, group: int, delta: int, now_ms: int) -> None:
        """Note a scale-up, or that ``-delta`` of its nodes will not come."""
        provision = int(view.group_option(group, "provision_ms"))
        request = self.requests.get(group)
        if request is None:
            if delta > 0:
                self.requests[group] = Request(now_ms, now_ms + provision, delta)
            return
        if request.increase + delta <= 0:
            del self.requests[group]
            return
        request.increase += delta
        if delta > 0:
            request.time_ms, request.expected_ms = now_ms, now_ms + provision

    def register_failure(self, group: int, reason: str, now_ms: int) -> None:
        """A scale-up failed: the group rests."""
        self.failures.append((group, reason))
        self.backoff.fail(group, now_ms)

    def register_scale_down(self, group: int, now_ms: int) -> None:
        """A node was deleted."""
        self.scale_downs.append((group, now_ms + DELETION_EXPECTED_MS))

    # -- the update of a loop ----------------------------------------------------------------------------------------

    def update(self, view: View, world: World, ready: I64) -> None:
        """Take in what the API and the cloud say (upstream: UpdateNodes). ``ready``: by node slot, 1 when Ready."""
        self.failures = []
        now = view.now_ms
        targets = [world.target(g) for g in range(view.groups)]
        self._fetch(view, world, now)
        self._find_unregistered(view, now)
        self.nodes = len(view.listed)
        self._count(view, ready, now)
        self._set_targets(targets)
        self._follow_requests(view, world, now)
        self._creation_errors(view, now)
        self._set_targets(targets)
        self._find_wrong_sizes(view, now)

    def refresh_cache(self, view: View, world: World) -> None:
        """The background refresh of the list of machines, every two minutes."""
        for g in range(view.groups):
            self.cache[g] = world.instances(g)

    def _fetch(self, view: View, world: World, now_ms: int) -> None:
        due = now_ms // INSTANCES_REFRESH_MS * INSTANCES_REFRESH_MS
        if self.refreshed_ms < due:
            self.refreshed_ms = due
            self.refresh_cache(view, world)
        for g in range(view.groups):
            if self.is_scaling_up(g) or g not in self.cache:
                self.cache[g] = world.instances(g)
        self.previous, self.current = self.current, dict(self.cache)

    def _find_unregistered(self, view: View, now_ms: int) -> None:
        listed = set(view.listed.tolist())
        found = {}
        for g, instances in self.current.items():
            for one in instances:
                if one.slot in listed or one.deleting or one.error is not None:
                    continue
                if one.uid not in (-1, view.nodes.uid[one.slot]):
                    continue  # the list is older: another machine has the slot
                before = self.unregistered.get(one.slot)
                found[one.slot] = before if before and before[0] == one.name else (one.name, g, now_ms)
        self.unregistered = found

    def _count(self, view: View, ready: I64, now_ms: int) -> None:
        nodes, groups = view.nodes, view.groups
        counts, starting = np.zeros((groups + 1, T_COLUMNS), np.int64), np.empty(len(view.listed), np.int64)
        # fmt: off
        tally(
            view.listed, nodes.exists, ready, nodes.created_ms, nodes.group, self.options.max_node_startup_ms, now_ms,
            counts, starting)
        # fmt: on
        *self.groups, self.total = (
            Readiness(row[T_REGISTERED], row[T_READY], row[T_UNREADY], row[T_GONE]) for row in counts.tolist()
        )
        for slot in starting[: counts[groups, T_STARTING]].tolist():
            self.total.not_started.append(slot)
            if nodes.group[slot] >= 0:
                self.groups[nodes.group[slot]].not_started.append(slot)
        for slot, (_, g, since) in self.unregistered.items():
            if not nodes.exists[slot]:
                continue  # the list of machines is older: the cloud does not know the machine any more
            long = since + int(view.group_option(g, "provision_ms")) < now_ms
            for one in (self.groups[g], self.total):
                if long:
                    one.long_unregistered += 1
                else:
                    one.unregistered += 1

    def _set_targets(self, targets: list[int]) -> None:
        self.targets = targets
        self.least = [
            size - self.groups[g].long_unregistered - (self.requests[g].increase if g in self.requests else 0)
            for g, size in enumerate(targets)
        ]

    def recalculate(self, world: World) -> None:
        """Targets again, after a scale-up or a scale-down."""
        self._set_targets([world.target(g) for g in range(len(self.targets))])

    def _follow_requests(self, view: View, world: World, now_ms: int) -> None:
        self.backoff.forget_stale(now_ms)
        for g, request in list(self.requests.items()):
            if not self.has_upcoming(g):
                del self.requests[g]
            elif request.expected_ms < now_ms:
                self.register_failure(g, "timeout", now_ms)
                del self.requests[g]
                if self.options.newest:
                    self._give_up(g, world)
        self.scale_downs = [(g, until) for g, until in self.scale_downs if until > now_ms]

    def _give_up(self, group: int, world: World) -> None:
        """Newer releases lower the target by what did not come."""
        missing = self.targets[group] - self.groups[group].registered - self.groups[group].unregistered
        missing -= self.groups[group].long_unregistered
        if missing > 0:
            world.decrease_target(group, missing)
            self.targets[group] -= missing

    def _creation_errors(self, view: View, now_ms: int) -> None:
        for g in range(view.groups):
            before = {one.slot for one in self.previous.get(g, []) if one.error}
            errors: dict[tuple[str, str], int] = {}
            for one in self.current.get(g, []):
                if one.error is not None and not one.deleting:
                    errors[one.error] = errors.get(one.error, 0) + (one.slot not in before)
            for error, unseen in errors.items():
                if unseen and self.is_scaling_up(g):
                    self.register_scale_up(view, g, -unseen, now_ms)
                    self.register_failure(g, error[1], now_ms)

    def _find_wrong_sizes(self, view: View, now_ms: int) -> None:
        found = {}
        for g, of in enumerate(self.groups):
            if not of.seen:
                continue
            target = self.targets[g]
            if of.registered > target or of.registered < target - of.unregistered - of.long_unregistered:
                now = WrongSize(of.registered, target, now_ms)
                before = self.wrong.get(g)
                same = before is not None and (before.current, before.expected) == (now.current, now.expected)
                found[g] = before if same and before is not None else now
        self.wrong = found

    # -- questions ---------------------------------------------------------------------------------------------------

    def has_upcoming(self, group: int) -> bool:
        """Whether the cloud aims at more nodes than have started."""
        if group >= len(self.targets):
            return False
        of = self.groups[group]
        return self.targets[group] > of.registered - len(of.not_started)

    def is_scaling_up(self, group: int) -> bool:
        """Whether a request waits for its nodes."""
        return group in self.requests and self.has_upcoming(group)

    def is_healthy(self) -> bool:
        """Whether few enough nodes are unready to go on."""
        unready = self.total.unready
        return not self._too_many(unready, self.nodes)

    def _too_many(self, unready: int, of: int) -> bool:
        share = self.options.max_unready_percentage / 100.0 * float(of)
        return unready > self.options.ok_unready and float(unready) > share

    def is_group_healthy(self, group: int) -> bool:
        """Whether a group's missing Ready nodes are explained by its requests."""
        of = self.groups[group]
        if not of.seen:
            target = self.targets[group]
            return target == 0 or (self.least[group] == 0 and target > 0)
        missing = max(0, self.least[group] - of.ready)
        return not self._too_many(missing, of.ready + of.unready + len(of.not_started))

    def upcoming(self) -> dict[int, int]:
        """Nodes that will come, by group."""
        found = {}
        for g, of in enumerate(self.groups):
            if self.options.newest and (g not in self.requests or g in self.backoff.groups):
                continue
            new = self.targets[g] - (of.ready + of.unready + of.long_unregistered)
            if new > 0:
                found[g] = new
        return found

    def unregistered_since(self, view: View, group: int) -> dict[int, int]:
        """Slot -> first seen, of the group's instances without a node, by name."""
        known = view.nodes.exists
        of = [(n, slot, since) for slot, (n, g, since) in self.unregistered.items() if g == group and known[slot]]
        return {slot: since for _, slot, since in sorted(of)}

    def creation_failed(self) -> dict[int, list[int]]:
        """Slots of instances whose creation failed, by group."""
        failed: dict[int, list[int]] = {}
        for g, instances in self.current.items():
            slots = [one.slot for one in instances if one.error is not None and not one.deleting]
            if slots:
                failed[g] = slots
        return failed

    def invalidate(self, group: int) -> None:
        """Forget the list of the group's machines."""
        self.cache.pop(group, None)
