"""Which nodes a pod class may use, and why not: the Filter plugins, in upstream's order (kube-scheduler v1.34.1).

NodeUnschedulable, NodeName, TaintToleration, NodeAffinity (node selector) and NodeResourcesFit; the first plugin that
rejects a node reports, NodeResourcesFit with one reason per resource that is short.

Reasons are indices into a run's list of reason texts: the fixed ones below, then one per resource column, then one per
distinct taint of the node shapes.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import (
    FLAG_NOT_READY,
    FLAG_TO_BE_DELETED,
    FLAG_UNSCHEDULABLE,
    NODE_FREE,
    NODE_REQUESTED,
    NODE_TOP,
    PODS,
    Classes,
    Clock,
    Nodes,
)

REASON_UNSCHEDULABLE, REASON_NODE_NAME, REASON_NOT_READY, REASON_TO_BE_DELETED, REASON_AFFINITY, REASON_FIT = (
    0,
    1,
    2,
    3,
    4,
    5,
)

PASS = -1
INSUFFICIENT = -2
"""NodeResourcesFit rejects the node; which resources are short is asked for only by a diagnosis."""


@inline_kernel
def exists(nodes: Nodes, n):
    """Whether slot ``n`` holds a node that the API server knows."""
    return nodes.state[n] != NODE_FREE and nodes.state[n] != NODE_REQUESTED


@inline_kernel
def static_reason(classes: Classes, nodes: Nodes, c, n):
    """PASS, or the reason of the first plugin before NodeResourcesFit that rejects node ``n`` for class ``c``."""
    flags = nodes.flags[n] & ~classes.tolerates[c]
    shape = classes.shape_reason[c, nodes.shape[n]]
    if flags != 0:
        if flags & FLAG_UNSCHEDULABLE:
            return REASON_UNSCHEDULABLE
        if shape > REASON_AFFINITY:
            return shape
        if flags & FLAG_NOT_READY:
            return REASON_NOT_READY
        if flags & FLAG_TO_BE_DELETED:
            return REASON_TO_BE_DELETED
    return shape


@inline_kernel
def has_room(classes: Classes, nodes: Nodes, c, n):
    """NodeResourcesFit: every resource that the class requests, and a pod more, is free on node ``n``."""
    for r in range(nodes.allocatable.shape[1]):
        want = classes.request[c, r]
        if want > 0 and nodes.requested[n, r] + want > nodes.allocatable[n, r]:
            return False
    return True


@inline_kernel
def fits(classes: Classes, nodes: Nodes, c, n):
    """Whether class ``c`` passes all filters on node ``n``."""
    return exists(nodes, n) and static_reason(classes, nodes, c, n) == PASS and has_room(classes, nodes, c, n)


@kernel
def diagnose(clock: Clock, classes: Classes, nodes: Nodes, counts, c, target):
    """Count rejected nodes per reason into ``counts`` [reasons + 3]; the last three are nodes that preemption could
    help, nodes that it could not, and all nodes."""
    last = counts.shape[0]
    for i in range(last):
        counts[i] = 0
    for n in range(clock.values[NODE_TOP]):
        if not exists(nodes, n):
            continue
        counts[last - 1] += 1
        reason = static_reason(classes, nodes, c, n)
        if target >= 0 and n != target:
            reason = REASON_NODE_NAME
        if reason >= 0:
            counts[reason] += 1
            counts[last - 2] += 1
        else:
            helpful = True
            for r in range(nodes.allocatable.shape[1]):
                want = classes.request[c, r]
                if want > 0 and nodes.requested[n, r] + want > nodes.allocatable[n, r]:
                    counts[REASON_FIT + r] += 1
                    if want > nodes.allocatable[n, r]:
                        helpful = False
            counts[last - 3 if helpful else last - 2] += 1


def reason_texts(resources: list[str], taints: list[str]) -> list[str]:
    """Texts of all reasons of a run, in upstream's words; ``resources`` by column, ``taints`` as ``{key: value}``."""
    short = ["Too many pods" if column == PODS else f"Insufficient {name}" for column, name in enumerate(resources)]
    return [
        "node(s) were unschedulable",
        "node(s) didn't satisfy plugin(s) [NodeAffinity]",
        "node(s) had untolerated taint {node.kubernetes.io/not-ready: }",
        "node(s) had untolerated taint {ToBeDeletedByClusterAutoscaler: }",
        "node(s) didn't match Pod's node affinity/selector",
        *short,
        *[f"node(s) had untolerated taint {taint}" for taint in taints],
    ]
