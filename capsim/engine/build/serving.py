"""Response times and calls of a scenario as tables."""

from __future__ import annotations

import math

import numpy as np

from capsim.engine.build.cluster import array
from capsim.engine.build.names import Names
from capsim.engine.build.traffic import offsets
from capsim.scenario.call_graph import Edge, edges_of, levels
from capsim.scenario.calls import Balancing, ServiceTime
from capsim.scenario.scenario import Scenario
from capsim.scenario.workload import ServiceSpec
from capsim.state.tables import F64, L_CAP, L_COST, NEVER, UNBOUNDED, Physics, Traffic
from capsim.state.tables_calls import (
    B_COLUMNS,
    BINS,
    BY_CONNECTION,
    C_NUMBER,
    C_REPEAT,
    E_CALLER,
    E_COLUMNS,
    E_ROUTE,
    F_PROCESSED,
    K_BASE,
    K_CAP,
    K_SCV,
    K_SERVICE,
    K_SLOTS,
    K_THIRD,
    KNOTS,
    LEAST_NUMBER,
    MOST_ROWS,
    OUT_COLUMNS,
    S_POOLED,
    STEP,
    Calls,
    Connections,
    Serving,
)
from capsim.world.queueing.curves import Curves, curves_of, edges_s
from capsim.world.queueing.station import Balancing as Policy
from capsim.world.queueing.station import Station

POOLED = {"random": 0.0, "roundRobin": -1.0, "leastRequests": 1.0, "randomOfTwo": 1.0}
"""``S_POOLED`` by balancing: pods that are chosen by their load see arrivals as one station does."""
SHORTEST_TURN_MS, LONGEST_TURN_MS = 1000, 60_000
"""Connections are looked at every twentieth of the shortest life, within these bounds."""


def graph_services(scenario: Scenario) -> list[str]:
    """Services with response times, callers before callees; empty when the scenario asks for none."""
    edges = edges_of(scenario.services)
    timed = {key for key, spec in scenario.workloads.items() if spec.service_time is not None}
    asked = {edge.caller for edge in edges} | {edge.callee for edge in edges}
    asked |= {visit.service for visits in scenario.journeys.values() for visit in visits}
    asked |= {slo.service for slo in scenario.slos if slo.service is not None}
    asked |= {
        name
        for name, spec in scenario.services.items()
        if timed.intersection(spec.workloads) or spec.balancing != Balancing()
    }
    level = levels(scenario.services, edges)
    return sorted((name for name in scenario.services if name in asked), key=lambda name: level[name])


def timed_workloads(scenario: Scenario) -> dict[str, ServiceTime]:
    """Workloads with response times and their service model, by key."""
    found = {}
    for name in graph_services(scenario):
        for key in scenario.services[name].workloads:
            recorded = scenario.usage.get(key)
            if recorded is None or recorded.cpu is None:
                spec = scenario.workloads.get(key)
                found[key] = (spec.service_time if spec else None) or ServiceTime()
    return found


def station_of(scenario: Scenario, key: str, model: ServiceTime, load: F64) -> Station:
    """The pod of a workload as a queueing station; ``load`` is its row of ``Physics.load``."""
    cost_s = float(load[L_COST]) / 1000.0
    wait_s = model.wait_ms / 1000.0
    if cost_s <= 0.0:
        cost_s = min(1e-4, 0.01 * wait_s) if wait_s > 0.0 else 1e-4
    cores = max(0.001, min(float(load[L_CAP]) * cost_s, 1e4))
    policies = [s.balancing.policy for s in scenario.services.values() if key in s.workloads]
    per_request: Policy = "random"
    if policies and policies[0] != "connection":
        per_request = policies[0]
    return Station(
        cores=cores,
        cpu_s=cost_s,
        scv=model.variation**2,
        slots=model.concurrency,
        wait_s=wait_s,
        wait_scv=model.wait_variation**2,
        balancing=per_request,
    )


