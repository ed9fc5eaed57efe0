"""A place in a trace: a time since its first row, or a wall-clock time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import core_schema

from capsim.scenario.model import Unit, Written, problem
from capsim.units import format_duration, parse_duration_ms

FORMS = "a time since the first row (40d, 36h) or a wall-clock time with its zone (1998-06-29T12:00:00Z)"


@dataclass(frozen=True)
class TraceTimeUnit(Unit):
    """Milliseconds since the first row (int), or a wall-clock time in UTC (str, ISO 8601)."""

    def _validate(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return _utc(value)
        if isinstance(value, str) or (isinstance(value, Written) and isinstance(value.value, str)):
            text = value if isinstance(value, str) else value.value
            if len(text) >= 10 and text[4:5] == "-":
                return _instant(text)
        return super()._validate(value)

    def _serialize(self, value: Any, info: core_schema.FieldSerializationInfo) -> Any:
        return value if isinstance(value, str) else super()._serialize(value, info)

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return {"type": ["string", "number"], "description": self.allowed}


def _instant(text: str) -> str:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise problem("not a time", FORMS) from None
    return _utc(value)


def _utc(value: datetime) -> str:
    if value.tzinfo is None:
        raise problem("the time has no zone", FORMS)
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(text: str) -> int:
    """Milliseconds since 1970 of a text in UTC."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


TRACE_TIME = TraceTimeUnit("time", parse_duration_ms, format_duration, FORMS)
TraceTime = Annotated[int | str, TRACE_TIME]
