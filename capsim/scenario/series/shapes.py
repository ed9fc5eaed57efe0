"""Series from a few numbers: the cycle of days and weeks, and a spike."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, Strict, model_validator

from capsim.scenario.model import Milliseconds, NotNegative, problem
from capsim.scenario.series.base import ANYWHERE, Origin, Series, Value, bounded

if TYPE_CHECKING:
    from capsim.scenario.series.base import Points
    from capsim.scenario.series.stepwise import F64, I64

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
THURSDAY = 3  # 1970-01-01, Monday being 0


class DiurnalSeries(Series):
    """A cycle of days and weeks: `{diurnal: 400, peakRatio: 2, peakHour: 20, weekendFactor: 0.6}`.

    A day runs from trough to trough (12 hours before to 12 hours after its peak) and has the form exp(k cos t).
    """

    mean: Value = Field(alias="diurnal", description="Mean over a whole week.")
    peak_ratio: Annotated[float, Strict(), Field(ge=1, le=24)] = Field(
        2.0, description="Highest value of a day over its mean: 1 is flat, 2 makes the peak six times the trough."
    )
    peak_hour: Annotated[float, Strict(), Field(ge=0, lt=24)] = Field(
        20.0, description="Hour of the day, in UTC, at which a day is highest."
    )
    weekend_factor: NotNegative = Field(1.0, le=100, description="Mean of a Saturday or Sunday over that of a weekday.")
    step_ms: Milliseconds = Field(60_000, gt=0, alias="step", description="Time between samples.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        bounded(self)
        return self

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        import numpy as np

        from capsim.scenario.series.stepwise import grid

        times = grid(duration_ms, self.step_ms)
        trough_ms = origin.start_ms - round((self.peak_hour - 12) * HOUR_MS)
        first, last = trough_ms // DAY_MS, (trough_ms + duration_ms - 1) // DAY_MS
        days = np.arange(first, last + 2)
        levels = np.where((days[:-1] + THURSDAY) % 7 >= 5, *reversed(self._levels()))
        counts = np.diff(np.searchsorted(times, days * DAY_MS - trough_ms))
        return times, np.repeat(levels, counts) * self._shape(times, trough_ms)

    def _levels(self) -> tuple[float, float]:
        """Means of a weekday and of a day of the weekend."""
        weekday = 7 * self.mean / (5 + 2 * self.weekend_factor)
        return weekday, weekday * self.weekend_factor

    def _shape(self, times: I64, trough_ms: int) -> F64:
        """The form of a day, of mean 1; computed for the first day only where all days fall on the same samples."""
        import numpy as np

        concentration = _concentration(self.peak_ratio)
        period = DAY_MS // self.step_ms if DAY_MS % self.step_ms == 0 else len(times)
        angle = (times[:period] + trough_ms % DAY_MS) * (2 * np.pi / DAY_MS) - np.pi
        day = self.peak_ratio * np.exp(concentration * (np.cos(angle) - 1))
        return np.resize(day, len(times))

    def peak(self) -> float:
        return max(self._levels()) * self.peak_ratio


@lru_cache(maxsize=256)
def _concentration(peak_ratio: float) -> float:
    """k of exp(k cos t) for which the peak is `peak_ratio` means: exp(k) / I0(k), by bisection."""
    import numpy as np

    low, high = 0.0, 200.0
    for _ in range(80):
        middle = (low + high) / 2
        if np.exp(middle) / np.i0(middle) < peak_ratio:
            low = middle
        else:
            high = middle
    return high if peak_ratio > 1 else 0.0


class SpikeSeries(Series):
    """One rise and fall: `{spike: 900, at: 2h, rise: 1m, hold: 10m, fall: 5m}`; add it to others under `sum`."""

    height: Value = Field(alias="spike", description="Value at the top.")
    base: Value = Field(0.0, description="Value before and after; 1 for a factor in a product.")
    at_ms: Milliseconds = Field(alias="at", description="When the rise begins.")
    rise_ms: Milliseconds = Field(0, alias="rise", description="How long it rises, in a straight line.")
    hold_ms: Milliseconds = Field(0, alias="hold", description="How long it stays at the top.")
    fall_ms: Milliseconds = Field(0, alias="fall", description="How long it falls, in a straight line.")
    step_ms: Milliseconds = Field(5000, gt=0, alias="step", description="Time between samples on a slope.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.rise_ms + self.hold_ms + self.fall_ms:
            raise problem("a spike without length", "rise, hold or fall above 0s", key="hold")
        return self

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        import numpy as np

        top, slope_down = self.at_ms + self.rise_ms, self.at_ms + self.rise_ms + self.hold_ms
        end = slope_down + self.fall_ms
        rise = np.arange(self.at_ms, top, self.step_ms, dtype=np.int64)
        fall = np.arange(slope_down, end, self.step_ms, dtype=np.int64)
        times = np.unique(np.concatenate([[0], rise, [top] if top < end else [], fall, [end]]).astype(np.int64))
        times = times[times < duration_ms]
        share = np.where(times < self.at_ms, 0.0, 1.0)
        share = np.where((times >= self.at_ms) & (times < top), (times - self.at_ms) / max(1, self.rise_ms), share)
        share = np.where(times >= slope_down, (end - times) / max(1, self.fall_ms), share)
        share = np.where(times >= end, 0.0, share)
        return times, self.base + (self.height - self.base) * share

    def peak(self) -> float:
        return max(self.height, self.base)
