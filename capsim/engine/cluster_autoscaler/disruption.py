"""The run's PodDisruptionBudgets as the Cluster Autoscaler counts them (``disruptions.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.controllers.cluster_autoscaler.disruptions import allowed_now
from capsim.state.tables import I64

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation


def coverage(sim: Simulation, budgets: I64) -> I64:
    """[2, B, workloads] how many of a workload's classes each budget covers, and whose replicas it expects: a
    revision's pods are those of its Deployment. ``budgets`` is [B, classes]."""
    found = np.zeros((len(budgets), len(sim.state.workloads.desired)), np.int64)
    for c, w in enumerate(sim.state.classes.workload.tolist()):
        found[:, w] += budgets[:, c]
    expected = found.copy()
    for w, members in sim.names.members.items():
        found[:, w] = 0
        expected[:, w] = found[:, members].max(axis=1)
        expected[:, members] = 0
    return np.stack((found, expected))


def allowed(sim: Simulation, coverage: I64, limits: I64) -> I64:
    """status.disruptionsAllowed of each budget; see ``disruptions.count_budgets``."""
    found = np.zeros(len(limits), np.int64)
    if len(found):
        workloads = sim.state.workloads
        allowed_now(workloads.desired, workloads.count, coverage, limits, found)
    return found


def limits(sim: Simulation) -> I64:
    """[B, 2] what each budget asks for: type (``ca.LIMIT_*``) and number, or percentage."""
    rows = []
    for pdb in sim.scenario.objects.pdbs:
        of = pdb.max_unavailable if pdb.max_unavailable is not None else pdb.min_available
        kind = ca.LIMIT_MAX_UNAVAILABLE if pdb.max_unavailable is not None else ca.LIMIT_MIN_AVAILABLE
        if of is None:
            rows.append((ca.LIMIT_NONE, 0))
        elif isinstance(of, str):
            rows.append((kind + 1, int(of[:-1])))  # the type for percentages follows
        else:
            rows.append((kind, of))
    return np.array(rows, np.int64).reshape(len(rows), 2)