def build_serving(scenario: Scenario, names: Names, physics: Physics) -> Serving:
    """Curves of every timed workload; lowers the capacity of pods whose places are few, and sets their queues."""
    timed = timed_workloads(scenario)
    rows = {name: w for w, name in enumerate(names.workloads)}
    row = np.full(max(1, len(rows)), -1, np.int64)
    count = len(timed)
    curve, constant = np.zeros((count, 2), np.int64), np.zeros((count, 6))
    stream = np.zeros((count, 3))
    first: dict[Station, tuple[int, int]] = {}
    parts: list[Curves] = []
    length = 0
    for at, (key, model) in enumerate(timed.items()):
        w = rows[key]
        row[w] = at
        station = station_of(scenario, key, model, physics.load[w])
        if station not in first:
            found = curves_of(station)
            first[station] = (length, found.mean_s.shape[0])
            length += found.mean_s.shape[0]
            parts.append(found)
        curve[at] = first[station]
        physics.load[w, L_CAP] = min(float(physics.load[w, L_CAP]), station.capacity_rps)
        physics.limits[w, 3] = 1e15 if model.queue is None else float(model.queue)
        constant[at, K_BASE] = station.service_s + station.wait_s
        constant[at, K_CAP] = physics.load[w, L_CAP]
        constant[at, K_SLOTS], constant[at, K_SCV], constant[at, K_SERVICE] = (
            station.slots,
            station.scv,
            station.service_s,
        )
        stream[at, S_POOLED] = POOLED[station.balancing]
        constant[at, K_THIRD] = station.service.moment(3) / (station.service.moment(1) * station.service.moment(2))
    return Serving(
        row=row,
        workload=array([rows[key] for key in timed]),
        curve=curve,
        constant=constant,
        state=np.zeros((count, 10)),
        cdf=np.concatenate([np.zeros((0, KNOTS, BINS)), *(part.cdf for part in parts)]),
        mean_s=np.concatenate([np.zeros((0, KNOTS)), *(part.mean_s for part in parts)]),
        excess=np.concatenate([np.zeros((0, KNOTS)), *(part.excess for part in parts)]),
        spread=np.concatenate([np.zeros((0, KNOTS)), *(part.spread for part in parts)]),
        edges_s=edges_s(),
        stream=stream,
        weights=np.zeros((count, MOST_ROWS * KNOTS)),
        histogram=np.zeros((count, BINS + 1)),
    )


def sum_offsets() -> F64:
    """[BINS, 2]: bins by which a sum of two times exceeds the larger, by their distance, and the share of the next."""
    smaller = np.exp(-STEP * np.arange(BINS))
    bins = np.floor(np.log1p(smaller) / STEP)
    up = ((1.0 + smaller) / np.exp(STEP * bins) - 1.0) / (math.exp(STEP) - 1.0)
    return np.stack([bins, np.clip(up, 0.0, 1.0)], axis=1)


def build_calls(scenario: Scenario, names: Names, traffic: Traffic, samples: int) -> Calls:
    """The call graph over the sources of ``traffic``, journeys and objectives; the flow of the start is in it."""
    listed = graph_services(scenario)
    source = {name: v for v, name in enumerate(names.sources)}
    edges = [edge for name in names.sources for edge in edges_of(scenario.services) if edge.caller == name]
    level = levels(scenario.services, edges)
    count = max(1, traffic.start.shape[0] - 1)
    depth = max((level[name] for name in listed), default=-1) + 1
    into = [[e for e, edge in enumerate(edges) if edge.callee == name] for name in names.sources]
    visits = [visit for journey in scenario.journeys.values() for visit in journey]
    journey = {name: j for j, name in enumerate(scenario.journeys)}
    names.services = listed
    rows = len(listed) + len(journey) + len(scenario.slos)
    calls = Calls(
        order=array([source[name] for name in listed]),
        level_start=offsets(sum(1 for name in listed if level[name] == d) for d in range(depth)),
        out_start=offsets(sum(1 for e in edges if e.caller == name) for name in _padded(names.sources, count)),
        in_start=offsets([*map(len, into), *[0] * (count - len(into))]),
        in_edge=array([e for found in into for e in found]),
        edge=np.array([edge_row(e, source, names.routes) for e in edges], np.int64).reshape(-1, E_COLUMNS),
        setting=np.array([setting_row(e) for e in edges], np.float64).reshape(-1, 6),
        state=np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (len(edges), 1)),
        service=np.zeros((count, 7)),
        stream=np.zeros((count, 3)),
        call_scv=np.ones(len(edges)),
        account=np.zeros((count, 2)),
        due_ms=array([NEVER, 0]),
        total=np.zeros((count if listed else 1, BINS)),
        scratch=np.zeros((6, BINS)),
        offset=sum_offsets(),
        visit_start=offsets(len(v) for v in scenario.journeys.values()),
        visit=np.array([[source[v.service], v.requests] for v in visits], np.int64).reshape(-1, 2),
        slo=np.array(
            [[source.get(s.service or "", -1), journey.get(s.journey or "", -1)] for s in scenario.slos], np.int64
        ).reshape(-1, 2),
        slo_s=np.array([s.latency.below_ms / 1000.0 if s.latency else np.inf for s in scenario.slos], np.float64),
        out=np.zeros((samples, rows, OUT_COLUMNS)),
    )
    first_flow(calls, traffic)
    return calls


