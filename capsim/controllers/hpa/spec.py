"""From HorizontalPodAutoscaler objects to the arrays that the kernels read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.controllers.hpa import tables as t
from capsim.controllers.hpa.defaults import NO_TARGET, full_spec, target_type_of
from capsim.controllers.hpa.releases import FIRST_TOLERANCE_FIELD, LATEST, rules_of
from capsim.units import cpu_milli, parse_quantity

Object = Mapping[str, Any]

SELECT = {"Max": t.SELECT_MAX, "Min": t.SELECT_MIN, "Disabled": t.SELECT_DISABLED}
POLICY = {"Pods": t.PODS_POLICY, "Percent": t.PERCENT_POLICY}
KINDS = {
    ("Resource", "Utilization"): t.RESOURCE_UTILIZATION,
    ("Resource", "AverageValue"): t.RESOURCE_AVERAGE,
    ("ContainerResource", "Utilization"): t.CONTAINER_UTILIZATION,
    ("ContainerResource", "AverageValue"): t.CONTAINER_AVERAGE,
    ("Pods", "AverageValue"): t.PODS_AVERAGE,
    ("Object", "Value"): t.OBJECT_VALUE,
    ("Object", "AverageValue"): t.OBJECT_AVERAGE,
    ("External", "Value"): t.EXTERNAL_VALUE,
    ("External", "AverageValue"): t.EXTERNAL_AVERAGE,
}
SOURCES = {source for source, _ in KINDS}
RESOURCES = {"cpu": t.RESOURCE_CPU, "memory": t.RESOURCE_MEMORY}


@dataclass(frozen=True)
class ControllerSettings:
    """Flags and feature gates of kube-controller-manager that reach the HPA controller; upstream's defaults."""

    sync_period_ms: int = 15_000
    tolerance_ratio: float = 0.1
    downscale_stabilization_ms: int = 300_000
    cpu_initialization_ms: int = 300_000
    initial_readiness_delay_ms: int = 30_000
    scale_to_zero: bool = False
    configurable_tolerance: bool = True
    scale_up_limit_factor: int = 2
    scale_up_limit_floor: int = 4
    release: tuple[int, int] = LATEST


def compile_specs(
    hpas: Sequence[Object],
    settings: ControllerSettings | None = None,
    container_index: Callable[[int, str], int] | None = None,
) -> t.HpaSpecs:
    """Arrays of the given HPAs (objects or bare v2 specs, defaults need not be filled in).

    ``container_index(hpa, container name)`` gives the column M_CONTAINER of ContainerResource metrics (-1 without it).
    Raises ValueError with what is wrong and what is allowed.
    """
    settings = settings or ControllerSettings()
    rows = np.zeros((len(hpas), t.SPEC_COLUMNS), np.int64)
    tolerance = np.full((len(hpas), 2), settings.tolerance_ratio, np.float64)
    policies: list[tuple[int, int, int]] = []
    metrics: list[tuple[int, int, int, int]] = []
    for h, hpa in enumerate(hpas):
        spec = full_spec(hpa)
        _fill_row(rows[h], spec, settings)
        _fill_behavior(rows[h], tolerance[h], policies, spec.get("behavior"), settings)
        rows[h, t.S_METRIC_FIRST] = len(metrics)
        for metric in spec["metrics"]:
            name = _container(metric)
            container = container_index(h, name) if container_index and name is not None else -1
            metrics.append((*compile_metric(metric), container))
        rows[h, t.S_METRIC_END] = len(metrics)
    return t.HpaSpecs(
        rows,
        tolerance,
        np.array(policies, np.int64).reshape(-1, 3),
        np.array(metrics, np.int64).reshape(-1, t.METRIC_COLUMNS),
    )


