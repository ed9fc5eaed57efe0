"""What the HPA controller is told about the pods of a workload: the published samples, never the world's true state."""

from __future__ import annotations

from capsim.controllers.hpa.codes import ERROR_NO_CONTAINER, ERROR_UNAVAILABLE, MISSING, READY_TRUE, RUNNING
from capsim.controllers.hpa.grouping import (
    NO_REQUEST,
    add_counted,
    add_pod,
    add_waiting,
    classify,
    clear,
    percent_of_missing,
)
from capsim.controllers.hpa.tables import (
    CONTAINER_AVERAGE,
    CONTAINER_UTILIZATION,
    G_ERROR,
    G_LISTED,
    G_NO_REQUEST,
    M_CONTAINER,
    M_KIND,
    M_RESOURCE,
    RESOURCE_AVERAGE,
    RESOURCE_CPU,
    RESOURCE_MEMORY,
    RESOURCE_UTILIZATION,
    S_CPU_INIT_MS,
    S_READY_DELAY_MS,
    S_RULES,
    HpaSpecs,
    HpaState,
)
from capsim.engine.adapter_view import gather_adapter
from capsim.jit import inline_kernel, kernel
from capsim.state.revisions import first_revision
from capsim.state.tables import (
    P_HOUSEKEEPING,
    P_MISSED_SCRAPES,
    POD_DOWN,
    POD_PENDING,
    POD_READY,
    POD_STARTING,
    POD_TERMINATING,
    S_LAST,
    S_MEMORY,
    S_MEMORY_LAST,
    S_PREV,
    SCRAPE_LAST,
    SCRAPE_PREV,
    Clock,
    Containers,
    Marks,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Workloads,
)
from capsim.state.tables_adapter import Adapter
from capsim.world.housekeeping import is_even, window_start
from capsim.world.metrics import served_between, whole_second


@inline_kernel
def cpu_milli(containers: Containers, w, first, last, rate, extra):
    """CPU of containers ``first``..``last`` of a pod of ``w`` that served ``rate`` requests per second, milli, as the
    metrics API tells it: whole nanocores per container, rounded up to milli by ``Quantity.MilliValue``. The first
    container of the pod used ``extra`` milli more."""
    total = 0
    for k in range(first, last):
        milli = containers.idle_milli[k] + containers.cost_milli[k] * rate
        if k == containers.start[w]:
            milli += extra
        nano = int(milli * 1_000_000.0)
        total += (nano + 999_999) // 1_000_000
    return total


@inline_kernel
def request_milli(containers: Containers, w, first, last, cpu):
    """Request behind a metric in the HPA's unit (milli-cores or milli-bytes); NO_REQUEST where a container has none.

    That of the whole pod, or of container ``first`` where ``first``..``last`` is less than all of them.
    """
    if first == containers.start[w] and last == containers.start[w + 1]:
        return containers.pod_request[w, 0 if cpu else 1]
    one = containers.request_milli[first] if cpu else containers.request_memory[first]
    if one < 0:
        return NO_REQUEST
    return one if cpu else one * 1000


@inline_kernel
def memory_milli(physics: Physics, marks: Marks, w):
    """Published memory of one Ready pod, milli-bytes."""
    column = S_MEMORY_LAST if marks.busy_flag[w] > 0 else S_MEMORY
    return int(physics.samples[w, column]) * 1000


@inline_kernel
def is_counted(clock: Clock, workloads: Workloads, marks: Marks, w):
    """Whether every Ready pod of ``w`` has two samples taken wholly after it became Ready, while it served at the
    common rate, and no other pod is Running."""
    served = marks.own_flag[w] == 0 and clock.params[P_MISSED_SCRAPES] == 0 and workloads.count[w, POD_DOWN] == 0
    return served and workloads.moved_ms[w] <= window_start(clock) - 1000


@inline_kernel
def is_settled(clock: Clock, workloads: Workloads, physics: Physics, marks: Marks, w):
    """Whether these samples are all alike, too."""
    alike = clock.params[P_HOUSEKEEPING] == 0 or is_even(clock, physics, w)
    return alike and is_counted(clock, workloads, marks, w)


@inline_kernel
def common_window(clock: Clock, physics: Physics, marks: Marks, w):
    """Requests per second that a settled pod of ``w`` served between the last two published samples."""
    if marks.busy_flag[w] == 0 or clock.params[P_HOUSEKEEPING] > 0:
        return physics.pod_rps[w]
    span = clock.values[SCRAPE_LAST] - clock.values[SCRAPE_PREV]
    return (physics.samples[w, S_LAST] - physics.samples[w, S_PREV]) / (span / 1000.0)


