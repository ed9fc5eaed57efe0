"""Tables of response times and of calls between services; empty in a run that asks for neither.

Rows [L] are workloads with response times, [V] sources (``Traffic``: a source stands for a service), [E] calls.
"""

from __future__ import annotations

from typing import NamedTuple

from capsim.state.tables import F64, I64

BINS = 128
"""Bins of response times."""
LEAST_S = 5e-5
"""Upper edge of the first bin; the last one ends at 10 minutes."""
STEP = 0.12834
"""Logarithmic width of a bin: 13.7 %."""
KNOTS = 32
MOST_ROWS = 8
"""Rows of curves of one workload at most: one per number of pods."""
TOP_RATIO = 0.99
KNOT_STEP = 4.605170185988091 / 31.0
"""Distance of the knots in -ln(1 - utilisation): 32 of them up to 0.99."""


class Serving(NamedTuple):
    """Response times of the pods of a workload."""

    row: I64
    """[W] row here, -1: none."""
    workload: I64
    """[L]"""
    curve: I64
    """[L, 2]: first row of its curves, and for how many numbers of pods they stand."""
    constant: F64
    """[L, 6]: columns K_*."""
    state: F64
    """[L, 10]: columns Y_*."""
    cdf: F64
    """[T, KNOTS, BINS] chance of a response within the bins' upper edges."""
    mean_s: F64
    """[T, KNOTS]"""
    excess: F64
    """[T, KNOTS] requests in a pod above those served at full speed."""
    spread: F64
    """[T, KNOTS] squared coefficient of variation of that number."""
    edges_s: F64
    """[BINS]"""
    stream: F64
    """[L, 3]: columns S_*; apart from ``state``, which every step reads."""
    weights: F64
    """[L, MOST_ROWS * KNOTS] requests answered as in the stationary state of a row and knot of the workload's curves,
    since the last sample; spread over ``histogram`` when that ends."""
    histogram: F64
    """[L, BINS + 1] requests answered within the edges since the last sample; the last column counts all."""


K_BASE, K_CAP, K_SLOTS, K_SCV, K_SERVICE, K_THIRD = range(6)
"""Seconds of an undisturbed request; requests per second of a pod; places (0: no limit); squared coefficient of
variation of the CPU time; seconds of it; its third moment over its first and second."""
Y_EXCESS, Y_VARIANCE, Y_SINCE, Y_SETTLED, Y_LOAD, Y_AT, Y_FREE_MEAN, Y_FREE_VARIANCE, Y_FREE_FOR, Y_FRESH = range(10)
"""Mean and variance of the requests above those served at full speed, per pod; when they were last brought up to date,
ms; the knot at which they are stationary (then these two are not kept; -1: they are not); a utilisation and its place
among the knots; mean and variance of a queue that drains, were it free to fall below 0, and the utilisation for which
they hold (0: none); requests that servers idle before an overload answer on top of their mean rate."""
S_BUSY, S_STRETCH, S_POOLED = range(3)
"""Mean utilisation in the last sample; the mean wait in it over that of Poisson arrivals (0 before the first); how
arrivals reach pods (1: as one line for all, 0: drawn, -1: in turn)."""


class Connections(NamedTuple):
    """Services whose requests stay on a connection, and so on a pod (L4); rows [N]."""

    row: I64
    """[W] row here, -1: balanced per request."""
    workload: I64
    """[N]"""
    setting: F64
    """[N, 3]: mean life of a connection in ms, seconds of backlog that a pod may have, requests that may wait in it."""
    start: I64
    """[N + 1] offsets into the connections."""
    pod: I64
    """[K] the pod's row, -1: not connected."""
    uid: I64
    """[K] the pod's uid: rows are used again."""
    due_ms: I64
    """[3]: next turn, turns made, time between turns."""
    out: F64
    """[samples, N, B_COLUMNS]"""