def _fill_row(row: Any, spec: Object, settings: ControllerSettings) -> None:
    lowest, highest = int(spec["minReplicas"]), int(spec["maxReplicas"])
    if not 0 <= lowest <= highest or highest < 1:
        raise ValueError(f"minReplicas {lowest}, maxReplicas {highest}; allowed: 0 <= minReplicas <= maxReplicas >= 1")
    row[t.S_MIN], row[t.S_MAX] = lowest, highest
    row[t.S_DOWN_WINDOW_MS] = settings.downscale_stabilization_ms
    row[t.S_ZERO_GATE] = int(settings.scale_to_zero and settings.release >= LATEST)
    row[t.S_HAS_EXTERNAL] = int(any(metric["type"] in ("Object", "External") for metric in spec["metrics"]))
    row[t.S_CPU_INIT_MS] = settings.cpu_initialization_ms
    row[t.S_READY_DELAY_MS] = settings.initial_readiness_delay_ms
    row[t.S_LIMIT_FACTOR] = settings.scale_up_limit_factor
    row[t.S_LIMIT_FLOOR] = settings.scale_up_limit_floor
    row[t.S_RULES] = rules_of(settings.release)


def _fill_behavior(
    row: Any, tolerance: Any, policies: list[Any], behavior: Object | None, settings: ControllerSettings
) -> None:
    if behavior is None:
        return
    row[t.S_BEHAVIOR] = 1
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    row[t.S_UP_WINDOW_MS] = up["stabilizationWindowSeconds"] * 1000
    # The controller works with whole seconds here.
    window_s = down.get("stabilizationWindowSeconds", settings.downscale_stabilization_ms // 1000)
    row[t.S_DOWN_WINDOW_MS] = window_s * 1000
    row[t.S_UP_SELECT], row[t.S_DOWN_SELECT] = _select(up), _select(down)
    row[t.S_UP_FIRST], row[t.S_UP_END], row[t.S_UP_LONGEST_MS] = _add_policies(policies, up["policies"])
    row[t.S_DOWN_FIRST], row[t.S_DOWN_END], row[t.S_DOWN_LONGEST_MS] = _add_policies(policies, down["policies"])
    if settings.configurable_tolerance and settings.release >= FIRST_TOLERANCE_FIELD:
        if up.get("tolerance") is not None:
            tolerance[t.TOLERANCE_UP] = quantity_float(up["tolerance"])
        if down.get("tolerance") is not None:
            tolerance[t.TOLERANCE_DOWN] = quantity_float(down["tolerance"])


def _select(rules: Object) -> int:
    name = rules["selectPolicy"]
    if name not in SELECT:
        raise ValueError(f"selectPolicy {name}; allowed: {', '.join(SELECT)}")
    return SELECT[name]


def _add_policies(policies: list[Any], rules: Sequence[Object]) -> tuple[int, int, int]:
    first = len(policies)
    for policy in rules:
        if policy["type"] not in POLICY:
            raise ValueError(f"policy type {policy['type']}; allowed: {', '.join(POLICY)}")
        policies.append((POLICY[policy["type"]], int(policy["value"]), int(policy["periodSeconds"]) * 1000))
    return first, len(policies), max((period_ms for _, _, period_ms in policies[first:]), default=0)


def compile_metric(metric: Object) -> tuple[int, int, int]:
    """(kind, resource, target) of one v2 metric spec; raises ValueError with what is allowed.

    A type that the controller does not know becomes UNKNOWN_SOURCE, a metric without a target has target 0: they fail
    at every sync, as upstream's do.
    """
    source_type = metric["type"]
    if source_type not in SOURCES:
        return t.UNKNOWN_SOURCE, t.RESOURCE_NONE, 1
    source = metric.get(source_type[:1].lower() + source_type[1:])
    if source is None:
        raise ValueError(f"metric of type {source_type} without its source")
    target = source.get("target") or {}
    target_type = target_type_of(source_type, target)
    if target_type == NO_TARGET:
        return KINDS[source_type, "AverageValue"], _resource(source_type, source), 0
    kind = KINDS.get((source_type, target_type))
    if kind is None:
        allowed = ", ".join(f"{source} {target}" for source, target in KINDS)
        raise ValueError(f"metric {source_type} with target type {target_type}; allowed: {allowed}")
    if target_type == "Utilization":
        number = int(target["averageUtilization"])
    else:
        number = cpu_milli(target["averageValue" if target_type == "AverageValue" else "value"])
    if number <= 0:
        raise ValueError(f"metric {source_type} with target {number}; allowed: above 0")
    return kind, _resource(source_type, source), number


def _resource(source_type: str, source: Object) -> int:
    return RESOURCES.get(source["name"], t.RESOURCE_OTHER) if source_type.endswith("Resource") else t.RESOURCE_NONE


def _container(metric: Object) -> str | None:
    return metric["containerResource"].get("container") if metric["type"] == "ContainerResource" else None


def quantity_float(text: str | float) -> float:
    """A quantity as upstream's ``AsApproximateFloat64`` has it: ``300m``, the form in which the API server stores 0.3,
    is 300 times a thousandth."""
    number = parse_quantity(text).normalize()
    exponent = int(number.as_tuple().exponent) // 3 * 3
    return float(int(number.scaleb(-exponent))) * float(f"1e{exponent}")


def log_capacity(specs: t.HpaSpecs, sync_period_ms: int) -> int:
    """Runs that the longest window can hold when every sync recommends something else."""
    windows_ms = specs.row[:, (t.S_UP_WINDOW_MS, t.S_DOWN_WINDOW_MS)]
    longest_ms = int(windows_ms.max()) if len(windows_ms) else 0
    return longest_ms // max(sync_period_ms, 1) + 4


def event_capacity(specs: t.HpaSpecs, column: int, sync_period_ms: int) -> int:
    """Scale events of one direction (column S_UP_LONGEST_MS or S_DOWN_LONGEST_MS) that can be alive at once."""
    longest_ms = int(specs.row[:, column].max()) if len(specs.row) else 0
    return longest_ms // max(sync_period_ms, 1) + 2


def new_state(specs: t.HpaSpecs, sync_period_ms: int = 15_000) -> t.HpaState:
    """State of HPAs that have not synced yet; ``sync_period_ms``: the shortest time between two syncs of one HPA."""
    count = len(specs.row)
    row = np.zeros((count, t.STATE_COLUMNS), np.int64)
    row[:, (t.R_LAST_SCALE_MS, t.R_RECOMMENDATION, t.R_STABILIZED, t.R_METRIC, t.R_FIRST_INVALID)] = -1
    up = event_capacity(specs, t.S_UP_LONGEST_MS, sync_period_ms)
    down = event_capacity(specs, t.S_DOWN_LONGEST_MS, sync_period_ms)
    return t.HpaState(
        row=row,
        log=np.zeros((count, log_capacity(specs, sync_period_ms), 3), np.int64),
        up=np.zeros((count, up, 2), np.int64),
        down=np.zeros((count, down, 2), np.int64),
        metric=np.zeros((len(specs.metric), t.PROPOSAL_COLUMNS), np.int64),
        gathered=np.zeros(t.GATHERED_CELLS, np.int64),
    )


def carry_over(state: t.HpaState, specs: t.HpaSpecs, sync_period_ms: int = 15_000) -> t.HpaState:
    """The state of the same HPAs under new specs: logs, events and status stay, capacities follow the specs.

    An entry that a longer window would still count, but that had expired under the old one, is gone.
    """
    fresh = new_state(specs, sync_period_ms)
    fresh.row[:] = state.row
    for h, row in enumerate(state.row):
        fresh.row[h, t.R_LOG_FIRST] = 0
        length = min(int(row[t.R_LOG_LENGTH]), fresh.log.shape[1])
        skipped = int(row[t.R_LOG_LENGTH]) - length
        slots = (row[t.R_LOG_FIRST] + skipped + np.arange(length)) % state.log.shape[1]
        fresh.log[h, :length] = state.log[h, slots]
        fresh.row[h, t.R_LOG_LENGTH] = length
    if len(state.metric) == len(fresh.metric):
        fresh.metric[:] = state.metric
    return fresh._replace(up=_widened(state.up, fresh.up), down=_widened(state.down, fresh.down))


def _widened(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.int64]:
    """Events keep their slots; a table never shrinks."""
    if old.shape[1] >= new.shape[1]:
        return old.copy()
    new[:, : old.shape[1]] = old
    return new
