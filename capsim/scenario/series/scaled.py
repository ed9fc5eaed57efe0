"""A series at another height, with the same noise."""

from __future__ import annotations

from capsim.scenario.series.base import Series
from capsim.scenario.series.combine import ProductSeries
from capsim.scenario.series.corners import ConstantSeries
from capsim.scenario.series.recorded import PlayedSeries


def scaled(series: Series, factor: float) -> Series:
    """The series times `factor`, at every time.

    The factor goes below the noise, whose draws depend on where it stands: a run of the scaled series sees the same
    chances as one of the series itself (Poisson noise, whose size depends on the rate, grows with its root).
    """
    if isinstance(series, ConstantSeries):
        return series.model_copy(update={"value": series.value * factor})
    if isinstance(series, PlayedSeries):
        return series.model_copy(update={"scale": series.scale * factor})
    parts = series.parts()
    if isinstance(series, ProductSeries):
        return series.with_parts((scaled(parts[0], factor), *parts[1:]))
    if parts:
        return series.with_parts(tuple(scaled(part, factor) for part in parts))
    return ProductSeries.model_validate({"product": [series, ConstantSeries(value=factor)]})
