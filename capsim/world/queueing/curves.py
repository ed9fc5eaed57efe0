"""Response times of a station as tables that the compiled loop can read: over utilisation, and over pods where it
matters.

Times are kept on one logarithmic grid for the whole run, so that services can be added up. Utilisations are knots of
equal distance in -ln(1 - u), up to 0.99; above, and while a queue builds up or drains, the transient model takes over
(``capsim/world/latency.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from capsim.state.tables import F64
from capsim.state.tables_calls import BINS, KNOTS, LEAST_S, STEP, TOP_RATIO
from capsim.world.queueing.erlang import waiting_chance
from capsim.world.queueing.station import Station

PODS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Numbers of pods for which balancing is tabulated where it matters; in between their logarithm is interpolated."""
_FINE = 2
"""Points of a normalised curve per bin."""
_LOW, _HIGH = 1e-3, 1e4
"""Range of a normalised curve in units of the mean time in service."""


@dataclass(frozen=True)
class Curves:
    """One station over its knots, in its own units of time (seconds)."""

    cdf: F64
    """[pods, KNOTS, BINS]: chance of a response within the upper edge of each bin."""
    mean_s: F64
    """[pods, KNOTS]"""
    excess: F64
    """[pods, KNOTS]: requests in a pod above those served at full speed."""
    spread: F64
    """[pods, KNOTS]: squared coefficient of variation of that number."""


def edges_s() -> F64:
    """Upper edges of the bins, seconds."""
    return LEAST_S * np.exp(STEP * np.arange(BINS))


def knots() -> F64:
    """Utilisations of the knots."""
    return 1.0 - np.exp(np.linspace(0.0, math.log(1.0 - TOP_RATIO), KNOTS))


def curves_of(station: Station) -> Curves:
    """The curves of a station; stations that differ only in their unit of time share the work."""
    unit_s = station.service_s + station.wait_s
    curves, log_t = _tabulated(normalised(station))
    at = np.log(edges_s() / unit_s)
    flat = curves.cdf.reshape(-1, log_t.size)
    cdf = np.stack([np.interp(at, log_t, row) for row in flat])
    return replace(curves, cdf=cdf.reshape(*curves.mean_s.shape, BINS), mean_s=curves.mean_s * unit_s)


def normalised(station: Station) -> Station:
    """The same station with a request of one second in all."""
    unit_s = station.service_s + station.wait_s
    whole = max(1, int(station.cores + 1e-9))
    service_s = station.service_s / unit_s
    return replace(station, cores=float(whole), cpu_s=round(service_s, 9), wait_s=round(station.wait_s / unit_s, 9))


@lru_cache(maxsize=64)  # random of two takes seconds, and a what-if builds the same clusters again
def _tabulated(station: Station) -> tuple[Curves, F64]:
    counts = (1,) if station.balancing == "random" else PODS
    log_t = np.arange(math.log(_LOW), math.log(_HIGH), STEP / _FINE)
    t = np.exp(log_t)
    shape = (len(counts), KNOTS)
    cdf, mean, excess, spread = np.zeros((*shape, t.size)), np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for i, pods in enumerate(counts):
        for k, u in enumerate(knots()):
            load = station.load(float(u), pods)
            cdf[i, k] = station.cdf(load, t)
            mean[i, k], excess[i, k] = load.mean_s, load.excess_requests
            busy = load.queue_chance or waiting_chance(station.servers, float(u))
            spread[i, k] = (1.0 + u) / max(busy * u, 1e-3) - 1.0  # waiting requests of M/M/c: geometric
        excess[i] = np.maximum.accumulate(excess[i])
    return Curves(cdf, mean, excess, spread), log_t
