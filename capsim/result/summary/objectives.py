"""Response times over the whole run, and what became of the service level objectives."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd

from capsim.result.summary.model import ObjectiveSummary, ResponseSummary
from capsim.result.summary.spans import weights_s
from capsim.scenario import Scenario
from capsim.scenario.calls import Slo

BURN_WINDOW_S = 3600.0
"""The window of the fast burn rate: one hour (Google SRE workbook, chapter 5)."""


def responses(series: dict[str, pd.DataFrame]) -> list[ResponseSummary]:
    """Services, then journeys, as in the frame."""
    frame = series.get("responses")
    if frame is None:
        return []
    found = []
    for key, rows in frame.groupby(["kind", "name"], observed=True, sort=False):
        kind, name = cast(tuple[str, str], key)
        requests, failed = float(rows["requests"].sum()), float(rows["failed_requests"].sum())
        answered = rows.dropna(subset="p99_ms")
        at = int(np.argmax(answered["p99_ms"].to_numpy())) if len(answered) else None
        found.append(
            ResponseSummary(
                kind="journey" if kind == "journey" else "service",
                name=name,
                requests=requests,
                failed_requests=failed,
                failed_ratio=failed / requests if requests else 0.0,
                mean_ms=_weighted(answered, "mean_ms"),
                p95_ms=_weighted(answered, "p95_ms"),
                p99_ms=_weighted(answered, "p99_ms"),
                worst_p99_ms=None if at is None else float(answered["p99_ms"].iloc[at]),
                worst_at_ms=None if at is None else int(answered["time_ms"].iloc[at]),
            )
        )
    return found


def objectives(
    scenario: Scenario, series: dict[str, pd.DataFrame], interval_ms: int, end_ms: int
) -> list[ObjectiveSummary]:
    """One row per SLO, in the order of the scenario."""
    frame = series.get("objectives")
    if frame is None:
        return []
    rows = {slo.label: frame[(frame["slo"] == slo.label).to_numpy()] for slo in scenario.slos}
    return [_objective(slo, rows[slo.label], interval_ms, end_ms) for slo in scenario.slos]


def _objective(slo: Slo, rows: pd.DataFrame, interval_ms: int, end_ms: int) -> ObjectiveSummary:
    seconds = weights_s(rows, interval_ms, end_ms)
    requests, bad = rows["requests"].to_numpy(float), rows["bad_requests"].to_numpy(float)
    allowed = 1.0 - slo.objective_ratio
    violated = bad > requests * allowed * (1.0 + 1e-9)
    total, total_bad = float(requests.sum()), float(bad.sum())
    return ObjectiveSummary(
        name=slo.label,
        subject=slo.service or slo.journey or "",
        objective_ratio=slo.objective_ratio,
        below_ms=slo.latency.below_ms if slo.latency else None,
        requests=total,
        bad_requests=total_bad,
        good_ratio=1.0 - total_bad / total if total else 1.0,
        met=total_bad <= total * allowed * (1.0 + 1e-9),
        budget_requests=total * allowed,
        budget_used_ratio=total_bad / (total * allowed) if total else 0.0,
        minutes_violated=float(seconds[violated].sum()) / 60.0,
        burn_rate=total_bad / total / allowed if total else 0.0,
        worst_hour_burn_rate=_worst_hour(seconds, requests, bad) / allowed,
    )


def _worst_hour(seconds: np.ndarray, requests: np.ndarray, bad: np.ndarray) -> float:
    """Largest share of bad requests in any window of whole samples of an hour, or the whole of a shorter run."""
    ends = np.cumsum(seconds)
    if not len(ends):
        return 0.0
    first = np.searchsorted(ends, ends - min(BURN_WINDOW_S, float(ends[-1])) + 1e-6)
    asked, failed = np.concatenate([[0.0], np.cumsum(requests)]), np.concatenate([[0.0], np.cumsum(bad)])
    last = np.arange(1, len(ends) + 1)
    whole = ends >= min(BURN_WINDOW_S, float(ends[-1])) - 1e-6
    asked, failed = (asked[last] - asked[first])[whole], (failed[last] - failed[first])[whole]
    return float(np.max(failed / np.maximum(asked, 1e-300), initial=0.0)) if len(asked) else 0.0


def _weighted(rows: pd.DataFrame, column: str) -> float | None:
    weight = rows["requests"].to_numpy(float)
    return float(np.dot(rows[column], weight) / weight.sum()) if weight.sum() > 0 else None
