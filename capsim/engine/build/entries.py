"""Where traffic from outside comes in: load balancers that refuse a part of it, and Ingress controllers that route it.

A load balancer with `maxRps` refuses the same part of all traffic that comes in through it; what it refuses reaches no
pod and is counted as failed where it would have gone. The traffic of a service that an Ingress controller routes to is
offered to the controller; its own source is silent, and a further source (``Names.routes``) says how much it would be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capsim.engine.build.names import Names
from capsim.scenario.call_graph import edges_of
from capsim.scenario.ingress import backends
from capsim.scenario.network import LoadBalancer
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import Origin
from capsim.scenario.series.stepwise import Points, combined, held
from capsim.state.tables import F64


class Entry(NamedTuple):
    """A load balancer, and the services whose traffic comes in through it."""

    name: str
    """The service, the Ingress (namespace/Ingress/name), or the class and group of several Ingresses."""
    services: tuple[str, ...]
    balancer: LoadBalancer


def routers(scenario: Scenario) -> dict[str, str]:
    """The service that routes the traffic of a service, for those behind an Ingress controller."""
    return {edge.callee: edge.caller for edge in edges_of(scenario.services) if edge.call.ingress}


def entries(scenario: Scenario) -> list[Entry]:
    """Load balancers of Ingresses, then those of services; each service's traffic comes in through one at most."""
    routed = routers(scenario)
    taken = set(routed)
    found = []
    for name, (balancer, services) in _of_ingresses(scenario).items():
        mine = tuple(key for key in services if key in scenario.traffic and key not in taken)
        taken.update(mine)
        found.append(Entry(name, mine, balancer))
    for service, spec in scenario.services.items():
        if spec.network is not None and spec.network.load_balancer is not None:
            behind = [key for key, router in routed.items() if router == service]
            own = [] if service in taken or service not in scenario.traffic else [service]
            found.append(Entry(service, (*own, *behind), spec.network.load_balancer))
    return found


def _of_ingresses(scenario: Scenario) -> dict[str, tuple[LoadBalancer, list[str]]]:
    """Load balancers of Ingress classes, and the services behind each."""
    found: dict[str, tuple[LoadBalancer, list[str]]] = {}
    for ingress in scenario.objects.ingresses:
        spec = scenario.ingress_classes.get(ingress.class_name)
        if spec is not None and spec.load_balancer is not None:
            name = f"{ingress.class_name}/{ingress.group}" if ingress.group else ingress.key
            found.setdefault(name, (spec.load_balancer, []))[1].extend(backends(ingress))
    return found


def offered(scenario: Scenario, service: str) -> Points:
    """Requests per second that clients send to a service."""
    origin = Origin(service, scenario.seed, round(scenario.start.timestamp() * 1000))
    return scenario.traffic[service].points(scenario.duration_ms, origin)


def passed_on(scenario: Scenario, names: Names) -> dict[str, Points]:
    """Requests per second of each service with traffic that are let in; ``names.refused`` gets the others."""
    found = {service: offered(scenario, service) for service in scenario.traffic}
    names.entries = entries(scenario)
    for entry in names.entries:
        if entry.balancer.max_rps is None or not entry.services:
            continue
        times, total = combined([found[service] for service in entry.services], np.add)
        kept = np.minimum(1.0, entry.balancer.max_rps / np.maximum(total, 1e-300))
        for service in entry.services:
            rates = held(found[service], times)
            names.refused[service] = times, rates * (1.0 - kept)
            found[service] = times, rates * kept
    return found


def with_routes(scenario: Scenario, names: Names, let_in: dict[str, Points]) -> dict[str, Points]:
    """What is offered to each service by its own source: controllers get all that they route, the others nothing."""
    found = dict(let_in)
    parts: dict[str, list[str]] = {}
    for service, router in routers(scenario).items():
        parts.setdefault(router, []).append(service)
        found.pop(service)
    for router, services in parts.items():
        own = [let_in[router]] if router in let_in else []
        found[router] = combined([*own, *(let_in[service] for service in services)], np.add)
    return found


def requests_between(points: Points, edges_ms: np.ndarray) -> F64:
    """Requests in each interval between ``edges_ms`` of a rate that changes at given times."""
    times, rates = points
    if times.size == 0:
        return np.zeros(edges_ms.size - 1)
    knots = np.append(times, max(int(times[-1]) + 1, int(edges_ms[-1])))
    area = np.concatenate([[0.0], np.cumsum(rates * np.diff(knots) / 1000.0)])
    counts: F64 = np.diff(np.interp(edges_ms, knots, area))
    return counts
