"""Workloads whose pods burn CPU to start, or are cold for a while: their constants, and the tables of their pods."""

from __future__ import annotations

import numpy as np

from capsim.engine.build.cluster import array, widest_node_milli
from capsim.engine.build.names import Names
from capsim.engine.build.tables import due_tree
from capsim.engine.build.workloads import long_running, recorded_usage
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.scenario import Scenario
from capsim.scenario.workload import StartupCpu, WarmUp, WorkloadSpec
from capsim.state.tables import F64, I64, Containers, PodUsage
from capsim.state.tables_warmth import (
    H_COLUMNS,
    STEPS_PER_HALF_LIFE,
    V_CAP,
    V_COLUMNS,
    V_COST,
    V_FACTOR,
    V_SPEED,
    V_STEP_MS,
    V_WORK,
)

_WIDE = 1e15
"""Requests per second of a container that they cost nothing."""


def is_used(scenario: Scenario) -> bool:
    """Whether the pods of any workload do."""
    specs = (scenario.workloads.get(workload.key, WorkloadSpec()) for workload in scenario.objects.workloads)
    return any(spec.startup_cpu is not None or spec.warm_up is not None for spec in specs)


def with_warmth(usage: PodUsage, scenario: Scenario, rows: int) -> PodUsage:
    """The table of pods with what warmth needs, where anybody asked for it."""
    if not is_used(scenario):
        return usage
    return usage._replace(warmth=np.zeros((rows, H_COLUMNS)), due=due_tree(rows))


def build_warmth(scenario: Scenario, names: Names, containers: Containers) -> F64:
    """``Physics.warm``: [W, V_COLUMNS], or no rows."""
    listed = scenario.objects.workloads
    table = np.zeros((len(listed) if is_used(scenario) else 0, V_COLUMNS))
    for w in range(len(table)):
        table[w] = warmth_row(scenario, listed[w], containers, w)
        recorded = recorded_usage(scenario, names, w)
        if recorded is not None and recorded.cpu is not None:
            table[w, V_FACTOR] = 1.0  # the recording has it
    return table


def warmth_row(scenario: Scenario, workload: Workload, containers: Containers, w: int) -> F64:
    """The row of one workload; what it burns and what is cold is its first container."""
    spec = scenario.workloads.get(workload.key, WorkloadSpec())
    row, first = np.zeros(V_COLUMNS), int(containers.start[w])
    limit = float(long_running(workload.template)[0].limits.get("cpu", 0)) or widest_node_milli(scenario)
    start, cold = spec.startup_cpu or StartupCpu(), spec.warm_up or WarmUp()
    cost, idle = float(containers.cost_milli[first]), float(containers.idle_milli[first])
    row[V_WORK] = start.cpu_seconds * 1000.0
    row[V_SPEED] = min(start.cores_milli, limit)
    row[V_FACTOR] = cold.factor if cost > 0.0 else 1.0
    row[V_STEP_MS] = max(1, cold.half_life_ms // STEPS_PER_HALF_LIFE)
    row[V_COST] = cost
    row[V_CAP] = max(0.0, limit - idle) / cost if cost > 0.0 else _WIDE
    return row


def burning(scenario: Scenario) -> I64:
    """``Startup.burns``."""
    if not is_used(scenario):
        return array([])
    specs = (scenario.workloads.get(workload.key, WorkloadSpec()) for workload in scenario.objects.workloads)
    return array([int(spec.startup_cpu is not None and spec.startup_cpu.cpu_seconds > 0.0) for spec in specs])
