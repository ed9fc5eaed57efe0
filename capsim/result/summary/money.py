"""Node-hours and USD, from the per-node table."""

from __future__ import annotations

import pandas as pd

from capsim.result.summary.model import Cost, GroupCost, NetworkSummary

HOURS_PER_MONTH = 730.0


def per_month_of(reached_ms: int) -> float:
    """How many runs of that length a month has; 0 for none at all."""
    months = reached_ms / 3_600_000.0 / HOURS_PER_MONTH
    return 1.0 / months if months else 0.0


def cost(nodes: pd.DataFrame, reached_ms: int, network: list[NetworkSummary]) -> Cost:
    """Node-hours, USD in the run and per month of 730 h; ``network`` beside them."""
    per_month = per_month_of(reached_ms)
    network_usd = sum(row.cross_zone_usd + row.load_balancer_usd for row in network)
    by_group = nodes.groupby("node_group", observed=True, sort=True)[["node_hours", "cost_usd"]].sum()
    groups = [
        GroupCost(
            node_group=str(name),
            node_hours=float(row["node_hours"]),
            run_usd=float(row["cost_usd"]),
            month_usd=float(row["cost_usd"]) * per_month,
        )
        for name, row in by_group.iterrows()
    ]
    run_usd = sum(group.run_usd for group in groups)
    return Cost(
        node_hours=sum(group.node_hours for group in groups),
        run_usd=run_usd,
        month_usd=run_usd * per_month,
        groups=groups,
        network_usd=network_usd,
        network_month_usd=network_usd * per_month,
    )
