"""How often the HPA controller comes to each HPA: more rarely than the sync period when there are many.

Source: kube-controller-manager v1.36. An HPA that was synced is put back into the queue after the sync period
(FixedItemIntervalRateLimiter; podautoscaler/rate_limiters.go, horizontal.go), and as many workers as
``--concurrent-horizontal-pod-autoscaler-syncs`` take from it. Each sync asks for the target's scale once, and once for
each metric; cmd/kube-controller-manager/app/autoscaling.go gives scale, resource, custom and external metrics a client
each, and a client sends ``--kube-api-qps`` requests per second. So a round over all HPAs takes as long as the slowest
of these needs, if that is more than the sync period and one sync: the throughput of a closed queue with constant times,
exact once the waits have spread the HPAs.

Not modelled: waits of single syncs whose phases collide while nothing is saturated, ``--kube-api-burst``, syncs that
take longer because they change replicas or create events.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

from capsim.scenario.scenario import Scenario

CLIENT_OF = {
    "Resource": "metrics.k8s.io",
    "ContainerResource": "metrics.k8s.io",
    "Pods": "custom.metrics.k8s.io",
    "Object": "custom.metrics.k8s.io",
    "External": "external.metrics.k8s.io",
}
"""Whom the controller asks for a metric: a client of its own for each."""


class Pace(NamedTuple):
    """Time from one sync of an HPA to the next, ms, and what makes it longer than it was set ('' when nothing does)."""

    period_ms: int
    held_by: str


def requests_per_round(metrics: list[list[dict[str, Any]]]) -> Counter[str]:
    """Requests by client that one sync of every HPA sends; ``metrics`` holds the metrics of each HPA."""
    asked = Counter({"scale": len(metrics)})
    asked.update(CLIENT_OF[metric["type"]] for listed in metrics for metric in listed)
    return asked


def hpa_pace(scenario: Scenario) -> Pace:
    """The pace of a scenario's HPAs."""
    manager, plane = scenario.control_plane.kube_controller_manager, scenario.control_plane
    sync_ms, hpas = plane.delays.hpa_sync_lag_ms, scenario.objects.hpas
    paces = [Pace(manager.horizontal_pod_autoscaler_sync_period_ms + sync_ms, "")]
    workers = manager.concurrent_horizontal_pod_autoscaler_syncs
    paces.append(Pace(math.ceil(len(hpas) * sync_ms / workers), "concurrent-horizontal-pod-autoscaler-syncs"))
    if plane.rate_limits:
        asked = requests_per_round([hpa.metrics for hpa in hpas])
        paces.append(Pace(math.ceil(1000 * max(asked.values()) / manager.kube_api_qps), "kube-api-qps"))
    return max(paces, key=lambda pace: pace.period_ms)
