"""What this version models in a simplified form: said in every summary and run.json until the model is complete.

A line goes when its model does; ``docs/fidelity.md`` has the same in detail, behaviour by behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass

from capsim.scenario import Scenario


@dataclass(frozen=True)
class ThinModel:
    """One part of the cluster, and what its model leaves out that may matter."""

    part: str
    leaves_out: str


ALWAYS = (
    ThinModel(
        "scheduler",
        "its decisions are exact; scheduling gates are never removed",
    ),
    ThinModel(
        "workloads",
        "Deployments, StatefulSets, DaemonSets, Jobs and CronJobs follow upstream's sources; the pods of other "
        "controllers are not modelled",
    ),
    ThinModel(
        "kubelet",
        "unless the scenario names images, pull, start and readiness are one duration (startupTime); extra CPU at "
        "start only where it says so (startupCpu, warmUp)",
    ),
    ThinModel(
        "services",
        "requests are a flow; response times (serviceTime, calls, slos) are those of queues in theory, within a stated "
        "error, and services are taken to be independent of each other",
    ),
    ThinModel(
        "nodes",
        "no soft thresholds for memory and disk, no filesystem of its own for images; they fail, and subnets run out "
        "of addresses, only when the scenario says so",
    ),
)
METRICS_ADAPTER = ThinModel(
    "metrics adapter",
    "scrape interval, rate window, lookback and relist are there; the pods of a workload are scraped together, no "
    "scrape fails, selectors of metrics are not looked at",
)
SELF_HEAL = ThinModel("self-heal", "spec.replicas is set back with Argo CD's waits; no sync windows, no failed syncs")


def thin_models(scenario: Scenario) -> list[ThinModel]:
    """Those that take part in this scenario."""
    taken_part = (
        (METRICS_ADAPTER, bool(scenario.metrics)),
        (SELF_HEAL, bool(scenario.self_heal)),
    )
    return [*ALWAYS, *(model for model, takes_part in taken_part if takes_part)]
