"""Liveness probes of a workload's pods: which one finds out first that they are late, or hang."""

from __future__ import annotations

from capsim.scenario.kubernetes.lifecycle import Probe
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.workload import WorkloadSpec
from capsim.state.tables import UNBOUNDED

ASKED_BY_REQUEST = ("httpGet", "grpc")
"""These are requests themselves; a command runs beside them, and the kernel accepts a connection (tcpSocket)."""


def waiting_probe(workload: Workload) -> Probe | None:
    """The liveness probe of a pod that waits behind requests and does so for the shortest time."""
    asking = [probe for probe in liveness_probes(workload) if probe.asks in ASKED_BY_REQUEST]
    return min(asking, key=lambda probe: probe.timeout_s, default=None)


def hang_probe(workload: Workload) -> Probe | None:
    """The liveness probe that finds out first that a pod does not answer; a connection is accepted all the same."""
    asking = [probe for probe in liveness_probes(workload) if probe.asks != "tcpSocket"]
    return min(asking, key=lambda probe: probe.failure_threshold * probe.period_s, default=None)


def liveness_probes(workload: Workload) -> list[Probe]:
    """Liveness probes of the containers that keep running."""
    template = workload.template
    running = [*template.containers, *(container for container in template.init_containers if container.is_sidecar)]
    return [container.liveness_probe for container in running if container.liveness_probe is not None]


def late_s(scenario: Scenario, workload: Workload) -> float:
    """For how long requests may wait until liveness probes fail, seconds; UNBOUNDED: nobody asks."""
    probe = waiting_probe(workload)
    if probe is None or not scenario.workloads.get(workload.key, WorkloadSpec()).probes_wait:
        return UNBOUNDED
    return float(probe.timeout_s)
