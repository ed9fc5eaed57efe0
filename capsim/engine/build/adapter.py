"""The metrics adapter and GitOps self-heal as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from capsim.engine.build.control import new_tree, phase_ms, set_leaf
from capsim.engine.build.names import Names
from capsim.engine.state import State
from capsim.scenario.metrics import Source, asked_for, source_of
from capsim.scenario.scenario import Scenario
from capsim.state import tables as t
from capsim.state import tables_adapter as a

if TYPE_CHECKING:
    from capsim.engine.drive import Simulation

MEASURES = {"rps": a.MEASURE_RPS, "inFlight": a.MEASURE_IN_FLIGHT, "backlog": a.MEASURE_BACKLOG}
LONG_MS = 3_600_000
"""So long counters of a settled start have run."""
Key: TypeAlias = tuple[str, int, int, int, int]
"""Name of the metric, measure, workload, traffic source, rate window: what two HPAs may share."""


def key_of(scenario: Scenario, names: Names, source: Source) -> Key:
    """The series behind a source."""
    spec = source.spec
    window = spec.rate_window_ms or scenario.control_plane.prometheus_adapter.rate_window_ms
    if spec.series is not None:
        return source.name, a.MEASURE_RECORDED, -1, names.metric_rows[source.name], window
    measure = MEASURES[spec.measures or "rps"]
    if source.workload is not None:
        return source.name, measure, names.workloads.index(source.workload), -1, window
    service = source.service or ""
    row = (
        names.routes.get(service, names.service_rows[service])
        if measure == a.MEASURE_RPS
        else names.service_rows[service]
    )
    return source.name, measure, -1, row, window


def build_adapter(scenario: Scenario, names: Names, pod_rows: int) -> a.Adapter:
    """Every series that an HPA of the scenario asks for, its scrapes at their phases, nothing scraped yet."""
    keys = names.series
    for source in asked_for(scenario):
        keys.setdefault(key_of(scenario, names, source), len(keys))
    prometheus, adapter = scenario.control_plane.prometheus, scenario.control_plane.prometheus_adapter
    interval, relist = prometheus.scrape_interval_ms, adapter.metrics_relist_interval_ms
    slots = max([2, *(window // interval + 2 for *_, window in keys)])
    series = np.zeros((len(keys), a.SERIES_COLUMNS), np.int64)
    due = new_tree(max(1, len(keys)))
    lanes: dict[int, int] = {}
    numbers = {name: i for i, name in enumerate(scenario.metrics)}
    for (name, measure, workload, source_row, window), s in keys.items():
        lane = lanes.get(workload, 0)
        lanes[workload] = lane + 1
        series[s, : a.A_TAKEN] = measure, workload, source_row, window, numbers[name], lane
        series[s, a.A_SEEN_MS] = -t.NEVER
        subject = names.workloads[workload] if workload >= 0 else str(source_row)
        set_leaf(due, s, phase_ms(scenario, "prometheus", interval, f"{name}/{subject}"))
        if source_row >= 0:
            series[s, a.A_CURSOR] = names.source_start[source_row]
    lanes.pop(-1, None)
    first_relist = phase_ms(scenario, "relist", relist) if keys else t.NEVER
    settings = [interval, prometheus.lookback_delta_ms, relist, adapter.metrics_max_age_ms or relist, first_relist]
    return a.Adapter(
        settings=np.array(settings, np.int64),
        due=due,
        series=series,
        total=np.zeros(len(keys)),
        time_ms=np.zeros((len(keys), slots), np.int64),
        value=np.zeros((len(keys), slots)),
        pods=np.zeros((pod_rows, max(lanes.values(), default=0) * slots)),
        metric=metric_rows(scenario, names),
    )


def metric_rows(scenario: Scenario, names: Names) -> t.I64:
    """The series behind each metric of the HPAs, -1: none; one more row, so that it is never empty."""
    found = (source_of(scenario.metrics, hpa, metric) for hpa in scenario.objects.hpas for metric in hpa.metrics)
    rows = [-1 if source is None else names.series[key_of(scenario, names, source)] for source in found]
    return np.array([*rows, -1], np.int64)


def settle_adapter(sim: Simulation) -> None:
    """A history of scrapes before the start, at the rates of the start: the metrics are listed and have a value."""
    s = sim.state
    interval = int(s.adapter.settings[a.A_INTERVAL_MS])
    slots = s.adapter.time_ms.shape[1]
    half = s.adapter.due.shape[0] // 2
    for row, series in enumerate(s.adapter.series):
        first = int(s.adapter.due[half + row])
        for taken in range(slots):
            at_ms = first - (slots - taken) * interval
            s.adapter.time_ms[row, taken] = at_ms
            if series[a.A_WORKLOAD] >= 0:
                settle_pods(s, series, taken, at_ms)
            else:
                s.adapter.value[row, taken] = settled_value(s, series, at_ms)
        series[a.A_TAKEN] = slots
        if series[a.A_SOURCE] >= 0 and series[a.A_MEASURE] == a.MEASURE_RPS:
            s.adapter.total[row] = settled_value(s, series, 0)
        seen = series[a.A_WORKLOAD] < 0 or s.workloads.count[series[a.A_WORKLOAD], t.POD_READY] > 0
        series[a.A_SEEN_MS] = first - interval if seen else -t.NEVER
        series[a.A_LISTED] = int(seen)


def settle_pods(s: State, series: t.I64, slot: int, at_ms: int) -> None:
    """What each Ready pod of a series' workload said at ``at_ms``; counters are 0 at time 0."""
    w, measure = int(series[a.A_WORKLOAD]), series[a.A_MEASURE]
    column = int(series[a.A_LANE]) * s.adapter.time_ms.shape[1] + slot
    mine = (s.pods.workload == w) | (s.workloads.deployment[s.pods.workload] == w)
    ready = np.flatnonzero((s.pods.state == t.POD_READY) & mine)
    row = s.pods.workload[ready]
    rate = np.where(s.usage.own[ready] == 1, s.usage.rate_rps[ready], s.physics.pod_rps[row])
    if measure == a.MEASURE_RPS:
        s.adapter.pods[ready, column] = rate * at_ms / 1000.0
    elif measure == a.MEASURE_IN_FLIGHT:
        s.adapter.pods[ready, column] = rate * s.physics.load[row, t.L_SECONDS]


