"""Why a sync of an HPA failed, in upstream's words and with the names of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import messages
from capsim.controllers.hpa.spec import KINDS
from capsim.scenario.metrics import identifier, source_of

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation
    from capsim.scenario.kubernetes.hpa import Hpa

UNSERVED = "the server could not find the requested resource"


def metric_failure(sim: Simulation, hpa: Hpa, h: int, m: int, error: int) -> str:
    """The error of metric ``m`` of HPA ``h``, as ``computeReplicasForMetric`` returns it; ``hpa`` as it was then."""
    metric = hpa.metrics[m]
    pod, container = example(sim, metric, h)
    inner = messages.calculator_error(metric, error, hpa.namespace, detail(sim, hpa, m), pod, container)
    return messages.metric_error(metric, inner)


def detail(sim: Simulation, hpa: Hpa, m: int) -> str:
    """What the metrics API says of a metric that it cannot give."""
    metric = hpa.metrics[m]
    if source_of(sim.scenario.metrics, hpa, metric) is None:
        return UNSERVED
    kind, name = identifier(metric)
    described = (metric.get("object") or {}).get("describedObject") or {}
    of = {"Object": f"{str(described.get('kind')).lower()}s {described.get('name')}", "External": "namespaces"}
    return f"the server could not find the metric {name} for {of.get(kind, 'pods')}"


def example(sim: Simulation, metric: Mapping[str, Any], h: int) -> tuple[str, str]:
    """A pod of the target, and the container that an error about requests or containers means."""
    s = sim.state
    w = int(s.hpas.workload[h])
    p = int(s.workloads.first_pod[w])
    pod = sim.names.pod(w, int(s.pods.ordinal[p])) if p >= 0 else ""
    if metric["type"] == "ContainerResource":
        return pod, str(metric["containerResource"].get("container"))
    name = (metric.get("resource") or {}).get("name")
    template = sim.scenario.objects.workloads[w].template
    return pod, next((one.name for one in template.containers if name not in one.requests), "")


def ambiguous(sim: Simulation, h: int) -> str:
    """The error of an HPA whose pods are also those of others."""
    links = sim.state.hpas
    hpa = sim.hpas[h]
    rows = links.rival[links.rival_start[h] : links.rival_start[h + 1], 0].tolist()
    names = sorted({sim.names.hpas[other] for other in rows} | {hpa.key})
    workload = sim.scenario.objects.workload(hpa.target_key)
    labels = workload.selector.get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return f"pods by selector {selector} are controlled by multiple HPAs: [{' '.join(names)}]"


def failure(sim: Simulation, hpa: Hpa, h: int, active: int, m: int, error: int) -> str:
    """The message of the Warning event for the first metric that failed, or for the selector."""
    return ambiguous(sim, h) if active == c.ACTIVE_AMBIGUOUS else metric_failure(sim, hpa, h, m, error)


def computation(sim: Simulation, hpa: Hpa, h: int, invalid: int, m: int, error: int) -> str:
    """The message of FailedComputeMetricsReplicas."""
    if m < 0:
        return ambiguous(sim, h)
    return messages.invalid_metrics(invalid, len(hpa.metrics), metric_failure(sim, hpa, h, m, error))


def failed_reason(hpa: Hpa, active: int, m: int) -> str:
    """The reason of that event."""
    if active == c.ACTIVE_AMBIGUOUS:
        return c.SCALING_ACTIVE[active][1]
    source = hpa.metrics[m]["type"]
    return messages.FAILED_METRIC[next(kind for (known, _), kind in KINDS.items() if known == source)]
