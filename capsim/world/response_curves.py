"""Response times of stations as a run reads them: the tables of ``capsim/world/queueing/curves.py`` at any load, and
the requests answered as they say.
"""

from __future__ import annotations

import math

from capsim.jit import inline_kernel, kernel
from capsim.state.tables_calls import BINS, KNOT_STEP, KNOTS, LEAST_S, S_STRETCH, STEP, TOP_RATIO, Serving


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
def at_bin(serving: Serving, a, b, part, k, f, i):
    """Chance of a response within the edge of bin ``i`` in the stationary state, ``f`` behind knot ``k``."""
    low = serving.cdf[a, k, i] + f * (serving.cdf[a, k + 1, i] - serving.cdf[a, k, i])
    if part == 0.0:
        return low
    high = serving.cdf[b, k, i] + f * (serving.cdf[b, k + 1, i] - serving.cdf[b, k, i])
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
def position_of(serving: Serving, a, b, part, m):
    """Place among the knots at which the stationary excess is ``m``."""
    return min(-math.log(free_ratio(serving, a, b, part, m)) / KNOT_STEP, KNOTS - 1.0)


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
    """Put all weights into the histograms: as the curves say, or where the mean wait is ``S_STRETCH`` as long."""
    for r in range(serving.workload.shape[0]):
        stretch = serving.stream[r, S_STRETCH]
        for at in range(serving.curve[r, 1] * KNOTS):
            requests = serving.weights[r, at]
            if requests != 0.0:
                row = serving.curve[r, 0] + at // KNOTS
                k = at % KNOTS
                if stretch > 0.0 and abs(stretch - 1.0) > 1e-6:
                    x = stretched(serving, row, k, stretch)
                    k = min(int(x), KNOTS - 2)
                    add_row(serving, r, row, k + 1, requests * (x - k))
                    requests *= 1.0 - (x - k)
                add_row(serving, r, row, k, requests)
                serving.weights[r, at] = 0.0


@inline_kernel
def add_row(serving: Serving, r, row, k, requests):
    """``requests`` were answered as curve ``row`` says of knot ``k``."""
    for i in range(BINS):
        serving.histogram[r, i] += requests * serving.cdf[row, k, i]
    serving.histogram[r, BINS] += requests


@inline_kernel
def stretched(serving: Serving, row, k, stretch):
    """Place among the knots where the mean wait is ``stretch`` times that of knot ``k``."""
    least = serving.mean_s[row, 0]
    goal = least + stretch * (serving.mean_s[row, k] - least)
    high = 1
    while high < KNOTS - 1 and serving.mean_s[row, high] < goal:
        high += 1
    below = serving.mean_s[row, high - 1]
    above = serving.mean_s[row, high]
    return high - 1 + (min((goal - below) / (above - below), 1.0) if above > below else 0.0)


@kernel
def chance_within(serving: Serving, a, b, part, x, within_s):
    """Chance of a response within ``within_s`` in the stationary state at position ``x``."""
    k = min(int(x), KNOTS - 2)
    at = min(max(math.log(max(within_s, 1e-9) / LEAST_S) / STEP, 0.0), BINS - 1.0)
    i = min(int(at), BINS - 2)
    low = at_bin(serving, a, b, part, k, x - k, i)
    return low + (at - i) * (at_bin(serving, a, b, part, k, x - k, i + 1) - low)
