"""Pending pods that a scale-up could help: those that neither are expendable nor fit on a node that is there or coming.

Source: cluster-autoscaler core/podlistprocessor, core/utils/expendable.go, core/static_autoscaler.go.
"""

from __future__ import annotations

import numpy as np

from capsim.controllers.cluster_autoscaler.go_sort import go_order
from capsim.controllers.cluster_autoscaler.placement import place_at, place_pending
from capsim.controllers.cluster_autoscaler.simulation import Simulation, drop_old
from capsim.controllers.cluster_autoscaler.tables import DAEMON, MIRROR, NO_PREEMPTION, WANTS_GPU, Hints
from capsim.controllers.cluster_autoscaler.view import View
from capsim.state.tables import I64

YOUNG_MS, YOUNG_GPU_MS = 2_000, 30_000
"""Upstream: unschedulablePodTimeBuffer, unschedulablePodWithGpuTimeBuffer."""


def expendable(view: View, pods: I64) -> np.ndarray:
    """Which pods are below the cutoff, and may preempt: they neither add nor keep nodes."""
    kind = view.pods.kind[pods]
    low = view.kinds.priority[kind] < view.options.expendable_cutoff
    return low & (view.kinds.flags[kind] & NO_PREEMPTION == 0)


def to_help(sim: Simulation, hints: Hints, draining: list[int]) -> I64:
    """Slots of the pending pods that found no room, in order; those that did are put on their rows.

    ``draining`` are nodes (slots, by name) whose pods are being evicted: their pods count as pending.
    """
    view, pods = sim.view, sim.view.pods
    waiting = view.pending[~expendable(view, view.pending)]
    nominated = pods.nominated[waiting]
    promised = nominated >= 0
    if promised.any():
        promised &= np.isin(nominated, view.listed)
    for p in waiting[promised].tolist():
        row = int(sim.rows_of[pods.nominated[p]])
        if row >= 0:
            place_at(view.kinds, sim.snap, p, int(pods.kind[p]), row)
    waiting = np.concatenate([waiting[~promised], *[_evicted_soon(view, sim, slot) for slot in draining]])
    if not len(waiting):
        drop_old(hints)
        return waiting
    left = _place(sim, hints, waiting[go_order(-view.kinds.priority[pods.kind[waiting]].astype(np.float64))])
    drop_old(hints)
    return left[view.kinds.flags[pods.kind[left]] & DAEMON == 0]


def _evicted_soon(view: View, sim: Simulation, slot: int) -> I64:
    """Pods of a node that is being drained that will come back elsewhere."""
    if sim.rows_of[slot] < 0:
        return np.empty(0, np.int64)
    here = view.pods_on(slot)
    here = here[~expendable(view, here) & (view.pods.deleted_ms[here] < 0)]
    return here[view.kinds.flags[view.pods.kind[here]] & (DAEMON | MIRROR) == 0]


def _place(sim: Simulation, hints: Hints, waiting: I64) -> I64:
    kinds = sim.view.kinds
    left = np.empty(len(waiting), np.int64)
    count = place_pending(
        kinds, sim.snap, hints, sim.view.pods, sim.rows_of, np.ascontiguousarray(waiting), sim.everywhere(),
        np.zeros(int(kinds.similar.max(initial=0)) + 1, np.int64), np.zeros(sim.view.owners + 1, np.int64), left,
    )  # fmt: skip
    return left[:count]


def old_enough(view: View, waiting: I64) -> I64:
    """Pods older than new-pod-scale-up-delay, or than their own annotation where that is longer."""
    delay = np.maximum(view.kinds.delay_ms[view.pods.kind[waiting]], view.options.new_pod_scale_up_delay_ms)
    return waiting[view.now_ms - view.pods.created_ms[waiting] > delay]


def all_new(view: View, waiting: I64) -> bool:
    """Whether even the oldest pod is so young that more of its kind may be on their way."""
    created = view.pods.created_ms[waiting]
    if int(created.min()) + YOUNG_MS > view.now_ms:
        return True
    gpus = created[view.kinds.flags[view.pods.kind[waiting]] & WANTS_GPU != 0]
    return bool(len(gpus)) and int(gpus.min()) + YOUNG_GPU_MS > view.now_ms
