"""What capsim says of the points of the error table: stations from the curves of a run, transients from runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.queueing.networks import CASES, SERVERS, SHARES, cpu_s
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
from capsim.scenario.calls import Call, ServiceTime, Visit
from capsim.state.tables_calls import KNOT_STEP
from capsim.world.queueing.curves import PODS, curves_of, edges_s
from capsim.world.queueing.station import Station

Row = dict[str, Any]
MEASURES = ("mean", "p50", "p95", "p99")
SERVICE_S = 1.0
"""Mean service time of the transient runs, so that their seconds are service times."""


def stationary(row: Row) -> dict[str, float]:
    """Mean and percentiles as a run reads them from its curves, in service times."""
    servers, pods = int(row["servers"]), int(row["pods"])
    slots = int(row["slots"])
    policy = row["policy"] or "random"
    station = Station(float(servers), 1.0, float(row["scv"]), slots=slots, balancing=policy)
    curves = curves_of(station)
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
    ends = [0.0, *(end for _, end in PHASES[:-1])]
    steps = [[f"{start:g}s", servers * load] for start, (load, _) in zip(ends, PHASES)]
    frame = _responses([Pod("a", servers, servers, SERVICE_S, scv, steps)], {}, {}, PHASES[-1][1], step_s)
    return {row["time_ms"] / 1000.0: {m: row[f"{m}_ms"] / 1000.0 for m in MEASURES} for row in frame.to_dict("records")}


def journey(case: str, scv: float, utilization: float) -> dict[str, float]:
    """A journey of ``networks.CASES`` in a run that lasts, in seconds."""
    visits, calls = CASES[case]
    costs = cpu_s(case, utilization)
    pods = [
        Pod(n, SERVERS[n], 0 if n in SHARES else SERVERS[n], cost, scv, [["0s", float(visits.count(n))]])
        for n, cost in costs.items()
    ]
    made = {name: [_call(group) for group in groups if group] for name, groups in calls.items()}
    journeys = {case.replace(" ", "-"): [Visit(service=f"default/{name}") for name in visits]}
    frame = _responses(pods, made, journeys, 40_000.0, 20_000)
    row = frame[frame.kind == "journey"].iloc[-1]
    return {m: float(row[f"{m}_ms"]) / 1000.0 for m in MEASURES}


def _call(group: list[tuple[str, float]]) -> Call:
    single = [Call(service=f"default/{name}", per_request=number) for name, number in group]
    return single[0] if len(single) == 1 else Call(parallel=single)


class Pod(NamedTuple):
    """A service of one pod."""

    name: str
    cores: int
    slots: int
    cpu_s: float
    scv: float
    steps: list[list[Any]]
    """Requests per second from outside."""

    def workload(self) -> Workload:
        """Its Deployment."""
        container = Container(name="app", requests={"cpu": 1000}, limits={"cpu": 1000 * self.cores})
        template = PodTemplate(labels={"app": self.name}, containers=(container,))
        return Workload(kind="Deployment", namespace="default", name=self.name, replicas=1, template=template)

    def spec(self) -> WorkloadSpec:
        """What a request costs."""
        return WorkloadSpec(
            containers={"app": ContainerBehaviour(cpu_per_request_milli=1000.0 * self.cpu_s)},
            service_time=ServiceTime(variation=self.scv**0.5, concurrency=self.slots),
        )


def _responses(
    pods: list[Pod], calls: dict[str, list[Call]], journeys: dict[str, list[Visit]], duration_s: float, sample_s: int
) -> Any:
    """The series of response times of a run of these pods on one large node."""
    instance = Instance(cpu_milli=64_000, memory_bytes=2**36)
    scenario = Scenario(
        duration_ms=int(duration_s * 1000),
        sample_interval_ms=sample_s * 1000,
        initial_state="declared",
        node_groups=[NodeGroup(name="n", instance=instance, min=1, max=1, initial=1)],
        objects=KubeObjects(workloads=[pod.workload() for pod in pods]),
        control_plane=ControlPlaneSpec(phases="zero"),
        services={
            f"default/{pod.name}": ServiceSpec(
                workloads=[f"default/Deployment/{pod.name}"],
                request_timeout_ms=3_600_000,
                calls=calls.get(pod.name, []),
            )
            for pod in pods
        },
        traffic={f"default/{pod.name}": StepsSeries.model_validate({"steps": pod.steps}) for pod in pods},
        workloads={f"default/Deployment/{pod.name}": pod.spec() for pod in pods},
        journeys=journeys,
    )
    return run_scenario(scenario).series["responses"]
