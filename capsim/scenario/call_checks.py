"""Checks of calls, journeys, SLOs and service times that need the whole scenario."""

from __future__ import annotations

from collections.abc import Iterator

from capsim.scenario.call_graph import Fault, edges_of, faults
from capsim.scenario.merge import suggestion
from capsim.scenario.scenario import Scenario


def call_faults(scenario: Scenario) -> Iterator[Fault]:
    """Everything that is wrong, with the path of the key."""
    yield from faults(scenario.services)
    for index, slo in enumerate(scenario.slos):
        if slo.journey is not None and slo.journey not in scenario.journeys:
            known = list(scenario.journeys)
            message = "no such journey" + suggestion(slo.journey, known)
            yield Fault(("slos", index, "journey"), message, slo.journey, ", ".join(known) or "no journey is defined")
        if slo.label in [other.label for other in scenario.slos[:index]]:
            yield Fault(("slos", index, "name"), "two SLOs of one name", slo.label, "different names")
    for name, visits in scenario.journeys.items():
        if not visits:
            yield Fault(("journeys", name), "a journey without a step", "", "- {service: name}")
    yield from _ingress_calls(scenario)
    yield from _service_times(scenario)


def _ingress_calls(scenario: Scenario) -> Iterator[Fault]:
    """Traffic comes in at one place, and that is where it comes in."""
    edges = [edge for edge in edges_of(scenario.services) if edge.call.ingress]
    callers: dict[str, str] = {}
    for edge in edges:
        first = callers.setdefault(edge.callee, edge.caller)
        if first != edge.caller:
            message = f"the traffic of {edge.callee} comes in at two services"
            yield Fault((*edge.path, "ingress"), message, f"{first}, {edge.caller}", "one of them")
    for edge in edges:
        if edge.caller in callers:
            message = "an Ingress controller behind another one"
            yield Fault((*edge.path, "ingress"), message, edge.caller, "a controller whose traffic comes from outside")
        if edge.callee not in scenario.traffic:
            message = "a service whose traffic comes in here has none"
            yield Fault((*edge.path, "ingress"), message, edge.callee, f"traffic.{edge.callee}")


def _service_times(scenario: Scenario) -> Iterator[Fault]:
    templates = {workload.key: workload.template for workload in scenario.objects.workloads}
    for key, spec in scenario.workloads.items():
        if spec.service_time is None or key not in templates:
            continue
        recorded = scenario.usage.get(key)
        if recorded is not None and recorded.cpu is not None:
            message = "response times of a workload whose CPU is replayed"
            yield Fault(("workloads", key, "serviceTime"), message, "usage.cpu", "traffic, or no serviceTime")
        listed = [c for c in templates[key].containers if c.name in spec.containers]
        if not any(spec.containers[c.name].cpu_per_request_milli for c in listed) and not spec.service_time.wait_ms:
            message = "a request takes no time at all: neither cpuPerRequest nor wait is given"
            yield Fault(("workloads", key, "serviceTime"), message, "", "cpuPerRequest of a container, or wait")
        for container in listed:
            limit = container.limits.get("cpu")
            if limit == 0 and spec.containers[container.name].cpu_per_request_milli:
                message = "zero capacity: a container that uses CPU has a CPU limit of 0"
                yield Fault(("workloads", key, "containers", container.name), message, "0", "a positive limit, or none")
