"""Event-by-event simulations of several pods behind a balancer, and of a station that is overloaded for a while."""

from __future__ import annotations

import numba
import numpy as np

from benchmarks.queueing.event_simulation import count, drawn, replace_first

RANDOM, ROUND_ROBIN, LEAST_REQUESTS, RANDOM_OF_TWO = range(4)


@numba.njit
def chosen(policy, held, turn):
    """The pod that a request goes to; ``held`` requests are in each."""
    pods = held.shape[0]
    if policy == 0:
        return np.random.randint(pods)
    if policy == 1:
        return turn % pods
    if policy == 3:
        a, b = np.random.randint(pods), np.random.randint(pods)
        return a if held[a] <= held[b] else b
    best, ties = 0, 1
    for i in range(1, pods):
        if held[i] < held[best]:
            best, ties = i, 1
        elif held[i] == held[best]:
            ties += 1
            if np.random.random() * ties < 1.0:
                best = i
    return best


@numba.njit
def balanced(pods, servers, policy, interarrival, service, requests, seed, histogram):
    """First come, first served in every pod: mean response time."""
    np.random.seed(seed)
    room = 4096
    free = np.zeros((pods, servers))
    held = np.zeros(pods, np.int64)
    leaves = np.zeros((pods, room))
    now = total = 0.0
    warm = requests // 20
    for r in range(requests + warm):
        now += drawn(interarrival)
        if policy >= 2:
            for i in range(pods):
                k = 0
                while k < held[i]:
                    if leaves[i, k] <= now:
                        held[i] -= 1
                        leaves[i, k] = leaves[i, held[i]]
                    else:
                        k += 1
        i = chosen(policy, held, r)
        wait = max(0.0, free[i, 0] - now)
        took = drawn(service)
        replace_first(free[i], now + wait + took)
        if policy >= 2:
            leaves[i, held[i]] = now + wait + took
            held[i] += 1
        if r >= warm:
            total += wait + took
            count(histogram, wait + took)
    return total / requests


@numba.njit
def overloaded(servers, loads, until, service, runs, seed, edges, sums, histograms):
    """``runs`` runs through phases of utilisation ``loads`` that end at ``until``; by interval of arrival between
    ``edges``: ``sums`` [intervals, 2] number and summed response time, and a histogram each."""
    np.random.seed(seed)
    for _ in range(runs):
        free = np.zeros(servers)
        now, phase = 0.0, 0
        while phase < loads.shape[0]:
            gap = -np.log(1.0 - np.random.random()) / (servers * loads[phase])
            if now + gap > until[phase]:
                now = until[phase]
                phase += 1
                continue
            now += gap
            wait = max(0.0, free[0] - now)
            took = drawn(service)
            replace_first(free, now + wait + took)
            k = np.searchsorted(edges, now) - 1
            if 0 <= k < sums.shape[0]:
                sums[k, 0] += 1.0
                sums[k, 1] += wait + took
                count(histograms[k], wait + took)


@numba.njit
def balanced_sharing(pods, cores, policy, interarrival, service, requests, seed, histogram):
    """Processor sharing of ``cores`` in every pod: mean response time."""
    np.random.seed(seed)
    room = 4096
    left, came = np.zeros((pods, room)), np.zeros((pods, room))
    held = np.zeros(pods, np.int64)
    now = total = 0.0
    arrival = drawn(interarrival)
    due = np.full(pods, np.inf)
    since = np.zeros(pods)
    done = turn = 0
    warm = requests // 20
    while done < requests + warm:
        i = np.argmin(due)
        leaves = due[i] <= arrival
        now = min(due[i], arrival)
        if not leaves:
            i = chosen(policy, held, turn)
            turn += 1
            arrival = now + drawn(interarrival)
        if held[i] > 0:
            work = (now - since[i]) * min(1.0, cores / held[i])
            for k in range(held[i]):
                left[i, k] -= work
        since[i] = now
        if leaves:
            k = np.argmin(left[i, : held[i]])
            if done >= warm:
                total += now - came[i, k]
                count(histogram, now - came[i, k])
            done += 1
            held[i] -= 1
            left[i, k], came[i, k] = left[i, held[i]], came[i, held[i]]
        else:
            left[i, held[i]], came[i, held[i]] = drawn(service), now
            held[i] += 1
        due[i] = np.inf
        if held[i] > 0:
            due[i] = now + max(0.0, left[i, : held[i]].min()) / min(1.0, cores / held[i])
    return total / requests
