"""Series made of series: sums and products, nested as deeply as wanted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from capsim.scenario.series.base import ANYWHERE, Origin, Series, bounded

if TYPE_CHECKING:
    from capsim.scenario.series.base import Points
    from capsim.scenario.series.forms import AnySeries


class SumSeries(Series):
    """Series added up at every time: `sum: [{diurnal: 400}, {spike: 900, at: 2h, hold: 10m}]`."""

    terms: list[AnySeries] = Field(alias="sum", min_length=1, description="The series that are added.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        bounded(self)
        return self

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        import numpy as np

        from capsim.scenario.series.stepwise import combined

        return combined([s.points(duration_ms, origin.part(i)) for i, s in enumerate(self.terms)], np.add)

    def peak(self) -> float:
        return sum(series.peak() for series in self.terms)

    def parts(self) -> tuple[Series, ...]:
        return tuple(self.terms)

    def part_keys(self) -> list[str]:
        return [f"sum[{index}]" for index in range(len(self.terms))]

    def with_parts(self, parts: tuple[Series, ...]) -> Self:
        return self.model_copy(update={"terms": list(parts)})


class ProductSeries(Series):
    """Series multiplied at every time: `product: [{file: week.csv}, {spike: 3, base: 1, at: 2d, hold: 1h}]`."""

    factors: list[AnySeries] = Field(alias="product", min_length=1, description="The series that are multiplied.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        bounded(self)
        return self

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        import numpy as np

        from capsim.scenario.series.stepwise import combined

        return combined([s.points(duration_ms, origin.part(i)) for i, s in enumerate(self.factors)], np.multiply)

    def peak(self) -> float:
        peaks = [series.peak() for series in self.factors]
        return math.prod(peaks) if all(peaks) else 0.0

    def parts(self) -> tuple[Series, ...]:
        return tuple(self.factors)

    def part_keys(self) -> list[str]:
        return [f"product[{index}]" for index in range(len(self.factors))]

    def with_parts(self, parts: tuple[Series, ...]) -> Self:
        return self.model_copy(update={"factors": list(parts)})
