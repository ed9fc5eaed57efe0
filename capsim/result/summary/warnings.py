"""Controllers that work against each other, or cannot work, or cannot keep up: what a run warns of."""

from __future__ import annotations

import pandas as pd

from capsim.controllers.hpa.pace import hpa_pace
from capsim.result.summary.model import Warning
from capsim.scenario import Scenario
from capsim.units import format_duration

FAILED = "FailedComputeMetricsReplicas"
MOST = 300
"""Longest text that is taken over from an event."""


def warnings(scenario: Scenario, events: pd.DataFrame, end_ms: int) -> list[Warning]:
    """Every warning, in order of its first event; the run reached ``end_ms``."""
    heals = events[events["reason"] == "SelfHeal"]
    found = [_self_heal(scenario, str(name), rows) for name, rows in heals.groupby("object", sort=True)]
    failures = events[events["reason"] == FAILED]
    found += [_failed(str(name), rows) for name, rows in failures.groupby("object", sort=True)]
    found += _slow(scenario, end_ms)
    return sorted(found, key=lambda warning: (warning.first_ms, warning.object))


def _self_heal(scenario: Scenario, name: str, rows: pd.DataFrame) -> Warning:
    kind, namespace, short = name.split("/")
    target = f"{namespace}/{kind}/{short}"
    hpas = [hpa.key for hpa in scenario.objects.hpas if hpa.target_key == target]
    last = str(rows["message"].iloc[-1])
    git = last.split(" to ")[-1].split(",")[0]
    against = f"against HPA {', '.join(hpas)}" if hpas else "against who changed it"
    text = (
        f"self-heal set spec.replicas of {target} back to {git} {len(rows)} times, {against}: take replicas out of "
        "Git, or let Argo CD ignore /spec/replicas (ignoreDifferences with RespectIgnoreDifferences)"
    )
    return _warning("self-heal", target, rows, text)


def _failed(name: str, rows: pd.DataFrame) -> Warning:
    hpa = name.removeprefix("HorizontalPodAutoscaler/")
    message = str(rows["message"].iloc[0])
    text = f"HPA {hpa} could not compute replicas: {message[:MOST]}{'…' * (len(message) > MOST)}"
    return _warning("hpa-failed", hpa, rows, text)


def _slow(scenario: Scenario, end_ms: int) -> list[Warning]:
    pace, hpas = hpa_pace(scenario), scenario.objects.hpas
    if not pace.held_by:
        return []
    meant = format_duration(scenario.control_plane.kube_controller_manager.horizontal_pod_autoscaler_sync_period_ms)
    text = (
        f"{len(hpas)} HPAs are synced every {format_duration(pace.period_ms)} instead of every {meant}: "
        f"kube-controller-manager's {pace.held_by} allows no more"
    )
    name = "kube-controller-manager"
    return [Warning(kind="hpa-slow", object=name, count=len(hpas), first_ms=0, last_ms=end_ms, text=text)]


def _warning(kind: str, name: str, rows: pd.DataFrame, text: str) -> Warning:
    first, last = int(rows["time_ms"].iloc[0]), int(rows["time_ms"].iloc[-1])
    return Warning.model_validate(
        {"kind": kind, "object": name, "count": len(rows), "first_ms": first, "last_ms": last, "text": text}
    )
