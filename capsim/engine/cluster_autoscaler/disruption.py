"""How many pods each PodDisruptionBudget lets go now.

Source: kubernetes pkg/controller/disruption (v1.34): expected pods are what the controllers want, healthy ones are
Ready. Not modelled: unhealthyPodEvictionPolicy, the delay of the disruption controller.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capsim.state.tables import I64, POD_READY

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation


def bound(value: int | str, of: int) -> int:
    """A number of pods, or a share of ``of`` rounded up."""
    return math.ceil(int(value[:-1]) * of / 100) if isinstance(value, str) else int(value)


def allowed(sim: Simulation, budgets: I64) -> I64:
    """status.disruptionsAllowed of each budget; ``budgets`` [B, classes] says which pods it covers."""
    s = sim.state
    found = np.zeros(len(budgets), np.int64)
    for b, pdb in enumerate(sim.scenario.objects.pdbs):
        covered = s.classes.workload[np.flatnonzero(budgets[b])]
        expected = int(s.workloads.desired[covered].sum())
        healthy = int(s.workloads.count[covered, POD_READY].sum())
        if pdb.max_unavailable is not None:
            wanted = max(0, expected - bound(pdb.max_unavailable, expected))
        else:
            wanted = bound(pdb.min_available, expected) if pdb.min_available is not None else 0
        found[b] = max(0, healthy - wanted) if expected > 0 else 0
    return found
