"""What a request costs, from recorded CPU and requests: cpu = idle + cost × requests, by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10
GOOD_FIT = 0.5
"""Share of the variance of CPU that the requests explain, from which the line is believed."""


class Cost(NamedTuple):
    """CPU of a workload as a line over its requests per second."""

    idle_milli: float
    """All pods together, without a request."""
    per_request_milli: float
    """Milli-CPU-seconds of a request."""
    explained_ratio: float
    """R²; 0 where too little varied to tell."""


def cost_of(cpu_cores: pd.Series[float], rps: pd.Series[float]) -> Cost | None:
    """The line through both series (same index); None without requests."""
    import numpy as np

    both = cpu_cores.notna() & rps.notna()
    y, x = cpu_cores[both].to_numpy(float), rps[both].to_numpy(float)
    if not len(x) or x.mean() <= 0:
        return None
    spread = float(((x - x.mean()) ** 2).sum())
    if len(x) >= FEWEST and spread > 0:
        slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
        intercept = float(y.mean() - slope * x.mean())
        total = float(((y - y.mean()) ** 2).sum())
        residual = float(((y - intercept - slope * x) ** 2).sum())
        explained = 1 - residual / total if total > 0 else 0.0
        if slope > 0 and explained >= GOOD_FIT:
            if intercept < 0:  # a line through the origin: nothing idles less than not at all
                slope, intercept = float((x * y).sum() / np.square(x).sum()), 0.0
            return Cost(1000 * intercept, 1000 * slope, explained)
    return Cost(0.0, 1000 * float(y.mean() / x.mean()), 0.0)
