"""Response time of one pod (or of all pods as one station): distribution, mean and queue at a given utilisation.

A request needs ``cpu_s`` CPU-seconds, is away from the CPU for ``wait_s``, and holds one of ``slots`` places meanwhile
(0: no limit). Up to ``cores`` requests run at full speed; more share the cores evenly (processor sharing). Who finds no
free place waits, first come, first served.

* ``slots <= cores``: M/G/c, first come, first served. Chance of waiting by Erlang C, mean wait by interpolation between
  light and heavy traffic, variation of the wait as in M/G/1 (``erlang.py``).
* no limit: M/G/c processor sharing. The mean is exact (insensitive to the service distribution); the slowdown has the
  variance that M/M/1-PS has (E. G. Coffman, R. R. Muntz, H. Trotter, Waiting time distributions for processor-sharing
  systems, 1970).
* ``slots > cores``: limited processor sharing, after B. Avi-Itzhak and S. Halfin, Expected response times in a
  non-symmetric time sharing queue with a limited number of service positions (1988).

How requests are spread over pods decides what a pod sees (``Balancing``). Checked against an event-by-event simulation:
docs/fidelity.md. Not modelled: impatient customers, priorities, CFS periods (a pod with less than one core runs at that
speed), correlation between pods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from capsim.state.tables import F64
from capsim.world.queueing.erlang import conditional_wait, light_traffic_ratio, waiting_chance
from capsim.world.queueing.phases import Phases, fit
from capsim.world.queueing.two_choices import two_choices

Balancing = Literal["random", "roundRobin", "leastRequests", "randomOfTwo"]
NODES = 128
"""Points of the lattice over slowdown, non-CPU wait and queueing over which the response time is averaged."""
_LATTICE = (np.outer(np.arange(NODES) + 0.5, [1.0 / NODES, 0.8191725133961645, 0.6710436067037893]) % 1.0).T
"""Kronecker lattice (roots of x^4 = x + 1): even in every coordinate and in all together."""


@dataclass(frozen=True)
class Load:
    """What a station looks like at one utilisation."""

    mean_s: float
    """Mean response time."""
    queue_chance: float
    """Chance that a request waits for a place."""
    excess_requests: float
    """Mean number of requests in the station above those that are being served at full speed, per pod."""
    nodes: tuple[F64, F64, F64]
    """Equally likely triples of slowdown, non-CPU wait (s) and queueing given that there is any (s)."""


@dataclass(frozen=True)
class Station:
    """One pod; the module's docstring says what the fields mean."""

    cores: float
    cpu_s: float
    scv: float = 1.0
    slots: int = 0
    wait_s: float = 0.0
    wait_scv: float = 0.0
    balancing: Balancing = "random"

    @cached_property
    def servers(self) -> int:
        """Requests that run at full speed at a time."""
        whole = max(1, int(self.cores + 1e-9))
        return min(whole, self.slots) if self.slots else whole

    @cached_property
    def service_s(self) -> float:
        """Time on the CPU of a request that shares it with nobody: a pod with part of a core runs at that speed."""
        whole = max(1, int(self.cores + 1e-9))
        return self.cpu_s * min(1.0, whole / self.cores) if self.cores >= 1.0 else self.cpu_s / self.cores

    @cached_property
    def service(self) -> Phases:
        """Distribution of ``service_s``."""
        return fit(self.service_s, self.scv)

    @cached_property
    def capacity_rps(self) -> float:
        """Requests per second that one pod can serve at most."""
        cpu = self.servers / self.service_s
        if not self.slots or self.wait_s <= 0.0:
            return cpu
        if self.slots <= self.servers:
            return self.slots / (self.service_s + self.wait_s)
        return min(cpu, closed_rps(self.slots, self.servers, self.service_s, self.wait_s))

    @cached_property
    def _light_ratio(self) -> float:
        return light_traffic_ratio(self.servers, self.service)

    def load(self, utilization_ratio: float, pods: int = 1) -> Load:
        """The station at this utilisation (below 1) of its capacity; ``pods`` among which requests are spread."""
        rate_rps = utilization_ratio * self.capacity_rps
        pooled = pods if self.balancing == "leastRequests" else 1
        chance, slow, queue_s = self._waits(utilization_ratio, rate_rps, pooled, pods)
        if self.balancing == "roundRobin" and pods > 1:
            chance, slow, queue_s = self._regular(utilization_ratio, pods, chance, slow, queue_s)
        inner_s = self.service_s * slow + self.wait_s
        mean_s = inner_s + chance * queue_s
        excess = rate_rps * (mean_s - self.service_s - self.wait_s)
        return Load(mean_s, chance, excess, self._nodes(utilization_ratio, chance, slow, queue_s))

    def cdf(self, load: Load, t: F64) -> F64:
        """Probability of a response within ``t`` seconds; shape of ``t``, one dimension."""
        slow, wait_s, queue_s = load.nodes
        at_once = self.service.cdf((t[:, None] - wait_s) / slow).mean(axis=1)
        if load.queue_chance <= 0.0:
            return at_once
        late = self.service.cdf((t[:, None] - wait_s - queue_s) / slow).mean(axis=1)
        result: F64 = (1.0 - load.queue_chance) * at_once + load.queue_chance * late
        return result

    def _waits(self, utilization_ratio: float, rate_rps: float, pooled: int, pods: int) -> tuple[float, float, float]:
        """(chance of queueing for a place, mean slowdown on the CPU, mean queueing of those that queue in s)."""
        m = self.servers * pooled
        cpu_ratio = rate_rps * self.service_s / self.servers
        slots = self.slots * pooled
        on_slots = bool(slots) and self.slots / (self.service_s + self.wait_s) < self.servers / self.service_s
        if self.balancing == "randomOfTwo":
            return self._of_two(cpu_ratio, rate_rps, pods)
        busy = waiting_chance(m, min(cpu_ratio, 1.0))
        if not slots:
            return 0.0, 1.0 + busy / (m * (1.0 - cpu_ratio)), 0.0
        ratio = 0.5 * (1.0 + self.scv)
        if on_slots:
            slow = 1.0 + max(0.0, 1.0 - self.servers / self.slots) * busy / (m * (1.0 - cpu_ratio))
            hold_s = self.service_s * slow + self.wait_s
            return (
                waiting_chance(slots, utilization_ratio),
                slow,
                hold_s / (slots * (1.0 - utilization_ratio)) * (0.5 * (1.0 + self._hold_scv(slow))),
            )
        room = max(0.0, slots - m - rate_rps * pooled * self.wait_s)
        chance = busy * utilization_ratio**room
        above = utilization_ratio / (1.0 - utilization_ratio)
        slow = 1.0 + (busy - chance) * above / (rate_rps * pooled * self.service_s) if rate_rps > 0.0 else 1.0
        if room == 0.0 and self.slots == self.servers:
            ratio = utilization_ratio * ratio + (1.0 - utilization_ratio) * self._light_ratio
        return chance, slow, self.service_s / (m * (1.0 - utilization_ratio)) * ratio

    def _hold_scv(self, slow: float) -> float:
        """Variation of the time for which a place is held."""
        cpu_s = self.service_s * slow
        return (self.scv * cpu_s**2 + self.wait_scv * self.wait_s**2) / (cpu_s + self.wait_s) ** 2

    def _of_two(self, cpu_ratio: float, rate_rps: float, pods: int) -> tuple[float, float, float]:
        """Random of two: the mean field of M. Mitzenmacher (1996), for several servers a pod."""
        slots = self.slots or 0
        if slots and self.slots / (self.service_s + self.wait_s) < self.servers / self.service_s:
            busy, chance, line = two_choices(slots, slots, rate_rps / self.capacity_rps, pods)
            hold_s = self.service_s + self.wait_s
            return chance, 1.0, hold_s * line * 0.5 * (1.0 + self._hold_scv(1.0)) / max(chance, 1e-12)
        busy, chance, line = two_choices(self.servers, slots, cpu_ratio, pods)
        return chance, 1.0 + busy, self.service_s * line * 0.5 * (1.0 + self.scv) / max(chance, 1e-12)

    def _regular(
        self, utilization_ratio: float, pods: int, chance: float, slow: float, queue_s: float
    ) -> tuple[float, float, float]:
        """Round robin: arrivals at a pod come with an scv of 1 / pods (Krämer and Langenbach-Belz, 1976)."""
        arrival = 1.0 / pods
        both = arrival + self.scv
        late = 1.0
        if utilization_ratio > 0.0:
            late = math.exp(-2.0 * (1.0 - utilization_ratio) / (3.0 * utilization_ratio) * (1.0 - arrival) ** 2 / both)
        less = both / (1.0 + self.scv)
        return chance * late**1.44, 1.0 + (slow - 1.0) * less * late, queue_s * less * late**-0.44

    def _nodes(self, utilization_ratio: float, chance: float, slow: float, queue_s: float) -> tuple[F64, F64, F64]:
        ones = np.ones(NODES)
        slows, waits, queues = ones, self.wait_s * ones, queue_s * ones
        if slow > 1.0 + 1e-9:
            busy = max(1e-3, waiting_chance(self.servers, utilization_ratio))
            scv = 1.0 / (busy * (2.0 - utilization_ratio))
            slows = 1.0 + _spread(fit(slow - 1.0, scv), _LATTICE[2 if chance > 0.0 else 0])
        if self.wait_s > 0.0 and self.wait_scv > 0.0:
            waits = _spread(fit(self.wait_s, self.wait_scv), _LATTICE[1])
        if chance > 0.0 and queue_s > 0.0:
            queues = _spread(conditional_wait(utilization_ratio, self.service, queue_s), _LATTICE[0])
        return slows, waits, queues


def _spread(duration: Phases, at: F64) -> F64:
    """Values of the duration at the probabilities ``at``, the mean made exact."""
    values = duration.quantiles(at)
    result: F64 = values * (duration.moment(1) / values.mean())
    return result


def closed_rps(slots: int, servers: int, service_s: float, wait_s: float) -> float:
    """Throughput of ``slots`` requests that are on the CPU and away from it in turn: mean value analysis.

    Several servers by A. Seidmann's approximation (1987): one that is as fast as all, and a delay.
    """
    fast_s, away_s = service_s / servers, service_s * (servers - 1) / servers + wait_s
    queue = rps = 0.0
    for k in range(1, slots + 1):
        at_cpu_s = fast_s * (1.0 + queue)
        rps = k / (at_cpu_s + away_s)
        queue = rps * at_cpu_s
    return rps
