"""Response times while a run goes on: stationary where the load holds long enough, else a queue that grows or drains.

Per workload and pod two numbers are kept: mean m and variance v of the requests above those served at full speed
(*excess*). Between two changes of the load they follow

    m' = arrivals - capacity + push,   v' = s(m) (1 - g),   push = capacity (1 - u(m)) g

where u(m) is the utilisation at which m is the stationary excess (the pointwise stationary fluid flow approximation of
W.-P. Wang, D. Tipper and S. Banerjee, 1996) and s(m) = 2 m capacity (1 - u(m)). The factor
g = exp(-0.6005 (1 / y - 1)), with y the squared coefficient of variation over its stationary value, switches the push
off while the queue is far from empty. This closure is exact for reflected Brownian motion in three cases: stationary,
from empty without drift (that fixes the 0.6005), and far from empty. A queue that drains after an overload follows
the Brownian motion itself (J. M. Harrison, Brownian Motion and Stochastic Flow Systems, 1985; ``drain``). Where else a
queue varies more than a stationary one would, a part of all runs has settled and the rest is busy (``busy_part``). Near
the stationary state response times come from the table at u(m); a queue whose variation is smaller than that is met by
arrivals as a lognormal wait with mean m / capacity. Errors against an event-by-event simulation: docs/fidelity.md.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import L_CAP, UNBOUNDED, Physics
from capsim.state.tables_calls import (
    BINS,
    BY_CONNECTION,
    K_BASE,
    K_SCV,
    K_SERVICE,
    K_SLOTS,
    KNOT_STEP,
    KNOTS,
    LEAST_S,
    STEP,
    TOP_RATIO,
    Y_AT,
    Y_EXCESS,
    Y_FREE_FOR,
    Y_FREE_MEAN,
    Y_FREE_VARIANCE,
    Y_FRESH,
    Y_LOAD,
    Y_SETTLED,
    Y_SINCE,
    Y_VARIANCE,
    Serving,
)

CLOSURE = 0.6005
SETTLED_AFTER = 20.0
"""Relaxation times after which a load that holds counts as stationary from its beginning."""
SMALL_GAP = 0.05
"""Share of the requests in a station by which its mean over the time may be off for it to count as stationary."""
SUBSTEPS = 24
NARROW = 0.7
"""Share of the stationary variation below which the queue is a wave, not a stationary queue."""


@inline_kernel
def curve_row(serving: Serving, r, pods):
    """(row, next row, share of the next row) of the curves of ``r`` for so many pods."""
    first = serving.curve[r, 0]
    last = serving.curve[r, 1] - 1
    if last <= 0 or pods <= 1.0:
        return first, first, 0.0
    at = min(math.log2(pods), float(last))
    low = int(at)
    return first + low, first + min(low + 1, last), at - low


@inline_kernel
def at_knot(table, a, b, part, x):
    """Value at position ``x`` (in knots) of a table over rows and knots."""
    k = min(int(x), KNOTS - 2)
    f = x - k
    low = table[a, k] + f * (table[a, k + 1] - table[a, k])
    if part == 0.0:
        return low
    high = table[b, k] + f * (table[b, k + 1] - table[b, k])
    return low + part * (high - low)


@inline_kernel
def position(utilization):
    """Place of a utilisation among the knots."""
    return -math.log(1.0 - min(utilization, TOP_RATIO)) / KNOT_STEP


@kernel
def free_ratio(serving: Serving, a, b, part, m):
    """1 - u(m): what is free of the capacity when ``m`` is the stationary excess."""
    top = at_knot(serving.excess, a, b, part, KNOTS - 1.0)
    if m >= top:
        return (1.0 - TOP_RATIO) * top / max(m, 1e-300)
    low = 0
    high = KNOTS - 1
    while high - low > 1:
        middle = (low + high) // 2
        if at_knot(serving.excess, a, b, part, float(middle)) <= m:
            low = middle
        else:
            high = middle
    below = at_knot(serving.excess, a, b, part, float(low))
    above = at_knot(serving.excess, a, b, part, float(high))
    x = low + ((m - below) / (above - below) if above > below else 0.0)
    return math.exp(-x * KNOT_STEP)


@inline_kernel
def add_table(serving: Serving, r, a, b, part, x, requests):
    """``requests`` were answered as in the stationary state at position ``x``."""
    k = min(int(x), KNOTS - 2)
    f = x - k
    at = (a - serving.curve[r, 0]) * KNOTS + k
    serving.weights[r, at] += requests * (1.0 - f) * (1.0 - part)
    serving.weights[r, at + 1] += requests * f * (1.0 - part)
    if part > 0.0:
        at = (b - serving.curve[r, 0]) * KNOTS + k
        serving.weights[r, at] += requests * (1.0 - f) * part
        serving.weights[r, at + 1] += requests * f * part


@kernel
def spread_weights(serving: Serving):
    """Put all weights into the histograms."""
    for r in range(serving.workload.shape[0]):
        for at in range(serving.curve[r, 1] * KNOTS):
            requests = serving.weights[r, at]
            if requests != 0.0:
                row = serving.curve[r, 0] + at // KNOTS
                k = at % KNOTS
                for i in range(BINS):
                    serving.histogram[r, i] += requests * serving.cdf[row, k, i]
                serving.histogram[r, BINS] += requests
                serving.weights[r, at] = 0.0


@kernel
def add_wave(serving: Serving, r, mean, variance, requests):
    """``requests`` were answered after a lognormal time of that mean (s) and variance."""
    spread = math.log(1.0 + max(variance, 1e-6 * mean * mean) / (mean * mean))
    middle = math.log(mean) - 0.5 * spread
    scale = 1.0 / math.sqrt(2.0 * spread)
    for i in range(BINS):
        share = 0.5 * (1.0 + math.erf((math.log(serving.edges_s[i]) - middle) * scale))
        serving.histogram[r, i] += requests * share
    serving.histogram[r, BINS] += requests


@kernel
def busy_part(serving: Serving, a, b, part, m, v, goal, x_goal):
    """Of a queue that varies more than a stationary one with its mean, the share that has not settled yet.

    The rest is stationary at ``goal``; 1 when nothing is known of a stationary state, or the queue varies less.
    """
    if goal > 1e299 or m <= goal * 1.0001:
        return 1.0
    spread = at_knot(serving.spread, a, b, part, position_of(serving, a, b, part, m))
    rest = goal * goal * (1.0 + at_knot(serving.spread, a, b, part, x_goal))
    second = v + m * m
    low = 0.02
    high = 1.0
    if second <= m * m * (1.0 + spread):
        return 1.0
    for _ in range(20):
        middle = 0.5 * (low + high)
        mean = (m - (1.0 - middle) * goal) / middle
        spread = at_knot(serving.spread, a, b, part, position_of(serving, a, b, part, mean))
        if (1.0 - middle) * rest + middle * mean * mean * (1.0 + spread) > second:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@inline_kernel
def position_of(serving: Serving, a, b, part, m):
    """Place among the knots at which the stationary excess is ``m``."""
    return min(-math.log(free_ratio(serving, a, b, part, m)) / KNOT_STEP, KNOTS - 1.0)


@kernel
def answer(serving: Serving, r, a, b, part, m, v, capacity, requests):
    """``requests`` arrived while mean and variance of the excess were ``m`` and ``v``."""
    whole = m
    m -= gone_early(serving, r, whole)
    free = free_ratio(serving, a, b, part, m)
    x = -math.log(free) / KNOT_STEP
    wave = free < 1.0 - TOP_RATIO
    if not wave and m > 0.05:
        wave = v < NARROW * m * m * at_knot(serving.spread, a, b, part, x)
    if wave:
        service = serving.constant[r, K_SERVICE]
        mean = wave_s(serving, r, whole, capacity)
        add_wave(serving, r, mean, v / (capacity * capacity) + serving.constant[r, K_SCV] * service * service, requests)
    else:
        add_table(serving, r, a, b, part, x, requests)


@inline_kernel
def wave_s(serving: Serving, r, m, capacity):
    """Mean time of a request that meets ``m`` others: theirs, and in a line the rest of those in service."""
    rest = 0.5 * (1.0 + serving.constant[r, K_SCV]) if serving.constant[r, K_SLOTS] > 0.0 else 0.0
    return serving.constant[r, K_BASE] + (m - gone_early(serving, r, m) + rest) / capacity


@inline_kernel
def gone_early(serving: Serving, r, m):
    """Of an excess ``m``, the requests that servers which were idle before the overload have answered on top.

    A server that begins afresh answers (scv - 1) / 2 requests more than one met at a random time, in the long run
    (D. R. Cox, Renewal Theory, 1962, 4.2); at the beginning none.
    """
    fresh = serving.state[r, Y_FRESH]
    if fresh == 0.0:
        return 0.0
    return fresh * (1.0 - math.exp(-m / abs(fresh)))


@inline_kernel
def begin_afresh(serving: Serving, r, a, b, part, arrivals, capacity):
    """An overload begins: from here on idle servers work too (``gone_early``); only lines have servers of their own."""
    if arrivals > capacity and serving.state[r, Y_FRESH] == 0.0 and serving.constant[r, K_SLOTS] > 0.0:
        idle = free_ratio(serving, a, b, part, serving.state[r, Y_EXCESS]) * capacity * serving.constant[r, K_SERVICE]
        serving.state[r, Y_FRESH] = 0.5 * idle * (serving.constant[r, K_SCV] - 1.0)


@kernel
def next_excess(serving: Serving, r, a, b, part, m, v, theta, goal, arrivals, capacity, span_s):
    """(m, v) after a short time; ``theta`` as of ``busy_part``."""
    free = free_ratio(serving, a, b, part, m)
    if theta < 1.0:
        busy = free_ratio(serving, a, b, part, (m - (1.0 - theta) * goal) / theta)
        push = (1.0 - theta) * (capacity - arrivals) + theta * capacity * busy
        noise = 2.0 * (1.0 - theta) * goal * (capacity - arrivals) + 2.0 * (m - (1.0 - theta) * goal) * capacity * busy
        return (
            max(goal, m + (arrivals - capacity + push) * span_s),
            max(0.0, v + (noise - 2.0 * m * push) * span_s),
        )
    stationary = m * m * at_knot(serving.spread, a, b, part, min(-math.log(free) / KNOT_STEP, KNOTS - 1.0))
    y = min(max(v / stationary, 0.05), 1.0) if stationary > 0.0 else 1.0
    g = math.exp(-CLOSURE * (1.0 / y - 1.0))
    drift = arrivals - capacity + capacity * free * g
    spread = 2.0 * m * capacity * free * (1.0 - g)
    if arrivals > capacity:  # more comes, at random, than a stationary queue knows
        scv = serving.constant[r, K_SCV]
        spread *= (arrivals / capacity + scv) / (1.0 + scv)
    if m < 1e-3:
        spread = arrivals
    return max(0.0, m + drift * span_s), max(0.0, v + spread * span_s)


@kernel
def relax(serving: Serving, r, a, b, part, arrivals, capacity, span_s, requests, backlog):
    """Integrate the excess over ``span_s`` of constant load and answer ``requests`` on the way.

    ``backlog``: requests per pod that the fluid model has at the end; the excess is never less.
    """
    m = serving.state[r, Y_EXCESS]
    v = serving.state[r, Y_VARIANCE]
    step = span_s / SUBSTEPS
    u = arrivals / capacity
    goal = UNBOUNDED
    x_goal = 0.0
    if u < TOP_RATIO:
        x_goal = position(u)
        goal = at_knot(serving.excess, a, b, part, x_goal)
    for _ in range(SUBSTEPS):
        theta = busy_part(serving, a, b, part, m, v, goal, x_goal)
        half_m, half_v = next_excess(serving, r, a, b, part, m, v, theta, goal, arrivals, capacity, 0.5 * step)
        each = requests / SUBSTEPS
        answer_mixed(serving, r, a, b, part, half_m, half_v, theta, goal, x_goal, capacity, each)
        new_m, new_v = next_excess(serving, r, a, b, part, half_m, half_v, theta, goal, arrivals, capacity, 0.5 * step)
        if theta >= 1.0 and ((m < goal) == (new_m > goal)):  # too long a step for the relaxation ends on its goal
            new_m = goal
        m = new_m
        v = new_v
    serving.state[r, Y_EXCESS] = max(m, backlog)
    serving.state[r, Y_VARIANCE] = v


@inline_kernel
def answer_mixed(serving: Serving, r, a, b, part, m, v, theta, goal, x_goal, capacity, requests):
    """As ``answer``, for a queue of which ``theta`` is busy and the rest has settled at ``goal``."""
    if theta >= 1.0:
        answer(serving, r, a, b, part, m, v, capacity, requests)
        return
    mean = (m - (1.0 - theta) * goal) / theta
    add_table(serving, r, a, b, part, x_goal, (1.0 - theta) * requests)
    add_table(serving, r, a, b, part, position_of(serving, a, b, part, mean), theta * requests)


@kernel
def add_drain(serving: Serving, r, mean, variance, settled, capacity, requests):
    """``requests`` met a normal queue of that mean and variance, cut off at 0; the ``settled`` ones are left out."""
    service = serving.constant[r, K_SERVICE]
    scale = 1.0 / math.sqrt(2.0 * (variance + serving.constant[r, K_SCV] * service * service * capacity * capacity))
    least = wave_s(serving, r, 0.0, capacity)
    cut = 0.5 * math.erfc(mean * scale)
    for i in range(BINS):
        y = (serving.edges_s[i] - least) * capacity
        if y > 0.0:
            share = max(0.0, 0.5 * math.erfc((mean - y) * scale) - cut)
            serving.histogram[r, i] += requests * (1.0 - settled) * share / (1.0 - cut)
    serving.histogram[r, BINS] += requests * (1.0 - settled)


@inline_kernel
def mills(z):
    """Mills ratio of the normal distribution: upper tail over density, for ``z`` from -5 on."""
    if z > 6.0:
        w = 1.0 / (z * z)
        return (1.0 - w * (1.0 - 3.0 * w * (1.0 - 5.0 * w))) / z
    return 0.5 * math.erfc(z / math.sqrt(2.0)) * math.sqrt(2.0 * math.pi) * math.exp(0.5 * z * z)


@kernel
def reflected(mean, variance, goal):
    """(mean, variance) of a draining queue whose free motion is normal with that mean and variance.

    P(Q <= y) = Phi((y - mean) / s) - exp(-y / goal) Phi(-(y + mean) / s), with the stationary mean ``goal``.
    """
    s = math.sqrt(variance)
    at = mean / s
    density = math.exp(-0.5 * at * at) / math.sqrt(2.0 * math.pi)
    below = 0.5 * math.erfc(at / math.sqrt(2.0))
    z = at + s / goal
    ratio = mills(z) if z > -5.0 else 0.0
    tail = goal * (below - density * ratio)
    first = s * density + mean * (1.0 - below) + tail
    second = (mean * mean + variance) * (1.0 - below) + mean * s * density
    second += 2.0 * goal * (tail + density * s * (z * ratio - 1.0))
    return first, max(second - first * first, 0.0)


@inline_kernel
def noise_ratio(serving: Serving, r, a, b, part):
    """How much less a queue varies than one pod's by itself, by its stationary mean in heavy traffic: pods that are
    balanced by their load move together."""
    alone = 0.5 * (1.0 + serving.constant[r, K_SCV]) * TOP_RATIO * TOP_RATIO / (1.0 - TOP_RATIO)
    return min(1.0, at_knot(serving.excess, a, b, part, KNOTS - 1.0) / alone)


@kernel
def drain(serving: Serving, r, a, b, part, arrivals, capacity, span_s, requests):
    """A queue that was far from empty drains for ``span_s`` and answers ``requests`` on the way."""
    x = position(arrivals / capacity)
    goal = max(at_knot(serving.excess, a, b, part, x), 1e-6)
    noise = (arrivals + capacity * serving.constant[r, K_SCV]) * noise_ratio(serving, r, a, b, part)
    each = requests / SUBSTEPS
    for i in range(SUBSTEPS):
        at_s = (i + 0.5) * span_s / SUBSTEPS
        mean = serving.state[r, Y_FREE_MEAN] + (arrivals - capacity) * at_s
        variance = serving.state[r, Y_FREE_VARIANCE] + noise * at_s
        settled = 0.5 * math.erfc(mean / math.sqrt(2.0 * variance))
        if settled > 1.0 - 1e-6:
            add_table(serving, r, a, b, part, x, each)
        else:
            add_table(serving, r, a, b, part, x, each * settled)
            add_drain(serving, r, mean, variance, settled, capacity, each)
    serving.state[r, Y_FREE_MEAN] += (arrivals - capacity) * span_s
    serving.state[r, Y_FREE_VARIANCE] += noise * span_s
    m, v = reflected(serving.state[r, Y_FREE_MEAN], serving.state[r, Y_FREE_VARIANCE], goal)
    serving.state[r, Y_EXCESS] = m
    serving.state[r, Y_VARIANCE] = v


@inline_kernel
def drains(serving: Serving, r, a, b, part, u):
    """Whether the queue drains from a height as a whole; 1 for as long as the load stays what it was then."""
    if u >= TOP_RATIO or u <= 0.0:
        return False
    if serving.state[r, Y_FREE_FOR] == u:
        return True
    m = serving.state[r, Y_EXCESS]
    v = serving.state[r, Y_VARIANCE]
    goal = at_knot(serving.excess, a, b, part, position(u))
    if m < 3.0 * goal + 2.0 or v >= 0.6 * m * m:
        return False
    serving.state[r, Y_FREE_MEAN] = m - gone_early(serving, r, m)
    serving.state[r, Y_FRESH] = 0.0
    serving.state[r, Y_FREE_VARIANCE] = max(v, 1e-6 * m * m + 1e-9)
    serving.state[r, Y_FREE_FOR] = u
    return True


@inline_kernel
def relaxation_s(serving: Serving, r, u, capacity):
    """Time in which the queue forgets: (1 + scv) / 2 / (capacity (1 - sqrt(u))^2), and a service."""
    root = 1.0 - math.sqrt(u)
    return 0.5 * (1.0 + serving.constant[r, K_SCV]) / (capacity * root * root) + serving.constant[r, K_BASE]


@inline_kernel
def place_of(serving: Serving, r, u):
    """Position of utilisation ``u`` among the knots, kept from the last time that it was asked for."""
    if serving.state[r, Y_LOAD] != u:
        serving.state[r, Y_LOAD] = u
        serving.state[r, Y_AT] = position(u)
    return serving.state[r, Y_AT]


@inline_kernel
def is_stationary(serving: Serving, r, a, b, part, arrivals, capacity, span_s):
    """Whether a load that holds for ``span_s`` may count as stationary from its beginning."""
    u = arrivals / capacity
    if u >= TOP_RATIO:
        return False
    relaxation = relaxation_s(serving, r, u, capacity)
    x = place_of(serving, r, u)
    before = serving.state[r, Y_SETTLED]
    long = span_s >= SETTLED_AFTER * relaxation
    if long and 0.0 <= before <= x:
        return True
    goal = at_knot(serving.excess, a, b, part, x)
    gap = (at_knot(serving.excess, a, b, part, before) if before >= 0.0 else serving.state[r, Y_EXCESS]) - goal
    if abs(gap) * relaxation <= SMALL_GAP * (goal + arrivals * serving.constant[r, K_SERVICE]) * span_s:
        return True
    return long and span_s >= SETTLED_AFTER * (relaxation + max(0.0, gap) / (capacity - arrivals))


@kernel
def hold(serving: Serving, r, a, b, part, arrivals, capacity, span_s, requests, backlog):
    """A load of ``arrivals`` and ``capacity`` requests per second and pod held for ``span_s``."""
    u = arrivals / capacity
    before = serving.state[r, Y_SETTLED]
    if before >= 0.0:
        m = at_knot(serving.excess, a, b, part, before)
        serving.state[r, Y_EXCESS] = m
        serving.state[r, Y_VARIANCE] = m * m * at_knot(serving.spread, a, b, part, before)
        serving.state[r, Y_SETTLED] = -1.0
        serving.state[r, Y_FRESH] = 0.0
    begin_afresh(serving, r, a, b, part, arrivals, capacity)
    if drains(serving, r, a, b, part, u):
        drain(serving, r, a, b, part, arrivals, capacity, span_s, requests)
    else:
        serving.state[r, Y_FREE_FOR] = 0.0
        relax(serving, r, a, b, part, arrivals, capacity, span_s, requests, backlog)


@inline_kernel
def full_line(serving: Serving, r, backlog, capacity, requests):
    """``requests`` waited for a line that stays full at ``backlog``, whose length hardly varies."""
    service = serving.constant[r, K_SERVICE]
    serving.state[r, Y_FRESH] = 0.0
    mean = wave_s(serving, r, backlog, capacity)
    variance = serving.constant[r, K_SCV] * (backlog / (capacity * capacity) + service * service)
    add_wave(serving, r, mean, variance, requests)
    serving.state[r, Y_EXCESS] = backlog
    serving.state[r, Y_VARIANCE] = max(serving.constant[r, K_SCV], 0.1) * backlog
    serving.state[r, Y_FREE_FOR] = 0.0
    serving.state[r, Y_SETTLED] = -1.0


@inline_kernel
def is_settled(serving: Serving, physics: Physics, w):
    """Whether the queue of ``w`` is near its stationary state, as far as it is known."""
    r = serving.row[w]
    pods = physics.own[w, 2]
    if r < 0 or pods <= 0.0:
        return True
    capacity = pod_capacity(physics, w)
    u = physics.arrival_rps[w] / pods / capacity if capacity > 0.0 else 2.0
    if u >= TOP_RATIO:
        return physics.lost_rps[w] > 0.0  # a line that is full
    if serving.state[r, Y_SETTLED] >= 0.0:
        return True
    a, b, part = curve_row(serving, r, pods)
    return serving.state[r, Y_EXCESS] <= 1.5 * at_knot(serving.excess, a, b, part, place_of(serving, r, u)) + 0.5


@inline_kernel
def observe(serving: Serving, physics: Physics, w, now):
    """Response times of workload ``w`` since it was last looked at, under the rates that held since then."""
    r = serving.row[w]
    if r < 0:
        return
    span_s = (now - serving.state[r, Y_SINCE]) / 1000.0
    if span_s <= 0.0:
        return
    serving.state[r, Y_SINCE] = now
    pods = physics.own[w, 2]
    if pods <= 0.0:
        serving.state[r, Y_SETTLED] = 0.0
        return
    capacity = pod_capacity(physics, w)
    accepted = physics.arrival_rps[w] - physics.lost_rps[w]
    a, b, part = curve_row(serving, r, pods)
    if capacity <= 0.0:
        return
    if physics.backlog[w] == 0.0 and is_stationary(serving, r, a, b, part, accepted / pods, capacity, span_s):
        x = place_of(serving, r, accepted / pods / capacity)
        add_table(serving, r, a, b, part, x, accepted * span_s)
        serving.state[r, Y_SETTLED] = x
        serving.state[r, Y_FREE_FOR] = 0.0
        return
    growth = accepted - physics.served_rps[w]
    backlog = max(0.0, physics.backlog[w] + growth * (now - physics.since_ms[w]) / 1000.0) / pods
    if physics.lost_rps[w] > 0.0 and physics.limits[w, 0] > 0.0:  # a full line: what gets in waits for all of it
        full_line(serving, r, backlog, capacity, accepted * span_s)
    else:
        hold(serving, r, a, b, part, accepted / pods, capacity, span_s, accepted * span_s, backlog)


@inline_kernel
def pod_capacity(physics: Physics, w):
    """Requests per second that a pod of ``w`` can serve, nodes without enough CPU counted."""
    if physics.limits[w, 1] == BY_CONNECTION:
        return physics.load[w, L_CAP]
    own = physics.own[w, 0]
    pods = physics.own[w, 2]
    return max(0.0, ((pods - own) * physics.load[w, L_CAP] + physics.own[w, 1]) / pods)


@inline_kernel
def late_ratio(serving: Serving, physics: Physics, w, within_s):
    """Chance that a request that arrives at ``w`` now is not answered within ``within_s``, the mean time, and a time
    that it does not exceed, both in s."""
    r = serving.row[w]
    pods = physics.own[w, 2]
    if pods <= 0.0:
        return 1.0, 0.0, UNBOUNDED
    capacity = pod_capacity(physics, w)
    if capacity <= 0.0:
        return 1.0, 0.0, UNBOUNDED
    u = physics.arrival_rps[w] / pods / capacity
    if physics.backlog[w] <= 0.0 and u < TOP_RATIO and is_settled(serving, physics, w):
        a, b, part = curve_row(serving, r, pods)
        x = place_of(serving, r, u)
        mean = at_knot(serving.mean_s, a, b, part, x)
        safe = mean * (25.0 + 15.0 * serving.constant[r, K_SCV])  # the chance of more is below 1e-5
        if within_s > safe:
            return 0.0, mean, safe
        return 1.0 - chance_within(serving, a, b, part, x, within_s), mean, safe
    m = max(serving.state[r, Y_EXCESS] if serving.state[r, Y_SETTLED] < 0.0 else 0.0, physics.backlog[w] / pods)
    mean = wave_s(serving, r, m, capacity)
    service = serving.constant[r, K_SERVICE]
    variance = serving.state[r, Y_VARIANCE] / (capacity * capacity) + (0.01 + serving.constant[r, K_SCV]) * service**2
    return 0.5 * math.erfc((within_s - mean) / math.sqrt(2.0 * variance)), mean, UNBOUNDED


@kernel
def chance_within(serving: Serving, a, b, part, x, within_s):
    """Chance of a response within ``within_s`` in the stationary state at position ``x``."""
    k = min(int(x), KNOTS - 2)
    f = x - k
    at = min(max(math.log(max(within_s, 1e-9) / LEAST_S) / STEP, 0.0), BINS - 1.0)
    i = min(int(at), BINS - 2)
    chance = 0.0
    for j in range(2):
        low = serving.cdf[a, k, i + j] + f * (serving.cdf[a, k + 1, i + j] - serving.cdf[a, k, i + j])
        if part > 0.0:
            high = serving.cdf[b, k, i + j] + f * (serving.cdf[b, k + 1, i + j] - serving.cdf[b, k, i + j])
            low += part * (high - low)
        chance += low * ((at - i) if j == 1 else (1.0 - at + i))
    return chance
