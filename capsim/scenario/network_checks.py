"""Checks of services' networks that need the objects."""

from __future__ import annotations

from collections.abc import Iterator

from capsim.scenario.call_graph import Fault
from capsim.scenario.scenario import Scenario


def network_faults(scenario: Scenario) -> Iterator[Fault]:
    """Load balancers of Services that have none."""
    types = {service.key: service.type for service in scenario.objects.services}
    for name, spec in scenario.services.items():
        if spec.network is None or spec.network.load_balancer is None:
            continue
        if types.get(name) != "LoadBalancer":
            found = f"type {types[name]}" if name in types else "no Service object"
            message = "a load balancer of a Service that has none"
            yield Fault(("services", name, "network", "loadBalancer"), message, found, "a Service of type LoadBalancer")
