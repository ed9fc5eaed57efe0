"""End to end: response times of services with all that they call, of journeys, and what objectives they meet.

Once a sample, on the logarithmic grid of ``latency.py``: times of calls after one another are convolved, of calls at
the same time the larger one counts (product of the distribution functions), both as if independent; of calls of which
one is made, their mixture. A call that is
tried again counts once more at most, beyond 16 calls of one kind after one another the mean of the rest is added.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import Traffic
from capsim.state.tables_calls import (
    A_ATTEMPTS,
    BINS,
    C_BACKOFF,
    C_NUMBER,
    C_REPEAT,
    C_TIMEOUT,
    E_CALLEE,
    E_GROUP,
    E_ONE_OF,
    F_FAILURE,
    K_BASE,
    LEAST_S,
    OUT_FAILED,
    OUT_MEAN,
    OUT_OWN_MEAN,
    OUT_P50,
    OUT_P95,
    OUT_P99,
    OUT_REQUESTS,
    STEP,
    V_COMMON,
    Calls,
    Serving,
)

MOST_REPEATS = 16
CONVOLVED = 5
"""Row of ``Calls.scratch`` that ``convolve`` uses."""


@inline_kernel
def middle_s(i):
    """Middle of bin ``i`` in seconds."""
    return LEAST_S * math.exp(STEP * (i - 0.5))


@inline_kernel
def bin_of(t):
    """The bin that a time (s) falls into."""
    if t <= LEAST_S:
        return 0
    return min(BINS - 1, 1 + int(math.log(t / LEAST_S) / STEP - 1e-9))


@kernel
def put(row, t, share):
    """Add ``share`` at time ``t``, split between two bins so that the mean is kept."""
    x = math.log(max(t, LEAST_S * 0.9) / LEAST_S) / STEP + 0.5
    i = int(x)
    if i >= BINS - 1:
        row[BINS - 1] += share
        return
    low = middle_s(i)
    up = min(1.0, max(0.0, (t / low - 1.0) / (math.exp(STEP) - 1.0)))
    row[i] += share * (1.0 - up)
    row[i + 1] += share * up


@kernel
def convolve(calls: Calls, a, b, out):
    """``out`` = distribution of the sum of two times: by distance between their bins, which says how far above the
    larger one the sum is. Each loop is over neighbours, so that it is compiled to vectors."""
    share = calls.scratch[CONVOLVED]
    for i in range(BINS):
        out[i] = 0.0
    for d in range(BINS):
        count = BINS - d
        up = calls.offset[d, 1]
        once = 0.5 if d == 0 else 1.0
        far_a, far_b = a[d:], b[d:]
        for i in range(count):
            share[i] = (far_a[i] * b[i] + a[i] * far_b[i]) * once
        at = d + int(calls.offset[d, 0])
        inside = max(0, min(count, BINS - 1 - at))
        low, high = out[at:], out[at + 1 :]
        for i in range(inside):
            low[i] += share[i] * (1.0 - up)
        for i in range(inside):
            high[i] += share[i] * up
        for i in range(inside, count):
            out[BINS - 1] += share[i]


@kernel
def shift(a, seconds, out):
    """``out`` = the time ``a`` and a constant."""
    for i in range(BINS):
        out[i] = 0.0
    for i in range(BINS):
        if a[i] > 0.0:
            put(out, middle_s(i) + seconds, a[i])


@kernel
def thin(a, chance):
    """The time ``a`` with this chance, else none."""
    for i in range(BINS):
        a[i] *= chance
    a[0] += 1.0 - chance


@kernel
def copy(a, out):
    """``out`` = ``a``."""
    for i in range(BINS):
        out[i] = a[i]


@kernel
def mean_of(a):
    """Mean of a distribution, seconds."""
    total = 0.0
    for i in range(1, BINS):
        total += a[i] * middle_s(i)
    return total


@kernel
def quantile(a, q):
    """The time that a share ``q`` does not exceed, seconds; interpolated within its bin."""
    total = 0.0
    for i in range(BINS):
        if total + a[i] >= q and a[i] > 0.0:
            return LEAST_S * math.exp(STEP * (i - 1.0 + (q - total) / a[i]))
        total += a[i]
    return LEAST_S * math.exp(STEP * (BINS - 1.0))


@kernel
def within(a, seconds):
    """Share of times up to ``seconds``, which may be infinite."""
    k = bin_of(min(seconds, 1e6))
    total = 0.0
    for i in range(k):
        total += a[i]
    low = LEAST_S * math.exp(STEP * (k - 1.0))
    part = math.log(min(seconds, 1e6) / low) / STEP if k > 0 else 1.0
    return min(1.0, total + a[k] * min(1.0, max(0.0, part)))


@kernel
def own_shares(serving: Serving, traffic: Traffic, v, out):
    """Response times of service ``v`` without its calls since the last sample; returns how many requests those were."""
    requests = 0.0
    for i in range(BINS):
        out[i] = 0.0
    for k in range(traffic.edge_start[v], traffic.edge_start[v + 1]):
        r = serving.row[traffic.edge_workload[k]]
        if r >= 0:
            requests += serving.histogram[r, BINS]
            before = 0.0
            for i in range(BINS):
                out[i] += serving.histogram[r, i] - before
                before = serving.histogram[r, i]
            out[BINS - 1] += serving.histogram[r, BINS] - before
    if requests <= 0.0:
        out[0] = 1.0
        return 0.0
    for i in range(BINS):
        out[i] = max(0.0, out[i]) / requests
    return requests


@kernel
def call_shares(calls: Calls, e, out, spare, other):
    """``out`` = time that call ``e`` takes its caller in all."""
    copy(calls.total[calls.edge[e, E_CALLEE]], out)
    timeout = calls.setting[e, C_TIMEOUT]
    if timeout < 1e6:
        k = bin_of(timeout)
        for i in range(k + 1, BINS):
            out[k] += out[i]
            out[i] = 0.0
    again = min(1.0, calls.state[e, A_ATTEMPTS] - 1.0)
    if again > 1e-6:
        convolve(calls, out, out, spare)
        shift(spare, calls.setting[e, C_BACKOFF], other)
        for i in range(BINS):
            out[i] += again * (other[i] - out[i])
    number = calls.setting[e, C_REPEAT]
    missed = calls.setting[e, C_NUMBER] / number
    if number < 1.0:
        thin(out, number * missed)
        return
    if missed < 1.0:
        thin(out, missed)
    mean = mean_of(out)
    copy(out, other)
    repeats = min(int(number + 1e-9), MOST_REPEATS)
    for _ in range(1, repeats):
        convolve(calls, out, other, spare)
        copy(spare, out)
    if number > repeats + 1e-9:
        shift(out, (number - repeats) * mean, spare)
        copy(spare, out)


@kernel
def whole_shares(calls: Calls, serving: Serving, traffic: Traffic, v):
    """``calls.total[v]`` = response times of service ``v`` with its calls; returns its own requests."""
    total = calls.total[v]
    group_row, one, spare, other = calls.scratch[0], calls.scratch[1], calls.scratch[2], calls.scratch[3]
    requests = own_shares(serving, traffic, v, total)
    last = calls.out_start[v + 1]
    e = calls.out_start[v]
    while e < last:
        group = calls.edge[e, E_GROUP]
        call_shares(calls, e, group_row, spare, other)
        alike = common(calls, serving, traffic, v, e)
        members = 1.0
        e += 1
        while e < last and calls.edge[e, E_GROUP] == group:
            call_shares(calls, e, one, spare, other)
            if calls.edge[e, E_ONE_OF] == 1:
                either(group_row, one)
            else:
                more = common(calls, serving, traffic, v, e)
                larger(group_row, one, alike * more)
                members += 1.0
                alike += (more - alike) / members
            e += 1
        convolve(calls, total, group_row, spare)
        copy(spare, total)
    return requests


@kernel
def either(a, b):
    """``a`` = one of two times that are never taken both: each is none with what is left of its chance."""
    for i in range(BINS):
        a[i] += b[i]
    a[0] = max(0.0, a[0] - 1.0)


@inline_kernel
def common(calls: Calls, serving: Serving, traffic: Traffic, v, e):
    """How far the time of call ``e`` depends on the arrivals that other calls made with it bring, too.

    The larger of two times lies between that of independent and that of equal ones: product and minimum of their
    distribution functions, by the product of these numbers. For two M/M/1 stations that is utilisation / 4, the result
    of R. Nelson and A. N. Tantawi (Approximate analysis of fork/join synchronization in parallel queues, 1988).
    """
    u = calls.edge[e, E_CALLEE]
    whole = mean_of(calls.total[u])
    if calls.stream[u, V_COMMON] == 0.0 or whole <= 0.0 or calls.account[u, 0] <= 0.0:
        return 0.0
    base = 0.0
    for k in range(traffic.edge_start[u], traffic.edge_start[u + 1]):
        r = serving.row[traffic.edge_workload[k]]
        if r >= 0:
            base = max(base, serving.constant[r, K_BASE])
    number = min(1.0, calls.setting[e, C_NUMBER])
    part = min(1.0, calls.account[v, 0] * number / calls.account[u, 0])
    waiting = max(0.0, 1.0 - base / whole)
    return part * number * calls.stream[u, V_COMMON] * math.sqrt(waiting)


@kernel
def larger(a, b, alike):
    """``a`` = the larger of two times: independent ones, or ``alike`` (0 to 1)."""
    below_a = 0.0
    below_b = 0.0
    before = 0.0
    for i in range(BINS):
        below_a += a[i]
        below_b += b[i]
        both = below_a * below_b
        both += alike * (min(below_a, below_b) - both)
        a[i] = max(0.0, both - before)
        before = both


@kernel
def write_times(out, shares, column):
    """Mean, p50, p95 and p99 of a distribution into four columns."""
    out[column] = mean_of(shares)
    out[column + 1] = quantile(shares, 0.5)
    out[column + 2] = quantile(shares, 0.95)
    out[column + 3] = quantile(shares, 0.99)


@kernel
def close_services(calls: Calls, serving: Serving, traffic: Traffic, s):
    """Rows of all services of sample ``s``, callees first."""
    for k in range(calls.order.shape[0] - 1, -1, -1):
        v = calls.order[k]
        out = calls.out[s, k]
        own = calls.scratch[4]
        own_shares(serving, traffic, v, own)
        write_times(out, own, OUT_OWN_MEAN)
        requests = whole_shares(calls, serving, traffic, v)
        write_times(out, calls.total[v], OUT_MEAN)
        out[OUT_REQUESTS] = calls.account[v, 0]
        out[OUT_FAILED] = calls.account[v, 1]
        if requests <= 0.0:
            for q in range(OUT_OWN_MEAN, OUT_P99 + 1):
                out[q] = math.nan


@kernel
def journey_shares(calls: Calls, j, out, spare):
    """``out`` = time that journey ``j`` takes; returns the chance that it fails."""
    good = 1.0
    for i in range(BINS):
        out[i] = 0.0
    out[0] = 1.0
    for k in range(calls.visit_start[j], calls.visit_start[j + 1]):
        v = calls.visit[k, 0]
        for _ in range(calls.visit[k, 1]):
            good *= 1.0 - share_failed(calls, v)
            convolve(calls, out, calls.total[v], spare)
            copy(spare, out)
    return 1.0 - good


@inline_kernel
def share_failed(calls: Calls, v):
    """Share of the requests to ``v`` that failed in this sample; as it is at present when there were none."""
    if calls.account[v, 0] > 0.0:
        return min(1.0, calls.account[v, 1] / calls.account[v, 0])
    return calls.service[v, F_FAILURE]


@inline_kernel
def journeys_made(calls: Calls, j):
    """How often journey ``j`` was made: as often as its first service was asked, over its requests."""
    k = calls.visit_start[j]
    return calls.account[calls.visit[k, 0], 0] / calls.visit[k, 1]


@kernel
def close_journeys(calls: Calls, s):
    """Rows of all journeys and objectives of sample ``s``, and a new interval."""
    services = calls.order.shape[0]
    journeys = calls.visit_start.shape[0] - 1
    shares, spare = calls.scratch[0], calls.scratch[2]
    for j in range(journeys):
        out = calls.out[s, services + j]
        failed = journey_shares(calls, j, shares, spare)
        out[OUT_REQUESTS] = journeys_made(calls, j)
        out[OUT_FAILED] = failed * out[OUT_REQUESTS]
        write_times(out, shares, OUT_MEAN)
        for q in range(OUT_OWN_MEAN, OUT_MEAN):
            out[q] = math.nan
        if out[OUT_REQUESTS] <= 0.0:
            out[OUT_MEAN] = out[OUT_P50] = out[OUT_P95] = out[OUT_P99] = math.nan
    for o in range(calls.slo_s.shape[0]):
        out = calls.out[s, services + journeys + o]
        v, j = calls.slo[o, 0], calls.slo[o, 1]
        if v >= 0:
            failed = share_failed(calls, v)
            out[OUT_REQUESTS] = calls.account[v, 0]
            fast = within(calls.total[v], calls.slo_s[o])
        else:
            failed = journey_shares(calls, j, shares, spare)
            out[OUT_REQUESTS] = journeys_made(calls, j)
            fast = within(shares, calls.slo_s[o])
        out[OUT_FAILED] = out[OUT_REQUESTS] * (1.0 - (1.0 - failed) * fast)
    for k in range(services):
        calls.account[calls.order[k], 0] = 0.0
        calls.account[calls.order[k], 1] = 0.0


@inline_kernel
def forget(serving: Serving):
    """Begin a new interval."""
    for r in range(serving.workload.shape[0]):
        for i in range(BINS + 1):
            serving.histogram[r, i] = 0.0
