"""The metrics pipeline: cumulative counters read every ``metric-resolution``, published after a delay.

Source: metrics-server v0.7+ (pkg/storage/pod.go): usage is the difference of two successive samples over the time
between them; a container seen in one sample only is reported if it started at least 10 s and less than one resolution
before it, with its age as the window. Stamps are cut to whole wall-clock seconds, as metav1.Time is.

Only workloads whose rates or pods changed within the last scrapes ("busy") are sampled; for all others two successive
samples differ by exactly rate x resolution, which needs no sampling.

With housekeeping (``housekeeping.py``) each pod has readings of its own, which are made when they are asked for.
Scrapes that a kubelet does not answer: ``missed_scrapes.py``.
"""

from __future__ import annotations

from capsim.jit import inline_kernel
from capsim.state.marks import FRESH
from capsim.state.tables import (
    M_BUSY,
    P_BUSY_SCRAPES,
    P_HOUSEKEEPING,
    P_RESOLUTION,
    P_WALL_OFFSET,
    POD_READY,
    S_LAST,
    S_MEMORY_LAST,
    S_MEMORY_TAKEN,
    S_PREV,
    S_TAKEN,
    SCRAPE_LAST,
    SCRAPE_PREV,
    SCRAPE_TAKEN,
    Clock,
    Marks,
    Physics,
    PodLinks,
    Pods,
    PodUsage,
    Workloads,
)
from capsim.state.tables_warmth import H_BEGIN, H_LAST, H_PREV, H_TAKEN
from capsim.state.warmth import are_warming, extra_until
from capsim.world.contention import served_by
from capsim.world.housekeeping import counter_at, readings_ms
from capsim.world.rates import fold, integral_at, pod_memory

FRESH_CONTAINER_MIN_MS = 10_000
"""freshContainerMinMetricsResolution of metrics-server."""


@inline_kernel
def whole_second(clock: Clock, at_ms):
    """An API stamp: ``at_ms`` cut to the whole second of the wall clock, as ms of the run."""
    offset = clock.params[P_WALL_OFFSET]
    return (at_ms + offset) // 1000 * 1000 - offset


@inline_kernel
def sample_pods(pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, physics: Physics, w, now):
    """Read the counter of every Ready pod of ``w`` by itself."""
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            usage.sample_taken[p] = served_by(pods, usage, physics, p, now)
        if usage.warmth.shape[0] > 0:
            usage.warmth[p, H_TAKEN] = extra_until(usage, p, now)
        p = links.workload_next[p]


@inline_kernel
def scrape(
    clock: Clock,
    pods: Pods,
    links: PodLinks,
    usage: PodUsage,
    workloads: Workloads,
    physics: Physics,
    marks: Marks,
    now,
):
    """Take the samples of all busy workloads."""
    for i in range(marks.touched_count[M_BUSY]):
        w = marks.busy[i]
        if marks.own_flag[w] > 0:
            sample_pods(pods, links, usage, workloads, physics, w, now)
        if physics.backlog[w] > 0.0:
            fold(physics, w, now)
        physics.samples[w, S_TAKEN] = integral_at(physics, w, now)
        physics.samples[w, S_MEMORY_TAKEN] = pod_memory(physics, w, workloads.count[w, POD_READY], physics.pod_rps[w])
        by_pod = physics.own[w, 0] > 0.0 or are_warming(physics, w)
        if marks.busy_flag[w] == FRESH or by_pod or physics.backlog[w] > 0.0:
            marks.busy_flag[w] = clock.params[P_BUSY_SCRAPES]
        if by_pod:
            marks.own_flag[w] = clock.params[P_BUSY_SCRAPES]
    clock.values[SCRAPE_TAKEN] = now


@inline_kernel
def publish_pods(pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, w):
    """Make the samples of single pods visible."""
    p = workloads.first_pod[w]
    while p >= 0:
        if pods.state[p] == POD_READY:
            usage.sample_prev[p] = usage.sample_last[p]
            usage.sample_last[p] = usage.sample_taken[p]
        if usage.warmth.shape[0] > 0:
            usage.warmth[p, H_PREV] = usage.warmth[p, H_LAST]
            usage.warmth[p, H_LAST] = usage.warmth[p, H_TAKEN]
        p = links.workload_next[p]


