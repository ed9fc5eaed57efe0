"""Recorded metrics as the demand that they show: of all pods together, at each time of the recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.controllers.hpa.messages import source as source_of
from capsim.controllers.hpa.requests import request_milli
from capsim.errors import Problem, ScenarioError
from capsim.scenario.kubernetes.pod import PodTemplate
from capsim.study.hpa_replay.columns import COUNTER_NAME, ColumnChoice, Unit, unit_of
from capsim.study.hpa_replay.loop import ABSENT
from capsim.study.hpa_replay.pods import limit_milli
from capsim.study.hpa_replay.question import metric_key
from capsim.study.hpa_replay.source import Rows, read_rows
from capsim.units import format_milli

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
CENSORED_RATIO = 0.95
"""A pod that uses this part of its CPU limit is at it: kubelet samples of a throttled pod stay a little below."""
MOST_RATIO = 2.0
"""More than this part of the CPU limit cannot be: the unit is wrong."""
LARGEST_MILLI = 2.0**53
UNKNOWN = "unknown"
OF_PODS = ("Resource", "ContainerResource", "Pods")
"""Types of metrics that each pod has a value of."""


@dataclass(frozen=True)
class PodMetric:
    """What one metric of the HPA means for one pod; milli-units (milli-cores, milli-bytes)."""

    key: str
    resource: str
    request_milli: int
    limit_milli: int
    shared: bool
    """Pods share the demand; otherwise the value is one of the whole service (Object and External metrics)."""


@dataclass(frozen=True)
class Recording:
    """Demand over time. Times are ms since the first row, which is at ``start_ms`` (since 1970 if ``is_clock``)."""

    file: str
    times_ms: I64
    """[rows + 1]: starts of the rows and the end of the last one."""
    demand_milli: I64
    """[metrics, rows]: of all pods together; ABSENT where there is no value."""
    replicas: F64 | None
    """[rows]: recorded ready pods; None: unknown."""
    censored: NDArray[np.bool_]
    """[rows]: the recorded pods sat at their CPU limit, so that the demand is a lower bound."""
    metrics: list[PodMetric]
    start_ms: int = 0
    is_clock: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class MetricsFile:
    """The options of how a recording is read."""

    path: str
    choices: dict[str, ColumnChoice]
    replicas: str | None = None
    time: str | None = None
    service_column: str | None = None
    service: str | None = None
    gaps: str = "refuse"
    interval_ms: int | None = None
    zone: str = "UTC"
    time_unit_ms: int | None = None


def pod_metrics(metrics: Sequence[Any], template: PodTemplate) -> list[PodMetric]:
    """What each metric of an HPA means for one of its pods."""
    found = []
    for metric in metrics:
        about, kind = source_of(metric), metric["type"]
        resource = str(about["name"]) if "name" in about else ""
        container = about.get("container")
        request = request_milli(template, resource, container) if resource else 0
        limit = limit_milli(template, resource, container) if resource == "cpu" else 0
        found.append(PodMetric(metric_key(metric), resource, request, limit, kind in OF_PODS))
    return found


def read_recording(options: MetricsFile, metrics: Sequence[PodMetric]) -> Recording:
    """Demand from a file. Raises ScenarioError with file, row, column, what was found and what is allowed."""
    chosen = {key: choice.column for key, choice in options.choices.items()}
    number, column = _replicas(options, metrics)
    rows = read_rows(options, chosen, column)
    replicas = np.full(len(rows.times_ms) - 1, number) if number is not None else rows.replicas
    notes = list(rows.notes)
    demand, censored = [], np.zeros(len(rows.times_ms) - 1, np.bool_)
    for metric in metrics:
        one, at_limit = _demand(options, metric, rows, replicas, notes)
        demand.append(one)
        censored |= at_limit
    return Recording(
        options.path,
        rows.times_ms,
        np.array(demand),
        replicas,
        censored,
        list(metrics),
        rows.start_ms,
        rows.is_clock,
        notes,
    )


def _replicas(options: MetricsFile, metrics: Sequence[PodMetric]) -> tuple[float | None, str | None]:
    """(number, column) that ``--replicas`` says; refused when it says nothing."""
    text = options.replicas
    per_pod = [one.key for one in metrics if one.shared and options.choices[one.key].per != "total"]
    if text is None or (text == UNKNOWN and per_pod):
        message = "recorded replica counts are needed: demand is usage per pod times ready pods"
        allowed = "a number or the name of a column; unknown with --per total"
        raise ScenarioError(Problem(message, options.path, key="--replicas", found=text or "nothing", allowed=allowed))
    if text == UNKNOWN:
        return None, None
    try:
        number = float(text)
    except ValueError:
        return None, text
    if not (np.isfinite(number) and number >= 1 and number == int(number)):
        raise ScenarioError(Problem("not a number of pods", key="--replicas", found=repr(text), allowed="1, 2, 3 …"))
    return number, None


def _demand(
    options: MetricsFile, metric: PodMetric, rows: Rows, replicas: F64 | None, notes: list[str]
) -> tuple[I64, NDArray[np.bool_]]:
    """Demand of one metric in milli-units, and where pods sat at their limit."""
    count = len(rows.times_ms) - 1
    nowhere = np.zeros(count, np.bool_)
    values = rows.values.get(metric.key)
    if values is None:
        return np.full(count, ABSENT, np.int64), nowhere
    choice = options.choices[metric.key]
    unit = unit_of(choice.unit or "1", metric.key, metric.request_milli, metric.limit_milli)
    amounts = _rates(values, rows, unit, choice, metric, options, notes) * unit.milli
    if not metric.shared and choice.per == "pod":
        found, allowed = "an Object or External metric", "total: its value is that of the whole service"
        raise ScenarioError(Problem("no metric of pods", key=f"--per {metric.key}", found=found, allowed=allowed))
    per_pod = metric.shared and choice.per != "total"
    each = amounts if per_pod else amounts / np.maximum(replicas, 1) if replicas is not None else None
    total = amounts * replicas if per_pod and replicas is not None else amounts
    if per_pod and replicas is not None:
        _check_pods(options, metric, rows, amounts, replicas)
    _check_sizes(options, metric, rows, total, each if per_pod else None)
    censored = nowhere
    if metric.limit_milli and each is not None:
        censored = np.nan_to_num(each) >= CENSORED_RATIO * metric.limit_milli
    absent = np.isnan(total)
    return np.where(absent, ABSENT, np.rint(np.nan_to_num(total))).astype(np.int64), censored


def _rates(
    values: F64, rows: Rows, unit: Unit, choice: ColumnChoice, metric: PodMetric, options: MetricsFile, notes: list[str]
) -> F64:
    """Values per second of counts and counters; levels as they are."""
    column = rows.columns[metric.key]
    if unit.kind == "requests":
        return values * 1000.0 / np.diff(rows.times_ms) if not rows.even else values * 1000.0 / rows.interval_ms
    if unit.kind == "level":
        if COUNTER_NAME.search(column) or _only_rises(values):
            message = f"column {column!r} looks like a counter, a running total"
            found = f"{values[0]:g} … {values[-1]:g}, falling {int((np.diff(values) < 0).sum())} times"
            allowed = f"--unit {metric.key}=counter*… (increase per second), or --unit {metric.key}=1 if it is none"
            if not choice.unit:
                raise ScenarioError(
                    Problem(message, options.path, rows.first_line, f"--unit {metric.key}", found, allowed)
                )
        return values
    steps = np.diff(values)
    resets = np.flatnonzero(steps < 0)
    if len(resets):
        # As Prometheus' rate(): after a reset the counter began again at 0.
        lines = ", ".join(str(int(row) + 1 + rows.first_line) for row in resets[:5])
        notes.append(
            f"{len(resets)} counter resets in column {column!r}, lines {lines}{' …' if len(resets) > 5 else ''}"
        )
        steps = np.where(steps < 0, values[1:], steps)
    rates = steps * 1000.0 / np.diff(rows.times_ms[:-1])
    return np.append(rates, rates[-1] if len(rates) else 0.0)


def _only_rises(values: F64) -> bool:
    """Whether values never fall over many rows and grow in most of them: a level hardly does that."""
    steps = np.diff(values)
    return len(steps) >= 30 and bool((steps >= 0).all()) and int((steps > 0).sum()) * 2 > len(steps)


def _check_pods(options: MetricsFile, metric: PodMetric, rows: Rows, amounts: F64, replicas: F64) -> None:
    """Refuses usage per pod where there were no pods."""
    bad = np.flatnonzero((replicas <= 0) & (np.nan_to_num(amounts) > 0))
    if len(bad):
        message = f"usage per pod without pods, in {len(bad)} rows"
        column = f"column {rows.columns[metric.key]!r}"
        line = rows.line(int(bad[0]))
        raise ScenarioError(Problem(message, options.path, line, column, "0 replicas", "1 or more, or --per total"))


def _check_sizes(options: MetricsFile, metric: PodMetric, rows: Rows, total: F64, each: F64 | None) -> None:
    problems = []
    column = rows.columns[metric.key]
    if float(np.nanmax(total, initial=0.0)) > LARGEST_MILLI:
        found = f"{float(np.nanmax(total)) / 1000:.3g} in column {column!r}"
        problems.append(
            Problem("values too large, perhaps in another unit", options.path, None, column, found, "below 9e12")
        )
    limit = metric.limit_milli
    if each is not None and limit and (over := np.flatnonzero(np.nan_to_num(each) > MOST_RATIO * limit)).size:
        row = int(over[0])
        found = f"{format_milli(int(each[row]))} per pod where the limit is {format_milli(limit)}"
        message = f"usage far above the pod's CPU limit, in {len(over)} rows: perhaps another unit"
        allowed = f"--unit {metric.key}=…: {format_milli(int(MOST_RATIO * limit))} per pod at most"
        problems.append(Problem(message, options.path, rows.line(row), f"column {column!r}", found, allowed))
    if problems:
        raise ScenarioError(problems)
