"""Workloads, their pod classes, behaviour and containers as arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from capsim.controllers.cluster_autoscaler.scan import IGNORED_BY_DRAIN
from capsim.controllers.hpa.releases import release_of
from capsim.controllers.hpa.requests import request_milli
from capsim.engine.build.cluster import array, distribution_row, floats, widest_node_milli
from capsim.engine.build.names import Names
from capsim.engine.build.probes import late_s
from capsim.rng import name_hash
from capsim.scenario.kubernetes.pod import Container, PodTemplate
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.workload import ContainerBehaviour, UsageSpec, WorkloadSpec
from capsim.state.tables import (
    KIND_CRON,
    KIND_DAEMONSET,
    KIND_DEPLOYMENT,
    KIND_JOB,
    KIND_POD,
    KIND_REPLICASET,
    KIND_STATEFULSET,
    NEVER,
    UNBOUNDED,
    Containers,
    Physics,
    Workloads,
)
from capsim.state.tables_warmth import V_COLUMNS

KINDS = {
    "Deployment": KIND_DEPLOYMENT,
    "ReplicaSet": KIND_REPLICASET,
    "DaemonSet": KIND_DAEMONSET,
    "Pod": KIND_POD,
    "StatefulSet": KIND_STATEFULSET,
    "Job": KIND_JOB,
    "CronJob": KIND_CRON,
}
_WIDE = 1e15


def build_workloads(scenario: Scenario, names: Names, groups: int, hashes: Mapping[int, int]) -> Workloads:
    """Rows in the order of the scenario's objects. Fills workload names and hashes of ``names``; ``hashes`` are those
    of revisions by row."""
    listed = scenario.objects.workloads
    count = len(listed)
    for w, workload in enumerate(listed):
        names.workloads.append(workload.key)
        names.hashes.append(hashes.get(w, name_hash(workload.key)))
        if workload.kind == "DaemonSet":
            names.daemonsets.add(w)
        if workload.job is not None and workload.job.indexed:
            names.indexed.add(w)
    specs = [scenario.workloads.get(workload.key, WorkloadSpec()) for workload in listed]
    stop = [
        max(1, min(spec.termination_time_ms + pre_stop_ms(workload), workload.template.termination_grace_s * 1000))
        for spec, workload in zip(specs, listed, strict=True)
    ]
    cost_start, costs = deletion_costs(specs)
    return Workloads(
        kind=array([KINDS[workload.kind] for workload in listed]),
        hash=array(names.hashes),
        desired=np.zeros(count, np.int64),
        next_ordinal=array([w.first_ordinal if w.kind == "StatefulSet" else 1 for w in listed]),
        pod_class=np.arange(count, dtype=np.int64),
        count=np.zeros((count, 6), np.int64),
        first_pod=np.full(count, -1, np.int64),
        last_pod=np.full(count, -1, np.int64),
        start=floats([distribution_row(spec.startup_time) for spec in specs]).reshape(count, 5),  # type: ignore[misc]
        termination_ms=array(stop),
        linger_ms=array([linger_ms(scenario, workload) for workload in listed]),
        moved_ms=np.full(count, -NEVER, np.int64),
        reconcile_ms=np.full(count, NEVER, np.int64),
        hpa=np.full(count, -1, np.int64),
        spread=np.zeros((count, groups), np.int64),
        bound_leaving=np.zeros(count, np.int64),
        announced=np.zeros(count, np.int64),
        deployment=np.full(count, -1, np.int64),
        next_revision=np.full(count, -1, np.int64),
        cost_start=array(cost_start),
        cost=array(costs),
    )


def deletion_costs(specs: list[WorkloadSpec]) -> tuple[list[int], list[int]]:
    """``Workloads.cost_start`` and ``cost``: ranks, because only their order counts."""
    if not any(spec.pod_deletion_costs for spec in specs):
        return [0], []
    start, ranks = [0], []
    for spec in specs:
        own = [*spec.pod_deletion_costs, 0] if spec.pod_deletion_costs else []
        order = {cost: rank for rank, cost in enumerate(sorted(set(own)))}
        ranks += [order[cost] for cost in own]
        start.append(len(ranks))
    return start, ranks


def pre_stop_ms(workload: Workload) -> int:
    """How long the longest preStop hook of a pod takes; containers are stopped together."""
    return max((container.pre_stop_s for container in long_running(workload.template)), default=0) * 1000


def linger_ms(scenario: Scenario, workload: Workload) -> int:
    """How long a deleted pod still gets requests that it does not serve: a hook keeps it serving meanwhile."""
    follows = scenario.control_plane.delays.endpoint_propagation_ms
    return max(0, follows - min(pre_stop_ms(workload), workload.template.termination_grace_s * 1000))


def first_killed_bytes(scenario: Scenario, workload: Workload) -> float:
    """Memory of an average pod from which on the largest of them may exceed the limit; UNBOUNDED without one."""
    limit, spec = memory_limit_bytes(workload), scenario.workloads.get(workload.key, WorkloadSpec())
    if limit is None or not spec.oom_kills:
        return UNBOUNDED
    return limit / (1.0 + spec.memory_spread_ratio)


def memory_limit_bytes(workload: Workload) -> int | None:
    """The memory limit of a whole pod; None: one of its containers has none."""
    limits = [container.limits.get("memory") for container in long_running(workload.template)]
    whole = workload.template.pod_limits.get("memory")
    if whole is not None:
        return int(whole)
    return None if None in limits or not limits else sum(int(limit or 0) for limit in limits)


def drain_flags(workload: Workload) -> int:
    """1 for DaemonSet pods, which a drain leaves alone."""
    return IGNORED_BY_DRAIN if workload.kind == "DaemonSet" else 0


def behaviour(spec: WorkloadSpec, container: Container) -> ContainerBehaviour:
    """What the scenario says of a container, or the defaults."""
    return spec.containers.get(container.name, ContainerBehaviour())


def long_running(template: PodTemplate) -> list[Container]:
    """Containers that run as long as the pod: the metrics API reports these."""
    return [*template.containers, *(c for c in template.init_containers if c.is_sidecar)]


def recorded_usage(scenario: Scenario, names: Names, w: int) -> UsageSpec | None:
    """The recorded usage of row ``w``, which a revision has from its Deployment."""
    return scenario.usage.get(names.workloads[names.owner(w)])


def build_containers(scenario: Scenario, names: Names) -> Containers:
    """Long-running containers of every workload, CSR."""
    start = [0]
    idle: list[float] = []
    cost: list[float] = []
    cpu: list[int] = []
    memory: list[int] = []
    for w, workload in enumerate(scenario.objects.workloads):
        spec = scenario.workloads.get(workload.key, WorkloadSpec())
        containers = long_running(workload.template)
        recorded = recorded_usage(scenario, names, w)
        for k, container in enumerate(containers):
            b = behaviour(spec, container)
            replayed = recorded is not None and recorded.cpu is not None
            idle.append(0.0 if replayed else b.idle_cpu_milli)
            cost.append((1000.0 if k == 0 else 0.0) if replayed else b.cpu_per_request_milli)
            cpu.append(container.requests.get("cpu", -1))
            memory.append(container.requests.get("memory", -1))
        start.append(len(idle))
    release = release_of(scenario.control_plane.kube_controller_manager.release)
    whole = [
        [request_milli(workload.template, resource, release=release) for resource in ("cpu", "memory")]
        for workload in scenario.objects.workloads
    ]
    requests = np.array(whole, np.int64).reshape(len(whole), 2)
    return Containers(array(start), floats(idle), floats(cost), array(cpu), array(memory), requests)


def pod_load(
    scenario: Scenario, workload: Workload, containers: Containers, w: int, widest_milli: float
) -> list[float]:
    """The row of Physics.load: idle, cost, cap, memory base, memory per request in flight, seconds in service."""
    spec = scenario.workloads.get(workload.key, WorkloadSpec())
    listed = long_running(workload.template)
    first = int(containers.start[w])
    idle = float(containers.idle_milli[first : first + len(listed)].sum())
    cost = float(containers.cost_milli[first : first + len(listed)].sum())
    cap = _WIDE
    memory = inflight = 0.0
    for k, container in enumerate(listed):
        b = behaviour(spec, container)
        own = float(containers.cost_milli[first + k])
        limit = float(container.limits.get("cpu", 0)) or widest_milli
        if own > 0.0:
            cap = min(cap, max(0.0, limit - float(containers.idle_milli[first + k])) / own)
        base = b.memory_base_bytes
        memory += container.requests.get("memory", 0) / 2 if base is None else base
        inflight += b.memory_per_inflight_bytes
    return [idle, cost, cap, memory, inflight, cost / 1000.0]


def build_physics(scenario: Scenario, names: Names, containers: Containers) -> Physics:
    """Behaviour of every workload, at rest."""
    listed = scenario.objects.workloads
    count = len(listed)
    load = np.zeros((count, 6))
    limits = np.zeros((count, 8))
    widest_milli = widest_node_milli(scenario)
    for w, workload in enumerate(listed):
        load[w] = pod_load(scenario, workload, containers, w, widest_milli)
        usual = overload_row(scenario, workload, recorded_usage(scenario, names, w))
        limits[w] = [*usual, first_killed_bytes(scenario, workload), 0.0, late_s(scenario, workload), -1.0]
    return Physics(
        arrival_rps=np.zeros(count),
        pod_rps=np.zeros(count),
        served_rps=np.zeros(count),
        lost_rps=np.zeros(count),
        backlog=np.zeros(count),
        integral=np.zeros(count),
        since_ms=np.zeros(count, np.int64),
        load=load,
        limits=limits,
        own=np.zeros((count, 6)),
        past=np.zeros((count, 32 if scenario.control_plane.kubelet.housekeeping_interval_ms else 1, 3)),
        samples=np.zeros((count, 6)),
        usage=np.zeros((count, 3)),
        area=np.zeros((count, 2)),
        warm=np.zeros((0, V_COLUMNS)),
    )


def overload_row(scenario: Scenario, workload: Workload, recorded: UsageSpec | None) -> list[float]:
    """The row of Physics.limits: seconds of backlog that may wait (0: drop), replayed usage, request milli, places."""
    request = float(workload.template.requests().get("cpu", 0))
    if recorded is not None and recorded.cpu is not None:
        return [0.0, 1.0, request, -1.0]
    waits = [
        spec.request_timeout_ms / 1000.0
        for spec in scenario.services.values()
        if workload.key in spec.workloads and spec.overload == "queue"
    ]
    return [min(waits, default=0.0), 0.0, request, -1.0]
