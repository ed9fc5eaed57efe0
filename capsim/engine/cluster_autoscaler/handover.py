"""What the autoscaler in Python and its compiled loops (``steady.py``) hand to each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler import rest
from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.controllers.cluster_autoscaler.planner import Unneeded
from capsim.controllers.cluster_autoscaler.simulation import NO_PODS, build
from capsim.controllers.cluster_autoscaler.view import among
from capsim.state import tables as t

PAGE = 64
"""Rows of the snapshot are rounded up to a multiple of it."""

if TYPE_CHECKING:
    from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler, Seen
    from capsim.controllers.cluster_autoscaler.simulation import Simulation as Layout
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
    seen = scaler.seen
    if seen is None or not turn.may_be_steady or not rest.is_steady(scaler, view, status):
        return
    if status.scale_down == "NodeDeleteStarted":
        view = turn.world.refresh(view.now_ms)  # the loop has set taints
    rows = _rows(scaler, seen, view)
    steady = _steady(turn, sim)
    goals = (rows.snap.slot >= 0) & ~among(rows.snap.slot, scaler.deletions.in_progress())
    steady = steady._replace(
        rows_of=rows.rows_of,
        base_free=rows.snap.free.copy(),
        base_count=rows.snap.count.copy(),
        goals=goals.astype(np.int64),
        goals_left=np.zeros(len(rows.snap.slot), np.int64),
        everywhere=rows.everywhere(),
    )
    _fill(turn, sim, steady)
    steady.values[ca.S_UNTIL] = rest.steady_until_ms(scaler, view, turn.world)
    new = ca.CaTables(view.kinds, rows.snap, scaler.planner.hints, scaler.pending_hints, steady)
    if not _written_over(tables, new):
        sim.state = sim.state._replace(autoscaler=new)


def _written_over(tables: ca.CaTables, new: ca.CaTables) -> bool:
    """Write ``new`` into the arrays that are there, if they are as long: another state would have to be packed anew.

    Hints are not copied: Python and the compiled loops share them."""
    if new.kinds is not tables.kinds or new.hints is not tables.hints or new.pending is not tables.pending:
        return False
    pairs = [*zip(tables.snap, new.snap, strict=True), *zip(tables.steady, new.steady, strict=True)]
    if any(old.shape != one.shape for old, one in pairs):
        return False
    for old, one in pairs:
        if old is not one:
            old[...] = one
    return True


def _rows(scaler: Autoscaler, seen: Seen, view: View) -> Layout:
    """The rows of the loop's snapshot without pods; those of upcoming nodes have their DaemonSets'."""
    count = len(view.listed) - len(seen.without) + sum(seen.upcoming.values())
    bare = replace(view, bound=NO_PODS)
    return build(bare, seen.upcoming, seen.templates, seen.without, scaler.cursor, -count % PAGE)


def _steady(turn: Turn, sim: Simulation) -> ca.Steady:
    """The last tables, or new ones where pods or nodes outgrew them."""
    nodes, pods = len(sim.state.nodes.uid), len(sim.state.pods.uid)
    last = sim.state.autoscaler.steady
    if len(last.since_ms) == nodes and len(last.terminal) == pods:
        return last
    o, world = turn.last.options, turn.world
    longest = max(nodes, ca.WAITING_MOST)
    options = [
        int(o.scale_down), o.delay_after_add_ms, o.delay_after_delete_ms, o.delay_after_failure_ms, o.recheck_ms,
        o.max_parallelism, o.unneeded_ms, o.max_soft_taints, int(o.newest),
    ]  # fmt: skip
    waits = [o.unneeded_ms if group.unneeded_ms is None else group.unneeded_ms for group in world.group_options]

    def new(*shape: int) -> t.I64:
        return np.zeros(shape, np.int64)

    return last._replace(
        options=np.array(options, np.int64), wait_ms=np.array(waits, np.int64), seen=new(nodes, 4),
        target=new(len(waits)), since_ms=new(nodes), before=new(nodes), soft=new(nodes), budgets=world.kinds.budgets,
        covered=world.covered, limit=world.limits, allowed=new(len(world.kinds.budgets)),
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
    steady.seen[:, 0], steady.seen[:, 1], steady.seen[:, 2] = nodes.uid, nodes.state, nodes.flags
    steady.seen[:, 3] = 0
    for place, slot in enumerate(sorted(scaler.deletions.drained, key=turn.world.names().__getitem__), start=1):
        steady.seen[slot, 3] = place
    steady.target[:] = sim.state.groups.size[: len(steady.target), t.G_TARGET]
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
    turn.world.soft = {n: int(steady.soft[n]) for n in np.flatnonzero(steady.soft >= 0).tolist()}
    turn.told = set()
