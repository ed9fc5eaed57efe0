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
from typing import Literal, NamedTuple

import numpy as np

from capsim.state.tables import F64
from capsim.world.queueing.choices import apart_ratio, two_choices
from capsim.world.queueing.erlang import conditional_wait, light_traffic_ratio, waiting_chance
from capsim.world.queueing.phases import Phases, fit

Balancing = Literal["random", "roundRobin", "leastRequests", "randomOfTwo"]
NODES = 128
"""Points of the lattice over slowdown, non-CPU wait and queueing over which the response time is averaged."""
_LATTICE = (np.outer(np.arange(NODES) + 0.5, [1.0 / NODES, 0.8191725133961645, 0.6710436067037893]) % 1.0).T
"""Kronecker lattice (roots of x^4 = x + 1): even in every coordinate and in all together."""


class Waits(NamedTuple):
    """What holds requests up."""

    chance: float
    """Chance of queueing for a place."""
    slow: float
    """Mean slowdown on the CPU."""
    queue_s: float
    """Mean queueing of those that queue."""
    scv: float = 0.0
    """Squared coefficient of variation of that time; 0: its shape is that of M/G/1."""


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
    def _light_ratios(self) -> dict[int, float]:
        return {}

    def _light_ratio(self, servers: int) -> float:
        """``light_traffic_ratio`` of so many servers, kept."""
        if servers not in self._light_ratios:
            self._light_ratios[servers] = light_traffic_ratio(servers, self.service)
        return self._light_ratios[servers]

    def load(self, utilization_ratio: float, pods: int = 1) -> Load:
        """The station at this utilisation (below 1) of its capacity; ``pods`` among which requests are spread."""
        rate_rps = utilization_ratio * self.capacity_rps
        pooled = pods if self.balancing == "leastRequests" else 1
        waits = self._waits(utilization_ratio, rate_rps, pooled, pods)
        if self.balancing == "roundRobin" and pods > 1:
            waits = self._regular(utilization_ratio, pods, waits)
        elif self.balancing == "leastRequests" and pods > 1:
            waits = self._apart(utilization_ratio, pods, waits)
        inner_s = self.service_s * waits.slow + self.wait_s
        mean_s = inner_s + waits.chance * waits.queue_s
        excess = rate_rps * (mean_s - self.service_s - self.wait_s)
        return Load(mean_s, waits.chance, excess, self._nodes(utilization_ratio, waits))

    def cdf(self, load: Load, t: F64) -> F64:
        """Probability of a response within ``t`` seconds; shape of ``t``, one dimension."""
        slow, wait_s, queue_s = load.nodes
        at_once = self.service.cdf((t[:, None] - wait_s) / slow).mean(axis=1)
        if load.queue_chance <= 0.0:
            return at_once
        late = self.service.cdf((t[:, None] - wait_s - queue_s) / slow).mean(axis=1)
        result: F64 = (1.0 - load.queue_chance) * at_once + load.queue_chance * late
        return result

    def _waits(self, utilization_ratio: float, rate_rps: float, pooled: int, pods: int) -> Waits:
        m = self.servers * pooled
        cpu_ratio = rate_rps * self.service_s / self.servers
        slots = self.slots * pooled
        on_slots = bool(slots) and self.slots / (self.service_s + self.wait_s) < self.servers / self.service_s
        if self.balancing == "randomOfTwo" and pods > 1:
            return self._of_two(cpu_ratio, rate_rps, pods)
        busy = waiting_chance(m, min(cpu_ratio, 1.0))
        if not slots:
            return Waits(0.0, 1.0 + busy / (m * (1.0 - cpu_ratio)), 0.0)
        ratio = 0.5 * (1.0 + self.scv)
        if on_slots:
            slow = 1.0 + max(0.0, 1.0 - self.servers / self.slots) * busy / (m * (1.0 - cpu_ratio))
            hold_s = self.service_s * slow + self.wait_s
            queue_s = hold_s / (slots * (1.0 - utilization_ratio)) * (0.5 * (1.0 + self._hold_scv(slow)))
            return Waits(waiting_chance(slots, utilization_ratio), slow, queue_s)
        room = max(0.0, slots - m - rate_rps * pooled * self.wait_s)
        chance = busy * utilization_ratio**room
        above = utilization_ratio / (1.0 - utilization_ratio)
        slow = 1.0 + (busy - chance) * above / (rate_rps * pooled * self.service_s) if rate_rps > 0.0 else 1.0
        if room == 0.0 and self.slots == self.servers:
            ratio = utilization_ratio * ratio + (1.0 - utilization_ratio) * self._light_ratio(m)
        return Waits(chance, slow, self.service_s / (m * (1.0 - utilization_ratio)) * ratio)

    def _hold_scv(self, slow: float) -> float:
        """Variation of the time for which a place is held."""
        cpu_s = self.service_s * slow
        return (self.scv * cpu_s**2 + self.wait_scv * self.wait_s**2) / (cpu_s + self.wait_s) ** 2

    def _of_two(self, cpu_ratio: float, rate_rps: float, pods: int) -> Waits:
        """Random of two (``choices.py``)."""
        slots = self.slots or 0
        if slots and self.slots / (self.service_s + self.wait_s) < self.servers / self.service_s:
            two = two_choices(slots, slots, rate_rps / self.capacity_rps, pods, self._hold_scv(1.0))
            return Waits(two.chance, 1.0, (self.service_s + self.wait_s) * two.queue, two.queue_scv)
        two = two_choices(self.servers, slots, cpu_ratio, pods, self.scv)
        return Waits(two.chance, 1.0 + two.slowed, self.service_s * two.queue, two.queue_scv)

    def _apart(self, utilization_ratio: float, pods: int, waits: Waits) -> Waits:
        """Least requests, from one line for all: who waits for a place waits for one in its own pod."""
        apart = apart_ratio(self.servers, pods, utilization_ratio, self.scv if waits.chance > 0.0 else 1.0)
        slow = 1.0 + (waits.slow - 1.0) * (1.0 + apart)
        line_s = waits.chance * waits.queue_s * (1.0 + apart)
        if self.slots != self.servers:
            return waits._replace(slow=slow, queue_s=waits.queue_s * (1.0 + apart))
        rest_s = self.service_s * self._light_ratio(self.servers) / self.servers
        queue_s = max(math.hypot(rest_s, waits.queue_s), line_s)
        return Waits(line_s / queue_s, slow, queue_s)

    def _regular(self, utilization_ratio: float, pods: int, waits: Waits) -> Waits:
        """Round robin: arrivals at a pod come with an scv of 1 / pods (Krämer and Langenbach-Belz, 1976)."""
        arrival = 1.0 / pods
        both = arrival + self.scv
        late = 1.0
        if utilization_ratio > 0.0:
            late = math.exp(-2.0 * (1.0 - utilization_ratio) / (3.0 * utilization_ratio) * (1.0 - arrival) ** 2 / both)
        less = both / (1.0 + self.scv)
        slow = 1.0 + (waits.slow - 1.0) * less * late
        return Waits(waits.chance * late**1.44, slow, waits.queue_s * less * late**-0.44)

    def _nodes(self, utilization_ratio: float, waits: Waits) -> tuple[F64, F64, F64]:
        ones = np.ones(NODES)
        slows, away, queues = ones, self.wait_s * ones, waits.queue_s * ones
        if waits.slow > 1.0 + 1e-9:
            busy = max(1e-3, waiting_chance(self.servers, utilization_ratio))
            scv = 1.0 / (busy * (2.0 - utilization_ratio))
            slows = 1.0 + _spread(fit(waits.slow - 1.0, scv), _LATTICE[2 if waits.chance > 0.0 else 0])
        if self.wait_s > 0.0 and self.wait_scv > 0.0:
            away = _spread(fit(self.wait_s, self.wait_scv), _LATTICE[1])
        if waits.chance > 0.0 and waits.queue_s > 0.0:
            late = conditional_wait(utilization_ratio, self.service, waits.queue_s)
            queues = _spread(fit(waits.queue_s, waits.scv) if waits.scv > 0.0 else late, _LATTICE[0])
        return slows, away, queues


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
