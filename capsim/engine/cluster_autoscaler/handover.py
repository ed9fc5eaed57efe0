"""What the autoscaler in Python and its compiled loops (``steady.py``) hand to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler import rest
from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.controllers.cluster_autoscaler.planner import Unneeded
from capsim.controllers.cluster_autoscaler.simulation import empty_snapshot, room_for
from capsim.engine.cluster_autoscaler.belief import fill_groups, read_groups
from capsim.state import tables as t

PAGE = 64
"""Rows of the snapshot are rounded up to a multiple of it."""

if TYPE_CHECKING:
    from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler
    from capsim.controllers.cluster_autoscaler.status import LoopStatus
    from capsim.controllers.cluster_autoscaler.view import View
    from capsim.engine.cluster_autoscaler.turn import Turn
    from capsim.engine.drive import Simulation


def is_possible(turn: Turn) -> bool:
    """Whether compiled loops know all that these settings ask for; the rest is in ``P_CA_PLAIN``."""
    o = turn.last.options
    plain = not (o.delay_type_local or o.min_replica_count or o.ignore_mirror or o.enforce_min_size)
    plain = plain and turn.sim.names.claims is None  # a claim that is bound changes which nodes take its pod
    return plain and turn.loop_time is None and not any(group.zero_or_max for group in turn.world.group_options)


def give(turn: Turn, sim: Simulation, view: View, status: LoopStatus) -> None:
    """After a loop in Python: let the next ones be compiled, if they would only look."""
    tables = sim.state.autoscaler
    tables.steady.values[ca.S_UNTIL] = tables.steady.values[ca.S_EXECUTED] = 0
    scaler = turn.last
    if not turn.may_be_steady or not rest.only_looks_next(status):
        return
    snap = _snapshot(sim, view)
    steady = _steady(turn, sim, snap)
    _fill(turn, sim, steady)
    fill_groups(scaler, view, turn.world, steady)
    note_deletions(turn, steady)
    fixed_ms = rest.steady_until_ms(scaler, view)
    steady.values[ca.S_UNTIL] = steady.values[ca.S_FIXED] = fixed_ms
    steady.values[ca.S_NEW] = 1
    snap.scalars[ca.CURSOR] = scaler.cursor
    pods = len(steady.terminal)  # the loop may have ended before it looked at its hints
    hints, pending = room_for(scaler.planner.hints, pods), room_for(scaler.pending_hints, pods)
    scaler.planner.hints, scaler.pending_hints = hints, pending
    new = ca.CaTables(view.kinds, snap, hints, pending, steady)
    if any(old is not one for old, one in zip(tables, new, strict=True)):
        sim.state = sim.state._replace(autoscaler=new)


def _snapshot(sim: Simulation, view: View) -> ca.Snapshot:
    """The last snapshot, or a new one where rows or pods outgrew it; rows are laid out by the loop itself."""
    last = sim.state.autoscaler.snap
    pods = len(sim.state.pods.uid)
    rows = len(view.listed) + int(np.maximum(sim.state.groups.size[: view.groups, t.G_TARGET], 0).sum())
    if len(last.slot) >= rows and len(last.row) == pods:
        return last
    return empty_snapshot(view, -(-(rows + PAGE // 2) // PAGE) * PAGE)


def _steady(turn: Turn, sim: Simulation, snap: ca.Snapshot) -> ca.Steady:
    """The last tables, or new ones where pods, nodes or rows outgrew them."""
    nodes, pods = len(sim.state.nodes.uid), len(sim.state.pods.uid)
    last = sim.state.autoscaler.steady
    if len(last.since_ms) == nodes and len(last.terminal) == pods and len(last.everywhere) == len(snap.slot):
        return last
    o, world = turn.last.options, turn.world
    longest = max(nodes, ca.WAITING_MOST)
    options = [
        int(o.scale_down), o.delay_after_add_ms, o.delay_after_delete_ms, o.delay_after_failure_ms, o.recheck_ms,
        o.max_parallelism, o.unneeded_ms, o.max_soft_taints, int(o.newest), o.max_node_startup_ms, int(o.force_ds),
    ]  # fmt: skip
    waits = [o.unneeded_ms if group.unneeded_ms is None else group.unneeded_ms for group in world.group_options]
    fixed = int(np.count_nonzero(world.kinds.table.flags & (ca.DAEMON | ca.MIRROR)))

    def new(*shape: int) -> t.I64:
        return np.zeros(shape, np.int64)

    groups = len(waits)
    return last._replace(
        values=new(ca.S_COLUMNS),
        options=np.array(options, np.int64), wait_ms=np.array(waits, np.int64), seen=new(nodes, 5),
        target=new(groups), group=new(groups, ca.Q_COLUMNS), group_next=new(groups, ca.Q_COLUMNS),
        by_name=np.array(sorted(range(groups), key=world.group_names.__getitem__), np.int64),
        unregistered_ms=new(nodes), unregistered_next=new(nodes), cached=new(nodes), listed=new(nodes),
        template_free=new(groups, snap.free.shape[1]), template_shape=new(groups),
        template_daemons=new(groups, 2 * fixed + 2), traits=world.traits(),
        since_ms=new(nodes), before=new(nodes), soft=new(nodes), budgets=world.kinds.budgets,
        covered=world.covered, limit=world.limits, allowed=new(len(world.kinds.budgets)),
        rows_of=new(nodes), base_free=np.zeros_like(snap.free), base_count=np.zeros_like(snap.count),
        goals_left=np.zeros_like(snap.slot), everywhere=np.ones_like(snap.slot),
        keys=np.zeros(longest),
        order=new(longest), stack=new(64, 3), candidate=new(nodes), eligible=new(nodes), chosen=new(nodes),
        counted=np.ones(nodes, np.int64), since_next=new(nodes), result=new(nodes, 5), moving=new(pods + 1, 3),
        waiting=new(ca.WAITING_MOST), hinted=new(ca.WAITING_MOST, 4), terminal=new(pods),
    )  # fmt: skip


def _fill(turn: Turn, sim: Simulation, steady: ca.Steady) -> None:
    """What the loop left behind."""
    scaler, nodes = turn.last, sim.state.nodes
    planner = scaler.planner
    values = steady.values
    values[ca.S_LATEST], values[ca.S_INTERVAL] = planner.latest_ms, planner.interval_ms
    values[ca.S_LAST_UP], values[ca.S_LAST_DOWN] = scaler.last_up_ms, scaler.last_down_ms
    values[ca.S_LAST_FAIL], values[ca.S_UNNEEDED] = scaler.last_fail_ms, len(planner.unneeded)
    steady.seen[:, 0] = nodes.uid
    steady.since_ms[:] = -1
    for one in planner.unneeded.values():
        steady.since_ms[one.slot] = one.since_ms
    steady.before[:] = 0
    until_ms = sim.state.scan.unremovable_ms
    until_ms[:] = 0
    slots = {uid: slot for slot, uid in enumerate(nodes.uid.tolist())}
    for uid in scaler.candidates:
        if uid in slots:
            steady.before[slots[uid]] = 1
    for uid, at_ms in planner.unremovable.until_ms.items():
        if uid in slots:
            until_ms[slots[uid]] = at_ms
    steady.soft[:] = -1
    for slot, uid in turn.world.soft.items():
        steady.soft[slot] = uid


def note_deletions(turn: Turn, steady: ca.Steady) -> None:
    """Nodes whose deletion is under way, and the order in which those that are drained are looked at."""
    deletions = turn.last.deletions
    if len(steady.seen) != len(turn.sim.state.nodes.uid):
        return  # nobody reads them before the next ``give``
    steady.seen[:, 3:] = 0
    for place, slot in enumerate(sorted(deletions.drained, key=turn.world.names().__getitem__), start=1):
        steady.seen[slot, 3] = place
    steady.seen[sorted(deletions.in_progress()), 4] = 1


def take_back(scaler: Autoscaler, turn: Turn, sim: Simulation) -> None:
    """Bring ``scaler`` to where the compiled loops since the last one in Python left it."""
    tables = sim.state.autoscaler
    steady, cursor = tables.steady, tables.snap.scalars
    values = steady.values
    if not values[ca.S_EXECUTED]:
        return
    values[ca.S_EXECUTED] = 0
    planner, uid = scaler.planner, steady.seen[:, 0]
    planner.latest_ms, planner.interval_ms = int(values[ca.S_LATEST]), int(values[ca.S_INTERVAL])
    rest.note_refresh(scaler, planner.latest_ms)
    scaler.cursor, scaler.found = int(cursor[ca.CURSOR]), int(cursor[ca.FOUND])
    planner.hints, scaler.pending_hints = tables.hints, tables.pending
    until_ms = sim.state.scan.unremovable_ms
    known = np.flatnonzero(until_ms > planner.latest_ms).tolist()
    planner.unremovable.until_ms = {int(uid[n]): int(until_ms[n]) for n in known}
    if scaler.options.scale_down:
        since_ms = steady.since_ms
        slots = sorted(np.flatnonzero(since_ms >= 0).tolist(), key=turn.world.names().__getitem__)
        planner.unneeded = {n: Unneeded(n, int(uid[n]), int(since_ms[n]), False, 0) for n in slots}
        scaler.candidates = {int(uid[n]) for n in np.flatnonzero(steady.before).tolist()}
    read_groups(scaler, turn.world, steady)
    turn.world.soft = {n: int(steady.soft[n]) for n in np.flatnonzero(steady.soft >= 0).tolist()}
    turn.told = set()
