"""Which nodes scale-down looks at more closely: used little enough, not asked recently, nobody forbids it.

Source: cluster-autoscaler core/scaledown/eligibility/eligibility.go, simulator/utilization/info.go,
processors/nodes/pre_filtering_processor.go, processors/scaledowncandidates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capsim.controllers.cluster_autoscaler.go_sort import go_order
from capsim.controllers.cluster_autoscaler.removal import find_empty, long_terminating
from capsim.controllers.cluster_autoscaler.resource_limits import DELETION_MS
from capsim.controllers.cluster_autoscaler.simulation import Simulation
from capsim.controllers.cluster_autoscaler.tables import DAEMON, MIRROR, Kinds, PodTable, Snapshot
from capsim.controllers.cluster_autoscaler.unremovable import UnremovableNodes
from capsim.controllers.cluster_autoscaler.view import among
from capsim.jit import entry, inline_kernel
from capsim.state.tables import CPU, F64, I64, MEMORY


def above_minimum(sim: Simulation, nodes: I64, targets: list[int]) -> I64:
    """Nodes (slots) of groups whose target is above their minimum."""
    view = sim.view
    group = view.nodes.group[nodes]
    spare = np.array([*(t > m for t, m in zip(targets, view.minimum.tolist(), strict=True)), False])
    return nodes[spare[group]]


def in_order(sim: Simulation, nodes: I64, before: set[int]) -> I64:
    """Candidates (slots): empty ones first, then those that were unneeded ``before`` (uids), with Go's ties."""
    if not len(nodes):
        return nodes
    view = sim.view
    empty = np.zeros(len(nodes), np.int64)
    find_empty(view.kinds, sim.snap, view.pods, sim.rows_of[nodes], view.now_ms, empty)
    seen = among(view.nodes.uid[nodes], before)
    return nodes[go_order(2.0 * (1 - empty) + (1.0 - seen))]


@inline_kernel
def left_out(kinds: Kinds, snap: Snapshot, pods: PodTable, r, k, daemons, mirrors, now):
    """Requests for resource ``k`` on row ``r`` that utilisation leaves out: those of DaemonSet (``daemons`` 1) and
    mirror pods (``mirrors`` 1), which also lower the allocatable; and those of pods that terminate for too long."""
    fixed, gone = 0, 0
    p = snap.first[r]
    while p >= 0:
        c = pods.kind[p]
        if (daemons == 1 and kinds.flags[c] & DAEMON) or (mirrors == 1 and kinds.flags[c] & MIRROR):
            fixed += kinds.request[c, k]
        elif long_terminating(kinds, pods, p, now):
            gone += kinds.request[c, k]
        p = snap.next[p]
    return fixed, gone


@inline_kernel
def share_of(kinds: Kinds, snap: Snapshot, pods: PodTable, have: I64, n, r, k, unit, daemons, mirrors, now):
    """Requests for resource ``k`` over what node ``n`` (row ``r``) has of it, as Go divides: NaN or infinite by 0."""
    fixed, gone = left_out(kinds, snap, pods, r, k, daemons, mirrors, now)
    base, used = have[n, k] - fixed, have[n, k] - snap.free[r, k] - fixed - gone
    if base == 0:
        return np.nan if used == 0 else np.inf * used
    return float(used) * unit / (float(base) * unit)


