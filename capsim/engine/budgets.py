"""PodDisruptionBudgets as they stand: which pods each counts, and how many may be disrupted now.

Source: kube-controller-manager v1.36, pkg/controller/disruption: healthy pods above what must stay; percentages of the
expected pods, rounded up.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capsim.engine.build.scheduling import class_specs
from capsim.scenario.kubernetes.labels import selects
from capsim.scenario.kubernetes.pdb import Pdb
from capsim.state.tables import POD_PENDING, POD_READY, POD_STARTING
from capsim.state.tables_scheduler import Budgets

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation


def members(sim: Simulation) -> list[list[int]]:
    """Workloads that each budget counts."""
    specs = [(w, one) for w, one in enumerate(class_specs(sim.scenario, sim.names)) if w not in sim.names.members]
    return [
        [w for w, one in specs if one.namespace == pdb.namespace and selects(pdb.selector, one.labels)]
        for pdb in sim.scenario.objects.pdbs
    ]


def budgets_now(sim: Simulation) -> Budgets:
    """Budgets with what they allow at this instant."""
    listed = members(sim)
    per_class: list[list[int]] = [[] for _ in range(sim.state.classes.priority.shape[0])]
    for b, workloads in enumerate(listed):
        for w in workloads:
            per_class[w].append(b)
    allowed = [allows(sim, pdb, own) for pdb, own in zip(sim.scenario.objects.pdbs, listed, strict=True)]
    return Budgets(
        np.cumsum([0, *(len(own) for own in per_class)]).astype(np.int64),
        np.array([b for own in per_class for b in own], np.int64),
        np.array(allowed, np.int64),
        np.zeros(len(listed), np.int64),
    )


def allows(sim: Simulation, pdb: Pdb, own: list[int]) -> int:
    """Disruptions that a budget allows now."""
    count, desired = sim.state.workloads.count, sim.state.workloads.desired
    healthy = sum(int(count[w, POD_READY]) for w in own)
    expected = sum(int(desired[w]) for w in {sim.names.owner(w) for w in own})
    if pdb.max_unavailable is not None:
        needed = expected - scaled(pdb.max_unavailable, expected)
    elif pdb.min_available is None:
        needed = 1  # upstream's default: one pod stays
    else:
        if not isinstance(pdb.min_available, str):  # a number does not look at the controllers' replicas
            expected = sum(int(count[w, state]) for w in own for state in (POD_PENDING, POD_STARTING, POD_READY))
        needed = scaled(pdb.min_available, expected)
    return max(0, healthy - needed) if expected > 0 else 0


def scaled(bound: int | str, expected: int) -> int:
    """A bound as a number of pods."""
    return math.ceil(int(bound[:-1]) * expected / 100) if isinstance(bound, str) else bound
