"""Request rates and replayed usage as change points."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from capsim.engine.build.cluster import array
from capsim.engine.build.entries import passed_on, routers, with_routes
from capsim.engine.build.names import Names
from capsim.scenario.call_graph import edges_of
from capsim.scenario.metrics import asked_for
from capsim.scenario.scenario import Scenario
from capsim.scenario.series import ConstantSeries, Origin, Series
from capsim.state.tables import F64, I64, Traffic

Source = tuple[Series, str, list[int], int]
"""A series, the name that its noise goes by, the workloads behind it, and 1 when its values are bytes per pod."""
SILENT = ConstantSeries.model_validate({"constant": 0.0})


def sources(scenario: Scenario, names: Names) -> list[Source]:
    """Every series of the scenario, traffic first."""
    row = {name: w for w, name in enumerate(names.workloads)}
    found: list[Source] = []
    routed = routers(scenario)
    for service, series in scenario.traffic.items():
        names.service_rows[service] = len(found)
        own = SILENT if service in routed else series
        found.append((own, service, [row[key] for key in scenario.services[service].workloads], 0))
    for service in called_only(scenario):
        if service in routed.values():
            names.service_rows[service] = len(found)
        behind = [row[key] for key in scenario.services[service].workloads]
        found.append((SILENT, service, behind, 0))
    names.sources = [name for _, name, _, _ in found]
    for key, usage in scenario.usage.items():
        if usage.cpu is not None:
            names.usage |= {row[key], *names.rows(row[key])}
            found.append((usage.cpu, f"{key} cpu", names.rows(row[key]), 0))
        if usage.memory is not None:
            found.append((usage.memory, f"{key} memory", names.rows(row[key]), 1))
    for service in sorted(measured_services(scenario) - set(names.service_rows)):
        names.service_rows[service] = len(found)
        found.append((SILENT, service, [row[key] for key in scenario.services[service].workloads], 0))
    for name, spec in scenario.metrics.items():
        if spec.series is not None:
            names.metric_rows[name] = len(found)
            found.append((spec.series, f"metric {name}", [], 0))
    for service in routed:
        names.routes[service] = len(found)
        found.append((scenario.traffic[service], service, [], 0))
    return found


def measured_services(scenario: Scenario) -> set[str]:
    """Services that custom or external metrics look at."""
    return {source.service for source in asked_for(scenario) if source.service is not None}


def called_only(scenario: Scenario) -> list[str]:
    """Services without traffic of their own that calls, journeys or SLOs name."""
    asked = {edge.callee for edge in edges_of(scenario.services)} | {slo.service for slo in scenario.slos}
    asked |= {visit.service for visits in scenario.journeys.values() for visit in visits}
    asked |= {name for name, spec in scenario.services.items() if spec.calls}
    return [name for name in scenario.services if name in asked and name not in scenario.traffic]


def offsets(counts: Iterable[int]) -> I64:
    """CSR offsets of lists of the given lengths."""
    return np.concatenate([[0], np.cumsum(list(counts), dtype=np.int64)]).astype(np.int64)


def build_traffic(scenario: Scenario, names: Names) -> Traffic:
    """All sources of the run; a source without workloads behind it is kept, so that its rate is seen to reach
    nobody."""
    found = sources(scenario, names)
    times: list[I64] = []
    rates: list[F64] = []
    start_ms = round(scenario.start.timestamp() * 1000)
    let_in = passed_on(scenario, names)
    own = with_routes(scenario, names, let_in)
    known = {names.service_rows[service]: points for service, points in own.items()}
    known |= {row: let_in[service] for service, row in names.routes.items()}
    for v, (series, name, _, _) in enumerate(found):
        t, r = known[v] if v in known else series.points(scenario.duration_ms, Origin(name, scenario.seed, start_ms))
        times.append(t)
        rates.append(r)
    names.source_start = offsets(len(points) for points in times).tolist()
    behind = [edges for _, _, edges, _ in found]
    feeding: list[list[int]] = [[] for _ in names.workloads]
    for v, (_, _, edges, is_memory) in enumerate(found):
        for w in edges:
            if not is_memory:
                feeding[w].append(v)
    return Traffic(
        start=offsets(len(t) for t in times),
        time_ms=np.concatenate([*times, np.zeros(1, np.int64)]),
        rate=np.concatenate([*rates, np.zeros(1)]),
        cursor=np.zeros(max(1, len(found)), np.int64),
        edge_start=offsets(len(edges) for edges in behind),
        edge_workload=array([w for edges in behind for w in edges] or [0]),
        source_start=offsets(len(v) for v in feeding),
        source=array([v for vs in feeding for v in vs] or [0]),
        calls_rps=np.zeros(max(1, len(found))),
        is_memory=array([m for _, _, _, m in found] or [0]),
    )
