"""Durations that vary: node boot, container start."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core.core_schema import CoreSchema, SerializationInfo

from capsim.scenario.model import DURATION, Milliseconds, Model, Written, problem, with_short_form
from capsim.units import parse_duration_ms

P95_DEVIATIONS = 1.6448536269514722
"""A standard normal value is below it with a probability of 95 %."""


_PERCENTILES = {
    name: {"type": ["string", "number"], "description": f"{what} of a lognormal distribution, instead of its mean."}
    for name, what in (("median", "Median"), ("p95", "95th percentile"))
}


def _from_percentiles(data: dict[str, Any]) -> dict[str, Any]:
    """mean and stddev of the lognormal distribution with this median and 95th percentile, to the millisecond."""
    rest = {key: value for key, value in data.items() if key not in ("median", "p95")}
    kind = rest.get("distribution", "lognormal")
    kind = kind.value if isinstance(kind, Written) else kind
    if kind != "lognormal" or {"mean", "stddev"} & set(rest) or not {"median", "p95"} <= set(data):
        raise problem("median and p95 together give a lognormal distribution", "{median: 60s, p95: 2m}", key="median")
    median, high = (_milliseconds(data[key], key) for key in ("median", "p95"))
    if not 0 < median <= high:
        raise problem("p95 is below the median, or the median is not above zero", "0 < median <= p95", key="p95")
    sigma = math.log(high / median) / P95_DEVIATIONS
    mean = median * math.exp(sigma * sigma / 2)
    deviation = mean * math.sqrt(math.expm1(sigma * sigma))
    return {**rest, "distribution": "lognormal", "mean": f"{round(mean)}ms", "stddev": f"{round(deviation)}ms"}


def _milliseconds(value: Any, key: str) -> int:
    try:
        return parse_duration_ms(value.value if isinstance(value, Written) else value)
    except (ValueError, TypeError):
        raise problem("not a duration", "a duration such as 90s", key=key) from None


class Distribution(Model):
    """A duration, or `{distribution, mean, stddev, min, max}`; each occurrence is drawn independently.

    A lognormal one may be given by `median` and `p95` instead, as measured times usually are.
    """

    kind: Literal["constant", "uniform", "normal", "lognormal"] = Field(
        "constant", alias="distribution", description="Form of the distribution."
    )
    mean_ms: Milliseconds = Field(0, alias="mean", description="Mean; for `uniform` it follows from min and max.")
    stddev_ms: Milliseconds = Field(0, alias="stddev", description="Standard deviation, for `normal` and `lognormal`.")
    min_ms: Milliseconds = Field(0, alias="min", description="Smaller draws become this.")
    max_ms: Milliseconds | None = Field(None, alias="max", description="Larger draws become this; none by default.")

    @model_validator(mode="before")
    @classmethod
    def _from_scalar(cls, data: Any) -> Any:
        if isinstance(data, (str, int, float, Written)):
            return {"mean": data.value if isinstance(data, Written) else data}
        if isinstance(data, dict) and {"median", "p95"} & set(data):
            return _from_percentiles(data)
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = self.model_fields_set
        if self.kind == "uniform":
            if self.max_ms is None:
                raise problem("a uniform distribution needs min and max", "{distribution: uniform, min: 40s, max: 80s}")
            if "mean_ms" in given and 2 * self.mean_ms != self.min_ms + self.max_ms:
                raise problem("mean of a uniform distribution is not (min + max) / 2", "leave mean out")
            object.__setattr__(self, "mean_ms", (self.min_ms + self.max_ms) // 2)
        elif "mean_ms" not in given:
            raise problem(f"a {self.kind} distribution needs a mean", "a duration")
        if self.kind == "lognormal" and self.mean_ms == 0:
            raise problem("the mean of a lognormal distribution is above zero", "a duration above 0s")
        if self.kind in ("constant", "uniform") and self.stddev_ms:
            raise problem(f"stddev has no meaning in a {self.kind} distribution", "normal or lognormal")
        if self.max_ms is not None and self.max_ms < self.min_ms:
            raise problem("max is below min", "min <= max")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        result = with_short_form(schema, handler, {"type": ["string", "number"]})
        for form in handler.resolve_ref_schema(result)["anyOf"]:
            if "properties" in form:
                form["properties"] |= _PERCENTILES
        return result

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        if not info.by_alias:
            return handler(self)
        if self == Distribution.constant(self.mean_ms):
            return DURATION.write(self.mean_ms)
        keys = {"constant": ["mean", "min", "max"], "uniform": ["min", "max"]}
        names = ["distribution", *keys.get(self.kind, ["mean", "stddev", "min", "max"])]
        return {name: value for name, value in handler(self).items() if name in names and value is not None}

    @classmethod
    def constant(cls, duration_ms: int) -> Distribution:
        """A distribution that always gives `duration_ms`."""
        return cls(kind="constant", mean_ms=duration_ms)

    def scaled(self, numerator: int, denominator: int) -> Distribution:
        """The same form with every duration multiplied by a fraction (rounded down to a millisecond)."""
        values = {
            name: value * numerator // denominator
            for name in ("mean_ms", "stddev_ms", "min_ms", "max_ms")
            if (value := getattr(self, name)) is not None and not (self.kind == "uniform" and name == "mean_ms")
        }
        return Distribution.model_validate({"kind": self.kind, **values}, by_name=True)
