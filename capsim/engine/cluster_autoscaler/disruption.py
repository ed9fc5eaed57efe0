"""How many pods each PodDisruptionBudget lets go now.

Source: kubernetes pkg/controller/disruption (v1.34): expected pods are what the controllers want, healthy ones are
Ready. Not modelled: unhealthyPodEvictionPolicy, the delay of the disruption controller.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capsim.controllers.cluster_autoscaler import tables as ca
from capsim.state.tables import I64, POD_READY

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation


def bound(value: int | str, of: int) -> int:
    """A number of pods, or a share of ``of`` rounded up."""
    return math.ceil(int(value[:-1]) * of / 100) if isinstance(value, str) else int(value)


def coverage(sim: Simulation, budgets: I64) -> tuple[I64, I64]:
    """[B, workloads] how many of a workload's classes each budget covers, and whose replicas it expects: a revision's
    pods are those of its Deployment. ``budgets`` is [B, classes]."""
    found = np.zeros((len(budgets), len(sim.state.workloads.desired)), np.int64)
    for c, w in enumerate(sim.state.classes.workload.tolist()):
        found[:, w] += budgets[:, c]
    expected = found.copy()
    for w, members in sim.names.members.items():
        found[:, w] = 0
        expected[:, w] = found[:, members].max(axis=1)
        expected[:, members] = 0
    return found, expected


def allowed(sim: Simulation, coverage: tuple[I64, I64]) -> I64:
    """status.disruptionsAllowed of each budget; ``coverage`` says whose pods it covers."""
    workloads = sim.state.workloads
    covered, wanted_of = coverage
    found = np.zeros(len(covered), np.int64)
    if not len(covered):
        return found
    all_expected = (wanted_of @ workloads.desired).tolist()
    all_healthy = (covered @ workloads.count[:, POD_READY]).tolist()
    for b, (pdb, expected, healthy) in enumerate(
        zip(sim.scenario.objects.pdbs, all_expected, all_healthy, strict=True)
    ):
        if pdb.max_unavailable is not None:
            wanted = max(0, expected - bound(pdb.max_unavailable, expected))
        else:
            wanted = bound(pdb.min_available, expected) if pdb.min_available is not None else 0
        found[b] = max(0, healthy - wanted) if expected > 0 else 0
    return found


def limits(sim: Simulation) -> I64:
    """[B, 2] the same rules for compiled loops: type (``ca.LIMIT_*``) and number, or percentage."""
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
