"""Balancers that look at how many requests a pod holds: the emptier of two drawn at random, or the emptiest of all.

Two: mean field for many pods (M. D. Mitzenmacher, The power of two choices in randomized load balancing, 1996), here
for pods that serve several requests at a time: a pod with k requests receives new ones at the rate ``load * (share of
pods with at least k + share with at least k + 1)``. For N pods the first term of an expansion in 1 / N is added
(N. Gast and B. Van Houdt, A refined mean field approximation, 2017: u / (2 N (1 - u)) for single servers), times
1 + 1 / N, which is fitted, and for several servers by Erlang C in place of u.

Emptiest: one line for all pods, times what is lost because a request stays where it was put. That factor falls to 1 as
the load grows; how fast was fitted to simulated points (those of the error table among them), as R. D. Nelson and
T. K. Philips did (An approximation for the mean response time for shortest queue routing, 1993). Where requests share
the cores the distribution of service hardly matters (V. Gupta, M. Harchol-Balter, K. Sigman, W. Whitt, Analysis of
join-the-shortest-queue routing for web server farms, 2007), so that it is taken for exponential there.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from capsim.world.queueing.erlang import waiting_chance

STATES = 512
ROUNDS = 400


def apart_ratio(servers: int, pods: int, utilization_ratio: float, scv: float) -> float:
    """How long a request waits behind the emptiest pod over what it would in one line for all, less 1."""
    markov = 0.36 * pods * (1.0 - 1.2 / pods**2) / math.sqrt(servers) * (1.0 - utilization_ratio)
    if scv < 1.0:
        return markov * max(scv, 0.01) ** 0.2
    return markov * (0.5 * (1.0 + scv)) ** (0.75 - utilization_ratio)


class TwoChoices(NamedTuple):
    """A pod among others when each request goes to the emptier of two; times in service times."""

    slowed: float
    """Mean slowdown above 1."""
    chance: float
    """Chance that a request queues for a place."""
    queue: float
    """Mean queueing of those that queue."""
    queue_scv: float
    """Squared coefficient of variation of that."""


def two_choices(servers: int, slots: int, utilization_ratio: float, pods: int, scv: float) -> TwoChoices:
    """``slots`` places a pod (0: no limit, nobody queues); requests beyond ``servers`` share these.

    ``scv`` of the service counts for those that queue: waits grow with less than its (1 + scv) / 2, the more servers
    the less (fitted).
    """
    if utilization_ratio <= 0.0:
        return TwoChoices(0.0, 0.0, 0.0, 0.0)
    share, arriving = _mean_field(servers, utilization_ratio)
    k = np.arange(share.size)
    offered = servers * utilization_ratio
    limit = slots or k.size
    queued = float((np.maximum(k - limit, 0.0) * share).sum()) / offered
    inside = max(0.0, float((np.minimum(k, limit) * share).sum()) / offered - 1.0)
    few = waiting_chance(servers, utilization_ratio) / (2.0 * servers * (1.0 - utilization_ratio))
    few *= (1.0 / pods) * (1.0 + 1.0 / pods)
    if not slots:
        return TwoChoices(inside + few, 0.0, 0.0, 0.0)
    part = queued / (queued + inside) if queued > 0.0 else 0.0
    ratio = 0.5 * (1.0 + scv)
    many = queued * ratio ** ((0.78 if scv > 1.0 else 1.0) * servers ** (-1.0 / 3.0))
    line = many + part * few * ratio
    slowed = inside + (1.0 - part) * few
    chance = float(arriving[k >= limit].sum())
    if chance < 1e-12:
        return TwoChoices(slowed, 0.0, 0.0, 0.0)
    ahead = np.maximum(k - limit + 1.0, 0.0)  # requests to be served first, of whom waits: their times add up
    mean = float((ahead * arriving).sum()) / chance
    spread = float((ahead**2 * arriving).sum()) / chance - mean**2
    of_few = 1.0 - many / line
    queue_scv = (1.0 - of_few) ** 2 * (mean * scv + spread) / mean**2 + of_few
    return TwoChoices(slowed, chance, line / chance, queue_scv)


@lru_cache(1024)
def _mean_field(servers: int, utilization_ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares of pods with k requests, and shares of requests that go to such pods."""
    k = np.arange(STATES + servers, dtype=np.float64)
    rate = np.minimum(k[1:], servers)
    at_least = np.clip(utilization_ratio ** np.maximum(k - servers + 1.0, 0.0), 0.0, 1.0)
    for _ in range(ROUNDS):
        birth = servers * utilization_ratio * (at_least + np.append(at_least[1:], 0.0))
        with np.errstate(divide="ignore"):
            grown = np.concatenate([[0.0], np.cumsum(np.log(birth[:-1]) - np.log(rate))])
        share = np.exp(grown - grown.max())
        share /= share.sum()
        new = np.clip(np.cumsum(share[::-1])[::-1], 0.0, 1.0)
        if np.abs(new - at_least).max() < 1e-10:
            break
        at_least = 0.5 * (at_least + new)
    arriving = share * (at_least + np.append(at_least[1:], 0.0))
    return share, arriving / arriving.sum()
