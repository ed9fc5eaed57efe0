"""What a node itself says to a pod class: the Filter plugins up to the volumes, in upstream's order.

NodeUnschedulable, NodeName, TaintToleration, NodeAffinity (all said by the shape), NodePorts, NodeResourcesFit and the
volume plugins; the first that rejects a node reports. What other pods say is in ``judge.py``.

Source: kube-scheduler v1.34.1, pkg/scheduler/framework/plugins.
"""

from __future__ import annotations

from capsim.controllers.scheduler.reasons import (
    INSUFFICIENT,
    PASS,
    REASON_ATTACH,
    REASON_DISK_PRESSURE,
    REASON_FIT,
    REASON_NODE_NAME,
    REASON_NOT_READY,
    REASON_PORTS,
    REASON_PRESSURE,
    REASON_TO_BE_DELETED,
    REASON_UNREACHABLE,
    REASON_UNSCHEDULABLE,
)
from capsim.jit import inline_kernel
from capsim.state.tables import (
    FLAG_DISK_PRESSURE,
    FLAG_MEMORY_PRESSURE,
    FLAG_NOT_READY,
    FLAG_TO_BE_DELETED,
    FLAG_UNREACHABLE,
    FLAG_UNSCHEDULABLE,
    NODE_FREE,
    NODE_REQUESTED,
    Classes,
    Nodes,
    Presence,
)
from capsim.state.tables_scheduler import PORTS_REFUSED, Extras, Profiles, Rules


@inline_kernel
def exists(nodes: Nodes, n):
    """Whether slot ``n`` holds a node that the API server knows."""
    return nodes.state[n] != NODE_FREE and nodes.state[n] != NODE_REQUESTED


@inline_kernel
def static_reason(classes: Classes, nodes: Nodes, c, n):
    """PASS, or the reason of the first plugin before NodePorts that rejects node ``n`` for class ``c``."""
    flags = nodes.flags[n] & ~classes.tolerates[c]
    shape = classes.shape_reason[c, nodes.shape[n]]
    if flags != 0 and shape != REASON_NODE_NAME:
        if flags & FLAG_UNSCHEDULABLE:
            return REASON_UNSCHEDULABLE
        if shape >= REASON_FIT:
            return shape
        if flags & FLAG_NOT_READY:
            return REASON_NOT_READY
        if flags & FLAG_TO_BE_DELETED:
            return REASON_TO_BE_DELETED
        if flags & FLAG_UNREACHABLE:
            return REASON_UNREACHABLE
        if flags & FLAG_MEMORY_PRESSURE:
            return REASON_PRESSURE
        if flags & FLAG_DISK_PRESSURE:
            return REASON_DISK_PRESSURE
    return shape


@inline_kernel
def ports_free(presence: Presence, c, n):
    """NodePorts: none of the host ports that would collide is taken."""
    for i in range(presence.part_start[c, PORTS_REFUSED], presence.part_start[c, PORTS_REFUSED + 1]):
        if presence.ports[n, presence.part[i]] == 1:
            return False
    return True


@inline_kernel
def is_short(profiles: Profiles, classes: Classes, nodes: Nodes, profile, c, n, r):
    """NodeResourcesFit: whether resource ``r`` keeps class ``c`` off node ``n``."""
    want = classes.request[c, r]
    if want <= 0 or nodes.requested[n, r] + want <= nodes.allocatable[n, r]:
        return False
    return profiles.ignored[profile, r] == 0


@inline_kernel
def has_room(profiles: Profiles, classes: Classes, nodes: Nodes, profile, c, n):
    """NodeResourcesFit: every resource that the class requests, and a pod more, is free on node ``n``."""
    for r in range(nodes.allocatable.shape[1]):
        if is_short(profiles, classes, nodes, profile, c, n, r):
            return False
    return True


@inline_kernel
def volumes_reason(rules: Rules, presence: Presence, extras: Extras, c, n):
    """NodeVolumeLimits, then what the class's volumes say of the node once and for all (VolumeBinding, VolumeZone)."""
    for d in range(presence.attach.shape[1]):
        more = presence.attach[c, d]
        limit = extras.attach_limit[n, d]
        if more > 0 and limit >= 0 and presence.attached[n, d] + more > limit:
            return REASON_ATTACH
    row = rules.volume[c]
    return extras.volume[row, n] if row >= 0 else PASS


@inline_kernel
def node_reason(
    profiles: Profiles, classes: Classes, nodes: Nodes, rules: Rules, presence: Presence, extras: Extras, c, n
):
    """PASS, INSUFFICIENT, or the first reason that node ``n`` itself has to refuse class ``c``."""
    reason = static_reason(classes, nodes, c, n)
    if reason != PASS:
        return reason
    if not ports_free(presence, c, n):
        return REASON_PORTS
    if not has_room(profiles, classes, nodes, rules.profile[c], c, n):
        return INSUFFICIENT
    return volumes_reason(rules, presence, extras, c, n)


@inline_kernel
def preemption_helps(reason):
    """Whether a fixed reason has the code Unschedulable: a pod that goes could change it."""
    return reason >= REASON_PORTS and reason <= REASON_ATTACH