def first_flow(calls: Calls, traffic: Traffic) -> None:
    """What services send to each other at the first rates when all of it is served: the start is settled under this."""
    for e in np.flatnonzero(calls.edge[:, E_ROUTE] >= 0).tolist():
        part, whole = (traffic.rate[traffic.start[calls.edge[e, column]]] for column in (E_ROUTE, E_CALLER))
        calls.setting[e, [C_NUMBER, C_REPEAT]] = max(LEAST_NUMBER, part / whole) if whole > 0.0 else LEAST_NUMBER
    for v in calls.order.tolist():
        arriving = calls.in_edge[calls.in_start[v] : calls.in_start[v + 1]].tolist()
        sent = (calls.service[calls.edge[e, E_CALLER], F_PROCESSED] * calls.setting[e, C_NUMBER] for e in arriving)
        traffic.calls_rps[v] = sum(sent)
        calls.service[v, F_PROCESSED] = float(traffic.rate[traffic.start[v]]) + traffic.calls_rps[v]


def _padded(names: list[str], count: int) -> list[str]:
    return names + [""] * (count - len(names))


def edge_row(edge: Edge, source: dict[str, int], routes: dict[str, int]) -> list[int]:
    """The row of ``Calls.edge``."""
    call = edge.call
    ends = [source[edge.caller], source[edge.callee], edge.group, int(call.optional), int(call.recursive)]
    return [*ends, int(edge.one_of), routes[edge.callee] if call.ingress else -1]


def setting_row(edge: Edge) -> list[float]:
    """The row of ``Calls.setting``."""
    call = edge.call
    timeout_s = UNBOUNDED if call.timeout_ms is None else call.timeout_ms / 1000.0
    budget = UNBOUNDED if call.retry_budget is None else call.retry_budget
    number = call.per_request
    return [number * (1.0 - call.cache_hits), timeout_s, call.retries, budget, call.backoff_ms / 1000.0, number]


def build_connections(scenario: Scenario, names: Names, physics: Physics, samples: int) -> Connections:
    """Workloads whose requests stay on connections, none of them open yet."""
    timed = timed_workloads(scenario)
    row = np.full(max(1, len(names.workloads)), -1, np.int64)
    found: dict[str, ServiceSpec] = {}
    for spec in scenario.services.values():
        if spec.balancing.policy == "connection":
            found.update({key: spec for key in spec.workloads if key in timed})
    workload = [names.workloads.index(key) for key in found]
    for i, w in enumerate(workload):
        row[w] = i
        physics.limits[w, 1] = BY_CONNECTION
    start = offsets(spec.balancing.connections for spec in found.values())
    lives = [spec.balancing.connection_lifetime_ms for spec in found.values()]
    turn_ms = min(max(min(lives, default=NEVER) // 20, SHORTEST_TURN_MS), LONGEST_TURN_MS)
    waiting = [
        [spec.balancing.connection_lifetime_ms, spec.request_timeout_ms / 1000.0, float(physics.limits[w, 3])]
        for spec, w in zip(found.values(), workload, strict=True)
    ]
    return Connections(
        row=row,
        workload=array(workload),
        setting=np.array(waiting, np.float64).reshape(-1, 3),
        start=start,
        pod=np.full(int(start[-1]), -1, np.int64),
        uid=np.full(int(start[-1]), -1, np.int64),
        due_ms=array([turn_ms if found else NEVER, 0, turn_ms]),
        out=np.zeros((samples, len(found), B_COLUMNS)),
    )
