"""What the HPA controller is told by custom.metrics.k8s.io and external.metrics.k8s.io: what prometheus-adapter makes
of the samples that Prometheus has.

A rate is PromQL's: the increase between the first and the last sample of the window, extrapolated towards its ends
(promql/functions.go, ``extrapolatedRate``, Prometheus 3: the window is open on the left). Values are cut to milli-units
(prometheus-adapter, ``resource.NewMilliQuantity(int64(value * 1000))``). A metric that is not listed yet, and an object
without samples, is "not found"; an external metric without samples is an empty list.
"""

from __future__ import annotations

from capsim.controllers.hpa.codes import COUNTED, ERROR_EMPTY, ERROR_UNAVAILABLE, MISSING
from capsim.controllers.hpa.grouping import add_pod, add_waiting
from capsim.controllers.hpa.tables import (
    EXTERNAL_AVERAGE,
    EXTERNAL_VALUE,
    G_ERROR,
    G_LISTED,
    G_RUNNING_READY,
    G_USAGE,
    M_KIND,
    PODS_AVERAGE,
    S_RULES,
    HpaSpecs,
)
from capsim.jit import inline_kernel, kernel
from capsim.state.revisions import first_revision
from capsim.state.tables import (
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    PodLinks,
    Pods,
    Workloads,
)
from capsim.state.tables_adapter import (
    A_LANE,
    A_LISTED,
    A_LOOKBACK_MS,
    A_MEASURE,
    A_TAKEN,
    A_WINDOW_MS,
    MEASURE_RPS,
    Adapter,
)


@inline_kernel
def extrapolated_rate(samples, first_ms, first, last_ms, last, start_ms, end_ms, is_young):
    """Per second rate over the window ``start_ms`` (excluded) .. ``end_ms`` of ``samples`` >= 2 samples of a counter
    that does not reset; ``is_young``: it may have begun at zero within the window."""
    increase = last - first
    sampled = (last_ms - first_ms) / 1000.0
    apart = sampled / (samples - 1)
    to_start = (first_ms - start_ms) / 1000.0
    to_end = (end_ms - last_ms) / 1000.0
    if to_start >= apart * 1.1:
        to_start = apart / 2.0
    if increase > 0.0 and is_young:
        to_start = min(to_start, sampled * (first / increase))  # a counter was never below zero
    if to_end >= apart * 1.1:
        to_end = apart / 2.0
    return increase * ((sampled + to_start + to_end) / sampled) / ((end_ms - start_ms) / 1000.0)


@kernel
def query(adapter: Adapter, s, p, since_ms, now):
    """(has a value, milli) of series ``s``; of pod ``p``, Ready since ``since_ms``, or with p = -1 of the whole."""
    slots = adapter.time_ms.shape[1]
    rate = adapter.series[s, A_MEASURE] == MEASURE_RPS
    back_ms = adapter.series[s, A_WINDOW_MS] if rate else adapter.settings[A_LOOKBACK_MS]
    taken = adapter.series[s, A_TAKEN]
    lane = adapter.series[s, A_LANE] * slots
    samples = 0
    first_ms = last_ms = 0
    first = last = 0.0
    for k in range(min(taken, slots)):
        slot = (taken - 1 - k) % slots
        at_ms = adapter.time_ms[s, slot]
        if at_ms <= now - back_ms or at_ms < since_ms:
            break
        first_ms = at_ms
        first = adapter.pods[p, lane + slot] if p >= 0 else adapter.value[s, slot]
        if samples == 0:
            last_ms = first_ms
            last = first
        samples += 1
    if samples == 0 or (rate and samples == 1):
        return False, 0
    if not rate:
        return True, int(last * 1000.0)
    is_young = p < 0 or since_ms > 0  # counters of pods of a settled start are 0 at the start, and were below it
    value = extrapolated_rate(samples, first_ms, first, last_ms, last, now - back_ms, now, is_young)
    return True, int(value * 1000.0)


@inline_kernel
def gather_pods(pods: Pods, links: PodLinks, workloads: Workloads, adapter: Adapter, g, rules, s, w, now):
    """The pods of ``w`` with their values of series ``s``."""
    r = first_revision(workloads, w)
    while r >= 0:
        p = workloads.first_pod[r]
        while p >= 0:
            state = pods.state[p]
            if state == POD_READY:
                has, value = query(adapter, s, p, pods.ready_ms[p], now)
                add_pod(g, COUNTED if has else MISSING, has, value, 0, 0)
            elif state == POD_DOWN and pods.ready_ms[p] != -1:
                add_pod(g, MISSING, False, 0, 0, 0)
            elif state in (POD_PENDING, POD_STARTING, POD_DOWN):
                add_waiting(g, rules, 1, 0, 0)
            elif state == POD_TERMINATING:
                g[G_LISTED] += 1
            p = links.workload_next[p]
        r = workloads.next_revision[r]


@inline_kernel
def count_ready(pods: Pods, links: PodLinks, workloads: Workloads, g, w):
    """The pods listed and those Running and Ready: pods that terminate, but have been Ready, count."""
    r = first_revision(workloads, w)
    while r >= 0:
        p = workloads.first_pod[r]
        while p >= 0:
            g[G_LISTED] += 1
            if pods.state[p] == POD_READY or (pods.state[p] == POD_TERMINATING and pods.ready_ms[p] != -1):
                g[G_RUNNING_READY] += 1
            p = links.workload_next[p]
        r = workloads.next_revision[r]


@kernel
def gather_adapter(
    pods: Pods, links: PodLinks, workloads: Workloads, adapter: Adapter, specs: HpaSpecs, g, h, m, w, now
):
    """Fill the cleared cells ``g`` for metric ``m``, of type Pods, Object or External, of HPA ``h`` on ``w``."""
    s = adapter.metric[m]
    kind = specs.metric[m, M_KIND]
    if s < 0 or adapter.series[s, A_LISTED] == 0:
        g[G_ERROR] = ERROR_UNAVAILABLE
        return
    if kind == PODS_AVERAGE:
        gather_pods(pods, links, workloads, adapter, g, specs.row[h, S_RULES], s, w, now)
        return
    count_ready(pods, links, workloads, g, w)
    has, value = query(adapter, s, -1, -(1 << 60), now)
    g[G_USAGE] = value
    if not has:
        g[G_ERROR] = ERROR_EMPTY if kind in (EXTERNAL_VALUE, EXTERNAL_AVERAGE) else ERROR_UNAVAILABLE