@entry
def measure(
    kinds: Kinds, snap: Snapshot, pods: PodTable, have: I64, group: I64, rows_of: I64, slots: I64, skips: I64, mirrors,
    gpu, gpus: I64, now, share: F64,
):  # fmt: skip
    """Fill ``share`` [slots]: what ``utilisation`` returns. ``have`` [N, R] is allocatable; ``skips`` [G + 1] 1: the
    group's DaemonSets do not count; ``gpus`` [slots] 1: the node has GPUs, of column ``gpu`` (-1: none is known)."""
    for i in range(slots.shape[0]):
        n = slots[i]
        r, daemons = rows_of[n], skips[group[n]]
        if gpus[i] == 1:
            left = 0
            if gpu >= 0:
                left = have[n, gpu] - left_out(kinds, snap, pods, r, gpu, daemons, mirrors, now)[0]
            share[i] = share_of(kinds, snap, pods, have, n, r, gpu, 1.0, daemons, mirrors, now) if left != 0 else 0.0
        elif have[n, CPU] == 0 or have[n, MEMORY] == 0:
            share[i] = 0.0
        else:
            cpu = share_of(kinds, snap, pods, have, n, r, CPU, 1.0, daemons, mirrors, now)
            memory = share_of(kinds, snap, pods, have, n, r, MEMORY, 1000.0, daemons, mirrors, now)
            share[i] = cpu if cpu >= memory or cpu != cpu else memory


def utilisation(sim: Simulation, nodes: I64, gpus: np.ndarray | None = None) -> F64:
    """Larger of CPU and memory requests over allocatable of each node (slots); GPUs alone where it has some (``gpus``).

    0 where a node has no CPU or memory: upstream's error, after which it counts as unused. NaN where nothing is left
    of either without its DaemonSets.
    """
    view = sim.view
    share: F64 = np.zeros(len(nodes))
    skips = np.array([bool(view.group_option(g, "ignore_daemonsets")) for g in range(view.groups)] + [False], np.int64)
    with_gpus = (has_gpu(sim, nodes) if gpus is None else gpus).astype(np.int64)
    measure(
        view.kinds, sim.snap, view.pods, view.nodes.allocatable, view.nodes.group, sim.rows_of, nodes, skips,
        int(view.options.ignore_mirror), view.gpu, with_gpus, view.now_ms, share,
    )  # fmt: skip
    return share


def has_gpu(sim: Simulation, nodes: I64) -> np.ndarray:
    """Nodes with the GPU label or allocatable GPUs."""
    view = sim.view
    if view.gpu < 0 and not any(view.shape_gpu):
        return np.zeros(len(nodes), np.bool_)
    labelled = np.array([label is not None for label in view.shape_gpu] or [False])[view.nodes.shape[nodes]]
    return labelled | (view.nodes.allocatable[nodes, view.gpu] > 0) if view.gpu >= 0 else labelled


def eligible(sim: Simulation, nodes: I64, ready: I64, unremovable: UnremovableNodes) -> tuple[I64, dict[int, float]]:
    """(candidates that may be simulated, utilisation by slot of all that were measured); the others' reasons go to
    ``unremovable``."""
    view, options = sim.view, sim.view.options
    gpus = has_gpu(sim, nodes)
    measured = utilisation(sim, nodes, gpus)
    group = view.nodes.group[nodes]
    limit = _per_group(view.groups, lambda g: view.group_option(g, "threshold"))[group]
    if gpus.any():
        limit = np.where(gpus, _per_group(view.groups, lambda g: view.group_option(g, "gpu_threshold"))[group], limit)
    busy = measured > limit if options.newest else measured >= limit
    marked = view.nodes.deleted_ms[nodes]
    passes_over = [
        among(view.nodes.uid[nodes], unremovable.until_ms),
        (marked >= 0) & (view.now_ms - marked < DELETION_MS),
        view.nodes.kept[nodes] != 0,
        group < 0,
        (ready[nodes] == 0) & (not options.scale_down_unready),
    ]
    reason = np.full(len(nodes), -1)
    for i, stays in reversed(list(enumerate([*passes_over, busy]))):
        reason[stays] = i
    unremovable.looked_at(nodes[reason >= 0], reason[reason >= 0])
    seen = (reason < 0) | (reason == len(passes_over))
    return nodes[reason < 0], dict(zip(nodes[seen].tolist(), measured[seen].tolist(), strict=True))


def _per_group(groups: int, of: Callable[[int], float]) -> F64:
    return np.array([of(g) for g in range(groups)] + [0.0])
