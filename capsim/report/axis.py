"""The time axis of a picture: its unit, and series thinned to what a picture can show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

POINTS = 1500  # more than the pixels of a panel


@dataclass(frozen=True)
class TimeAxis:
    """Unit of the axis and its length in ms; ``end_ms`` is where the run stopped."""

    unit: str
    unit_ms: float
    end_ms: int

    def at(self, time_ms: float) -> float:
        """Place on the axis."""
        return time_ms / self.unit_ms

    def edges(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Start of every row and the end of the run: one more than there are rows."""
        return np.append(frame["time_ms"].to_numpy(np.float64), self.end_ms) / self.unit_ms


def time_axis(end_ms: int) -> TimeAxis:
    """Minutes to 3 hours, hours to 3 days, then days."""
    for unit, unit_ms, longest_ms in (("s", 1e3, 180e3), ("min", 60e3, 3 * 3600e3), ("h", 3600e3, 72 * 3600e3)):
        if end_ms <= longest_ms:
            return TimeAxis(unit, unit_ms, end_ms)
    return TimeAxis("days", 86_400e3, end_ms)


def thin(frame: pd.DataFrame) -> pd.DataFrame:
    """At most ``POINTS`` rows: means of equally many neighbours (sums for ``cost_usd``), at the first one's time."""
    if len(frame) <= POINTS:
        return frame
    block = np.arange(len(frame)) // -(-len(frame) // POINTS)
    how = {name: {"time_ms": "first", "cost_usd": "sum"}.get(name, "mean") for name in frame.columns}
    return frame.groupby(block).agg(how)
