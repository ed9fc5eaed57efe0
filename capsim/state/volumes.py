"""Steps of volumes: which class a pod with claims has, when its volumes are attached, and when they are free again.

Source: kubernetes v1.36 pkg/controller/volume/attachdetach (reconciler: a volume that is attached elsewhere and serves
one node is not attached, Multi-Attach error; a detach under way is called off when a pod on the same node comes; a node
that died with a volume mounted keeps it for maxWaitForUnmountDuration, also after its Node object is gone).
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import NEVER, Nodes, Pods, Workloads
from capsim.state.tables_volumes import (
    H_FREE_MS,
    H_NODE,
    H_USERS,
    Q_ALONE,
    Q_ATTACH_MS,
    Q_DETACH_MS,
    Q_FIRST,
    Q_OWN,
    Volumes,
)


@inline_kernel
def set_of(volumes: Volumes, w):
    """Row of the claims of workload ``w``, -1: none."""
    return volumes.set_of[w] if volumes.set_of.shape[0] > 0 else -1


@inline_kernel
def place_of(volumes: Volumes, q, ordinal):
    """Column of a pod's claims in set ``q``."""
    return ordinal - volumes.setting[q, Q_FIRST] if volumes.setting[q, Q_OWN] == 1 else 0


@inline_kernel
def class_for(volumes: Volumes, workloads: Workloads, w, ordinal):
    """Class of a new pod of ``w`` with that ordinal: by where its volumes are."""
    q = set_of(volumes, w)
    if q < 0 or volumes.setting[q, Q_OWN] == 0:
        return workloads.pod_class[w]
    return volumes.variant[w, volumes.site[q, place_of(volumes, q, ordinal)]]


@inline_kernel
def lacks_places(volumes: Volumes, workloads: Workloads, w):
    """Whether workload ``w`` will have more ordinals with claims of their own than there are places for."""
    q = set_of(volumes, w)
    return q >= 0 and volumes.setting[q, Q_OWN] == 1 and workloads.desired[w] > volumes.site.shape[1]


@inline_kernel
def is_open(volumes: Volumes, pods: Pods, p):
    """Whether pod ``p`` has claims that were not bound until it found its node."""
    q = set_of(volumes, pods.workload[p])
    return q >= 0 and volumes.site[q, place_of(volumes, q, pods.ordinal[p])] == 0


@kernel
def is_elsewhere(volumes: Volumes, pods: Pods, nodes: Nodes, p):
    """Whether the volumes of pod ``p``, which was bound, serve another node, and that one alone."""
    q = set_of(volumes, pods.workload[p])
    if q < 0 or volumes.setting[q, Q_ALONE] == 0:
        return False
    held = volumes.held[q, place_of(volumes, q, pods.ordinal[p])]
    return held[H_USERS] > 0 and held[H_NODE] != nodes.uid[pods.node[p]]


@kernel
def attached_ms(volumes: Volumes, pods: Pods, nodes: Nodes, p, now):
    """When the volumes of pod ``p``, which was bound, are attached to its node; NEVER: another node uses them."""
    q = set_of(volumes, pods.workload[p])
    held = volumes.held[q, place_of(volumes, q, pods.ordinal[p])]
    uid = nodes.uid[pods.node[p]]
    if volumes.setting[q, Q_ALONE] == 0:
        return max(now, held[H_FREE_MS]) + volumes.setting[q, Q_ATTACH_MS]
    if held[H_NODE] == uid:
        held[H_USERS] += 1
        return now if held[H_USERS] > 1 or now < held[H_FREE_MS] else now + volumes.setting[q, Q_ATTACH_MS]
    if held[H_USERS] > 0:
        return NEVER
    held[H_NODE] = uid
    held[H_USERS] = 1
    return max(now, held[H_FREE_MS]) + volumes.setting[q, Q_ATTACH_MS]


@kernel
def let_go(volumes: Volumes, pods: Pods, nodes: Nodes, p, dead, now):
    """Pod ``p`` is gone from its node (``dead``: the machine died with the volumes mounted); returns whether pods
    elsewhere may wait for volumes that will be free now."""
    q = set_of(volumes, pods.workload[p])
    if q < 0 or pods.node[p] < 0 or volumes.setting[q, Q_ALONE] == 0:
        return False
    if pods.step_ms[p] == NEVER:  # it waited for the volumes, or an address, to the end
        return False
    held = volumes.held[q, place_of(volumes, q, pods.ordinal[p])]
    if held[H_NODE] != nodes.uid[pods.node[p]]:
        return False
    held[H_USERS] -= 1
    if held[H_USERS] > 0:
        return False
    held[H_FREE_MS] = now + volumes.setting[q, Q_DETACH_MS] + (volumes.wait_ms[0] if dead == 1 else 0)
    return volumes.setting[q, Q_OWN] == 0
