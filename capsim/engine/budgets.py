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
from capsim.state.tables import POD_DOWN, POD_PENDING, POD_READY, POD_STARTING
from capsim.state.tables_scheduler import Budgets

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

ACTIVE = (POD_PENDING, POD_STARTING, POD_READY, POD_DOWN)


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
    return standing(sim, pdb, own)[0]


def standing(sim: Simulation, pdb: Pdb, own: list[int]) -> tuple[int, int, int]:
    """Status of a budget: disruptions allowed, healthy pods, and how many must stay."""
    count, desired = sim.state.workloads.count, sim.state.workloads.desired
    healthy = sum(int(count[w, POD_READY]) for w in own)
    expected = sum(int(desired[w]) for w in {sim.names.owner(w) for w in own})
    if pdb.max_unavailable is not None:
        needed = expected - scaled(pdb.max_unavailable, expected)
    elif pdb.min_available is None:
        needed = 1  # upstream's default: one pod stays
    else:
        if not isinstance(pdb.min_available, str):  # a number does not look at the controllers' replicas
            expected = sum(int(count[w, state]) for w in own for state in ACTIVE)
        needed = scaled(pdb.min_available, expected)
    return max(0, healthy - needed) if expected > 0 else 0, healthy, needed


def may_evict(sim: Simulation, p: int) -> bool:
    """What the eviction API says of pod ``p`` now (pkg/registry/core/pod/storage/eviction.go).

    Budgets are not asked for a pod that has not started (Pending). A pod that runs but is not Ready may go while its
    application has as many healthy pods as it needs, or always (unhealthyPodEvictionPolicy).
    """
    state, w = int(sim.state.pods.state[p]), int(sim.state.pods.workload[p])
    if state in (POD_PENDING, POD_STARTING):
        return True
    for pdb, own in zip(sim.scenario.objects.pdbs, members(sim), strict=True):
        if w not in own:
            continue
        allowed, healthy, needed = standing(sim, pdb, own)
        always = pdb.unhealthy_pod_eviction_policy == "AlwaysAllow"
        if allowed >= 1 or (state == POD_DOWN and (always or healthy >= needed > 0)):
            continue
        return False
    return True


def scaled(bound: int | str, expected: int) -> int:
    """A bound as a number of pods."""
    return math.ceil(int(bound[:-1]) * expected / 100) if isinstance(bound, str) else bound
