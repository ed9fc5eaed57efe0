"""cAdvisor's housekeeping: the kubelet reads a container's counter at times of its own, and metrics-server gets the
last reading with its stamp.

Source: cAdvisor (manager/container.go): the time between two readings of a container is the housekeeping interval plus
up to as much again of jitter; kubelet's ``--housekeeping-interval`` is 10 s. Here the jitter is drawn once for each
pod, so that a reading is found without the ones before it. Off (interval 0) a counter is read at the scrape.

Not modelled: dynamic housekeeping (idle containers are read up to twice as rarely), readings of their own for the
containers of one pod; pods on contended nodes are read at the scrape.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.rng import STREAM_HOUSEKEEPING, draw
from capsim.state.tables import P_HOUSEKEEPING, P_SEED, Clock, Physics, Pods, PodUsage, Workloads

PAST_MS, PAST_INTEGRAL, PAST_RATE = 0, 1, 2
"""Columns of ``Physics.past``: a change of the common rate, the integral then, and the rate before it."""


@inline_kernel
def remember(physics: Physics, w, now):
    """The common rate of ``w`` is about to change; its integral is that of ``now``."""
    slots = physics.past.shape[1]
    slot = int(physics.own[w, 3]) % slots
    physics.past[w, slot, PAST_MS] = now
    physics.past[w, slot, PAST_INTEGRAL] = physics.integral[w]
    physics.past[w, slot, PAST_RATE] = physics.pod_rps[w]
    physics.own[w, 3] += 1.0


@kernel
def past_integral(physics: Physics, w, at_ms):
    """Requests served by a pod at the common rate from the start of the run to ``at_ms``, which may lie in the past (as
    far as changes are remembered)."""
    slots = physics.past.shape[1]
    served = physics.integral[w] + physics.pod_rps[w] * (at_ms - physics.since_ms[w]) / 1000.0
    changes = int(physics.own[w, 3])
    for k in range(min(changes, slots)):
        slot = (changes - 1 - k) % slots
        if at_ms >= physics.past[w, slot, PAST_MS]:
            break
        before_ms = physics.past[w, slot, PAST_MS] - at_ms
        served = physics.past[w, slot, PAST_INTEGRAL] - physics.past[w, slot, PAST_RATE] * before_ms / 1000.0
    return served


@inline_kernel
def reading_ms(clock: Clock, workloads: Workloads, pods: Pods, p, scrape_ms):
    """When the counter of pod ``p`` was read last at ``scrape_ms``; the first reading is that of its creation."""
    interval = clock.params[P_HOUSEKEEPING]
    entity = workloads.hash[pods.workload[p]] + pods.ordinal[p]
    period = interval + draw(clock.params[P_SEED], STREAM_HOUSEKEEPING, entity, 0) % (interval + 1)
    begin = pods.bound_ms[p]
    return begin + (scrape_ms - begin) // period * period


@kernel
def read_counter(clock: Clock, workloads: Workloads, pods: Pods, usage: PodUsage, physics: Physics, p, scrape_ms, now):
    """(stamp, requests served) of the last reading of pod ``p`` at ``scrape_ms``, at most ``now``."""
    if usage.own[p] == 1:
        return scrape_ms, usage.area[p] + usage.rate_rps[p] * (scrape_ms - usage.base[p]) / 1000.0
    stamp = reading_ms(clock, workloads, pods, p, scrape_ms)
    served = usage.area[p] + past_integral(physics, pods.workload[p], stamp) - usage.base[p]
    if pods.ready_ms[p] >= 0 and served < 0.0:
        served = 0.0
    return stamp, served
