"""What every series is: values over time, asked for by `points`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic.functional_validators import BeforeValidator

from capsim.scenario.model import Model, Written, problem
from capsim.units import parse_quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Points = tuple[NDArray[np.int64], NDArray[np.float64]]

LARGEST = 1e12
ALLOWED_VALUE = "a number or quantity (500, 0.5, 250m, 2k, 512Mi), not negative, at most 1e12"


def _value(value: Any) -> float:
    value = value.value if isinstance(value, Written) else value
    try:
        number = float(parse_quantity(value))
    except (ValueError, TypeError):
        raise problem("not a number", ALLOWED_VALUE) from None
    if not 0 <= number <= LARGEST:
        text = "negative value" if number < 0 else "value above 1e12"
        raise problem(text, ALLOWED_VALUE)
    return number


Value = Annotated[float, BeforeValidator(_value, json_schema_input_type=str | float)]


@dataclass(frozen=True)
class Origin:
    """Where a series stands: what its noise and its clock depend on, beside its own keys.

    `name`: the service (or workload) whose series it is, and the way down to a part of it; `seed`: the scenario's;
    `start_ms`: wall-clock time of the start of the run, ms since 1970-01-01 UTC.
    """

    name: str = ""
    seed: int = 1
    start_ms: int = 1_767_225_600_000  # 2026-01-01T00:00:00Z, as Scenario.start

    def part(self, index: int) -> Origin:
        """The origin of a part of a sum or product: its noise is independent of that of the other parts."""
        return replace(self, name=f"{self.name}#{index}")


ANYWHERE = Origin()


class Series(Model):
    """A value that changes over time; `points` is the only thing that the engine asks of it."""

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        """Times (ms, int64[n], strictly increasing, the first 0, all below `duration_ms`) and values (float64[n]).

        A value holds until the next time. Units of the values are those of the place where the series stands.
        """
        raise NotImplementedError

    def peak(self) -> float:
        """No value is larger, at any time; infinite for noise."""
        raise NotImplementedError

    def parts(self) -> tuple[Series, ...]:
        """The series that this one is made of."""
        return ()

    def part_keys(self) -> list[str]:
        """Where each part stands below this series, as problems name it."""
        return []

    def with_parts(self, parts: tuple[Series, ...]) -> Self:
        """The same series made of other parts."""
        return self


def bounded(series: Series) -> None:
    """Refuses what can grow beyond the largest value, for validators of series that are made of others."""
    from math import isfinite

    if isfinite(series.peak()) and series.peak() > LARGEST:
        raise problem("it can grow above 1e12", ALLOWED_VALUE)
