"""Volumes of pods: which node has them attached, and which class stands for where they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capsim.state.tables import I64

# Columns of Volumes.setting.
Q_OWN, Q_FIRST, Q_ATTACH_MS, Q_DETACH_MS, Q_ALONE = range(5)
SET_COLUMNS = 5
# Columns of Volumes.held.
H_NODE, H_USERS, H_FREE_MS = range(3)
HELD_COLUMNS = 3


class Volumes(NamedTuple):
    """Claims of workloads. A *set* is what the pods of a workload claim together: each ordinal of a StatefulSet with
    claim templates has claims of its own, all pods of other workloads share theirs (place 0)."""

    set_of: I64
    """[W] row of the set, -1: no claims; empty where no workload has any."""
    setting: I64
    """[Q, SET_COLUMNS]: 1 when each ordinal has its own claims, the first ordinal, ms to attach and to detach, 1 when a
    volume is attached to one node at a time."""
    site: I64
    """[Q, M] of each place, where its volumes are: 0 while they are not bound, else a column of ``variant``."""
    variant: I64
    """[W, sites] class of a pod whose volumes are at a site; column 0: not bound."""
    held: I64
    """[Q, M, HELD_COLUMNS] uid of the node that has the volumes, pods there that use them, when they are free (ms)."""
    wait_ms: I64
    """[1] maxWaitForUnmountDuration."""


def no_volumes() -> Volumes:
    """The table where no pod has a claim."""
    flat, wide = np.zeros(0, np.int64), np.zeros((0, 1), np.int64)
    return Volumes(
        flat, np.zeros((0, SET_COLUMNS), np.int64), wide, wide, np.zeros((0, 1, HELD_COLUMNS), np.int64), flat
    )
