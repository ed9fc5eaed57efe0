"""Response times while a run goes on: stationary where the load holds long enough, else a queue that grows or drains.

Per workload and pod two numbers are kept: mean m and variance v of the requests above those served at full speed
(*excess*). Between two changes of the load they follow

    m' = arrivals - capacity + push,   v' = s(m) (1 - g),   push = capacity (1 - u(m)) g

where u(m) is the utilisation at which m is the stationary excess (the pointwise stationary fluid flow approximation of
W.-P. Wang, D. Tipper and S. Banerjee, 1996) and s(m) = 2 m capacity (1 - u(m)). The factor
g = exp(-0.6005 (1 / y - 1)), with y the squared coefficient of variation over its stationary value, switches the push
off while the queue is far from empty. This closure is exact for reflected Brownian motion in three cases: stationary,
from empty without drift (that fixes the 0.6005), and far from empty. In an overload s is what arrivals and busy servers
really vary by, v' = noise - 2 m push, and idle servers fill before the line grows (``excess_of``). A queue that drains
after it follows the Brownian motion itself (``draining.py``). Where else a queue varies more than a stationary one
would, a part of all runs has settled and the rest is busy (``busy_part``). Near the stationary state response times
come from the table at u(m); a queue whose variation is smaller than that is met as ``waves.py`` says. Errors against
an event-by-event simulation: docs/fidelity.md.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.tables import L_CAP, UNBOUNDED, Physics
from capsim.state.tables_calls import (
    BY_CONNECTION,
    K_BASE,
    K_SCV,
    K_SERVICE,
    K_SLOTS,
    KNOT_STEP,
    KNOTS,
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
from capsim.world.draining import drain, noise_of
from capsim.world.response_curves import (
    add_table,
    at_knot,
    chance_within,
    curve_row,
    free_ratio,
    position,
    position_of,
)
from capsim.world.waves import add_wave, at_most, gone_early, skewness, wave_s, wave_variance

CLOSURE = 0.6005
SETTLED_AFTER = 20.0
"""Relaxation times after which a load that holds counts as stationary from its beginning."""
SMALL_GAP = 0.05
"""Share of the requests in a station by which its mean over the time may be off for it to count as stationary."""
SUBSTEPS = 24
NARROW = 0.7
"""Share of the stationary variation below which the queue is a wave, not a stationary queue."""


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
        mean = wave_s(serving, r, whole, capacity)
        add_wave(serving, r, mean, wave_variance(serving, r, m, v, capacity), capacity, requests)
    else:
        add_table(serving, r, a, b, part, x, requests)


@inline_kernel
def begin_afresh(serving: Serving, r, a, b, part, arrivals, capacity):
    """An overload begins: from here on idle servers work too (``gone_early``); only lines have servers of their own."""
    if arrivals > capacity and serving.state[r, Y_FRESH] == 0.0 and serving.constant[r, K_SLOTS] > 0.0:
        idle = free_ratio(serving, a, b, part, serving.state[r, Y_EXCESS]) * capacity * serving.constant[r, K_SERVICE]
        serving.state[r, Y_FRESH] = 0.5 * idle * (serving.constant[r, K_SCV] - 1.0)


@kernel
def excess_of(serving: Serving, a, b, part, n, servers):
    """The excess m of a pod with ``n`` requests more than ``servers``, of which ``servers`` (1 - u(m)) are idle."""
    top = at_knot(serving.excess, a, b, part, KNOTS - 1.0)
    if n >= top:
        return n + servers * (1.0 - TOP_RATIO) * top / n
    low = 0
    high = KNOTS - 1
    while high - low > 1:
        middle = (low + high) // 2
        if at_knot(serving.excess, a, b, part, float(middle)) - servers * math.exp(-middle * KNOT_STEP) <= n:
            low = middle
        else:
            high = middle
    below = at_knot(serving.excess, a, b, part, float(low))
    above = at_knot(serving.excess, a, b, part, float(high))
    n_below = below - servers * math.exp(-low * KNOT_STEP)
    n_above = above - servers * math.exp(-high * KNOT_STEP)
    return below + (above - below) * min(max((n - n_below) / (n_above - n_below), 0.0), 1.0)


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
        spread = (1.0 - free * g) * noise_of(serving, r, a, b, part, arrivals, capacity) - 2.0 * m * capacity * free * g
        servers = capacity * serving.constant[r, K_SERVICE] * g  # idle ones are filled before the line grows
        n = m - servers * free
        drift = excess_of(serving, a, b, part, n + drift * span_s, servers) - excess_of(serving, a, b, part, n, servers)
        return max(0.0, m + drift), max(0.0, v + spread * span_s)
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
    add_wave(serving, r, mean, variance, capacity, requests)
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
    variance = wave_variance(serving, r, m, serving.state[r, Y_VARIANCE], capacity)
    variance += 0.01 * serving.constant[r, K_SERVICE] ** 2
    late = 1.0 - at_most((within_s - mean) / math.sqrt(variance), skewness(serving, r, variance, capacity))
    return late, mean, UNBOUNDED
