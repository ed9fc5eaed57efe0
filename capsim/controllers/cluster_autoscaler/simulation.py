"""The snapshot of one loop: nodes and pods as they are, upcoming nodes beside them, pods moved in thought.

Source: cluster-autoscaler core/static_autoscaler.go (initializeClusterSnapshot, getUpcomingNodeInfos).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capsim.controllers.cluster_autoscaler.estimator import append_node
from capsim.controllers.cluster_autoscaler.placement import place_bound
from capsim.controllers.cluster_autoscaler.tables import CURSOR, ROWS, Hints, Snapshot
from capsim.controllers.cluster_autoscaler.view import NodeTemplate, View, among
from capsim.state.tables import I64


def new_hints() -> Hints:
    """An empty memory of placements."""
    none = np.full(0, -1, np.int64)
    return Hints(none, none.copy(), none.copy(), none.copy(), np.zeros(1, np.int64))


def room_for(hints: Hints, pods: int) -> Hints:
    """The same memory with at least ``pods`` entries."""
    have = len(hints.pod)
    if have >= pods:
        return hints
    more = np.full(max(pods, 2 * have) - have, -1, np.int64)
    grown = [np.concatenate([column, more]) for column in hints[:4]]
    return Hints(grown[0], grown[1], grown[2], grown[3], hints.now)


def drop_old(hints: Hints) -> None:
    """Forget what was not renewed since the last call."""
    hints.now[0] += 1


@dataclass
class Simulation:
    """A snapshot with what is needed to find nodes in it."""

    view: View
    snap: Snapshot
    rows_of: I64
    """Row by node slot, -1: not in the snapshot."""
    upcoming: list[tuple[int, int]]
    """(group, row) of upcoming nodes."""

    @property
    def rows(self) -> int:
        """Nodes in the snapshot."""
        return int(self.snap.scalars[ROWS])

    @property
    def cursor(self) -> int:
        """Where the next round-robin search starts."""
        return int(self.snap.scalars[CURSOR])

    def everywhere(self) -> I64:
        """Goals: every row."""
        return np.ones(self.snap.free.shape[0], np.int64)


def empty_snapshot(view: View, rows: int) -> Snapshot:
    """Room for ``rows`` nodes, of which none is there."""
    kinds = view.kinds
    keys = view.shape_domain.shape[1] if view.shape_domain.size else 1
    domain = np.full((max(1, keys), rows), -1, np.int64)
    domain[0] = np.arange(rows)
    counters = int(kinds.adds[:, 0].max()) + 1 if len(kinds.adds) else 0
    if len(kinds.rules):
        counters = max(counters, int(kinds.rules[:, 1].max()) + 1)
    domains = max(rows, int(view.shape_domain.max(initial=-1)) + 1)
    pods = len(view.pods.uid)
    return Snapshot(
        free=np.zeros((rows, kinds.request.shape[1]), np.int64),
        shape=np.zeros(rows, np.int64),
        flags=np.zeros(rows, np.int64),
        slot=np.full(rows, -1, np.int64),
        uid=np.full(rows, -1, np.int64),
        domain=domain,
        count=np.zeros((counters, domains), np.int64),
        first=np.full(rows, -1, np.int64),
        last=np.full(rows, -1, np.int64),
        next=np.empty(pods, np.int64),
        previous=np.empty(pods, np.int64),
        row=np.full(pods, -1, np.int64),
        scalars=np.zeros(3, np.int64),
    )


def build(
    view: View,
    upcoming: dict[int, int],
    templates: dict[int, NodeTemplate],
    without: list[int],
    cursor: int,
    extra: int,
) -> Simulation:
    """The snapshot of a loop: listed nodes but those ``without``, their pods, then ``upcoming`` nodes by group (by
    name); room for ``extra`` more rows."""
    nodes, pods, kinds = view.nodes, view.pods, view.kinds
    listed = view.listed
    if without:
        listed = listed[~among(listed, set(without))]
    count = len(listed)
    top = count + sum(upcoming.values()) + extra
    snap = empty_snapshot(view, top)
    snap.free[:count] = nodes.allocatable[listed]
    if len(snap.domain) > 1:
        snap.domain[1:, :count] = view.shape_domain[nodes.shape[listed], 1:].T
    snap.shape[:count], snap.flags[:count] = nodes.shape[listed], nodes.flags[listed]
    snap.slot[:count], snap.uid[:count] = listed, nodes.uid[listed]
    snap.scalars[:] = count, cursor, 0
    rows_of = np.full(len(nodes.uid), -1, np.int64)
    rows_of[listed] = np.arange(count)
    place_bound(kinds, snap, pods, view.bound, rows_of, view.options.expendable_cutoff)
    added = []
    for g in sorted(upcoming, key=lambda group: view.group_names[group]):
        of = templates[g]
        for _ in range(upcoming[g]):
            added.append((g, int(append_node(kinds, snap, of.allocatable, of.traits, of.daemons))))
    return Simulation(view, snap, rows_of, added)
