"""Controllers that work against each other, or cannot work: what a run warns of."""

from __future__ import annotations

import pandas as pd

from capsim.result.summary.model import Warning
from capsim.scenario import Scenario

FAILED = "FailedComputeMetricsReplicas"
MOST = 300
"""Longest text that is taken over from an event."""


def warnings(scenario: Scenario, events: pd.DataFrame) -> list[Warning]:
    """Every warning, in order of its first event."""
    heals = events[events["reason"] == "SelfHeal"]
    found = [_self_heal(scenario, str(name), rows) for name, rows in heals.groupby("object", sort=True)]
    failures = events[events["reason"] == FAILED]
    found += [_failed(str(name), rows) for name, rows in failures.groupby("object", sort=True)]
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


def _warning(kind: str, name: str, rows: pd.DataFrame, text: str) -> Warning:
    first, last = int(rows["time_ms"].iloc[0]), int(rows["time_ms"].iloc[-1])
    return Warning.model_validate(
        {"kind": kind, "object": name, "count": len(rows), "first_ms": first, "last_ms": last, "text": text}
    )
