"""Deletions under way: waiting after the taint, evicting, waiting for pods to go, deleting in batches.

What upstream does in goroutines that sleep is a list of tasks with a due time here, so that it can be copied with the
rest of a run. Goroutines started one after another run last first, then in order (Go's scheduler keeps the newest at
hand); tasks that are due at the same time run in the order in which they were set.

Source: cluster-autoscaler core/scaledown/actuation/{actuator,drain,group_deletion_scheduler,delete_in_batch}.go,
core/scaledown/deletiontracker.

Not modelled: drain-priority-config, node-deletion-delay-timeout, dynamic-node-delete-delay-after-taint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from capsim.controllers.cluster_autoscaler.budgets import Bucket
from capsim.controllers.cluster_autoscaler.drain_rules import REASONS as POD_REASONS
from capsim.controllers.cluster_autoscaler.options import Options
from capsim.controllers.cluster_autoscaler.removal import LONG_TERMINATING_MS
from capsim.controllers.cluster_autoscaler.tables import BLOCK, DAEMON, MIRROR, MOVE_UNLESS_PDB, SKIP
from capsim.controllers.cluster_autoscaler.view import View, World

RETRY_MS, DISAPPEAR_MS, HEADROOM_MS = 10_000, 5_000, 30_000
DELETE_OK, DELETE_EVICTION, DELETE_CLOUD, DELETE_INTERNAL = 0, 2, 3, 4
TAINT = "ToBeDeletedByClusterAutoscaler"
SOFT_TAINT = "DeletionCandidateOfClusterAutoscaler"

T = TypeVar("T")


def as_started(items: Sequence[T]) -> list[T]:
    """The order in which goroutines that were started in this order run."""
    return [*items[-1:], *items[:-1]]


@dataclass
class Eviction:
    """One pod of a node that is being drained."""

    pod: int
    uid: int
    name: str
    full: bool
    """DaemonSet pods are evicted at best: their failure does not matter."""
    done: bool = False
    error: str = ""


@dataclass
class Task:
    """Something that the actuator will do."""

    due_ms: int
    order: int
    what: str
    """start, evict, disappear or batch."""
    group: int
    nodes: list[int]
    drain: bool
    batch: int = 0
    evictions: list[Eviction] = field(default_factory=list)
    until_ms: int = 0
    """Evictions are tried, and pods waited for, until then."""


@dataclass
class Outcome:
    """How a deletion ended."""

    node: int
    kind: int
    error: str


@dataclass
class Deletions:
    """Upstream's actuator after a deletion has started, and its deletion tracker."""

    options: Options
    tasks: list[Task] = field(default_factory=list)
    started: int = 0
    empty: dict[int, int] = field(default_factory=dict)
    """Slot -> group of deletions without drain under way."""
    drained: dict[int, int] = field(default_factory=dict)
    results: list[Outcome] = field(default_factory=list)
    waiting: dict[int, list[int]] = field(default_factory=dict)
    """Nodes of zero-or-max groups that wait for the rest of their group."""
    failed_groups: set[int] = field(default_factory=set)
    batches: dict[int, list[tuple[int, bool]]] = field(default_factory=dict)
    removed: list[tuple[int, int]] = field(default_factory=list)
    """(group, time) of nodes deleted, for the cluster state; taken by the loop."""
    failed: list[tuple[int, int]] = field(default_factory=list)
    """(group, time) of deletions that the cloud refused."""

    def due_ms(self) -> int | None:
        """When the next task is due."""
        return min((task.due_ms for task in self.tasks), default=None)

    def in_progress(self) -> set[int]:
        """Nodes whose deletion is under way."""
        return set(self.empty) | set(self.drained)

    def per_group(self, groups: int) -> list[int]:
        """Deletions under way by group."""
        counts = [0] * groups
        for group in (*self.empty.values(), *self.drained.values()):
            counts[group] += 1
        return counts

    def begin(self, buckets: Sequence[Bucket], drain: bool, now_ms: int) -> None:
        """Start to delete tainted nodes."""
        for bucket in buckets:
            for slot in bucket.nodes:
                (self.drained if drain else self.empty)[slot] = bucket.group
        for bucket in as_started(buckets):
            self._add(now_ms + self.options.taint_delay_ms, "start", bucket.group, bucket.nodes, drain, bucket.batch)

    def _add(self, due_ms: int, what: str, group: int, nodes: list[int], drain: bool, batch: int = 0) -> Task:
        task = Task(due_ms, self.started, what, group, list(nodes), drain, batch)
        self.started += 1
        self.tasks.append(task)
        return task

    def run(self, world: World, now_ms: int) -> None:
        """Do everything that is due."""
        while True:
            due = [task for task in self.tasks if task.due_ms <= now_ms]
            if not due:
                return
            task = min(due, key=lambda one: (one.due_ms, one.order))
            self.tasks.remove(task)
            if task.what == "start":
                self._start(world, task, now_ms)
            elif task.what == "evict":
                self._evict(world, task, now_ms)
            elif task.what == "disappear":
                self._disappear(world, task, now_ms)
            else:
                self._delete(world, task.group, self.batches.pop(task.group), now_ms)

    # -- one node ----------------------------------------------------------------------------------------------------

    def _start(self, world: World, task: Task, now_ms: int) -> None:
        view = world.refresh(now_ms)
        ready = []
        for slot in task.nodes:
            error = self._cannot(world, view, slot, task.drain)
            if error:
                self._abort(world, task.group, slot, task.drain, Outcome(slot, DELETE_INTERNAL, error))
            else:
                ready.append(slot)
        for slot in as_started(ready):
            one = self._add(now_ms, "evict", task.group, [slot], task.drain, task.batch or len(task.nodes))
            one.evictions = self._to_evict(view, slot, task.drain)
            one.until_ms = now_ms + self.options.max_pod_eviction_ms
            self.tasks.remove(one)
            self._evict(world, one, now_ms)

    def _cannot(self, world: World, view: View, slot: int, drain: bool) -> str:
        """Why the node cannot be deleted after all."""
        kinds, pods = view.kinds, view.pods
        count = 0
        for p in _pods(view, slot):
            c = int(pods.kind[p])
            deleted = int(pods.deleted_ms[p])
            if kinds.flags[c] & MIRROR or (
                deleted >= 0 and deleted + int(kinds.grace_ms[c]) + LONG_TERMINATING_MS < view.now_ms
            ):
                continue
            outcome = int(kinds.drain[c, pods.terminal[p]])
            if (
                outcome == MOVE_UNLESS_PDB
                and drain
                and (view.budgets.allowed[view.budgets.matches[:, c] == 1] < 1).any()
            ):
                outcome = BLOCK + POD_REASONS.index("NotEnoughPdb")
            if outcome >= BLOCK:
                why = POD_REASONS[outcome - BLOCK]
                return f"GetPodsToMove for {_quoted(view, slot, world)} returned error: {why}: {world.pod_name(p)}"
            count += outcome != SKIP and not kinds.flags[c] & DAEMON
        if count and not drain:
            return f"failed to delete empty node {_quoted(view, slot, world)}, new pods scheduled"
        return ""

    def _to_evict(self, view: View, slot: int, drain: bool) -> list[Eviction]:
        flags = view.kinds.flags
        pods = [p for p in _pods(view, slot) if not flags[view.pods.kind[p]] & MIRROR]
        daemons = [p for p in pods if flags[view.pods.kind[p]] & DAEMON]
        others = [p for p in pods if not flags[view.pods.kind[p]] & DAEMON] if drain else []
        too = self.options.daemonset_eviction_occupied if drain else self.options.daemonset_eviction_empty
        listed = [(p, True) for p in others] + [(p, False) for p in daemons if too]
        return [Eviction(p, int(view.pods.uid[p]), "", full) for p, full in listed]

    def _evict(self, world: World, task: Task, now_ms: int) -> None:
        over = now_ms >= task.until_ms
        waiting = as_started([one for one in task.evictions if not one.done])
        task.evictions = [one for one in task.evictions if one.done] + waiting
        for one in waiting:
            if over and one.error:
                one.done = True
                continue
            one.error = world.evict(one.pod, one.uid, self.options.max_graceful_termination_sec)
            one.done = not one.error
        if any(not one.done for one in task.evictions):
            task.due_ms, task.order = now_ms + RETRY_MS, self.started
            self.started += 1
            self.tasks.append(task)
            return
        slot = task.nodes[0]
        errors = [one for one in task.evictions if one.full and one.error]
        if errors:
            listed = " ".join(
                f"failed to evict pod {world.pod_name(one.pod)} within allowed timeout (last error: {one.error})"
                for one in sorted(errors, key=lambda e: world.pod_name(e.pod))
            )
            error = f"Failed to drain node /{world.node_name(slot)}, due to following errors: [{listed}]"
            self._abort(world, task.group, slot, task.drain, Outcome(slot, DELETE_EVICTION, error))
            return
        task.what = "disappear"
        task.until_ms = now_ms + self.options.max_graceful_termination_sec * 1000 + HEADROOM_MS
        self._disappear(world, task, now_ms)

    def _disappear(self, world: World, task: Task, now_ms: int) -> None:
        slot = task.nodes[0]
        left = [one for one in task.evictions if one.full and world.still_on(one.pod, one.uid, slot)]
        if not left:
            self._prepared(world, task, now_ms)
        elif now_ms + DISAPPEAR_MS < task.until_ms:
            task.due_ms, task.order = now_ms + DISAPPEAR_MS, self.started
            self.started += 1
            self.tasks.append(task)
        else:
            error = f"Failed to drain node /{world.node_name(slot)}: pods remaining after timeout"
            self._abort(world, task.group, slot, task.drain, Outcome(slot, DELETE_EVICTION, error))

    def _prepared(self, world: World, task: Task, now_ms: int) -> None:
        """A node is free of pods: delete it, alone or with the rest of its zero-or-max group."""
        slot, group = task.nodes[0], task.group
        nodes = self.waiting.setdefault(group, [])
        nodes.append(slot)
        if world.zero_or_max(group):
            if group in self.failed_groups:
                self._fail(world, Outcome(slot, DELETE_CLOUD, "couldn't scale down other nodes in this node group"))
                self.waiting.pop(group)
                return
            if len(nodes) < task.batch:
                return
        self.waiting[group] = []
        going = [(one, one in self.drained) for one in nodes]
        if self.options.batcher_interval_ms == 0:
            self._delete(world, group, going, now_ms)
        elif group in self.batches:
            self.batches[group].extend(going)
        else:
            self.batches[group] = going
            self._add(now_ms + self.options.batcher_interval_ms, "batch", group, [], False)

    def _delete(self, world: World, group: int, nodes: list[tuple[int, bool]], now_ms: int) -> None:
        error = world.delete_nodes(group, [slot for slot, _ in nodes])
        if error:
            self.failed.append((group, now_ms))
        for slot, _ in nodes:
            if error:
                text = f"failed to delete nodes from group {world.group_name(group)}: {error}"
                self._fail(world, Outcome(slot, DELETE_CLOUD, text))
            else:
                self.removed.append((group, now_ms))
                self._end(Outcome(slot, DELETE_OK, ""))

    # -- ends --------------------------------------------------------------------------------------------------------

    def _abort(self, world: World, group: int, slot: int, drain: bool, outcome: Outcome) -> None:
        self.failed_groups.add(group)
        self._fail(world, outcome)
        for other in self.waiting.pop(group, []):
            if other != slot:
                self._fail(world, Outcome(other, DELETE_CLOUD, "couldn't scale down other nodes in this node group"))

    def _fail(self, world: World, outcome: Outcome) -> None:
        world.taint(outcome.node, TAINT, False, self.options.cordon)
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        self.results.append(outcome)
        self.empty.pop(outcome.node, None)
        self.drained.pop(outcome.node, None)

    def take_results(self) -> list[Outcome]:
        """Deletions that ended since the last call."""
        results, self.results = self.results, []
        return results


def _pods(view: View, slot: int) -> list[int]:
    """Pods of a node that are not expendable."""
    here = view.pods_on(slot)
    kind = view.pods.kind[here]
    kept = (view.kinds.priority[kind] >= view.options.expendable_cutoff) | (view.kinds.flags[kind] & 8 != 0)
    found: list[int] = here[kept].tolist()
    return found


def _quoted(view: View, slot: int, world: World) -> str:
    return f'"{world.node_name(slot)}"'
