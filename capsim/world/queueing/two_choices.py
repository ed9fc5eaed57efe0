"""Random of two: how many requests a pod holds when each goes to the emptier of two pods drawn at random.

Mean field for many pods (M. D. Mitzenmacher, The power of two choices in randomized load balancing, 1996), here for
pods that serve several requests at a time, and two draws that may hit the same of ``pods`` pods: a pod with k requests
receives new ones at the rate ``load * (1 / pods + (1 - 1 / pods) * (share with at least k + with at least k + 1))``.
Exact for exponential service and infinitely many pods.
"""

from __future__ import annotations

import numpy as np

STATES = 512
ROUNDS = 400


def two_choices(servers: int, slots: int, utilization_ratio: float, pods: int) -> tuple[float, float, float]:
    """(mean slowdown above 1, chance that a request queues for a place, mean queueing in service times).

    ``slots`` places a pod (0: no limit, nobody queues); requests beyond ``servers`` share these.
    """
    if utilization_ratio <= 0.0:
        return 0.0, 0.0, 0.0
    k = np.arange(STATES + servers, dtype=np.float64)
    offered = servers * utilization_ratio
    alone = 1.0 / pods
    rate = np.minimum(k[1:], servers)
    at_least = np.clip(utilization_ratio ** np.maximum(k - servers + 1.0, 0.0), 0.0, 1.0)
    for _ in range(ROUNDS):
        beyond = np.append(at_least[1:], 0.0)
        birth = offered * (alone + (1.0 - alone) * (at_least + beyond))
        with np.errstate(divide="ignore"):
            grown = np.concatenate([[0.0], np.cumsum(np.log(birth[:-1]) - np.log(rate))])
        share = np.exp(grown - grown.max())
        share /= share.sum()
        new = np.clip(np.cumsum(share[::-1])[::-1], 0.0, 1.0)
        if np.abs(new - at_least).max() < 1e-10:
            break
        at_least = 0.5 * (at_least + new)
    arriving = share * (alone + (1.0 - alone) * (at_least + np.append(at_least[1:], 0.0)))
    arriving /= arriving.sum()
    limit = slots or k.size
    queued = float((np.maximum(k - limit, 0.0) * share).sum())
    inside = float((np.minimum(k, limit) * share).sum())
    chance = float(arriving[k >= limit].sum()) if slots else 0.0
    return max(0.0, inside / offered - 1.0), chance, queued / offered
