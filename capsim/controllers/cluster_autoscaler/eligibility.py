"""Which nodes scale-down looks at more closely: used little enough, not asked recently, nobody forbids it.

Source: cluster-autoscaler core/scaledown/eligibility/eligibility.go, simulator/utilization/info.go,
processors/nodes/pre_filtering_processor.go, processors/scaledowncandidates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capsim.controllers.cluster_autoscaler.go_sort import go_order
from capsim.controllers.cluster_autoscaler.removal import LONG_TERMINATING_MS, find_empty, left_out
from capsim.controllers.cluster_autoscaler.resource_limits import DELETION_MS
from capsim.controllers.cluster_autoscaler.simulation import Simulation
from capsim.controllers.cluster_autoscaler.unremovable import UnremovableNodes
from capsim.controllers.cluster_autoscaler.view import View, among
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


def utilisation(sim: Simulation, nodes: I64) -> F64:
    """Larger of CPU and memory requests over allocatable of each node (slots); GPUs alone where it has some.

    NaN where a node has no CPU or memory: upstream's error, after which it counts as unused.
    """
    view = sim.view
    rows = sim.rows_of[nodes]
    allocatable = view.nodes.allocatable[nodes]
    used = allocatable - sim.snap.free[rows]
    base = allocatable
    skipping = np.array([bool(view.group_option(g, "ignore_daemonsets")) for g in range(view.groups)] + [False])
    skip = skipping[view.nodes.group[nodes]] if view.groups else np.zeros(len(nodes), np.bool_)
    terminating = bool(long_gone(view).any())
    if skip.any() or view.options.ignore_mirror or terminating:
        used, base = used.copy(), base.copy()
        for with_daemons in (False, True):
            some = np.flatnonzero(skip == with_daemons)
            fixed = np.zeros((len(some), used.shape[1]), np.int64)
            gone = np.zeros_like(fixed)
            left_out(
                view.kinds, sim.snap, view.pods, rows[some], int(with_daemons), int(view.options.ignore_mirror),
                view.now_ms, fixed, gone,
            )  # fmt: skip
            used[some] -= fixed + gone
            base[some] -= fixed
    share: F64 = np.zeros((len(nodes), 2))
    valid = allocatable[:, (CPU, MEMORY)] != 0
    for column, r, milli in ((0, CPU, 1.0), (1, MEMORY, 1000.0)):
        with np.errstate(divide="ignore", invalid="ignore"):
            share[:, column] = (used[:, r] * milli) / (base[:, r] * milli)
    result = np.where(valid.all(axis=1), share.max(axis=1), 0.0)
    for i in np.flatnonzero(has_gpu(sim, nodes)).tolist():
        have = int(base[i, view.gpu]) if view.gpu >= 0 else 0
        result[i] = int(used[i, view.gpu]) / have if have else 0.0
    return result


def long_gone(view: View) -> np.ndarray:
    """Which bound pods have been terminating for too long (see ``removal.long_terminating``)."""
    deleted = view.pods.deleted_ms[view.bound]
    leaving = deleted >= 0
    if leaving.any():
        grace = view.kinds.grace_ms[view.pods.kind[view.bound]]
        leaving &= deleted + grace + LONG_TERMINATING_MS < view.now_ms
    return leaving


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
    measured = utilisation(sim, nodes) if len(nodes) else np.empty(0)
    gpus = has_gpu(sim, nodes) if len(nodes) else np.empty(0, np.bool_)
    threshold = _per_group(view.groups, lambda g: view.group_option(g, "threshold"))
    gpu_threshold = _per_group(view.groups, lambda g: view.group_option(g, "gpu_threshold"))
    group = view.nodes.group[nodes]
    limit = np.where(gpus, gpu_threshold[group], threshold[group])
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
