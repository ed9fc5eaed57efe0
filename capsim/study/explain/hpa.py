"""Every sync of one HPA: what it was told, what it made of it, and why.

The run is repeated with every sync executed (``skip_syncs=False``), which gives the same bytes; the state is read after
the instant of each tick.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from capsim.controllers.hpa import codes as c
from capsim.controllers.hpa import messages
from capsim.controllers.hpa import tables as t
from capsim.engine.drive import Simulation
from capsim.engine.hpa_errors import ambiguous, metric_failure
from capsim.scenario.scenario import Scenario
from capsim.state.tables import P_HPA_PERIOD, POD_PENDING, POD_READY, POD_STARTING
from capsim.study.explain.subject import choose

UTILIZATION = (t.RESOURCE_UTILIZATION, t.CONTAINER_UTILIZATION)


@dataclass(frozen=True)
class MetricSeen:
    """One metric of a sync. ``value`` and ``target``: percent of the request, else milli-units (milli-bytes for
    memory); ``proposal`` is None where the metric could not be had, and ``error`` says why."""

    name: str
    is_percent: bool
    value: int | None
    target: int
    ratio: float | None
    proposal: int | None
    error: str


@dataclass(frozen=True)
class Sync:
    """One sync: ``current`` and ``desired`` replicas, and what they went through in between; None: not reached.

    ``counted``: how many pods counted for the last metric, were ``unready`` for it (pending, or Ready too short)
    or ``missing`` (without any sample); None where it is not known.
    """

    time_ms: int
    current: int
    ready: int
    waiting: int
    metrics: list[MetricSeen]
    counted: dict[str, int] | None
    recommended: int | None
    stabilized: int | None
    desired: int
    reason: str
    conditions: list[messages.Condition]

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {**asdict(self), "conditions": [condition._asdict() for condition in self.conditions]}


def explain_hpa(scenario: Scenario, name: str, reached_ms: int, at_ms: int | None = None) -> list[Sync]:
    """The syncs of HPA ``name`` up to ``reached_ms``; with ``at_ms`` only the last one at or before it.

    Raises ScenarioError when there is no such HPA.
    """
    key = choose("hpa", name, [hpa.key for hpa in scenario.objects.hpas])
    sim = Simulation(scenario, skip_syncs=False)
    h = sim.names.hpas.index(key)
    first, period = int(sim.state.hpas.phase_ms[h]), int(sim.state.clock.params[P_HPA_PERIOD])
    ticks = range(first, reached_ms + 1, period)
    if at_ms is not None:
        ticks = ticks[:0] if at_ms < first else ticks[: (at_ms - first) // period + 1][-1:]
    return [sync_at(sim, h, tick) for tick in ticks]


def sync_at(sim: Simulation, h: int, tick_ms: int) -> Sync:
    """Advance to a tick and read what the sync left behind."""
    sim.advance(tick_ms)
    s, hpa = sim.state, sim.hpas[h]
    w = int(s.hpas.workload[h])
    row = [int(cell) for cell in s.hpa.row[h]]
    seen = [metric_seen(sim, h, m, metric) for m, metric in enumerate(hpa.metrics)] if gathered(row) else []
    refused = row[t.R_ACTIVE] == c.ACTIVE_AMBIGUOUS
    if refused:
        seen = []
    current = int(s.workloads.desired[w])
    failed = row[t.R_OUTCOME] in (c.FAILED_METRICS, c.FAILED_GET_SCALE)
    winner = row[t.R_METRIC]
    error = ambiguous(sim, h) if refused else next((metric.error for metric in seen if metric.error), "")
    conditions = messages.conditions(row, hpa.metrics, error)
    desired = current if failed or disabled(row) else row[t.R_DESIRED]
    return Sync(
        time_ms=tick_ms,
        current=current,
        ready=int(s.workloads.count[w, POD_READY]),
        waiting=int(s.workloads.count[w, POD_PENDING] + s.workloads.count[w, POD_STARTING]),
        metrics=seen,
        counted=pods_counted(sim, h, tick_ms) if seen and not error else None,
        recommended=known(row[t.R_RECOMMENDATION]),
        stabilized=known(row[t.R_STABILIZED]),
        desired=desired,
        reason=messages.rescale_reason(row[t.R_REASON], hpa.metrics[winner] if winner >= 0 else None),
        conditions=conditions,
    )


def pods_counted(sim: Simulation, h: int, tick_ms: int) -> dict[str, int] | None:
    """What the controller's scratch cells say of the last metric; None when another HPA's sync has overwritten them."""
    period, phases = int(sim.state.clock.params[P_HPA_PERIOD]), sim.state.hpas.phase_ms[: len(sim.names.hpas)].tolist()
    if any(other != h and (tick_ms - phase) % period == 0 for other, phase in enumerate(phases)):
        return None
    cells = sim.state.hpa.gathered
    columns = {"counted": t.G_READY, "unready": t.G_UNREADY, "missing": t.G_MISSING}
    return {name: int(cells[column]) for name, column in columns.items()}


def gathered(row: list[int]) -> bool:
    """Whether the sync asked for metrics: not when replicas were outside min and max, or zero."""
    outside = row[t.R_REASON] in (c.REASON_ABOVE_MAX, c.REASON_BELOW_MIN) and row[t.R_METRIC] < 0
    return not outside and not disabled(row)


def disabled(row: list[int]) -> bool:
    """Whether scaling is disabled, because the target has zero replicas."""
    return row[t.R_ACTIVE] == c.ACTIVE_DISABLED


def known(value: int) -> int | None:
    """-1 is None."""
    return None if value < 0 else value


def metric_seen(sim: Simulation, h: int, m: int, metric: messages.Metric) -> MetricSeen:
    """Value, target and proposal of metric ``m`` of the last sync."""
    specs, state = sim.state.specs, sim.state.hpa
    row = int(specs.row[h, t.S_METRIC_FIRST]) + m
    kind, target = int(specs.metric[row, t.M_KIND]), int(specs.metric[row, t.M_TARGET])
    replicas, value, percent, error = (int(cell) for cell in state.metric[row])
    is_percent = kind in UTILIZATION
    name = messages.metric_name(metric)
    if error != c.NO_ERROR:
        return MetricSeen(name, is_percent, None, target, None, None, metric_failure(sim, sim.hpas[h], h, m, error))
    used = percent if is_percent else value
    ratio = round(used / target, 4) if target else None
    return MetricSeen(name, is_percent, used, target, ratio, replicas, "")
