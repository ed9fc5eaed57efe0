"""An independent simulation of stations, request by request: plain, compiled by numba, no part of capsim.

Durations are drawn as mixtures of two Erlang distributions, given as six numbers (chance, stages, rate, twice). Times
are in units of the mean service time. A histogram of ``BINS`` logarithmic bins (1 % wide) keeps what is needed for
percentiles.
"""

from __future__ import annotations

import math

import numba
import numpy as np

BINS = 2200
LEAST = 1e-4
STEP = math.log(1.01)


@numba.njit
def drawn(shape):
    """One duration."""
    i = 0 if np.random.random() < shape[0] else 3
    product = 1.0
    for _ in range(int(shape[i + 1])):
        product *= 1.0 - np.random.random()
    return -math.log(product) / shape[i + 2]


@numba.njit
def count(histogram, t):
    """Put one duration into the histogram."""
    k = 0
    if t > LEAST:
        k = min(BINS - 1, int(math.log(t / LEAST) / STEP))
    histogram[k] += 1.0


@numba.njit
def replace_first(free, t):
    """The server that is free first works until ``t``: sift down in a binary heap."""
    i, n = 0, free.shape[0]
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        if child + 1 < n and free[child + 1] < free[child]:
            child += 1
        if free[child] >= t:
            break
        free[i] = free[child]
        i = child
    free[i] = t


@numba.njit
def fcfs(servers, interarrival, service, requests, seed, histogram):
    """First come, first served: returns (mean response, mean wait, share that waited)."""
    np.random.seed(seed)
    free = np.zeros(servers)
    now = total = waits = waited = 0.0
    warm = requests // 20
    for r in range(requests + warm):
        now += drawn(interarrival)
        wait = max(0.0, free[0] - now)
        took = drawn(service)
        replace_first(free, now + wait + took)
        if r >= warm:
            total += wait + took
            waits += wait
            if wait > 0.0:
                waited += 1.0
            count(histogram, wait + took)
    return total / requests, waits / requests, waited / requests


@numba.njit
def shared(cores, slots, interarrival, service, requests, seed, histogram):
    """Processor sharing of ``cores`` among at most ``slots`` requests, the others wait first come, first served."""
    np.random.seed(seed)
    room = 200_000
    left, came = np.zeros(min(slots, room)), np.zeros(min(slots, room))
    line, work = np.zeros(room), np.zeros(room)
    head = waiting = busy = done = 0
    now = total = 0.0
    next_arrival = drawn(interarrival)
    warm = requests // 20
    while done < requests + warm:
        first, least = -1, 1e300
        for i in range(busy):
            if left[i] < least:
                first, least = i, left[i]
        speed = min(1.0, cores / busy) if busy > 0 else 1.0
        if busy > 0 and now + least / speed <= next_arrival:
            for i in range(busy):
                left[i] -= least
            now += least / speed
            if done >= warm:
                total += now - came[first]
                count(histogram, now - came[first])
            done += 1
            busy -= 1
            left[first], came[first] = left[busy], came[busy]
        else:
            for i in range(busy):
                left[i] -= (next_arrival - now) * speed
            now = next_arrival
            next_arrival = now + drawn(interarrival)
            line[(head + waiting) % room], work[(head + waiting) % room] = now, drawn(service)
            waiting += 1
        while waiting > 0 and busy < slots:
            left[busy], came[busy] = work[head], line[head]
            head = (head + 1) % room
            waiting -= 1
            busy += 1
    return total / requests


def quantiles(histogram, probabilities):
    """Durations at the given probabilities (middle of the bin, geometric)."""
    below = np.cumsum(histogram) / histogram.sum()
    k = np.searchsorted(below, probabilities)
    return LEAST * np.exp((k + 0.5) * STEP)
