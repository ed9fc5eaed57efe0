"""Requests from outside that reach no pod, counted where they would have gone: in series, objectives and journeys.

Two kinds: what a load balancer refuses (``maxRps``) never was in the run; what a node without a Ready pod drops
(``externalTrafficPolicy: Local``) was, as the run shares traffic evenly, and counts as failed instead of served. Behind
an Ingress controller what its load balancer refuses counts as the controller's. A journey fails where one of its
requests does.

Not modelled: the CPU that dropped requests used in the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capsim.engine.build.entries import requests_between, routers
from capsim.state.tables import F64, I64

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

FEW = 1e-12


@dataclass(frozen=True)
class Losses:
    """Requests per sample by service."""

    refused: dict[str, F64]
    """At the service that they would have reached first."""
    dropped: dict[str, F64]
    passing: dict[str, F64]
    """Share of a client's requests for a service that get through to it."""

    def __bool__(self) -> bool:
        return any(lost.any() for lost in (*self.refused.values(), *self.dropped.values()))

    def of(self, service: str, like: F64) -> tuple[F64, F64, F64]:
        """(refused, dropped, passing share) per sample of one service."""
        none = np.zeros_like(like)
        return self.refused.get(service, none), self.dropped.get(service, none), self.passing.get(service, none + 1.0)


def outside(sim: Simulation, service: str, edges_ms: I64) -> F64:
    """Requests per sample from outside for a service that are let in; those that a controller routes to it, too."""
    traffic, names = sim.state.traffic, sim.names
    v = names.routes.get(service, names.service_rows.get(service))
    if v is None:
        return np.zeros(edges_ms.size - 1)
    points = slice(int(traffic.start[v]), int(traffic.start[v + 1]))
    return requests_between((traffic.time_ms[points], traffic.rate[points]), edges_ms)


def losses_of(sim: Simulation, network: pd.DataFrame | None, start_ms: I64) -> Losses:
    """What the load balancers and nodes of a run let fall."""
    edges_ms = np.append(start_ms, sim.now_ms).astype(np.int64)
    routed = routers(sim.scenario)
    refused: dict[str, F64] = {}
    dropped: dict[str, F64] = {}
    passing: dict[str, F64] = {}
    for service, points in sim.names.refused.items():
        lost, place = requests_between(points, edges_ms), routed.get(service, service)
        refused[place] = refused.get(place, 0.0) + lost
        passing[service] = 1.0 - lost / np.maximum(lost + outside(sim, service, edges_ms), FEW)
    if network is not None:
        for name, rows in network.groupby("service", observed=True):
            lost = rows["dropped_requests"].to_numpy(float)
            if lost.any():
                dropped[str(name)] = lost
                share = 1.0 - lost / np.maximum(outside(sim, str(name), edges_ms), FEW)
                for service in (str(name), *(key for key, router in routed.items() if router == name)):
                    passing[service] = passing.get(service, 1.0) * share
    return Losses(refused, dropped, passing)


def in_workloads(frame: pd.DataFrame, sim: Simulation, losses: Losses, start_ms: I64) -> pd.DataFrame:
    """Rates of the workloads behind a service, in equal parts: what is refused arrives, and both kinds are lost."""
    names, spans_s = sim.names.workloads, np.diff(np.append(start_ms, sim.now_ms)) / 1000.0
    lost = {column: frame[column].to_numpy(float, copy=True) for column in ("rps", "served_rps", "lost_rps")}
    shown = frame["workload"].to_numpy()
    for service, spec in sim.scenario.services.items():
        for key in spec.workloads if service in {*losses.refused, *losses.dropped} else ():
            refused, dropped, _ = losses.of(service, spans_s)
            mine = shown == names[names.index(key)]
            part = len(spec.workloads) * np.maximum(spans_s, FEW)
            lost["rps"][mine] += refused / part
            away = np.minimum(dropped / part, lost["served_rps"][mine])
            lost["served_rps"][mine] -= away
            lost["lost_rps"][mine] += refused / part + away
    return frame.assign(**lost)


def in_responses(frame: pd.DataFrame, sim: Simulation, losses: Losses) -> pd.DataFrame:
    """Requests and failures of services and journeys."""
    journeys = list(sim.scenario.journeys)
    names = [*sim.names.services, *journeys]
    requests, failed = _table(frame["requests"], names), _table(frame["failed_requests"], names)
    good = requests - failed
    for k, name in enumerate(names[len(sim.names.services) :], len(sim.names.services)):
        _journey(sim, losses, name, requests, good, k, requests)
    for k, name in enumerate(sim.names.services):
        _service(losses, name, requests[:, k], good[:, k])
    return frame.assign(requests=requests.reshape(-1), failed_requests=(requests - good).reshape(-1))


def in_objectives(frame: pd.DataFrame, responses: pd.DataFrame, sim: Simulation, losses: Losses) -> pd.DataFrame:
    """Requests and bad ones of every SLO; ``responses`` as the run recorded them."""
    slos = sim.scenario.slos
    requests, bad = _table(frame["requests"], slos), _table(frame["bad_requests"], slos)
    asked = _table(responses["requests"], [*sim.names.services, *sim.scenario.journeys])
    good = requests - bad
    for k, slo in enumerate(slos):
        if slo.service is not None:
            _service(losses, slo.service, requests[:, k], good[:, k])
        else:
            _journey(sim, losses, slo.journey or "", requests, good, k, asked)
    return frame.assign(requests=requests.reshape(-1), bad_requests=(requests - good).reshape(-1))


def _table(column: pd.Series, names: Sequence[object]) -> F64:
    return column.to_numpy(float, copy=True).reshape(-1, len(names))


def _service(losses: Losses, service: str, requests: F64, good: F64) -> None:
    """Adds what was refused to ``requests``, takes what was dropped from ``good``; both in place."""
    refused, dropped, _ = losses.of(service, requests)
    good *= 1.0 - np.minimum(1.0, dropped / np.maximum(requests, FEW))
    requests += refused


def _journey(sim: Simulation, losses: Losses, name: str, requests: F64, good: F64, k: int, asked: F64) -> None:
    """A journey is begun as often as its first service is asked, what is refused there included."""
    visits = sim.scenario.journeys[name]
    first = visits[0].service
    seen = asked[:, sim.names.services.index(first)].copy()
    more = 1.0 + losses.of(first, seen)[0] / np.maximum(seen, FEW)
    for visit in visits:
        good[:, k] *= losses.of(visit.service, seen)[2] ** visit.requests
    good[:, k] *= more
    requests[:, k] *= more
