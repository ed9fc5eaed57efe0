"""Every node's answer to one pod, as a function that Python calls: compiled only where an explanation is asked for."""

from __future__ import annotations

from capsim.controllers.scheduler.filters import exists
from capsim.controllers.scheduler.prepare import prepare
from capsim.controllers.scheduler.reasons import REASON_FIT
from capsim.controllers.scheduler.verdict import verdict
from capsim.jit import entry
from capsim.state.tables import I64, NODE_TOP, Classes, Clock, Nodes, Pods, Presence
from capsim.state.tables_scheduler import Scheduling


@entry
def ask_nodes(
    clock: Clock,
    classes: Classes,
    pods: Pods,
    nodes: Nodes,
    presence: Presence,
    k: Scheduling,
    counts: I64,
    p,
    out: I64,
):
    """Fill ``out`` [N, 2]: PASS, INSUFFICIENT or a reason, and the resource columns that are short as a bit set.

    ``counts`` [reasons + 3] is working memory."""
    prepare(clock, nodes, k.rules, presence, k.shapes, k.cycle, pods.pod_class[p])
    for n in range(clock.values[NODE_TOP]):
        if exists(nodes, n):
            counts[:] = 0
            out[n, 0] = verdict(clock, classes, pods, nodes, presence, k, counts, True, p, n)
            out[n, 1] = 0
            for r in range(nodes.allocatable.shape[1]):
                if counts[REASON_FIT + r] > 0:
                    out[n, 1] |= 1 << r