(B_PODS, B_OLDEST_CONNECTIONS, B_NEWEST_CONNECTIONS, B_OLDEST, B_NEWEST, B_HIGHEST, B_LOWEST) = range(7)
B_COLUMNS = 7
"""At the end of a sample: Ready pods; connections of the pod that has been Ready longest and shortest; utilisation of
these, and of the busiest and the idlest pod."""
BY_CONNECTION = 2.0
"""In ``Physics.limits[w, 1]``: the workload's pods serve what their connections bring."""


class Calls(NamedTuple):
    """Who calls whom, and how it goes at present."""

    order: I64
    """[S] sources by level: callers before callees."""
    level_start: I64
    """[D + 1] offsets into ``order``."""
    out_start: I64
    """[V + 1] edges by caller; they are sorted by caller and group."""
    in_start: I64
    """[V + 1] offsets into ``in_edge``."""
    in_edge: I64
    """[E]"""
    edge: I64
    """[E, 7]: columns E_*."""
    setting: F64
    """[E, 6]: columns C_*."""
    state: F64
    """[E, 4]: columns A_*."""
    service: F64
    """[V, 7]: columns F_*."""
    stream: F64
    """[V, 3]: columns V_*; apart from ``service``, which every step reads."""
    call_scv: F64
    """[E] squared coefficient of variation of the gaps between these calls."""
    account: F64
    """[V, 2] requests offered and failed since the last sample."""
    due_ms: I64
    """[2]: next look at failures, and until when ``account`` is complete."""
    total: F64
    """[V, BINS] response times end to end of the last sample, as shares per bin."""
    scratch: F64
    """[6, BINS]"""
    offset: F64
    """[BINS, 2]: where the sum of two times falls that lie so many bins apart: bins up, and the share of the next."""
    visit_start: I64
    """[J + 1] offsets of journeys."""
    visit: I64
    """[X, 2]: source and number of requests."""
    slo: I64
    """[O, 2]: source or -1, journey or -1."""
    slo_s: F64
    """[O] seconds within which a response is good; infinite: availability."""
    out: F64
    """[samples, S + J + O, OUT_COLUMNS]"""


E_CALLER, E_CALLEE, E_GROUP, E_OPTIONAL, E_RECURSIVE, E_ONE_OF, E_ROUTE = range(7)
E_COLUMNS = 7
"""Of a group with ``E_ONE_OF`` only one call is made. ``E_ROUTE``: source whose part of the caller's own traffic these
calls are, -1: their number is given."""
LEAST_NUMBER = 1e-12
"""Calls per request where an Ingress controller has none for a service."""
C_NUMBER, C_TIMEOUT, C_RETRIES, C_BUDGET, C_BACKOFF, C_REPEAT = 0, 1, 2, 3, 4, 5
"""Calls per request that no cache answers; time-out in s (infinite: none); retries; budget (infinite: none); pause in
s; calls per request, cached ones too."""
A_ATTEMPTS, A_FAILURE, A_SECONDS, A_SENT = 0, 1, 2, 3
"""Attempts per call; chance that all of them fail; mean seconds that a call takes its caller; what the caller
of a recursive call worked on when it was last looked at."""
F_PROCESSED, F_OWN, F_FAILURE, F_SECONDS, F_OFFERED, F_OWN_SECONDS, F_SAFE = range(7)
"""Requests per second that it works on; chance that it loses one itself; that one fails, calls included; mean seconds
end to end; requests per second offered; mean seconds without its calls; seconds within which it answers, its calls left
out, for certain (infinite: its queue is not settled)."""
V_LEAVING, V_OUTSIDE, V_COMMON = range(3)
"""Of the last sample (``capsim/world/streams.py``): squared coefficients of variation of the gaps between answers of
the service, and between requests to it that no service sends; how far its waits are made by what arrives."""
(
    OUT_REQUESTS, OUT_FAILED, OUT_OWN_MEAN, OUT_OWN_P50, OUT_OWN_P95, OUT_OWN_P99, OUT_MEAN, OUT_P50, OUT_P95, OUT_P99,
) = range(10)  # fmt: skip
OUT_COLUMNS = 10
FEEDBACK_MS = 1000
"""How often failures are looked at while there are any: retries come about a second after the failure."""
