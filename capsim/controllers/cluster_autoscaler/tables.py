"""What the Cluster Autoscaler sees and works on, as arrays: nodes, pods, kinds of pods, its snapshot of the cluster.

Whoever runs the autoscaler (the engine, or a replay of recordings) fills these. Nodes and pods have *slots*, rows that
stay theirs while they live; the snapshot of one loop has *rows* in the order in which nodes were added to it, upcoming
ones after real ones. Times are int64 milliseconds, ``-1`` means none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capsim.state.tables import (
    F64,
    FLAG_DISK_PRESSURE,
    FLAG_MEMORY_PRESSURE,
    FLAG_NOT_READY,
    FLAG_TO_BE_DELETED,
    FLAG_UNREACHABLE,
    FLAG_UNSCHEDULABLE,
    I64,
)

INSTANCES_REFRESH_MS = 120_000
"""Upstream: the list of machines is refreshed in the background so often."""
STABLE_MS = 60_000
"""Upstream: stabilizationDelay; a node must have been Ready for longer to serve as a template."""
PRESSURES = FLAG_MEMORY_PRESSURE | FLAG_DISK_PRESSURE
TAINTS = FLAG_UNSCHEDULABLE | FLAG_NOT_READY | FLAG_TO_BE_DELETED | FLAG_UNREACHABLE | PRESSURES
"""Flags of a node that the autoscaler sees as taints."""

DAEMON, MIRROR, WANTS_GPU, NO_PREEMPTION = 1, 2, 4, 8
"""Bits of ``Kinds.flags``."""
UNSCHEDULABLE, NOT_READY, BEING_DELETED, STARTING = 1, 2, 4, 16
"""Bits of ``NodeTable.flags`` and of ``Kinds.tolerates``: taints that come and go, and the cordon."""

SKIP, MOVE, MOVE_UNLESS_PDB, BLOCK = 0, 1, 2, 3
"""What a drain does with a pod (``Kinds.drain``): BLOCK + reason blocks it."""

PORT, AFFINITY, ANTI_AFFINITY, EXISTING_ANTI_AFFINITY, SPREAD = 0, 1, 2, 3, 4
"""Types of rules between pods, in ``Kinds.rules``."""

ROWS, CURSOR, FOUND = 0, 1, 2
"""Columns of ``Snapshot.scalars``: nodes in the snapshot; where the search goes on (upstream: lastIndex); how
many searches found a node."""


class Kinds(NamedTuple):
    """Pods that are alike in everything that the autoscaler looks at; rows [K]."""

    request: I64
    """[K, R] requests of the pod, init containers included."""
    packing: I64
    """[K, 3] CPU milli, memory bytes and GPUs of its containers alone: what the estimator and expanders add up."""
    priority: I64
    similar: I64
    """Same controller, labels and spec: upstream's equivalence."""
    owner: I64
    """Controller, -1: none."""
    flags: I64
    delay_ms: I64
    """Annotation pod-scale-up-delay, -1: none."""
    tolerates: I64
    shape_reason: I64
    """[K, S]: -1 when nodes of the shape pass taints, node selector and affinity, else the reason (>= 0)."""
    rules_at: I64
    """[K + 1] offsets into ``rules``."""
    rules: I64
    """[*, 5]: type, counter, topology key, largest skew, 1 if the kind counts itself; ports first."""
    adds_at: I64
    """[K + 1] offsets into ``adds``."""
    adds: I64
    """[*, 2]: counter that a pod of the kind raises, topology key."""
    drain: I64
    """[K, 2]: what a drain does with a running pod and with a terminal one."""
    grace_ms: I64


class NodeTable(NamedTuple):
    """Nodes and instances by slot; a slot whose instance has not registered has no API object yet."""

    uid: I64
    """Tells nodes apart that used the same slot."""
    group: I64
    created_ms: I64
    ready: I64
    changed_ms: I64
    """Last change of the Ready condition."""
    flags: I64
    shape: I64
    allocatable: I64
    """[N, R]"""
    capacity: I64
    """[N, R]"""
    deleted_ms: I64
    """Value of the ToBeDeleted taint, -1: none."""
    candidate: I64
    """1: carries the DeletionCandidate taint."""
    kept: I64
    """1: annotation scale-down-disabled."""
    exists: I64
    """1: the cloud has an instance behind it."""


