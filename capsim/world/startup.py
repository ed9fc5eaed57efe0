"""A pod's start in its parts, as the kubelet takes them: pull an image, run an init container, start, probe.

Source: kubernetes v1.36 pkg/kubelet (computePodActions; images.puller: serial pulls in the order in which they are
asked for, or up to maxParallelImagePulls; prober: checks at initialDelay + k x period, readiness from the success of
the startup probe on). A pull fetches the layers that the node has not, at the registry's bandwidth; parallel pulls do
not slow each other down. ``startupTime`` is what the process of every container takes, sidecars included.

A container that has not started when its startup probe, or without one its liveness probe, has failed failureThreshold
times is killed then.

Not modelled: unpacking as a step of its own, failed pulls.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, separate_kernel
from capsim.state.tables import NEVER, Nodes
from capsim.state.tables_startup import (
    ALWAYS,
    STEP_PULL,
    STEP_RUN,
    X_ARGUMENT,
    X_KIND,
    X_LIMIT,
    X_READY_DELAY,
    X_READY_MORE,
    X_READY_PERIOD,
    X_STARTUP_DELAY,
    X_STARTUP_PERIOD,
    Startup,
)


@inline_kernel
def in_parts(startup: Startup, w):
    """Whether the pods of workload ``w`` start in parts."""
    return startup.start[w] < startup.start[w + 1]


@inline_kernel
def first_check(delay_ms, period_ms, at_ms):
    """The first check of a probe at or after ``at_ms``, both since the container started."""
    if at_ms <= delay_ms:
        return delay_ms
    return delay_ms + (at_ms - delay_ms + period_ms - 1) // period_ms * period_ms


@inline_kernel
def seen_ms(startup: Startup, s, up_ms):
    """When probes find that the container of step ``s`` is up, which it is at ``up_ms``; both since it started."""
    if startup.step[s, X_STARTUP_PERIOD] > 0:
        up_ms = first_check(startup.step[s, X_STARTUP_DELAY], startup.step[s, X_STARTUP_PERIOD], up_ms)
    if startup.step[s, X_READY_PERIOD] > 0:
        up_ms = first_check(startup.step[s, X_READY_DELAY], startup.step[s, X_READY_PERIOD], up_ms)
        up_ms += startup.step[s, X_READY_MORE]
    return up_ms


@inline_kernel
def probed_ms(startup: Startup, w, up_ms):
    """As ``seen_ms``, of the container of ``w`` that is started last; without parts it is Ready when it is up."""
    return seen_ms(startup, startup.start[w + 1] - 1, up_ms) if in_parts(startup, w) else up_ms


@inline_kernel
def limit_ms(startup: Startup, w):
    """How long a probe lets the container of ``w`` start that is started last."""
    return startup.step[startup.start[w + 1] - 1, X_LIMIT] if in_parts(startup, w) else NEVER


@inline_kernel
def pulled_ms(startup: Startup, g, n, image, at_ms):
    """When node ``n`` has the image that is asked for at ``at_ms``; its layers are on their way from now on."""
    asks = image >= ALWAYS
    i = image - ALWAYS if asks else image
    missing = 0
    there = at_ms
    for k in range(startup.layer_start[i], startup.layer_start[i + 1]):
        layer = startup.layer[k]
        if startup.have_ms[n, layer] == NEVER:
            missing += startup.layer_bytes[layer]
        else:
            there = max(there, startup.have_ms[n, layer])
    if missing == 0:
        return there + startup.latency_ms[0] if asks else there
    lane = 0
    for k in range(1, startup.free_ms.shape[1]):
        if startup.free_ms[n, k] < startup.free_ms[n, lane]:
            lane = k
    begun = max(at_ms, startup.free_ms[n, lane])
    done = begun + startup.latency_ms[0] + 1 + int(missing / startup.rate[g])
    startup.free_ms[n, lane] = done
    for k in range(startup.layer_start[i], startup.layer_start[i + 1]):
        layer = startup.layer[k]
        if startup.have_ms[n, layer] == NEVER:
            startup.have_ms[n, layer] = done
    return max(done, there)


@separate_kernel
def ready_after_ms(startup: Startup, nodes: Nodes, w, n, own_ms, again, now):
    """(time from ``now`` until a pod of ``w`` on node ``n`` is Ready, or until a probe gives a container up; 1 in the
    second case; when its last container is started); ``own_ms`` is what its process takes.

    ``again``: only its containers are restarted, init containers and pulls are over.
    """
    g = nodes.group[n]
    at = now
    ready = now
    killed = NEVER
    for s in range(startup.start[w], startup.start[w + 1]):
        kind = startup.step[s, X_KIND]
        if kind == STEP_PULL:
            at = pulled_ms(startup, g, n, startup.step[s, X_ARGUMENT], at)
        elif kind == STEP_RUN:
            if again == 0:
                at += startup.step[s, X_ARGUMENT]
        else:
            if own_ms > startup.step[s, X_LIMIT]:
                killed = min(killed, at + startup.step[s, X_LIMIT])
            up = seen_ms(startup, s, own_ms)
            if startup.step[s, X_ARGUMENT] == 1:  # a sidecar: what follows waits until it has started
                at += up
            ready = max(ready, at + up)
    if killed < NEVER:
        return max(1, killed - now), 1, at
    return max(1, ready - now), 0, at