def settled_value(s: State, series: t.I64, at_ms: int) -> float:
    """What a series that is not per pod was at ``at_ms``."""
    v, measure = int(series[a.A_SOURCE]), series[a.A_MEASURE]
    rate = float(s.traffic.rate[s.traffic.cursor[v]])
    if measure == a.MEASURE_RECORDED:
        return rate
    if measure == a.MEASURE_RPS:
        return rate * (at_ms + LONG_MS) / 1000.0
    behind = s.traffic.edge_workload[s.traffic.edge_start[v] : s.traffic.edge_start[v + 1]]
    serving = s.physics.served_rps[behind] * s.physics.load[behind, t.L_SECONDS]
    return float(serving.sum()) if measure == a.MEASURE_IN_FLIGHT else 0.0


def build_self_heal(scenario: Scenario, names: Names) -> a.SelfHeal:
    """Who is healed, and how fast."""
    argo = scenario.control_plane.argo_cd
    row = np.tile(np.array([-1, t.NEVER, -1, 0, 0], np.int64), (max(1, len(names.workloads)), 1))
    declared = {workload.key: workload.replicas for workload in scenario.objects.workloads}
    for entry in scenario.self_heal:
        row[names.workloads.index(entry.target), a.H_GIT] = (
            declared[entry.target] if entry.replicas is None else entry.replicas
        )
    settings = [
        argo.self_heal_backoff_timeout_ms,
        round(argo.self_heal_backoff_factor * 1000),
        argo.self_heal_backoff_cap_ms,
        argo.self_heal_backoff_cooldown_ms,
        argo.refresh_ms,
    ]
    return a.SelfHeal(np.array(settings, np.int64), np.full(1, t.NEVER, np.int64), row)
