"""What the services' networks carried and cost over the whole run."""

from __future__ import annotations

import pandas as pd

from capsim.result.summary.model import NetworkSummary
from capsim.result.summary.money import per_month_of


def network(series: dict[str, pd.DataFrame], reached_ms: int) -> list[NetworkSummary]:
    """One row per service of the frame, in its order."""
    frame = series.get("network")
    if frame is None:
        return []
    per_month = per_month_of(reached_ms)
    found = []
    for name, rows in frame.groupby("service", observed=True, sort=False):
        total = rows.drop(columns=["time_ms", "service", "hottest_pod_ratio"]).sum()
        found.append(
            NetworkSummary(
                service=str(name),
                **{str(key): float(value) for key, value in total.items()},
                hottest_pod_ratio=float(rows["hottest_pod_ratio"].max()),
                month_usd=float(total["cross_zone_usd"] + total["load_balancer_usd"]) * per_month,
            )
        )
    return found
