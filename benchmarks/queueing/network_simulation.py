"""Event-by-event simulation of services that call each other: journeys end to end, compiled, no part of capsim.

A request is worked on by its service, first come first served by so many servers or sharing so many cores; then the
service makes its calls, one group after the other, those of a group at the same time, each with a chance or so often in
turn; the request is answered when all have been.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from benchmarks.queueing.event_simulation import count, drawn

ROOM = 1 << 16
"""Requests at a time, in all and in a line."""
NEVER = 1e300


class Network(NamedTuple):
    """Services [S] and calls [E], sorted by caller and group; what a journey asks for in turn [V]."""

    shares: np.ndarray
    """[S] 1: the requests share the cores, 0: a line for so many servers."""
    servers: np.ndarray
    """[S]"""
    shape: np.ndarray
    """[S, 6] of ``event_simulation.drawn``."""
    start: np.ndarray
    """[S + 1] offsets into the calls."""
    group: np.ndarray
    """[E]"""
    callee: np.ndarray
    """[E]"""
    chance: np.ndarray
    """[E] that the call is made."""
    times: np.ndarray
    """[E] how often in turn."""
    visits: np.ndarray
    """[V] services."""


class Requests(NamedTuple):
    """Requests under way [ROOM] and the stations' lists of them."""

    service: np.ndarray
    parent: np.ndarray
    """Who waits for it; -1: the user."""
    call: np.ndarray
    """Next call."""
    pending: np.ndarray
    """Calls that are out."""
    again: np.ndarray
    """How often it is still to be made."""
    visit: np.ndarray
    """Number of the visit, of a user's request."""
    began: np.ndarray
    """When the user's journey began."""
    spare: np.ndarray
    """[ROOM + 1] stack of free numbers; the last is how many."""
    inside: np.ndarray
    """[S, ROOM] in service."""
    left: np.ndarray
    """[S, ROOM] work left (shared cores) or the time of its end (line)."""
    busy: np.ndarray
    """[S]"""
    line: np.ndarray
    """[S, ROOM] ring."""
    head: np.ndarray
    """[S, 2] first of the ring, and how many wait."""
    since: np.ndarray
    """[S] when ``left`` was brought up to date."""
    due: np.ndarray
    """[S] next end of a service."""


def empty(services: int) -> Requests:
    """Nobody is there."""
    numbers = [np.zeros(ROOM, np.int64) for _ in range(6)]
    spare = np.append(np.arange(ROOM), ROOM)
    lists = np.zeros((services, ROOM), np.int64), np.zeros((services, ROOM)), np.zeros(services, np.int64)
    rings = np.zeros((services, ROOM), np.int64), np.zeros((services, 2), np.int64)
    return Requests(*numbers, np.zeros(ROOM), spare, *lists, *rings, np.zeros(services), np.full(services, NEVER))


@numba.njit
def bring_up(net, req, s, now):
    """Work done at station ``s`` until ``now``, if its requests share cores."""
    if net.shares[s] == 1 and req.busy[s] > 0:
        done = (now - req.since[s]) * min(1.0, net.servers[s] / req.busy[s])
        for i in range(req.busy[s]):
            req.left[s, i] -= done
    req.since[s] = now


@numba.njit
def look_ahead(net, req, s):
    """Time of the next end of a service at ``s``."""
    least = NEVER
    for i in range(req.busy[s]):
        least = min(least, req.left[s, i])
    if least < NEVER and net.shares[s] == 1:
        least = req.since[s] + max(0.0, least) / min(1.0, net.servers[s] / req.busy[s])
    req.due[s] = least


@numba.njit
def enter(net, req, t, now):
    """Request ``t`` arrives at its service."""
    s = req.service[t]
    req.call[t] = net.start[s]
    if net.shares[s] == 0 and req.busy[s] >= net.servers[s]:
        req.line[s, (req.head[s, 0] + req.head[s, 1]) % ROOM] = t
        req.head[s, 1] += 1
        return
    bring_up(net, req, s, now)
    begin(net, req, s, t, now)
    look_ahead(net, req, s)


