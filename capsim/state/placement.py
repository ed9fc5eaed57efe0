"""What a pod on a node adds to the sums that the scheduler reads: requests, host ports, volumes, peers."""

from __future__ import annotations

from capsim.jit import inline_kernel, separate_kernel
from capsim.state.tables import Classes, Nodes, Presence
from capsim.state.tables_scheduler import PORTS_TAKEN


@separate_kernel
def place(classes: Classes, nodes: Nodes, presence: Presence, c, n, sign, leaving):
    """A pod of class ``c`` comes to node ``n`` (``sign`` 1) or is gone from it (-1).

    ``leaving`` 1: it was terminating, so that groups which do not count terminating pods have forgotten it. Host ports
    are a set, as upstream's: a pod that goes frees its ports whoever else was forced onto them.
    """
    for r in range(nodes.requested.shape[1]):
        nodes.requested[n, r] += sign * classes.request[c, r]
    nodes.nonzero[n, 0] += sign * classes.nonzero[c, 0]
    nodes.nonzero[n, 1] += sign * classes.nonzero[c, 1]
    for i in range(presence.part_start[c, PORTS_TAKEN], presence.part_start[c, PORTS_TAKEN + 1]):
        presence.ports[n, presence.part[i]] = 1 if sign > 0 else 0
    for d in range(presence.attach.shape[1]):
        presence.attached[n, d] += sign * presence.attach[c, d]
    s = nodes.shape[n]
    for i in range(presence.start[c], presence.start[c + 1]):
        g = presence.group[i]
        if leaving == 0 or presence.keeps[g] == 1:
            presence.on_node[g, n] += sign * presence.weight[i]
            presence.on_shape[g, s] += sign * presence.weight[i]


@inline_kernel
def leave(nodes: Nodes, presence: Presence, c, n):
    """A pod of class ``c`` on node ``n`` begins to terminate; returns whether some group no longer counts it."""
    changed = False
    s = nodes.shape[n]
    for i in range(presence.start[c], presence.start[c + 1]):
        g = presence.group[i]
        if presence.keeps[g] == 0:
            presence.on_node[g, n] -= presence.weight[i]
            presence.on_shape[g, s] -= presence.weight[i]
            changed = True
    return changed
