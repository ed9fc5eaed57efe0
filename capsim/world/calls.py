"""Calls between services: what callers send on, what fails, what is tried again, and how long callers are held up.

Downwards, callers before callees: a service sends on what its pods work on, times calls per request, times attempts.
Upwards, callees before callers: failures and mean times. What comes back acts on the load with the delay of one look
(``FEEDBACK_MS``): retries come after their failure. A place (``concurrency``) that waits for a call serves nobody else,
so that a slow callee lowers its callers' capacity.

Retries: with failure f of one attempt and R retries there are 1 + f + ... + f^R attempts a call, or 1 + budget at most;
a call then succeeds with chance (1 - f) times the attempts. A callee works on requests that their caller has given up.

Of a group ``oneOf`` one call is made at most: chances of failure and mean times add up.

Not modelled: circuit breakers, hedged requests, cancellation, failures that come in bursts.
"""

from __future__ import annotations

from capsim.jit import inline_kernel, kernel
from capsim.state.marks import mark_dirty
from capsim.state.tables import L_CAP, NEVER, O_DARK_RPS, UNBOUNDED, Marks, Physics, Traffic
from capsim.state.tables_calls import (
    A_ATTEMPTS,
    A_FAILURE,
    A_SECONDS,
    A_SENT,
    C_BACKOFF,
    C_BUDGET,
    C_NUMBER,
    C_REPEAT,
    C_RETRIES,
    C_TIMEOUT,
    E_CALLEE,
    E_CALLER,
    E_GROUP,
    E_ONE_OF,
    E_OPTIONAL,
    E_RECURSIVE,
    E_ROUTE,
    F_FAILURE,
    F_OFFERED,
    F_OWN,
    F_OWN_SECONDS,
    F_PROCESSED,
    F_SAFE,
    F_SECONDS,
    FEEDBACK_MS,
    K_BASE,
    K_CAP,
    K_SLOTS,
    LEAST_NUMBER,
    Calls,
    Connections,
    Serving,
)
from capsim.world.latency import is_settled, late_ratio, observe

TINY = 1e-9
CHANGED = 1e-3
"""Relative change of attempts or of a capacity that is worth another look."""


@kernel
def account(calls: Calls, now):
    """Count what was offered and what failed since the last time."""
    span_s = (now - calls.due_ms[1]) / 1000.0
    calls.due_ms[1] = now
    if span_s > 0.0:
        for k in range(calls.order.shape[0]):
            v = calls.order[k]
            requests = calls.service[v, F_OFFERED] * span_s
            calls.account[v, 0] += requests
            calls.account[v, 1] += requests * calls.service[v, F_FAILURE]


@inline_kernel
def route(calls: Calls, traffic: Traffic, e):
    """How often an Ingress controller calls on edge ``e``: as its traffic is made up now."""
    whole = traffic.rate[traffic.cursor[calls.edge[e, E_CALLER]]]
    if whole > 0.0:
        r = calls.edge[e, E_ROUTE]
        number = max(LEAST_NUMBER, traffic.rate[traffic.cursor[r]] / whole)
        calls.setting[e, C_NUMBER] = number
        calls.setting[e, C_REPEAT] = number


@inline_kernel
def pull(calls: Calls, traffic: Traffic, marks: Marks, v):
    """What others send to service ``v`` now."""
    total = 0.0
    for k in range(calls.in_start[v], calls.in_start[v + 1]):
        e = calls.in_edge[k]
        if calls.edge[e, E_ROUTE] >= 0:
            route(calls, traffic, e)
        sent = calls.service[calls.edge[e, E_CALLER], F_PROCESSED] * calls.setting[e, C_NUMBER]
        total += sent * calls.state[e, A_ATTEMPTS]
    if abs(total - traffic.calls_rps[v]) > TINY * (1.0 + total):
        traffic.calls_rps[v] = total
        for k in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
            mark_dirty(marks, traffic.edge_workload[k])


@inline_kernel
def process(calls: Calls, traffic: Traffic, physics: Physics, v):
    """What service ``v`` works on now, and what it loses itself."""
    offered = traffic.rate[traffic.cursor[v]] + traffic.calls_rps[v]
    arrived = 0.0
    served = 0.0
    lost = 0.0
    pods = 0.0
    for k in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        w = traffic.edge_workload[k]
        arrived += physics.arrival_rps[w]
        served += physics.served_rps[w]
        lost += physics.lost_rps[w] + physics.own[w, O_DARK_RPS]
        pods += physics.own[w, 2]
    calls.service[v, F_OFFERED] = offered
    calls.service[v, F_PROCESSED] = offered * served / arrived if arrived > 0.0 else served
    own = min(1.0, lost / arrived) if arrived > 0.0 else 0.0
    calls.service[v, F_OWN] = own if pods > 0.0 else 1.0


@inline_kernel
def own_times(serving: Serving, traffic: Traffic, physics: Physics, v, within_s):
    """(chance that service ``v`` itself takes longer than ``within_s``, its own mean seconds, seconds within which it
    answers for certain), over its workloads."""
    late = 0.0
    mean = 0.0
    safe = 0.0
    weights = 0.0
    for k in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        w = traffic.edge_workload[k]
        if serving.row[w] >= 0:
            weight = physics.arrival_rps[w] + TINY
            chance, seconds, within = late_ratio(serving, physics, w, within_s)
            late += weight * chance
            mean += weight * seconds
            safe = max(safe, within)
            weights += weight
    if weights <= 0.0:
        return 0.0, 0.0, 0.0
    return late / weights, mean / weights, safe


