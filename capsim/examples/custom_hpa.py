"""A custom controller in twenty lines: the HorizontalPodAutoscaler of one workload by CPU utilisation, written anew.

It gives the same bytes as the built-in one (a test runs both), so it is a place to start from: change ``proposal`` and
see what another rule would have done. ::

    import capsim
    from capsim.examples.custom_hpa import hpa

    scenario = capsim.load("scenarios/app10.yaml")
    result = capsim.run(scenario, custom=[hpa("default/app10", "default/Deployment/app10", 2, 10, 75)])

Not in it, because app10 does not need them: ``behavior``, further metrics, containers without a request.
"""

from __future__ import annotations

import math

from capsim.engine.custom import Custom, PodMetrics, View

STABILIZATION_MS = 300_000
"""--horizontal-pod-autoscaler-downscale-stabilization."""


def proposal(pods: list[PodMetrics], request_milli: int, current: int, target_percent: int) -> int:
    """Replicas at which the pods would use ``target_percent`` of their request, the unsure ones counted with care."""
    counted = [p for p in pods if p.has_metrics and p.stamp_ms >= p.ready_ms + p.window_ms]
    missing = sum(p.ready and not p.has_metrics for p in pods)
    unready = len(pods) - len(counted) - missing
    if not counted:
        return current
    used = sum(p.cpu_milli for p in counted)
    ratio = again = used * 100 // (request_milli * len(counted)) / target_percent
    count = len(counted)
    if missing or (unready and ratio > 1):  # these stand for 0 % on the way up and for 100 % on the way down
        count += missing * (ratio != 1) + unready * (ratio > 1)
        used += missing * request_milli * max(target_percent, 100) // 100 * (ratio < 1)
        again = used * 100 // (request_milli * count) / target_percent
    wanted = math.ceil(again * count)
    if 0.9 <= again <= 1.1 or (ratio < 1) != (again < 1) or (wanted > current) != (ratio > 1):
        return current
    return wanted


def hpa(name: str, workload: str, lowest: int, highest: int, target_percent: int) -> Custom:
    """The controller that stands in for the HPA ``name`` (``namespace/name``) of ``workload``, for one run."""
    log: list[tuple[int, int]] = []

    def act(view: View) -> None:
        current = view.desired(workload)
        log[:] = [entry for entry in log if entry[0] >= view.now_ms - STABILIZATION_MS] or [(view.now_ms, current)]
        log.append((view.now_ms, proposal(view.pods(workload), view.request_milli(workload), current, target_percent)))
        stable = max(replicas for _, replicas in log)
        view.scale(workload, max(lowest, min(stable, highest, max(2 * current, 4))))

    return Custom(act, replaces=(name,))
