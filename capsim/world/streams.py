"""How even the arrivals are that services send each other: squared coefficients of variation (scv) of the gaps.

From outside requests come in a Poisson stream, scv 1, for which the curves of a station hold. What leaves a station is
smoother or burstier than that, and meets a callee which then waits less or more. After the Queueing Network Analyzer
(W. Whitt, 1983): with utilisation u, c servers, arrivals of scv a and service of scv s

* leaving: 1 + (1 - u^2) (a - 1) + u^2 (s - 1) / sqrt(c); from shared cores Poisson again where it is fed so (s = 1);
* one part p of a stream: p a + 1 - p;
* streams together: the mean of their scv by rate, and 1 the more, the less busy the station and the more they are;
* mean wait: by (a + s) / (1 + s), and by the factor of W. Krämer and M. Langenbach-Belz (1976).

Once a sample, from what was offered and how busy stations were in it, as often as it takes (calls may go back and
forth). A longer wait is read from the curves where the mean wait is that much longer (``spread_weights``); stations
that Poisson streams feed keep their numbers to the last digit. Pods that requests are drawn for see 1 / pods of the
difference. The next visit of a journey is made when the last one is answered.

Calls made at the same time meet queues that the same arrivals made: waits that vary by arrivals and by services alike
share a / (a + s) of that, so that the larger of two is not that of independent times (``common``).

Not modelled: that streams depend on each other, what retries and places held by calls add to variation, pauses off the
CPU that smooth a stream;
mean times that act on the run (places held, time-outs) are those of Poisson arrivals.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import Physics, Traffic
from capsim.state.tables_calls import (
    A_ATTEMPTS,
    BINS,
    C_NUMBER,
    E_CALLEE,
    E_CALLER,
    E_GROUP,
    E_ONE_OF,
    K_BASE,
    K_CAP,
    K_SCV,
    K_SERVICE,
    K_SLOTS,
    KNOT_STEP,
    KNOTS,
    S_BUSY,
    S_POOLED,
    S_STRETCH,
    V_COMMON,
    V_LEAVING,
    V_OUTSIDE,
    Calls,
    Serving,
)

SWEEPS = 12
STILL = 1e-3
"""Change of an scv that is not worth another sweep."""
LEAST_SCV = 0.02
REGULAR, RANDOM = -1.0, 0.0
"""``S_POOLED`` of pods that get their requests in turn, and of those that are drawn; above: as one station."""


@kernel
def follow_streams(calls: Calls, serving: Serving, traffic: Traffic, physics: Physics):
    """Stretch of the waits of every station in this sample, by what its callers send it."""
    for r in range(serving.workload.shape[0]):
        serving.stream[r, S_BUSY] = busy_ratio(serving, r)
        serving.stream[r, S_STRETCH] = 1.0
    for k in range(calls.order.shape[0]):
        calls.stream[calls.order[k], V_LEAVING] = 1.0
    for e in range(calls.edge.shape[0]):
        calls.call_scv[e] = 1.0
    for _ in range(SWEEPS):
        change = 0.0
        from_journeys(calls)
        for k in range(calls.order.shape[0]):
            v = calls.order[k]
            before = calls.stream[v, V_LEAVING]
            own = through_pods(calls, serving, traffic, physics, v, arriving(calls, serving, traffic, v))
            calls.stream[v, V_LEAVING] = after_calls(calls, v, own)
            change = max(change, abs(calls.stream[v, V_LEAVING] - before))
        if change < STILL:
            return


@inline_kernel
def busy_ratio(serving: Serving, r):
    """Utilisation that requests met in this sample, on average; 1 in an overload, 0 without requests."""
    met = 0.0
    busy = 0.0
    for at in range(serving.curve[r, 1] * KNOTS):
        if serving.weights[r, at] > 0.0:
            met += serving.weights[r, at]
            busy += serving.weights[r, at] * (1.0 - math.exp(-(at % KNOTS) * KNOT_STEP))
    met += serving.histogram[r, BINS]
    return (busy + serving.histogram[r, BINS]) / met if met > 0.0 else 0.0


@inline_kernel
def sent(calls: Calls, e):
    """Requests that edge ``e`` brought in this sample."""
    number = calls.setting[e, C_NUMBER] * calls.state[e, A_ATTEMPTS]
    return calls.account[calls.edge[e, E_CALLER], 0] * number


@inline_kernel
def from_outside(calls: Calls, v):
    """Requests to service ``v`` in this sample that no service called for."""
    rest = calls.account[v, 0]
    for k in range(calls.in_start[v], calls.in_start[v + 1]):
        rest -= sent(calls, calls.in_edge[k])
    return max(0.0, rest)


@kernel
def from_journeys(calls: Calls):
    """Scv of what comes from outside: all but a journey's first visit follow an answer."""
    for k in range(calls.order.shape[0]):
        calls.stream[calls.order[k], V_OUTSIDE] = 1.0
    for j in range(calls.visit_start.shape[0] - 1):
        first = calls.visit_start[j]
        made = calls.account[calls.visit[first, 0], 0] / calls.visit[first, 1]
        for k in range(first + 1, calls.visit_start[j + 1]):
            v, before = calls.visit[k, 0], calls.visit[k - 1, 0]
            outside = from_outside(calls, v)
            if outside > 0.0 and made > 0.0:
                part = min(1.0, made / calls.account[before, 0]) * min(1.0, made / outside)
                calls.stream[v, V_OUTSIDE] += part * (calls.stream[before, V_LEAVING] - 1.0)