@inline_kernel
def look_at_call(calls: Calls, serving: Serving, traffic: Traffic, physics: Physics, e):
    """Failure, attempts and time of call ``e``; returns by how much its attempts changed, relatively."""
    u = calls.edge[e, E_CALLEE]
    timeout = calls.setting[e, C_TIMEOUT]
    whole = calls.service[u, F_SECONDS]
    late = 0.0
    if timeout < UNBOUNDED:
        rest = max(0.0, timeout - (whole - calls.service[u, F_OWN_SECONDS]))
        if rest <= calls.service[u, F_SAFE] or calls.edge[e, E_RECURSIVE] == 1:
            late, _, _ = own_times(serving, traffic, physics, u, rest)
    failed = 1.0 - (1.0 - calls.service[u, F_FAILURE]) * (1.0 - late)
    more = 0.0
    again = failed
    for _ in range(int(calls.setting[e, C_RETRIES])):
        more += again
        again *= failed
    more = min(more, calls.setting[e, C_BUDGET])
    before = calls.state[e, A_ATTEMPTS]
    calls.state[e, A_ATTEMPTS] = 1.0 + more
    calls.state[e, A_FAILURE] = min(1.0, max(0.0, 1.0 - (1.0 - failed) * (1.0 + more)))
    once = late * timeout + (1.0 - late) * min(whole, timeout) if timeout < UNBOUNDED else whole
    seconds = (1.0 + more) * once + more * calls.setting[e, C_BACKOFF]
    calls.state[e, A_SECONDS] = calls.setting[e, C_NUMBER] * seconds
    changed = abs(1.0 + more - before) / before
    if calls.edge[e, E_RECURSIVE] == 1:  # its callee has been computed before it: another round
        sent = calls.service[calls.edge[e, E_CALLER], F_PROCESSED]
        changed = max(changed, abs(sent - calls.state[e, A_SENT]) / max(sent, TINY))
        calls.state[e, A_SENT] = sent
    return changed


@inline_kernel
def hold_up(calls: Calls, serving: Serving, traffic: Traffic, physics: Physics, v, down_s):
    """The pods of service ``v`` wait ``down_s`` for others: fewer places are left. Returns 1 when that is new; rates
    follow at the next look (``see_queues``), whatever else happens before."""
    changed = 0
    for k in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        w = traffic.edge_workload[k]
        r = serving.row[w]
        if r < 0:
            continue
        slots = serving.constant[r, K_SLOTS]
        if slots > 0.0:
            cap = min(serving.constant[r, K_CAP], slots / (serving.constant[r, K_BASE] + down_s))
            if abs(cap - physics.load[w, L_CAP]) > CHANGED * cap:
                physics.load[w, L_CAP] = cap
                changed = 1
    return changed


@inline_kernel
def look_at_service(calls: Calls, serving: Serving, traffic: Traffic, physics: Physics, v):
    """Failures and mean time of service ``v``, its callees being known; returns 1 when loads will change by it."""
    changed = 0
    good = 1.0 - calls.service[v, F_OWN]
    down_s = 0.0
    longest = 0.0
    lost = 0.0
    group = -1
    for e in range(calls.out_start[v], calls.out_start[v + 1]):
        if look_at_call(calls, serving, traffic, physics, e) > CHANGED:
            changed = 1
        if calls.edge[e, E_GROUP] != group:
            group = calls.edge[e, E_GROUP]
            down_s += longest
            good *= 1.0 - lost
            longest = 0.0
            lost = 0.0
        number = calls.setting[e, C_NUMBER]
        fails = calls.state[e, A_FAILURE] if calls.edge[e, E_OPTIONAL] == 0 else 0.0
        if calls.edge[e, E_ONE_OF] == 1:
            longest += calls.state[e, A_SECONDS]
            lost = min(1.0, lost + number * fails)
            continue
        longest = max(longest, calls.state[e, A_SECONDS])
        good *= 1.0 - number * fails if number <= 1.0 else (1.0 - fails) ** number
    down_s += longest
    good *= 1.0 - lost
    _, own_s, safe_s = own_times(serving, traffic, physics, v, UNBOUNDED)
    calls.service[v, F_SAFE] = safe_s
    calls.service[v, F_FAILURE] = 1.0 - good
    calls.service[v, F_SECONDS] = own_s + down_s
    calls.service[v, F_OWN_SECONDS] = own_s
    return max(changed, hold_up(calls, serving, traffic, physics, v, down_s))


@kernel
def see_queues(connections: Connections, serving: Serving, physics: Physics, marks: Marks, now):
    """Bring all queues up to date: failures, and places that wait for others, are looked at anew."""
    for r in range(serving.workload.shape[0]):
        w = serving.workload[r]
        if serving.constant[r, K_SLOTS] > 0.0:
            mark_dirty(marks, w)
        if connections.row[w] < 0:
            observe(serving, physics, w, now)


@kernel
def look_back(calls: Calls, serving: Serving, traffic: Traffic, physics: Physics, now):
    """Failures, attempts and times of all services, callees first; sets when to look again."""
    again = 0
    for k in range(calls.order.shape[0] - 1, -1, -1):
        v = calls.order[k]
        again = max(again, look_at_service(calls, serving, traffic, physics, v))
        if calls.service[v, F_SAFE] >= UNBOUNDED:
            for i in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
                if not is_settled(serving, physics, traffic.edge_workload[i]):
                    again = 1
    calls.due_ms[0] = now + FEEDBACK_MS if again == 1 else NEVER
