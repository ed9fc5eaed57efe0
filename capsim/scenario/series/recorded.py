"""Recorded samples and how they are played: what a trace file becomes once it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, SerializerFunctionWrapHandler, Strict, model_serializer, model_validator
from pydantic_core.core_schema import SerializationInfo

from capsim.scenario.model import Milliseconds, Model, NotNegative, Switch, Text, problem
from capsim.scenario.series.base import ANYWHERE, LARGEST, Origin, Series
from capsim.scenario.series.packed import Numbers

if TYPE_CHECKING:
    from capsim.scenario.series.base import Points
    from capsim.scenario.series.stepwise import Samples

MOST_POINTS = 50_000_000


class PlayedSeries(Series):
    """Samples that are played into a run: stretched, shifted, repeated, scaled."""

    scale: NotNegative = Field(1.0, description="Values are multiplied by this.")
    time_scale: Annotated[float, Strict(), Field(gt=0, le=1e6)] = Field(
        1.0, description="Times are multiplied by this: 0.5 plays it twice as fast; rates stay as they are."
    )
    offset_ms: Milliseconds = Field(0, alias="offset", description="Time in the run at which it begins; before it, 0.")
    repeat: Switch = Field(False, description="Begin again at the end; without it the value is 0 after the end.")
    interpolate: Literal["hold", "linear"] = Field(
        "hold", description="Between samples: the value holds, or a straight line."
    )
    step_ms: Milliseconds | None = Field(
        None,
        gt=0,
        alias="step",
        description="Time between samples of a straight line; default a tenth of the file's own interval.",
    )

    def played(self, samples: Samples, duration_ms: int) -> Points:
        """The samples as points of a run."""
        from capsim.scenario.series.stepwise import placed, repeated, sloped, stretched

        samples = stretched(samples, self.time_scale)
        if self.interpolate == "linear":
            samples = sloped(samples, self.step_ms or max(1, samples.end_ms // len(samples.times_ms) // 10))
        left_ms = duration_ms - self.offset_ms
        if self.repeat and samples.end_ms < left_ms:
            self._check_count(len(samples.times_ms) * left_ms / samples.end_ms)
            samples = repeated(samples, left_ms)
        times, values = placed(samples, self.offset_ms, duration_ms)
        return times, values if self.scale == 1 else values * self.scale

    def _check_count(self, count: float) -> None:
        if count > MOST_POINTS:
            from capsim.errors import ScenarioError

            raise ScenarioError(f"a repeated trace of {count:,.0f} points is too much; allowed: {MOST_POINTS:,}")

    def playing(self) -> dict[str, Any]:
        """The settings of this class, by attribute."""
        return {name: getattr(self, name) for name in PlayedSeries.model_fields}


class Recording(Model):
    """Samples of a trace: evenly spaced (`interval`), or with `times`."""

    source: Text = Field("", description="Where the samples come from; not read again.")
    interval_ms: Milliseconds | None = Field(
        None, gt=0, alias="interval", description="Time between samples; the last one may be shorter (`length`)."
    )
    gaps: Numbers | None = Field(
        None, description="Milliseconds from each sample to the next, where they are not evenly spaced."
    )
    length_ms: Milliseconds = Field(gt=0, alias="length", description="From the first sample to the end of the last.")
    per_ms: Milliseconds = Field(1000, gt=0, alias="per", description="The time that a value is per: 1m is per minute.")
    values: Numbers = Field(description="The values, a list or packed.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        import numpy as np

        values = self.values.values
        if not len(values) or not (values.min() >= 0 and values.max() <= LARGEST * self.per_ms):  # NaN is neither
            raise problem("values that are no rates", "numbers, not negative", key="values")
        if (self.interval_ms is None) == (self.gaps is None):
            raise problem("how the values are spaced is not said, or said twice", "one of interval and gaps")
        gaps = np.full(0, 0.0) if self.gaps is None else self.gaps.values
        last_ms = gaps.sum() if self.interval_ms is None else (len(values) - 1) * self.interval_ms
        is_even = self.gaps is None or (len(gaps) == len(values) - 1 and (gaps > 0).all())
        if not is_even or last_ms >= self.length_ms:
            raise problem("the times do not fit the values", "rising, as many as there are values, within length")
        return self

    def samples(self) -> Samples:
        """The samples in units per second."""
        import numpy as np

        from capsim.scenario.series.stepwise import Samples

        values = self.values.values
        if self.gaps is not None:
            times = np.append(0, np.cumsum(self.gaps.values.astype(np.int64)))
        else:
            assert self.interval_ms is not None
            times = np.arange(len(values), dtype=np.int64) * self.interval_ms
        return Samples(times, values if self.per_ms == 1000 else values / (self.per_ms / 1000), self.length_ms)

    @classmethod
    def of(cls, samples: Samples, per_ms: int, source: str) -> Recording:
        """The recording of samples whose values are per `per_ms`."""
        import numpy as np

        gaps = np.diff(samples.times_ms)
        even = len(gaps) > 0 and bool((gaps == gaps[0]).all())
        interval_ms = int(gaps[0]) if even else samples.end_ms if not len(gaps) else None
        return cls(
            source=source,
            interval_ms=interval_ms,
            gaps=None if interval_ms else Numbers(gaps.astype(np.float64)),
            length_ms=samples.end_ms,
            per_ms=per_ms,
            values=Numbers(samples.values),
        )


class RecordedSeries(PlayedSeries):
    """Samples within the scenario itself: what a `file` becomes in a resolved scenario; written by capsim."""

    recorded: Recording = Field(description="The samples.")
    _reference: Series | None = PrivateAttr(None)

    def referring(self, reference: Series) -> Self:
        """The same series, written as another one: for samples that are too many to be written."""
        copy = self.model_copy()
        copy._reference = reference
        return copy

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        if info.by_alias and self._reference is not None:
            return self._reference.model_dump(by_alias=True, exclude_none=True)
        return handler(self)

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        return self.played(self.recorded.samples(), duration_ms)

    def peak(self) -> float:
        return float(self.recorded.samples().values.max()) * self.scale
