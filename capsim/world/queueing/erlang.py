"""Waiting at M/M/c (exact) and at M/G/c (interpolated): chance, mean and variation of the wait.

Sources: Erlang C by the stable recursion over Erlang B; D. Y. Burman and D. R. Smith, A light-traffic theorem for
multi-server queues (1983), for the limit of light traffic; T. Kimura, Approximations for multi-server queues: system
interpolations (1994), for interpolating between light and heavy traffic.
"""

from __future__ import annotations

import numpy as np

from capsim.world.queueing.phases import Phases, fit


def waiting_chance(servers: int, utilization_ratio: float) -> float:
    """Erlang C: the chance that an arrival at an M/M/c station has to wait; 1 from a utilisation of 1 on."""
    if utilization_ratio >= 1.0:
        return 1.0
    if utilization_ratio <= 0.0:
        return 0.0
    offered = servers * utilization_ratio
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked / (1.0 - utilization_ratio * (1.0 - blocked))


def markov_wait(servers: int, utilization_ratio: float) -> float:
    """Mean wait of M/M/c in units of the mean service time: exact."""
    return waiting_chance(servers, utilization_ratio) / (servers * (1.0 - utilization_ratio))


def light_traffic_ratio(servers: int, service: Phases) -> float:
    """Mean wait of M/G/c over that of M/M/c as the load goes to 0.

    An arrival that finds all busy waits for the first of ``servers`` residual service times: servers × E[min] over the
    mean, where a residual time has the equilibrium distribution.
    """
    mean = service.moment(1)
    end = max(k / r for k, r in zip(service.stages, service.rate, strict=True))
    t = 40.0 * end * np.linspace(0.0, 1.0, 8_001) ** 2  # closer where the shortest of many is found
    beyond = 1.0 - service.cdf(t)
    step = np.diff(t)
    after = np.concatenate([[0.0], np.cumsum(0.5 * (beyond[1:] + beyond[:-1]) * step)])
    residual = np.clip(1.0 - after / mean, 0.0, 1.0) ** servers
    return float(servers * np.dot(0.5 * (residual[1:] + residual[:-1]), step) / mean)


def wait_ratio(utilization_ratio: float, scv: float, light_ratio: float) -> float:
    """Mean wait of M/G/c over that of M/M/c: (1 + scv) / 2 in heavy traffic, ``light_ratio`` in light traffic.

    Exact for one server and for exponential service.
    """
    return utilization_ratio * 0.5 * (1.0 + scv) + (1.0 - utilization_ratio) * light_ratio


def conditional_wait(utilization_ratio: float, service: Phases, mean: float) -> Phases:
    """The wait of those that wait: the shape that it has in M/G/1 at this utilisation, stretched to ``mean``.

    A hyperexponential service gives a hyperexponential wait, whose rates are the roots of a quadratic
    (Pollaczek-Khinchine); any other is fitted by two moments.
    """
    alone = service.moment(2) / (2.0 * service.moment(1) * (1.0 - utilization_ratio))
    if service.stages == (1, 1) and service.chance[1] > 0.0:
        load = utilization_ratio / service.moment(1)
        (p, q), (a, b) = service.chance, service.rate
        half = 0.5 * (a + b - load)
        root = max(0.0, half * half - (a * b - load * (a + b) + load * (p * a + q * b))) ** 0.5
        fast, slow = half + root, half - root
        if root > 0.0 and slow > 0.0:
            part = min(1.0, max(0.0, (1.0 / slow - alone) / (1.0 / slow - 1.0 / fast)))
            return Phases((part, 1.0 - part), (1, 1), (fast * alone / mean, slow * alone / mean))
    third = service.moment(3) * service.moment(1) / service.moment(2) ** 2
    return fit(mean, max(0.05, 2.0 * utilization_ratio - 1.0 + 4.0 / 3.0 * (1.0 - utilization_ratio) * third))
