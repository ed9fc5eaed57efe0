"""What the autoscaler believes of its groups (``ClusterState``, ``Templates``), as compiled loops hold it
(``follow.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.controllers.cluster_autoscaler.cluster_state import Readiness, WrongSize
from capsim.controllers.cluster_autoscaler.view import Instance, NodeTemplate
from capsim.state import tables as t

if TYPE_CHECKING:
    from capsim.controllers.cluster_autoscaler.autoscaler import Autoscaler
    from capsim.controllers.cluster_autoscaler.view import View
    from capsim.engine.cluster_autoscaler.world import EngineWorld


def fill_groups(scaler: Autoscaler, view: View, world: EngineWorld, steady: ca.Steady) -> None:
    """What the last loop in Python left of groups, machines and templates."""
    state, of = scaler.state, steady.group
    of[:] = 0
    of[:, ca.Q_EXPECTED] = of[:, ca.Q_WRONG_SINCE] = -1
    for g in range(view.groups):
        of[g, ca.Q_FETCHED] = int(state.is_scaling_up(g) or g not in state.cache)
        of[g, ca.Q_BACKOFF] = int(g in state.backoff.groups)
        of[g, ca.Q_PROVISION] = int(view.group_option(g, "provision_ms"))
    for g, request in state.requests.items():
        of[g, ca.Q_EXPECTED] = request.expected_ms
    for g, wrong in state.wrong.items():
        columns = [ca.Q_WRONG_CURRENT, ca.Q_WRONG_EXPECTED, ca.Q_WRONG_SINCE]
        of[g, columns] = wrong.current, wrong.expected, wrong.since_ms
    steady.unregistered_ms[:] = -1
    for slot, (_, _, since_ms) in state.unregistered.items():
        steady.unregistered_ms[slot] = since_ms
    steady.cached[:] = -1
    for machines in state.cache.values():
        for one in machines:
            steady.cached[one.slot] = max(one.uid, steady.cached[one.slot])
    _fill_templates(scaler, steady)


def _fill_templates(scaler: Autoscaler, steady: ca.Steady) -> None:
    steady.template_shape[:] = -1
    for g, template in scaler.templates.cache.items():
        steady.template_shape[g] = template.shape
        steady.template_free[g] = template.allocatable
        count = min(len(template.daemons), steady.template_daemons.shape[1] - 1)
        steady.template_daemons[g, 0] = count
        steady.template_daemons[g, 1 : 1 + count] = template.daemons[:count]


def read_groups(scaler: Autoscaler, world: EngineWorld, steady: ca.Steady) -> None:
    """Bring ``scaler`` to where the compiled loops left it; requests only ever end in them."""
    state, of = scaler.state, steady.group
    state.requests = {g: one for g, one in state.requests.items() if of[g, ca.Q_EXPECTED] >= 0}
    state.targets = steady.target.tolist()
    wrong = np.flatnonzero(of[:, ca.Q_WRONG_SINCE] >= 0).tolist()
    columns = [ca.Q_WRONG_CURRENT, ca.Q_WRONG_EXPECTED, ca.Q_WRONG_SINCE]
    state.wrong = {g: WrongSize(*of[g, columns].tolist()) for g in wrong}
    _read_machines(scaler, world, steady)
    _read_counts(scaler, world, steady)
    _read_templates(scaler, world, steady)


def _read_machines(scaler: Autoscaler, world: EngineWorld, steady: ca.Steady) -> None:
    state, nodes, names = scaler.state, world.sim.state.nodes, world.names()
    there = (nodes.state != t.NODE_FREE) & (steady.cached == nodes.uid)
    cache: dict[int, list[Instance]] = {g: [] for g in range(len(steady.target))}
    for n in np.flatnonzero(there & (nodes.group < len(steady.target))).tolist():
        gone = bool(nodes.state[n] == t.NODE_DELETING)
        cache[int(nodes.group[n])].append(Instance(n, names[n], gone, uid=int(nodes.uid[n])))
    state.cache, state.current = cache, dict(cache)
    waiting = np.flatnonzero((steady.unregistered_ms >= 0) & (steady.seen[:, 0] == nodes.uid)).tolist()
    of = {n: (names[n], int(nodes.group[n]), int(steady.unregistered_ms[n])) for n in waiting}
    state.unregistered = dict(sorted(of.items(), key=lambda item: (item[1][1], item[0])))


def _read_counts(scaler: Autoscaler, world: EngineWorld, steady: ca.Steady) -> None:
    state, nodes = scaler.state, world.sim.state.nodes
    columns = [ca.Q_REGISTERED, ca.Q_READY, ca.Q_UNREGISTERED]
    counts = steady.group[:, columns].tolist()
    state.groups = [Readiness(registered, ready, unregistered=new) for registered, ready, new in counts]
    state.total = Readiness(
        int((steady.listed > 0).sum()), int((steady.listed == 1).sum()), unregistered=sum(row[2] for row in counts)
    )
    state.nodes = state.total.registered
    for n in np.flatnonzero(steady.listed == 2).tolist():
        state.total.not_started.append(n)
        state.groups[int(nodes.group[n])].not_started.append(n)


def _read_templates(scaler: Autoscaler, world: EngineWorld, steady: ca.Steady) -> None:
    for g in np.flatnonzero(steady.template_shape >= 0).tolist():
        shape, count = int(steady.template_shape[g]), int(steady.template_daemons[g, 0])
        daemons = steady.template_daemons[g, 1 : 1 + count].copy()
        scaler.templates.cache[g] = NodeTemplate.of(
            world.kinds.shape_domain, shape, steady.template_free[g].copy(), world.capacity[g].copy(), daemons
        )
