"""What capsim says of the points of the error table: stations from the curves of a run, transients from runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.queueing.simulate import PERCENTILES, PHASES
from capsim.engine.run import run_scenario
from capsim.scenario import (
    Container,
    ContainerBehaviour,
    ControlPlaneSpec,
    Instance,
    KubeObjects,
    NodeGroup,
    PodTemplate,
    Scenario,
    ServiceSpec,
    StepsSeries,
    Workload,
    WorkloadSpec,
)
from capsim.scenario.calls import ServiceTime
from capsim.state.tables_calls import KNOT_STEP
from capsim.world.queueing.curves import PODS, CurveBook, edges_s
from capsim.world.queueing.station import Station

Row = dict[str, Any]
MEASURES = ("mean", "p50", "p95", "p99")
SERVICE_S = 1.0
"""Mean service time of the transient runs, so that their seconds are service times."""


def stationary(book: CurveBook, row: Row) -> dict[str, float]:
    """Mean and percentiles as a run reads them from its curves, in service times."""
    servers, pods = int(row["servers"]), int(row["pods"])
    slots = servers if row["kind"] != "ps" else int(row["slots"])
    policy = row["policy"] or "random"
    station = Station(float(servers), 1.0, float(row["scv"]), slots=slots, balancing=policy)
    curves = book.curves(station)
    row_at = float(np.interp(np.log2(pods), np.log2(PODS), np.arange(len(PODS)))) if curves.mean_s.shape[0] > 1 else 0.0
    knot = -np.log(1.0 - float(row["utilization"])) / KNOT_STEP
    cdf = _between(curves.cdf, row_at, knot)
    found = dict(zip(MEASURES[1:], quantiles(cdf)))
    return {"mean": float(_between(curves.mean_s, row_at, knot)), **found}


def _between(table: Any, row: float, knot: float) -> Any:
    i, k = min(int(row), table.shape[0] - 1), min(int(knot), table.shape[1] - 2)
    j, f, g = min(i + 1, table.shape[0] - 1), row - int(row), knot - k
    near = (1 - g) * table[i, k] + g * table[i, k + 1]
    far = (1 - g) * table[j, k] + g * table[j, k + 1]
    return (1 - f) * near + f * far


def quantiles(cdf: Any) -> list[float]:
    """Percentiles of a distribution over the bins, as ``capsim.world.journeys.quantile`` reads them."""
    found = []
    for q in PERCENTILES:
        k = int(np.searchsorted(cdf, q))
        low = cdf[k - 1] if k else 0.0
        part = (q - low) / (cdf[k] - low)
        found.append(float(edges_s()[k] * np.exp(-(1.0 - part) * np.log(edges_s()[1] / edges_s()[0]))))
    return found


def overload(servers: int, scv: float, step_s: int = 20) -> dict[float, dict[str, float]]:
    """The step overload as a run sees it: by start of each interval, mean and percentiles in service times."""
    container = Container(name="app", requests={"cpu": 1000}, limits={"cpu": 1000 * servers})
    template = PodTemplate(labels={"app": "a"}, containers=(container,))
    workload = Workload(kind="Deployment", namespace="default", name="a", replicas=1, template=template)
    instance = Instance(cpu_milli=64_000, memory_bytes=2**36)
    ends = [0.0, *(end for _, end in PHASES[:-1])]
    scenario = Scenario(
        duration_ms=int(PHASES[-1][1] * 1000),
        sample_interval_ms=step_s * 1000,
        initial_state="declared",
        node_groups=[NodeGroup(name="n", instance=instance, min=1, max=1, initial=1)],
        objects=KubeObjects(workloads=[workload]),
        control_plane=ControlPlaneSpec(phases="zero"),
        services={"default/a": ServiceSpec(workloads=["default/Deployment/a"], request_timeout_ms=3_600_000)},
        traffic={"default/a": StepsSeries.model_validate({"steps": _steps(servers, ends)})},
        workloads={
            "default/Deployment/a": WorkloadSpec(
                containers={"app": ContainerBehaviour(cpu_per_request_milli=1000.0 * SERVICE_S)},
                service_time=ServiceTime(variation=scv**0.5, concurrency=servers),
            )
        },
    )
    frame = run_scenario(scenario).series["responses"]
    return {row["time_ms"] / 1000.0: {m: row[f"{m}_ms"] / 1000.0 for m in MEASURES} for row in frame.to_dict("records")}


def _steps(servers: int, starts: list[float]) -> list[list[Any]]:
    return [[f"{start:g}s", servers * load] for start, (load, _) in zip(starts, PHASES)]
