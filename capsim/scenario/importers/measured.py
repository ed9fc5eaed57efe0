"""What workloads use right now, as far as a dump tells: pod metrics, HPA status, or else what an HPA at rest means."""

from __future__ import annotations

import json
from typing import Any

from capsim.scenario.importers.collect import Dump
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.redact import mapping, sequence
from capsim.scenario.importers.stand_ins import Chosen
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.workload import Workload

BETTER = "capsim import queries: recorded usage; or kubectl get podmetrics -A -o yaml beside the dump"
MOST_CORES = 1e9
"""More is a mistake in the files."""
OLD_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"


def usage_now(
    dump: Dump, workloads: dict[str, Workload], chosen: dict[str, Chosen], hpas: list[Hpa], log: Log
) -> dict[str, dict[str, Any]]:
    """`usage:` entries, workload key -> {cpu in cores, memory in bytes}; constant: a dump is one moment."""
    found = _from_pod_metrics(dump, workloads, chosen, log)
    for hpa in hpas:
        workload = workloads.get(hpa.target_key)
        if workload is None or hpa.target_key in found or not workload.replicas:
            continue
        target = _cpu_target(hpa)
        request_milli = workload.template.requests().get("cpu", 0)
        if target is None or not request_milli:
            continue
        per_cent = _current(dump.hpa_usage.get((hpa.namespace, hpa.name), {}))
        if per_cent is not None:
            what, source = "constant CPU use of workloads with an HPA", "the HPA's status at the time of the dump"
            log.guess(what, source, "likely", BETTER)
        else:
            per_cent = target
            what, source = "constant CPU use of workloads with an HPA", "the HPA's target: at rest, it holds it"
            log.guess(what, source, "a guess", BETTER)
        cores = workload.replicas * request_milli * per_cent / 100_000
        if cores < MOST_CORES:
            found[hpa.target_key] = {"cpu": round(cores, 4)}
    unknown = sum(1 for key, w in workloads.items() if key not in found and w.kind != "DaemonSet" and w.replicas)
    if unknown:
        what = "no CPU use of workloads without an HPA (their requests count, use shows 0)"
        log.guess(what, "nothing in the dump tells it", "a guess", BETTER, unknown)
    return found


def _from_pod_metrics(
    dump: Dump, workloads: dict[str, Workload], chosen: dict[str, Chosen], log: Log
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for key in workloads:
        pods = chosen[key].members if key in chosen else None
        used = (
            [dump.pod_usage[p.namespace, p.name] for p in pods.running if (p.namespace, p.name) in dump.pod_usage]
            if pods
            else []
        )
        if used and pods is not None:
            scale = len(pods.running) / len(used)
            cpu = sum(cpu for cpu, _ in used) * scale / 1000
            found[key] = {"cpu": round(cpu, 4), "memory": sum(memory for _, memory in used) // len(used)}
            log.guess(
                "constant CPU and memory use of workloads", "PodMetrics at the time of the dump", "likely", BETTER
            )
    return found


def _cpu_target(hpa: Hpa) -> float | None:
    for metric in hpa.metrics:
        resource = mapping(metric.get("resource"))
        if metric.get("type") == "Resource" and resource.get("name") == "cpu":
            value = mapping(resource.get("target")).get("averageUtilization")
            return float(value) if isinstance(value, int) else None
    return None


def _current(seen: dict[str, Any]) -> float | None:
    """averageUtilization of CPU in an HPA's status, of any version."""
    status = mapping(seen.get("status"))
    metrics = sequence(status.get("currentMetrics"))
    if not metrics and isinstance(status.get("currentCPUUtilizationPercentage"), int):
        return float(status["currentCPUUtilizationPercentage"])
    text = mapping(seen.get("annotations")).get(OLD_METRICS)
    if not metrics and isinstance(text, str):
        try:
            metrics = sequence(json.loads(text))
        except ValueError:
            return None
    for metric in metrics:
        resource = mapping(mapping(metric).get("resource"))
        current = mapping(resource.get("current"))
        value = current.get("averageUtilization", resource.get("currentAverageUtilization"))
        if resource.get("name") == "cpu" and isinstance(value, int):
            return float(value)
    return None
