"""What the HPA takes for the request of a pod: not the scheduler's, which also looks at init containers and overhead.

Upstream: ``calculateRequests`` in replica_calculator.go, v1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsim.controllers.hpa.grouping import NO_CONTAINER, NO_REQUEST
from capsim.controllers.hpa.releases import FIRST_POD_REQUESTS, FIRST_SIDECAR_REQUESTS, LATEST

if TYPE_CHECKING:
    from capsim.scenario.kubernetes.pod import PodTemplate

MILLI = {"cpu": 1}


def request_milli(
    template: PodTemplate, resource: str, container: str | None = None, release: tuple[int, int] = LATEST
) -> int:
    """Request of one pod in the HPA's unit: milli-cores, or milli-bytes for memory (bytes * 1000).

    ``release``: whose rules count (``releases.py``).
    ``container``: that container alone (ContainerResource metrics). NO_CONTAINER if the pod has no such container,
    NO_REQUEST if one of the containers (sidecars included) requests nothing: Utilization targets fail with both.
    """
    factor = MILLI.get(resource, 1000)
    if container is None and template.pod_requests and release >= FIRST_POD_REQUESTS:
        # Pod-level requests in the pod: upstream then asks the scheduler's helper.
        total = template.requests().get(resource)
        return NO_REQUEST if total is None else total * factor
    sidecars = release >= FIRST_SIDECAR_REQUESTS
    chosen = [
        one
        for one in (*template.containers, *(init for init in template.init_containers if init.is_sidecar and sidecars))
        if container is None or one.name == container
    ]
    if not chosen:
        return NO_CONTAINER
    if any(resource not in one.requests for one in chosen):
        return NO_REQUEST
    return sum(one.requests[resource] for one in chosen) * factor
