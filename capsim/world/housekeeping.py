"""cAdvisor's housekeeping: the kubelet reads a container's counter at times of its own, and metrics-server gets the
last reading with its stamp.

Source: cAdvisor (manager/container.go): the time between two readings of a container is the housekeeping interval plus
up to as much again of jitter; kubelet's ``--housekeeping-interval`` is 10 s. Here the jitter is drawn once for each
pod, so that a reading is found without the ones before it: nothing is stored per pod, and a reading is made when
somebody asks for it, from the changes of the workload's common rate. Off (interval 0) a counter is read at the scrape.

Not modelled: dynamic housekeeping (idle containers are read up to twice as rarely), readings of their own for the
containers of one pod; workloads with pods on contended nodes are read at the scrape, and so is memory.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.rng import STREAM_HOUSEKEEPING, draw
from capsim.state.tables import (
    P_HOUSEKEEPING,
    P_RESOLUTION,
    P_SEED,
    SCRAPE_LAST,
    SCRAPE_PREV,
    Clock,
    Physics,
    Pods,
    PodUsage,
    Workloads,
)

PAST_MS, PAST_INTEGRAL, PAST_RATE = 0, 1, 2
"""Columns of ``Physics.past``: a change of the common rate, the integral then, and the rate before it."""


@inline_kernel
def longest_window_ms(clock: Clock):
    """From the earlier of two readings of a pod in sequence, which fall on different scrapes, to the scrape that found
    the later one, at most, ms: they are at most the longer of a period and the resolution apart, the later one is at
    most a period old, and a period has at most twice the interval."""
    longest = 2 * clock.params[P_HOUSEKEEPING]
    return longest + max(longest, clock.params[P_RESOLUTION])


@inline_kernel
def window_start(clock: Clock):
    """No two published readings of a pod begin before this time, ms."""
    if clock.params[P_HOUSEKEEPING] == 0:
        return clock.values[SCRAPE_PREV]
    return clock.values[SCRAPE_LAST] - longest_window_ms(clock)


@kernel
def remember(clock: Clock, physics: Physics, w, now):
    """The common rate of ``w`` is about to change; its integral is that of ``now``.

    While half of the slots hold changes that readings still look back at, those that follow are kept at a distance
    for which the other half suffices: nearer ones become one change, with the mean rate before it (a counter within
    that time is then an estimate).
    """
    slots = physics.past.shape[1]
    changes = int(physics.own[w, 3])
    rate = physics.pod_rps[w]
    half = slots // 2
    if changes >= half and physics.past[w, (changes - half) % slots, PAST_MS] > window_start(clock):
        before = (changes - 2) % slots
        span = now - physics.past[w, before, PAST_MS]
        if span > 0.0 and span * half < longest_window_ms(clock) + 2 * clock.params[P_RESOLUTION]:
            rate = (physics.integral[w] - physics.past[w, before, PAST_INTEGRAL]) / (span / 1000.0)
            changes -= 1
    slot = changes % slots
    physics.past[w, slot, PAST_MS] = now
    physics.past[w, slot, PAST_INTEGRAL] = physics.integral[w]
    physics.past[w, slot, PAST_RATE] = rate
    physics.own[w, 3] = changes + 1.0


@kernel
def past_integral(physics: Physics, w, at_ms):
    """Requests served by a pod at the common rate from the start of the run to ``at_ms``, which may lie in the past (as
    far as changes are remembered)."""
    slots = physics.past.shape[1]
    changes = int(physics.own[w, 3])
    rate = physics.pod_rps[w]
    until_ms, served = float(physics.since_ms[w]), physics.integral[w]
    for k in range(min(changes, slots)):
        slot = (changes - 1 - k) % slots
        if at_ms >= physics.past[w, slot, PAST_MS]:
            break
        until_ms, served = physics.past[w, slot, PAST_MS], physics.past[w, slot, PAST_INTEGRAL]
        rate = physics.past[w, slot, PAST_RATE]
    return served + rate * (at_ms - until_ms) / 1000.0


@inline_kernel
def is_even(clock: Clock, physics: Physics, w):
    """Whether the common rate of ``w`` has held since the earliest published reading: then all readings agree."""
    changes = int(physics.own[w, 3])
    last = (changes - 1) % physics.past.shape[1]
    return changes == 0 or physics.past[w, last, PAST_MS] <= window_start(clock)


@kernel
def slowest_and_fastest(clock: Clock, physics: Physics, w):
    """(lowest, highest) common rate of ``w`` from the earliest published reading to the last scrape."""
    slots = physics.past.shape[1]
    changes = int(physics.own[w, 3])
    start_ms, end_ms = window_start(clock), clock.values[SCRAPE_LAST]
    rate = physics.pod_rps[w]
    low, high = rate, rate
    counts = changes == 0
    for k in range(min(changes, slots)):
        slot = (changes - 1 - k) % slots
        at_ms = physics.past[w, slot, PAST_MS]
        if at_ms < end_ms:  # the rate after the change held within the time that is looked at
            low, high = (min(low, rate), max(high, rate)) if counts else (rate, rate)
            counts = True
        rate = physics.past[w, slot, PAST_RATE]
        if at_ms <= start_ms:
            return low, high
    return (min(low, rate), max(high, rate)) if counts else (rate, rate)


@inline_kernel
def period_ms(clock: Clock, workloads: Workloads, pods: Pods, p):
    """Time between two readings of pod ``p``."""
    interval = clock.params[P_HOUSEKEEPING]
    entity = workloads.hash[pods.workload[p]] + pods.ordinal[p]
    return interval + draw(clock.params[P_SEED], STREAM_HOUSEKEEPING, entity, 0) % (interval + 1)


@inline_kernel
def readings_ms(clock: Clock, workloads: Workloads, pods: Pods, p):
    """(last reading, the one before, scrape that took that one) of pod ``p`` as last published, ms.

    The first reading is that of the pod's creation. A scrape that finds the same reading again is not another sample
    (metrics-server, storage/pod.go): the one before comes from the latest scrape that was older than the last.
    """
    period = period_ms(clock, workloads, pods, p)
    begin, scrape_ms, resolution = pods.bound_ms[p], clock.values[SCRAPE_LAST], clock.params[P_RESOLUTION]
    last = begin + (scrape_ms - begin) // period * period
    earlier_ms = scrape_ms - ((scrape_ms - last) // resolution + 1) * resolution
    return last, begin + (earlier_ms - begin) // period * period, earlier_ms


@inline_kernel
def counter_at(pods: Pods, usage: PodUsage, physics: Physics, p, at_ms):
    """Requests that pod ``p``, which serves at the common rate, had served at ``at_ms`` since it became Ready."""
    served = usage.area[p] + past_integral(physics, pods.workload[p], at_ms) - usage.base[p]
    if pods.ready_ms[p] >= 0 and served < 0.0:
        return 0.0
    return served