class PodTable(NamedTuple):
    """Pods by slot."""

    uid: I64
    kind: I64
    node: I64
    """Node slot, -1: not bound."""
    created_ms: I64
    deleted_ms: I64
    """Deletion timestamp, -1: none."""
    terminal: I64
    """1: its phase is Failed or Succeeded."""
    nominated: I64
    """Node slot that preemption promised, -1: none."""


class Snapshot(NamedTuple):
    """The cluster as one loop simulates it."""

    free: I64
    """[rows, R]"""
    shape: I64
    flags: I64
    slot: I64
    """Node slot of a row, -1: upcoming or a template."""
    uid: I64
    domain: I64
    """[keys, rows]: topology domain of a row, -1: the label is missing; key 0 is the hostname."""
    count: I64  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    """[counters, domains]"""
    first: I64
    last: I64
    next: I64
    """[pods] the list of a row's pods."""
    previous: I64
    row: I64
    """[pods] row of a pod, -1: not placed."""
    scalars: I64


class Hints(NamedTuple):
    """Where each pod fitted the last time, by pod slot; older than one generation is forgotten."""

    pod: I64
    """uid of the pod that the entry is about."""
    slot: I64
    uid: I64
    """Node slot and uid; -1: an upcoming node, which is never found again."""
    generation: I64
    now: I64
    """[1]"""


class Steady(NamedTuple):
    """What the autoscaler remembers between loops, for those that are compiled (``steady.py``).

    Capacities: N node slots, P pod slots, G groups, B budgets, W workloads; arrays without a shape are [N].
    """

    values: I64
    """The ``S_`` columns below."""
    options: I64
    """The ``O_`` columns below."""
    seen: I64
    """[N, 5] uid, state and flags of each slot at the last loop; its place among the nodes that are being drained, by
    name, 0: it is not; 1: its deletion is under way."""
    target: I64
    """[G] sizes aimed at, then."""
    group: I64
    """[G, Q_COLUMNS] what the autoscaler believes of its groups, the ``Q_`` columns below."""
    group_next: I64
    by_name: I64
    """[G] groups in the order of their names."""
    unregistered_ms: I64
    """Since when a machine without Node object has been seen, -1: it has not."""
    unregistered_next: I64
    cached: I64
    """uid of the machine in the autoscaler's list of machines, -1: none."""
    listed: I64
    """A node of the loop: 1 Ready, 2 still starting, 0 none."""
    template_free: I64
    """[G, R] allocatable of a node to be."""
    template_shape: I64
    """[G], -1: the group's own template counts."""
    template_daemons: I64
    """[G, D + 1]: how many, and the kinds of the DaemonSet (and mirror) pods that it will run."""
    traits: I64
    """[S, keys] topology domain of nodes of each shape, -1: the label is missing; the hostname's is not used."""
    wait_ms: I64
    """[G] how long a node has to be unneeded."""
    since_ms: I64
    """Since when the node is unneeded, -1: it is not."""
    before: I64
    """1: unneeded at the last loop that looked."""
    soft: I64
    """uid of the node that carries the DeletionCandidate taint."""
    rows_of: I64
    """Row of the snapshot, -1: not in it."""
    base_free: I64
    """[rows, R] what upcoming nodes have free."""
    base_count: I64
    """[counters, domains] what pods of upcoming nodes add."""
    goals_left: I64
    """[rows] 1 where pods of a drained node may go."""
    everywhere: I64
    """[rows] ones."""
    budgets: I64
    """[B, K] 1: the budget covers the kind."""
    covered: I64
    """[2, B, W] kinds of the workload that it covers; whose replicas it expects."""
    limit: I64
    """[B, 2] type (``LIMIT_``) and value."""
    allowed: I64
    """[B]"""
    keys: F64
    """[max(N, WAITING_MOST)], as ``order``."""
    order: I64
    stack: I64
    """[64, 3]"""
    candidate: I64
    """Rows in list order."""
    eligible: I64
    """1: may be simulated."""
    chosen: I64
    """Rows to simulate, in order."""
    counted: I64
    """Ones."""
    since_next: I64
    result: I64
    """[N, 5]"""
    moving: I64
    """[P + 1, 3]"""
    waiting: I64
    """[WAITING_MOST] pods."""
    hinted: I64
    """[WAITING_MOST, 4] their hints as they were."""
    terminal: I64
    """[P] zeros: what ``PodTable`` has and a run has not."""


