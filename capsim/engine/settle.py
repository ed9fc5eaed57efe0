"""Rates after a change: workloads whose load changed, nodes whose CPU must be shared, until nothing moves.

A changed rate can overload a node, whose shares change other workloads' rates. The rounds are bounded: what is left
after ``MAX_ROUNDS`` stays marked and is settled at the next instant at which anything changes.
"""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.tables import (
    M_DIRTY,
    M_NODE,
    NODE_FREE,
    Classes,
    Clock,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Traffic,
    Wheels,
    Workloads,
)
from capsim.state.tables_calls import Connections, Serving
from capsim.world.connections import observe_pods, spread
from capsim.world.contention import share_node
from capsim.world.latency import observe
from capsim.world.rates import compute_rates, mark_siblings

MAX_ROUNDS = 8


@inline_kernel
def settle(
    clock: Clock,
    wheels: Wheels,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    classes: Classes,
    nodes: Nodes,
    scan: NodeScan,
    workloads: Workloads,
    physics: Physics,
    traffic: Traffic,
    serving: Serving,
    connections: Connections,
    marks: Marks,
    now,
):
    """Compute all marked rates and shares anew."""
    for _ in range(MAX_ROUNDS):
        if marks.touched_count[M_DIRTY] == 0 and marks.touched_count[M_NODE] == 0:
            break
        count = 0
        while count < marks.touched_count[M_DIRTY]:  # the list grows while it is read
            mark_siblings(physics, workloads, traffic, marks, marks.dirty[count])
            count += 1
        if serving.workload.shape[0] > 0:
            for i in range(count):  # they are marked until then: what marks them again does not write over the list
                w = marks.dirty[i]
                if connections.row[w] < 0:
                    observe(serving, physics, w, now)
                else:
                    observe_pods(connections, serving, pods, links, usage, workloads, physics, w, now)
                    spread(clock, connections, pods, links, usage, workloads, physics, traffic, marks, w, now)
        marks.touched_count[M_DIRTY] = 0
        for i in range(count):
            marks.dirty_flag[marks.dirty[i]] = 0
        for i in range(count):
            compute_rates(
                clock,
                physics,
                workloads,
                traffic,
                links,
                pods,
                usage,
                nodes,
                scan,
                marks,
                wheels.backlog,
                marks.dirty[i],
                now,
            )
        count = marks.touched_count[M_NODE]
        marks.touched_count[M_NODE] = 0
        for i in range(count):
            n = marks.node[i]
            marks.node_flag[n] = 0
            if nodes.state[n] != NODE_FREE:
                share_node(clock, classes, pods, links, usage, nodes, scan, workloads, physics, marks, n, now)
