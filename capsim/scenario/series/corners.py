"""Series that are written point by point: constant, steps, ramp."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core.core_schema import CoreSchema, SerializationInfo

from capsim.scenario.model import DURATION, Milliseconds, Model, problem, with_short_form
from capsim.scenario.series.base import ANYWHERE, Origin, Series, Value

if TYPE_CHECKING:
    from capsim.scenario.series.base import Points

ALLOWED_POINTS = "a list of [at, value] or {at: …, value: …}, the first at 0s, each later than the one before"


class ConstantSeries(Series):
    """One value for the whole run: `500` or `{constant: 500}`."""

    value: Value = Field(alias="constant", description="The value.")

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        return _arrays([0], [self.value])

    def peak(self) -> float:
        return self.value

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        return self.value if info.by_alias else handler(self)


class Point(Model):
    """One corner of a series."""

    at_ms: Milliseconds = Field(alias="at", description="Time since the start of the run.")
    value: Value = Field(description="The value from then on (steps) or at that time (ramp).")

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, data: Any) -> Any:
        if isinstance(data, (list, tuple)):
            if len(data) != 2:
                raise problem("a point has a time and a value", "[at, value]")
            return {"at": data[0], "value": data[1]}
        return data

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return with_short_form(schema, handler, {"type": "array", "minItems": 2, "maxItems": 2})

    @model_serializer(mode="wrap")
    def _pair(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        return [DURATION.write(self.at_ms), self.value] if info.by_alias else handler(self)


def _ordered(points: list[Point]) -> None:
    if not points:
        raise problem("no points", ALLOWED_POINTS)
    if points[0].at_ms != 0:
        raise problem("the first point is not at 0s", ALLOWED_POINTS)
    if any(a.at_ms >= b.at_ms for a, b in pairwise(points)):
        raise problem("the times do not increase", ALLOWED_POINTS)


class StepsSeries(Series):
    """Values that hold until the next step: `steps: [[0s, 100], [10m, 500]]`."""

    steps: list[Point] = Field(description="Steps: [at, value], held until the next; the first at 0s.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ordered(self.steps)
        return self

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        inside = [p for p in self.steps if p.at_ms < duration_ms]
        return _arrays([p.at_ms for p in inside], [p.value for p in inside])

    def peak(self) -> float:
        return max(p.value for p in self.steps)


class RampSeries(Series):
    """Straight lines between points, sampled every `step`; the last value holds: `ramp: [[0s, 100], [10m, 500]]`."""

    ramp: list[Point] = Field(description="Corners: [at, value]; linear between them, the last value holds.")
    step_ms: Milliseconds = Field(5000, alias="step", description="Time between samples on a slope.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ordered(self.ramp)
        if self.step_ms == 0:
            raise problem("step is zero", "a duration above 0s", key="step")
        return self

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        times: list[int] = []
        values: list[float] = []
        for a, b in pairwise(self.ramp):
            if a.at_ms >= duration_ms:
                break
            samples = [a.at_ms] if a.value == b.value else range(a.at_ms, min(b.at_ms, duration_ms), self.step_ms)
            slope = (b.value - a.value) / (b.at_ms - a.at_ms)
            times.extend(samples)
            values.extend(a.value + slope * (t - a.at_ms) for t in samples)
        if self.ramp[-1].at_ms < duration_ms:
            times.append(self.ramp[-1].at_ms)
            values.append(self.ramp[-1].value)
        return _arrays(times, values)

    def peak(self) -> float:
        return max(p.value for p in self.ramp)


def _arrays(times: list[int], values: list[float]) -> Points:
    import numpy as np

    return np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
