"""Rates of all services after a change: from callers to callees, then failures and times back up.

Without response times and calls this is ``settle`` alone.
"""

from __future__ import annotations

from capsim.engine.settle import settle
from capsim.jit import kernel
from capsim.state.tables import (
    Classes,
    Clock,
    Marks,
    Nodes,
    NodeScan,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Samples,
    Traffic,
    Wheels,
    Workloads,
)
from capsim.state.tables_calls import Calls, Connections, Serving
from capsim.world.calls import account, look_back, process, pull, see_queues
from capsim.world.connections import close_connections, observe_pods, turn_over
from capsim.world.journeys import close_journeys, close_services, forget
from capsim.world.latency import observe
from capsim.world.response_curves import spread_weights
from capsim.world.streams import follow_streams


@kernel
def flow(
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
    calls: Calls,
    connections: Connections,
    marks: Marks,
    now,
):
    """Compute all marked rates and shares anew, level by level of the call graph."""
    levels = calls.level_start.shape[0] - 1
    if connections.due_ms[0] <= now:
        turn_over(clock, connections, pods, links, usage, workloads, marks, now)
    if calls.due_ms[0] <= now:
        see_queues(connections, serving, physics, marks, now)
    account(calls, now)
    for d in range(max(1, levels)):
        if d < levels:
            for k in range(calls.level_start[d], calls.level_start[d + 1]):
                pull(calls, traffic, marks, calls.order[k])
        settle(
            clock,
            wheels,
            pods,
            links,
            usage,
            classes,
            nodes,
            scan,
            workloads,
            physics,
            traffic,
            serving,
            connections,
            marks,
            now,
        )
        if d < levels:
            for k in range(calls.level_start[d], calls.level_start[d + 1]):
                process(calls, traffic, physics, calls.order[k])
    if levels > 0:
        look_back(calls, serving, traffic, physics, now)


@kernel
def take_sample(
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    traffic: Traffic,
    serving: Serving,
    calls: Calls,
    connections: Connections,
    samples: Samples,
    now,
):
    """Response times and failures of the interval that ends now, into the row that the recorder writes next."""
    account(calls, now)
    for r in range(serving.workload.shape[0]):
        w = serving.workload[r]
        if connections.row[w] < 0:
            observe(serving, physics, w, now)
        else:
            observe_pods(connections, serving, pods, links, usage, workloads, physics, w, now)
    if calls.edge.shape[0] > 0 or calls.visit.shape[0] > 0:
        follow_streams(calls, serving, traffic, physics)
    spread_weights(serving)
    s = samples.count[0]
    close_services(calls, serving, traffic, s)
    close_journeys(calls, s)
    close_connections(connections, pods, links, usage, workloads, physics, s)
    forget(serving)
