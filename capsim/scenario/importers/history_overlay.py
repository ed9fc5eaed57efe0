"""Recorded usage as an overlay of a scenario: traffic where requests are known, else the use that was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from capsim.errors import OutputError
from capsim.scenario.importers.behaviour import Cost, cost_of
from capsim.scenario.importers.findings import Log
from capsim.scenario.importers.history import History
from capsim.scenario.importers.write import inline
from capsim.scenario.scenario import Scenario
from capsim.units import format_duration

if TYPE_CHECKING:
    import pandas as pd

FOLDER, OVERLAY = "history", "history.yaml"


def write_history(history: History, scenario: Scenario, folder: Path, log: Log) -> list[Path]:
    """Writes history.yaml and the series that it refers to, beside the scenario. Raises OutputError."""
    parts = _overlay(history, scenario, log)
    try:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        paths = []
        for metric, frame in history.frames.items():
            path = folder / FOLDER / f"{metric}.csv"
            frame.to_csv(path, date_format="%Y-%m-%dT%H:%M:%SZ", float_format="%.9g", index_label="time")
            paths.append(path)
        overlay = folder / OVERLAY
        overlay.write_text("".join(parts), encoding="utf-8")
    except OSError as problem:
        raise OutputError(f"cannot write {folder}: {problem.strerror or problem}") from problem
    return [overlay, *paths]


def _overlay(history: History, scenario: Scenario, log: Log) -> list[str]:
    frames = history.frames
    start = min(frame.index.min() for frame in frames.values())
    end = max(frame.index.max() + _step(frame) for frame in frames.values())
    parts = [
        "# Recorded usage and traffic; written by capsim import history.\n"
        f"start: {start.strftime('%Y-%m-%dT%H:%M:%SZ')}\n"
        f"duration: {format_duration(int((end - start).total_seconds() * 1000))}\n"
    ]
    with_requests = [key for key in (frames["rps"].columns if "rps" in frames else []) if _serves(key, scenario)]
    costs = {key: _cost(history, key, scenario, log) for key in with_requests}
    replayed = {key: cost for key, cost in costs.items() if cost is not None or "cpu" not in frames}
    parts += _traffic(list(replayed), scenario)
    parts += _behaviour({key: cost for key, cost in replayed.items() if cost is not None}, scenario)
    parts += _usage(history, set(replayed), scenario)
    return parts


def _step(frame: pd.DataFrame) -> Any:
    import pandas as pd

    steps = frame.index.to_series().diff().dropna()
    return steps.median() if len(steps) else pd.Timedelta(minutes=1)


def _serves(key: str, scenario: Scenario) -> bool:
    return scenario.objects.workload(key).kind != "DaemonSet"


def _cost(history: History, key: str, scenario: Scenario, log: Log) -> Cost | None:
    cpu, rps = history.frames.get("cpu"), history.frames["rps"]
    if cpu is None or key not in cpu.columns:
        return None
    found = cost_of(cpu[key].reindex(rps.index, method="nearest"), rps[key])
    if found is None:
        return None
    source = "least squares over recorded CPU and requests"
    if found.explained_ratio:
        log.guess(
            f"CPU per request of workloads ({found.explained_ratio:.0%} of the variance explained)", source, "likely"
        )
    else:
        better = "a longer record, over which the traffic changes"
        log.guess("CPU per request of workloads: mean CPU over mean requests, idle 0", source, "a guess", better)
    return found


def _traffic(keys: list[str], scenario: Scenario) -> list[str]:
    if not keys:
        return []
    services, traffic = ["services:\n"], ["traffic:\n"]
    for key in keys:
        name = _service(key, scenario)
        services.append(f"  {inline(name)}: {{workloads: [{inline(key)}]}}\n")
        series = {"file": f"{FOLDER}/rps.csv", "column": key, "unit": "rps", "gaps": "hold"}
        traffic.append(f"  {inline(name)}: {inline(series)}\n")
    return [*services, *traffic]


def _service(key: str, scenario: Scenario) -> str:
    """The Service that only this workload answers to, else one of the workload's name."""
    namespace, _, name = key.split("/")
    labels = scenario.objects.workload(key).template.labels
    for service in scenario.objects.services:
        if service.namespace == namespace and service.selector and service.selector.items() <= labels.items():
            served = [
                w for w in scenario.objects.workloads
                if w.namespace == namespace and service.selector.items() <= w.template.labels.items()
            ]  # fmt: skip
            if len(served) == 1:
                return service.key
    return f"{namespace}/{name}"


def _behaviour(costs: dict[str, Cost], scenario: Scenario) -> list[str]:
    if not costs:
        return []
    parts = ["workloads:\n"]
    for key, cost in costs.items():
        workload = scenario.objects.workload(key)
        container = max(workload.template.containers, key=lambda c: c.requests.get("cpu", 0)).name
        idle = cost.idle_milli / max(1, workload.replicas)
        values = {"cpuPerRequest": f"{cost.per_request_milli:.6g}m", "idleCpu": f"{idle:.6g}m"}
        told = f"  # R² {cost.explained_ratio:.2f}" if cost.explained_ratio else "  # mean CPU / mean requests"
        parts.append(f"  {inline(key)}: {{containers: {{{inline(container)}: {inline(values)}}}}}{told}\n")
    return parts


def _usage(history: History, with_traffic: set[str], scenario: Scenario) -> list[str]:
    entries: dict[str, Any] = {}
    for key in with_traffic & set(scenario.usage):
        entries[key] = None  # traffic says it now
    for metric in ("cpu", "memory"):
        for key in history.frames[metric].columns if metric in history.frames else ():
            if metric == "cpu" and key in with_traffic:
                continue
            series = {"file": f"{FOLDER}/{metric}.csv", "column": key, "unit": "value", "gaps": "hold"}
            entries[key] = {**(entries.get(key) or {}), metric: series}
            if key in with_traffic and key in scenario.usage:
                entries[key]["cpu"] = None
    if not entries:
        return []
    return ["usage:\n", *(f"  {inline(key)}: {inline(value)}\n" for key, value in sorted(entries.items()))]
