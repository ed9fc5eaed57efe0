"""Prometheus, behind custom and external metrics: what it scrapes, and when, and which metrics the adapter finds there.

Sources: Prometheus 3 (each target has an offset of its own within ``scrape_interval``), prometheus-adapter 0.12
(``--metrics-relist-interval``: only metrics with a sample within ``--metrics-max-age`` are listed). Per pod ``rps`` is
a counter of requests answered since the pod became Ready; per service it is a counter of requests that arrived, as an
ingress counts them.

Not modelled: offsets of their own for the pods of one workload (they are scraped together), failed scrapes, the time a
query takes.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.calendar import tree_first, tree_set
from capsim.state.revisions import first_revision
from capsim.state.tables import (
    L_SECONDS,
    NEVER,
    POD_READY,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Traffic,
    Workloads,
)
from capsim.state.tables_adapter import (
    A_CURSOR,
    A_INTERVAL_MS,
    A_LANE,
    A_LISTED,
    A_MAX_AGE_MS,
    A_MEASURE,
    A_NAME,
    A_NEXT_RELIST_MS,
    A_RELIST_MS,
    A_SEEN_MS,
    A_SINCE_MS,
    A_SOURCE,
    A_TAKEN,
    A_WORKLOAD,
    MEASURE_BACKLOG,
    MEASURE_IN_FLIGHT,
    MEASURE_RECORDED,
    MEASURE_RPS,
    Adapter,
)
from capsim.world.contention import served_by


@inline_kernel
def backlog_at(physics: Physics, w, now):
    """Requests that wait for workload ``w`` at ``now``, without touching its integrals."""
    growth = physics.arrival_rps[w] - physics.served_rps[w] - physics.lost_rps[w]
    waiting = physics.backlog[w] + growth * (now - physics.since_ms[w]) / 1000.0
    return waiting if waiting > 1e-6 else 0.0


@kernel
def scrape_revision(
    pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, physics: Physics, adapter: Adapter, s, w, now
):
    """Read the Ready pods of row ``w``; returns how many there were."""
    slots = adapter.time_ms.shape[1]
    column = adapter.series[s, A_LANE] * slots + adapter.series[s, A_TAKEN] % slots
    ready = workloads.count[w, POD_READY]
    measure = adapter.series[s, A_MEASURE]
    waiting = backlog_at(physics, w, now) / ready if ready > 0 and measure != MEASURE_RPS else 0.0
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            if measure == MEASURE_RPS:
                adapter.pods[p, column] = served_by(pods, usage, physics, p, now)
            elif measure == MEASURE_BACKLOG:
                adapter.pods[p, column] = waiting
            else:
                rate = usage.rate_rps[p] if usage.own[p] == 1 else physics.pod_rps[w]
                adapter.pods[p, column] = rate * physics.load[w, L_SECONDS] + waiting
        p = links.workload_next[p]
    return ready


@kernel
def scrape_pods(
    pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, physics: Physics, adapter: Adapter, s, now
):
    """Read the Ready pods of a series' workload; returns how many there were."""
    seen = 0
    r = first_revision(workloads, adapter.series[s, A_WORKLOAD])
    while r >= 0:
        seen += scrape_revision(pods, links, usage, workloads, physics, adapter, s, r, now)
        r = workloads.next_revision[r]
    return seen


@inline_kernel
def count_arrivals(traffic: Traffic, adapter: Adapter, s, now):
    """Bring the counter of arrivals of series ``s`` up to ``now``."""
    v = adapter.series[s, A_SOURCE]
    k = adapter.series[s, A_CURSOR]
    since = adapter.series[s, A_SINCE_MS]
    while True:
        last = k + 1 >= traffic.start[v + 1] or traffic.time_ms[k + 1] > now
        until = now if last else traffic.time_ms[k + 1]
        if until > since:
            adapter.total[s] += traffic.rate[k] * (until - since) / 1000.0
            since = until
        if last:
            break
        k += 1
    adapter.series[s, A_CURSOR] = k
    adapter.series[s, A_SINCE_MS] = now
    return adapter.total[s]


@kernel
def scrape_service(workloads: Workloads, physics: Physics, traffic: Traffic, adapter: Adapter, s, now):
    """The value of a series that is not per pod."""
    v = adapter.series[s, A_SOURCE]
    measure = adapter.series[s, A_MEASURE]
    if measure == MEASURE_RECORDED:
        return traffic.rate[traffic.cursor[v]]
    if measure == MEASURE_RPS:
        return count_arrivals(traffic, adapter, s, now)
    total = 0.0
    for e in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        w = traffic.edge_workload[e]
        total += backlog_at(physics, w, now)
        if measure == MEASURE_IN_FLIGHT:
            total += physics.served_rps[w] * physics.load[w, L_SECONDS]
    return total


@kernel
def relist(adapter: Adapter, now):
    """The adapter asks which metrics there are: those of which any series has a sample that is young enough."""
    since = now - adapter.settings[A_MAX_AGE_MS]
    for s in range(adapter.series.shape[0]):
        listed = 0
        for other in range(adapter.series.shape[0]):
            if adapter.series[other, A_NAME] == adapter.series[s, A_NAME] and adapter.series[other, A_SEEN_MS] > since:
                listed = 1
        adapter.series[s, A_LISTED] = listed
    adapter.settings[A_NEXT_RELIST_MS] += adapter.settings[A_RELIST_MS]


@inline_kernel
def scrape_due(
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    traffic: Traffic,
    adapter: Adapter,
    now,
):
    """Every scrape that is due, then the adapter's look at what there is."""
    slots = adapter.time_ms.shape[1]
    while adapter.due[1] <= now:
        s = tree_first(adapter.due)
        seen = 1
        slot = adapter.series[s, A_TAKEN] % slots
        if adapter.series[s, A_WORKLOAD] >= 0:
            seen = scrape_pods(pods, links, usage, workloads, physics, adapter, s, now)
        else:
            adapter.value[s, slot] = scrape_service(workloads, physics, traffic, adapter, s, now)
        adapter.time_ms[s, slot] = now
        adapter.series[s, A_TAKEN] += 1
        if seen > 0:
            adapter.series[s, A_SEEN_MS] = now
        tree_set(adapter.due, s, now + adapter.settings[A_INTERVAL_MS])
    while adapter.settings[A_NEXT_RELIST_MS] <= now and adapter.settings[A_NEXT_RELIST_MS] < NEVER:
        relist(adapter, now)
