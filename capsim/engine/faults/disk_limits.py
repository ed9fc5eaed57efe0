"""Pods that exceed a limit of ephemeral storage: the kubelet evicts them, whatever is free on the node.

Source: kubernetes v1.36 pkg/kubelet/eviction (eviction_manager.go: localStorageEviction): at each look, of every pod,
first its emptyDir volumes and their sizeLimit, then the pod and the limits of its containers together, then each
container, writable layer and logs, and its own limit. Critical pods stay. The disk's threshold waits for the next look
where a pod had to go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capsim.engine.faults.disk import Held
from capsim.engine.faults.disk_parts import Limit
from capsim.state.tables import F64

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation


def exceeds(parts: F64, limit: Limit) -> NDArray[np.bool_]:
    """Which pods exceed a limit; ``parts`` [parts, pods] bytes."""
    result: NDArray[np.bool_] = np.floor(parts[list(limit.parts)].sum(axis=0)) > limit.most_bytes
    return result


def violations(sim: Simulation, held: dict[int, Held]) -> dict[int, list[tuple[int, str]]]:
    """By node, the pods that exceed a limit, the oldest first, and what their events say."""
    found: dict[int, list[tuple[int, str]]] = {}
    for w, (pods, parts) in held.items():
        limits = sim.disks.limits[w]
        if not limits or not len(pods):
            continue
        over = np.array([exceeds(parts, limit) for limit in limits])
        for i in np.flatnonzero(over.any(axis=0)).tolist():
            p = int(pods[i])
            message = limits[int(over[:, i].argmax())].message
            found.setdefault(int(sim.state.pods.node[p]), []).append((p, message))
    for listed in found.values():
        listed.sort(key=lambda entry: int(sim.state.pods.uid[entry[0]]))
    return found
