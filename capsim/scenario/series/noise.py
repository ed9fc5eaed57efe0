"""Noise over another series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from capsim.scenario.model import Milliseconds, Text, problem
from capsim.scenario.series.base import ANYWHERE, Origin, Series

if TYPE_CHECKING:
    from capsim.scenario.series.base import Points
    from capsim.scenario.series.forms import AnySeries
    from capsim.scenario.series.stepwise import F64


class NoiseSeries(Series):
    """Random steps around another series: `{noise: 500, kind: lognormal, cv: 0.2, step: 1m}`; the mean stays.

    Draws depend on the seed, the service's name and the number of the step: other services do not change them.
    """

    of: AnySeries = Field(alias="noise", description="The series that the noise varies: any form.")
    kind: Literal["lognormal", "poisson"] = Field(
        "lognormal",
        description="`lognormal`: each step times a factor of mean 1; `poisson`: whole requests that arrive by chance.",
    )
    cv: Annotated[float, Strict(), Field(gt=0, le=10)] | None = Field(
        None, description="Coefficient of variation of the factor (`lognormal` only): 0.2 is about ±20 %."
    )
    step_ms: Milliseconds = Field(60_000, gt=0, alias="step", description="Each step has one draw.")
    key: Text | None = Field(
        None, description="Series whose noise has the same key move together; default: each has its own."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "lognormal" and self.cv is None:
            raise problem("log-normal noise needs cv, its coefficient of variation", "a number, such as 0.2", key="cv")
        if self.kind == "poisson" and self.cv is not None:
            raise problem("cv has no meaning for Poisson noise: it follows from the rate and the step", "", key="cv")
        return self

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        import numpy as np

        from capsim.rng import name_hash
        from capsim.scenario.series.stepwise import Samples, resampled

        times, values = self.of.points(duration_ms, origin.part(0))
        times, values, _ = resampled(Samples(times, values, duration_ms), self.step_ms)
        noisy = np.empty_like(values)
        self._draw(origin.seed, name_hash(self.key or origin.name), np.ascontiguousarray(values), noisy)
        return times, noisy

    def _draw(self, seed: int, entity: int, means: F64, noisy: F64) -> None:
        from capsim.scenario.series import draws

        if self.kind == "lognormal":
            assert self.cv is not None
            draws.lognormal_noise(seed, entity, math.sqrt(math.log1p(self.cv**2)), means, noisy)
        else:
            step_s = self.step_ms / 1000
            draws.poisson_noise(seed, entity, means * step_s, noisy)
            noisy /= step_s

    def peak(self) -> float:
        return math.inf if self.of.peak() else 0.0

    def parts(self) -> tuple[Series, ...]:
        return (self.of,)

    def part_keys(self) -> list[str]:
        return ["noise"]

    def with_parts(self, parts: tuple[Series, ...]) -> Self:
        return self.model_copy(update={"of": parts[0]})