@inline_kernel
def publish(
    clock: Clock, pods: Pods, links: PodLinks, usage: PodUsage, workloads: Workloads, physics: Physics, marks: Marks
):
    """Make the last samples visible."""
    clock.values[SCRAPE_PREV] = clock.values[SCRAPE_LAST]
    clock.values[SCRAPE_LAST] = clock.values[SCRAPE_TAKEN]
    for i in range(marks.touched_count[M_BUSY]):
        w = marks.busy[i]
        physics.samples[w, S_PREV] = physics.samples[w, S_LAST]
        physics.samples[w, S_LAST] = physics.samples[w, S_TAKEN]
        physics.samples[w, S_MEMORY_LAST] = physics.samples[w, S_MEMORY_TAKEN]
        if marks.own_flag[w] > 0:
            publish_pods(pods, links, usage, workloads, w)
            marks.own_flag[w] -= 1


@inline_kernel
def release_quiet(marks: Marks):
    """Workloads that have been quiet for long enough leave the busy list.

    Those that became busy between scrape and publication keep their place: they were not sampled yet.
    """
    i = 0
    while i < marks.touched_count[M_BUSY]:
        w = marks.busy[i]
        if marks.busy_flag[w] != FRESH:
            marks.busy_flag[w] -= 1
        if marks.busy_flag[w] == 0:
            last = marks.touched_count[M_BUSY] - 1
            marks.touched_count[M_BUSY] = last
            marks.busy[i] = marks.busy[last]
        else:
            i += 1


@inline_kernel
def counts_since(pods: Pods, usage: PodUsage, by_pod, p):
    """When the containers of Ready pod ``p`` began to use CPU: when it was Ready, or when its start began to burn."""
    if by_pod and usage.warmth.shape[0] > 0 and usage.warmth[p, H_BEGIN] > 0.0:
        return int(usage.warmth[p, H_BEGIN])
    return pods.ready_ms[p]


@inline_kernel
def extra_between(usage: PodUsage, by_pod, p, column):
    """CPU beyond idle and warm requests, milli-seconds, between the last published scrape and that of ``column``."""
    if by_pod and usage.warmth.shape[0] > 0:
        return usage.warmth[p, H_LAST] - (usage.warmth[p, column] if column >= 0 else 0.0)
    return 0.0


@inline_kernel
def served_between(clock: Clock, pods: Pods, usage: PodUsage, workloads: Workloads, physics: Physics, marks: Marks, p):
    """(has a value, requests served in the window, CPU beyond what idle and they explain, milli-seconds, window ms,
    stamp ms) of pod ``p`` as last published."""
    w = pods.workload[p]
    last_ms, prev_ms, earlier_ms = clock.values[SCRAPE_LAST], clock.values[SCRAPE_PREV], clock.values[SCRAPE_PREV]
    by_pod = marks.own_flag[w] > 0
    began_ms, missed_ms = counts_since(pods, usage, by_pod, p), usage.missed_ms[p]
    read = clock.params[P_HOUSEKEEPING] > 0 and not by_pod
    if read:
        last_ms, prev_ms, earlier_ms = readings_ms(clock, workloads, pods, p)
    if began_ms > last_ms or missed_ms >= clock.values[SCRAPE_LAST]:
        return False, 0.0, 0.0, 1, last_ms
    since = usage.area[p] - usage.base[p]
    if read:
        last = counter_at(pods, usage, physics, p, last_ms)
    else:
        last = usage.sample_last[p] if by_pod else since + physics.samples[w, S_LAST]
    age = last_ms - began_ms
    if age >= FRESH_CONTAINER_MIN_MS and age < clock.params[P_RESOLUTION]:
        return True, last, extra_between(usage, by_pod, p, -1), age, last_ms
    if began_ms > prev_ms or missed_ms >= earlier_ms:
        return False, 0.0, 0.0, 1, last_ms
    if read:
        prev = counter_at(pods, usage, physics, p, prev_ms)
    else:
        prev = usage.sample_prev[p] if by_pod else since + physics.samples[w, S_PREV]
    return True, max(0.0, last - prev), extra_between(usage, by_pod, p, H_PREV), last_ms - prev_ms, last_ms