@inline_kernel
def arriving(calls: Calls, serving: Serving, traffic: Traffic, v):
    """Scv of all that arrives at service ``v``."""
    outside = from_outside(calls, v)
    total = outside
    squares = outside * outside
    weighted = outside * calls.stream[v, V_OUTSIDE]
    for k in range(calls.in_start[v], calls.in_start[v + 1]):
        e = calls.in_edge[k]
        number = sent(calls, e)
        total += number
        squares += number * number
        weighted += number * calls.call_scv[e]
    if total <= 0.0:
        return 1.0
    free = 1.0
    for k in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        r = serving.row[traffic.edge_workload[k]]
        if r >= 0:
            free = min(free, 1.0 - serving.stream[r, S_BUSY])
    weight = 1.0 / (1.0 + 4.0 * free * free * (total * total / squares - 1.0))
    return max(LEAST_SCV, 1.0 + weight * (weighted / total - 1.0))


@inline_kernel
def through_pods(calls: Calls, serving: Serving, traffic: Traffic, physics: Physics, v, scv):
    """Set the stretch of the stations of service ``v``, at which requests arrive with ``scv``; the scv behind them."""
    leaving = 0.0
    weights = 0.0
    common = 0.0
    for k in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        w = traffic.edge_workload[k]
        r = serving.row[w]
        if r < 0:
            continue
        pods = max(1.0, physics.own[w, 2])
        servers = max(1.0, serving.constant[r, K_CAP] * serving.constant[r, K_BASE])
        service = service_scv(serving, r, servers)
        if traffic.source[traffic.source_start[w]] == v:
            serving.stream[r, S_STRETCH] = stretch(serving, r, pods, scv, service)
        busy = serving.stream[r, S_BUSY] ** 2
        after = 1.0 + (1.0 - busy) * (scv - 1.0) + busy * (service - 1.0) / math.sqrt(servers * pods)
        weight = physics.arrival_rps[w] + 1e-9
        leaving += weight * after
        common += weight * scv / (scv + service) * reach(serving, r, pods)
        weights += weight
    if weights <= 0.0:
        return scv
    calls.stream[v, V_COMMON] = common / weights
    return max(LEAST_SCV, leaving / weights)


@inline_kernel
def service_scv(serving: Serving, r, servers):
    """Scv of the service as far as it shows behind the station: the more requests share the cores, the nearer to 1."""
    slots = serving.constant[r, K_SLOTS]
    if slots <= 0.0:
        return 1.0
    base = serving.constant[r, K_BASE]
    service = serving.constant[r, K_SERVICE]
    own = serving.constant[r, K_SCV] * service * service / (base * base)
    return 1.0 + (own - 1.0) * min(1.0, servers / slots)


@inline_kernel
def reach(serving: Serving, r, pods):
    """How much of what is special about a stream one pod notices."""
    return 1.0 if serving.stream[r, S_POOLED] > RANDOM else 1.0 / pods


@inline_kernel
def stretch(serving: Serving, r, pods, scv, service):
    """Mean wait over the one that the curves have, where requests arrive with ``scv``."""
    usual = 1.0 / pods if serving.stream[r, S_POOLED] == REGULAR else 1.0
    here = usual + (scv - 1.0) * reach(serving, r, pods)
    if abs(here - usual) < 1e-9:
        return 1.0
    ratio = (here + service) / (usual + service)
    return (
        ratio * damping(here, service, serving.stream[r, S_BUSY]) / damping(usual, service, serving.stream[r, S_BUSY])
    )


@inline_kernel
def damping(scv, service, busy):
    """Krämer's and Langenbach-Belz' factor of the mean wait."""
    if scv < 1.0:
        return math.exp(-2.0 * (1.0 - busy) / (3.0 * max(busy, 0.01)) * (1.0 - scv) ** 2 / (scv + service))
    return math.exp(-(1.0 - busy) * (scv - 1.0) / (scv + 4.0 * service))


@inline_kernel
def after_calls(calls: Calls, v, scv):
    """Scv of the answers of service ``v``, whose pods are left with ``scv``; sets those of its calls."""
    last = calls.out_start[v + 1]
    e = calls.out_start[v]
    while e < last:
        group = calls.edge[e, E_GROUP]
        mixed = 0.0
        members = 0
        chosen = 0.0
        one_of = calls.edge[e, E_ONE_OF] == 1
        while e < last and calls.edge[e, E_GROUP] == group:
            number = calls.setting[e, C_NUMBER]
            back = answered(calls, v, e, number, scv)
            mixed += (
                number * back if one_of else min(1.0, number) * back + max(0.0, 1.0 - number) * skipped(number, scv)
            )
            members += 1
            chosen += number
            e += 1
        scv = mixed + max(0.0, 1.0 - chosen) * skipped(chosen, scv) if one_of else mixed / members
    return max(LEAST_SCV, scv)


@inline_kernel
def skipped(number, scv):
    """Scv of the requests that do not make a call which comes ``number`` times a request."""
    return 1.0 + max(0.0, 1.0 - number) * (scv - 1.0)


@inline_kernel
def answered(calls: Calls, v, e, number, scv):
    """Scv of the answers to call ``e``; sets that of the call itself."""
    u = calls.edge[e, E_CALLEE]
    whole = calls.account[u, 0]
    part = min(1.0, calls.account[v, 0] * min(1.0, number) / whole) if whole > 0.0 else 0.0
    back = 1.0 + part * (calls.stream[u, V_LEAVING] - 1.0)
    if number <= 1.0:
        calls.call_scv[e] = max(LEAST_SCV, 1.0 + number * (scv - 1.0))
    else:  # one after the other: all but the first follow an answer
        calls.call_scv[e] = max(LEAST_SCV, (scv + (number - 1.0) * back) / number)
    return back