class CaTables(NamedTuple):
    """The autoscaler's part of the state of a run."""

    kinds: Kinds
    snap: Snapshot
    hints: Hints
    """Of the scale-down simulation."""
    pending: Hints
    """Of pending pods."""
    steady: Steady


(
    S_UNTIL, S_EXECUTED, S_LATEST, S_INTERVAL, S_LAST_UP, S_LAST_DOWN, S_LAST_FAIL, S_UNNEEDED, S_FIXED, S_NEW,
    S_LAID, S_COMING, S_COLUMNS
) = range(13)  # fmt: skip
"""Of ``Steady.values``: when Python has to take over, and the part of it that no node changes; whether Python executed
the last loop; rows of real nodes that are laid out; upcoming nodes."""
(
    O_SCALE_DOWN, O_DELAY_UP, O_DELAY_DOWN, O_DELAY_FAIL, O_RECHECK, O_PARALLEL, O_UNNEEDED, O_SOFT, O_NEWEST,
    O_STARTUP, O_FORCE_DS, O_COLUMNS
) = range(12)  # fmt: skip
(
    Q_EXPECTED, Q_FETCHED, Q_BACKOFF, Q_PROVISION, Q_REGISTERED, Q_READY, Q_STARTING, Q_UNREGISTERED, Q_COMING,
    Q_WRONG_CURRENT, Q_WRONG_EXPECTED, Q_WRONG_SINCE, Q_FIRST, Q_COLUMNS
) = range(14)  # fmt: skip
"""Of ``Steady.group``: when a scale-up under way should be done (-1: none); whether the next loop asks the cloud for
the group's machines; whether the group rests after a failure; how long machines may take; nodes registered, Ready,
starting, machines that are not registered, nodes to come; a size that stays wrong, and since when (-1: it is right);
the node that serves as template."""
LIMIT_NONE, LIMIT_MAX_UNAVAILABLE, LIMIT_MAX_PERCENT, LIMIT_MIN_AVAILABLE, LIMIT_MIN_PERCENT = range(5)
WAITING_MOST = 128
"""Pending pods up to which a loop is compiled."""


def empty_tables(resources: int) -> CaTables:
    """Tables of a run without a Cluster Autoscaler, or before its first loop."""
    none, flat = np.zeros(0, np.int64), np.zeros((0, 0), np.int64)
    kinds = Kinds(
        np.zeros((0, resources), np.int64), flat, none, none, none, none, none, none, flat, none, flat, none, flat,
        flat, none,
    )  # fmt: skip
    snap = Snapshot(
        np.zeros((0, resources), np.int64), none, none, none, none, flat, flat, none, none, none, none, none,
        np.zeros(3, np.int64),
    )  # fmt: skip
    hints = Hints(none, none, none, none, np.zeros(1, np.int64))
    steady = Steady(
        values=np.zeros(S_COLUMNS, np.int64), options=np.zeros(O_COLUMNS, np.int64), seen=flat, target=none,
        group=flat, group_next=flat, by_name=none, unregistered_ms=none, unregistered_next=none, cached=none,
        listed=none, template_free=flat, template_shape=none, template_daemons=flat, traits=flat, wait_ms=none,
        since_ms=none, before=none, soft=none, rows_of=none, base_free=flat, base_count=flat, goals_left=none,
        everywhere=none, budgets=flat, covered=np.zeros((0, 0, 0), np.int64), limit=flat, allowed=none,
        keys=np.zeros(0), order=none, stack=flat, candidate=none, eligible=none, chosen=none, counted=none,
        since_next=none, result=flat, moving=flat, waiting=none, hinted=flat, terminal=none,
    )  # fmt: skip
    return CaTables(kinds, snap, hints, hints._replace(now=np.zeros(1, np.int64)), steady)