@inline_kernel
def gather_settled(
    clock: Clock,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    g,
    first,
    last,
    w,
    cpu,
    request,
    target,
    rules,
):
    """All pods at once: Ready ones are alike, the rest have no sample yet."""
    ready = workloads.count[w, POD_READY]
    waiting = workloads.count[w, POD_PENDING] + workloads.count[w, POD_STARTING]
    if cpu:
        value = cpu_milli(containers, w, first, last, common_window(clock, physics, marks, w), 0.0)
    else:
        value = memory_milli(physics, marks, w)
    if request < 0:
        if ready + waiting > 0:
            g[G_NO_REQUEST] += ready + waiting
        request = 0
    g[G_LISTED] += workloads.count[w, POD_TERMINATING]
    if ready > 0:
        add_counted(g, ready, ready * value, ready * request)
    if waiting > 0:
        add_waiting(g, rules, waiting, request, target)


@kernel
def gather_each(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    g,
    first,
    last,
    w,
    cpu,
    request,
    target,
    rules,
    init_ms,
    delay_ms,
    now,
):
    """Pod by pod, where some are young or run at a rate of their own."""
    p = workloads.first_pod[w]
    while p >= 0:
        state = pods.state[p]
        if state == POD_READY:
            has, served, extra, window, stamp = served_between(clock, pods, usage, workloads, physics, marks, p)
            value = 0
            if has:
                value = (
                    cpu_milli(containers, w, first, last, served / (window / 1000.0), extra / (window / 1000.0))
                    if cpu
                    else memory_milli(physics, marks, w)
                )
            ready_ms = whole_second(clock, pods.ready_ms[p])
            group = classify(
                RUNNING,
                False,
                has,
                cpu,
                whole_second(clock, pods.bound_ms[p]),
                READY_TRUE,
                ready_ms,
                whole_second(clock, stamp),
                window,
                now,
                init_ms,
                delay_ms,
            )
            add_pod(g, group, has, value, request, target)
        elif state == POD_DOWN and pods.ready_ms[p] != -1:  # Running, but there is no sample of it
            add_pod(g, MISSING, False, 0, request, target)
        elif state in (POD_PENDING, POD_STARTING, POD_DOWN):
            add_waiting(g, rules, 1, request, target)
        elif state == POD_TERMINATING:
            g[G_LISTED] += 1
        p = links.workload_next[p]


@inline_kernel
def gather_revision(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    specs: HpaSpecs,
    g,
    h,
    m,
    w,
    now,
):
    """Add the pods of one row of ``Workloads`` for a resource metric."""
    cpu = specs.metric[m, M_RESOURCE] == RESOURCE_CPU
    first, last = containers.start[w], containers.start[w + 1]
    if specs.metric[m, M_KIND] in (CONTAINER_UTILIZATION, CONTAINER_AVERAGE):
        first += specs.metric[m, M_CONTAINER]
        last = first + 1
    request = request_milli(containers, w, first, last, cpu)
    target, rules = percent_of_missing(specs, m), specs.row[h, S_RULES]
    if is_settled(clock, workloads, physics, marks, w):
        gather_settled(clock, workloads, physics, marks, containers, g, first, last, w, cpu, request, target, rules)
        return
    # fmt: off
    gather_each(
        clock, pods, links, usage, workloads, physics, marks, containers, g, first, last, w, cpu, request, target,
        rules, specs.row[h, S_CPU_INIT_MS], specs.row[h, S_READY_DELAY_MS], now)
    # fmt: on


@inline_kernel
def gather(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    containers: Containers,
    adapter: Adapter,
    specs: HpaSpecs,
    state: HpaState,
    h,
    m,
    w,
    now,
):
    """Fill ``state.gathered`` for metric ``m`` of HPA ``h`` on workload ``w``."""
    g = state.gathered
    clear(g)
    kind = specs.metric[m, M_KIND]
    if kind in (CONTAINER_UTILIZATION, CONTAINER_AVERAGE):
        if specs.metric[m, M_CONTAINER] < 0:
            g[G_ERROR] = ERROR_NO_CONTAINER
            return
    elif kind != RESOURCE_UTILIZATION and kind != RESOURCE_AVERAGE:
        gather_adapter(pods, links, workloads, adapter, specs, g, h, m, w, now)
        return
    if specs.metric[m, M_RESOURCE] != RESOURCE_CPU and specs.metric[m, M_RESOURCE] != RESOURCE_MEMORY:
        g[G_ERROR] = ERROR_UNAVAILABLE
        return
    r = first_revision(workloads, w)
    while r >= 0:
        # fmt: off
        gather_revision(
            clock, pods, links, usage, workloads, physics, marks, containers, specs, g, h, m, r, now)
        # fmt: on
        r = workloads.next_revision[r]
