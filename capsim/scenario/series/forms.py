"""Every form of a series, and how the keys of a written one decide which it is.

A new form is one more class with `points` and one more entry in `FORMS` and `AnySeries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag
from pydantic.functional_validators import BeforeValidator

from capsim.scenario.series.base import Series
from capsim.scenario.series.combine import ProductSeries, SumSeries
from capsim.scenario.series.corners import ConstantSeries, RampSeries, StepsSeries
from capsim.scenario.series.file import FileSeries
from capsim.scenario.series.noise import NoiseSeries
from capsim.scenario.series.recorded import RecordedSeries
from capsim.scenario.series.shapes import DiurnalSeries, SpikeSeries

TAG = "form:"
FORMS: dict[str, type[Series]] = {
    "constant": ConstantSeries,
    "steps": StepsSeries,
    "ramp": RampSeries,
    "file": FileSeries,
    "diurnal": DiurnalSeries,
    "spike": SpikeSeries,
    "noise": NoiseSeries,
    "sum": SumSeries,
    "product": ProductSeries,
    "recorded": RecordedSeries,
}
"""The key that makes a mapping a series of that form."""


def _form(data: Any) -> str | None:
    """Which form a written series has: the first key that names one."""
    if isinstance(data, Series):
        return next(TAG + name for name, form in FORMS.items() if isinstance(data, form))
    if isinstance(data, Mapping):
        key = next((name for name in FORMS if name in data), "constant" if "value" in data else None)
        return TAG + key if key else None
    return "number" if data is not None and not isinstance(data, list) else None


def _constant(data: Any) -> Any:
    return data if isinstance(data, ConstantSeries) else {"constant": data}


AnySeries = Annotated[
    Annotated[ConstantSeries, Tag(TAG + "constant")]
    | Annotated[StepsSeries, Tag(TAG + "steps")]
    | Annotated[RampSeries, Tag(TAG + "ramp")]
    | Annotated[FileSeries, Tag(TAG + "file")]
    | Annotated[DiurnalSeries, Tag(TAG + "diurnal")]
    | Annotated[SpikeSeries, Tag(TAG + "spike")]
    | Annotated[NoiseSeries, Tag(TAG + "noise")]
    | Annotated[SumSeries, Tag(TAG + "sum")]
    | Annotated[ProductSeries, Tag(TAG + "product")]
    | Annotated[RecordedSeries, Tag(TAG + "recorded")]
    | Annotated[ConstantSeries, BeforeValidator(_constant, json_schema_input_type=str | float), Tag("number")],
    Discriminator(
        _form,
        custom_error_type="capsim_form",
        custom_error_message="not a series",
    ),
]
"""Any form of a series; which one is decided by its keys."""

for _made_of_series in (NoiseSeries, SumSeries, ProductSeries):
    _made_of_series.model_rebuild(_types_namespace={"AnySeries": AnySeries})