@numba.njit
def begin(net, req, s, t, now):
    """Work on request ``t`` begins."""
    work = drawn(net.shape[s])
    req.inside[s, req.busy[s]] = t
    req.left[s, req.busy[s]] = work if net.shares[s] == 1 else now + work
    req.busy[s] += 1


@numba.njit
def leave(net, req, s, now):
    """The first service at ``s`` ends: whose?"""
    bring_up(net, req, s, now)
    first = 0
    for i in range(req.busy[s]):
        if req.left[s, i] < req.left[s, first]:
            first = i
    t = req.inside[s, first]
    req.busy[s] -= 1
    req.inside[s, first] = req.inside[s, req.busy[s]]
    req.left[s, first] = req.left[s, req.busy[s]]
    if req.head[s, 1] > 0:
        waiting = req.line[s, req.head[s, 0]]
        req.head[s, 0] = (req.head[s, 0] + 1) % ROOM
        req.head[s, 1] -= 1
        begin(net, req, s, waiting, now)
    look_ahead(net, req, s)
    return t


@numba.njit
def new(req, service, parent):
    """Number of a new request."""
    req.spare[ROOM] -= 1
    t = req.spare[req.spare[ROOM]]
    req.service[t], req.parent[t], req.pending[t], req.again[t], req.visit[t] = service, parent, 0, 1, 0
    return t


@numba.njit
def call_on(net, req, t, now):
    """Request ``t`` makes its next group of calls that makes any; whether there is one."""
    end = net.start[req.service[t] + 1]
    while req.call[t] < end:
        group = net.group[req.call[t]]
        while req.call[t] < end and net.group[req.call[t]] == group:
            e = req.call[t]
            req.call[t] += 1
            if net.chance[e] >= 1.0 or np.random.random() < net.chance[e]:
                child = new(req, net.callee[e], t)
                req.again[child] = net.times[e]
                req.pending[t] += 1
                enter(net, req, child, now)
        if req.pending[t] > 0:
            return True
    return False


@numba.njit
def served(net, req, t, now):
    """The service of ``t`` is done: calls, then answers up the chain; when its journey began, once that is over."""
    while True:
        if call_on(net, req, t, now):
            return -1.0
        if req.again[t] > 1:
            req.again[t] -= 1
            enter(net, req, t, now)
            return -1.0
        parent = req.parent[t]
        if parent < 0 and req.visit[t] + 1 < net.visits.shape[0]:
            req.visit[t] += 1
            req.service[t] = net.visits[req.visit[t]]
            enter(net, req, t, now)
            return -1.0
        req.spare[req.spare[ROOM]] = t
        req.spare[ROOM] += 1
        if parent < 0:
            return req.began[t]
        req.pending[parent] -= 1
        if req.pending[parent] > 0:
            return -1.0
        t = parent


@numba.njit
def journeys(net, req, gap, wanted, seed, histogram):
    """``wanted`` journeys that begin in a Poisson stream, ``gap`` apart: mean time end to end."""
    np.random.seed(seed)
    now = total = 0.0
    arrival = -np.log(1.0 - np.random.random()) * gap
    done, warm = 0, wanted // 20
    while done < wanted + warm:
        s = 0
        for i in range(req.due.shape[0]):
            if req.due[i] < req.due[s]:
                s = i
        if arrival <= req.due[s]:
            now = arrival
            arrival -= np.log(1.0 - np.random.random()) * gap
            t = new(req, net.visits[0], -1)
            req.began[t] = now
            enter(net, req, t, now)
            continue
        now = req.due[s]
        began = served(net, req, leave(net, req, s, now), now)
        if began >= 0.0:
            done += 1
            if done > warm:
                total += now - began
                count(histogram, now - began)
    return total / wanted
