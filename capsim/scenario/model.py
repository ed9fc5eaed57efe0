"""The base of all scenario models, and the types of fields that people write as Kubernetes quantities and durations.

In Python an attribute is given in its own unit (`boot_delay_ms=60_000`). In YAML its camelCase key is a quantity or a
duration (`bootDelay: 60s`). The base class tells the two apart by the key: values under the YAML key are wrapped in
`Written`, and the field's `Unit` parses them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, core_schema

from capsim import units


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it stands in a file, still to be parsed by the unit of its field."""

    value: Any


def mark_written(value: Any) -> Any:
    """Wraps scalars, and the scalars of a mapping one level down, for `Unit` to parse."""
    if isinstance(value, Mapping):
        return {key: mark_written(item) for key, item in value.items()}
    return value if isinstance(value, (Written, BaseModel)) or value is None else Written(value)


@dataclass(frozen=True)
class Unit:
    """How one kind of number is written: `parse` from text or number, `write` back, `allowed` for people."""

    name: str
    parse: Callable[[Any], float]
    write: Callable[[Any], str]
    allowed: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._validate,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(self._serialize, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return {"type": ["string", "number"], "description": self.allowed}

    def _validate(self, value: Any) -> Any:
        if not isinstance(value, (Written, str)):
            return value
        try:
            parsed = self.parse(value.value if isinstance(value, Written) else value)
        except (ValueError, TypeError) as error:
            text = f"negative {self.name}" if "negative" in str(error) else f"not a {self.name}"
            raise problem(text, self.allowed) from None
        if parsed < 0:
            raise problem(f"negative {self.name}", self.allowed)
        return parsed

    def _serialize(self, value: float | None, info: core_schema.FieldSerializationInfo) -> Any:
        return value if value is None or not info.by_alias else self.write(value)


DURATION = Unit("duration", units.parse_duration_ms, units.format_duration, units.DURATION_FORMS)
CPU = Unit("quantity", units.cpu_milli, units.format_milli, "cores such as 2, 0.5 or 500m, not negative")
MEMORY = Unit("quantity", units.memory_bytes, units.quantity_bytes, "bytes such as 512Mi, 8Gi or 1G, not negative")
COUNT = Unit("quantity", units.memory_bytes, str, "a whole number, not negative")

Milliseconds = Annotated[int, DURATION]
CpuMilli = Annotated[int, CPU]
Bytes = Annotated[int, MEMORY]
WholeNumber = Annotated[int, Strict(), Field(ge=0)]
AtLeastOne = Annotated[int, Strict(), Field(ge=1)]
"""A type of its own: pydantic lets the bound of `WholeNumber` win over one that a field adds to it."""
Integer = Annotated[int, Strict()]
Switch = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]
Name = Annotated[str, Strict(), Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
Ratio = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Labels = dict[Text, Text]


def quantity_of(resource: str) -> Unit:
    """The unit of a Kubernetes resource: cores for cpu, bytes for memory and storage, pieces for the rest."""
    if resource == "cpu":
        return CPU
    is_bytes = resource in ("memory", "ephemeral-storage", "storage") or resource.startswith("hugepages-")
    return MEMORY if is_bytes else COUNT


@dataclass(frozen=True)
class ResourceUnit:
    """A mapping of resource names to quantities, each in its own unit (cpu in millicores, the rest in base units)."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._validate,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(self._serialize, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return {"type": "object", "additionalProperties": {"type": ["string", "number"]}}

    def _validate(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: quantity_of(str(key))._validate(item) for key, item in value.items()}

    def _serialize(self, value: dict[str, int], info: core_schema.FieldSerializationInfo) -> Any:
        return {k: quantity_of(k).write(v) for k, v in value.items()} if info.by_alias else value


Resources = Annotated[dict[str, int], ResourceUnit()]
"""Resource name -> integer in base units (cpu in millicores)."""


class Model(BaseModel):
    """Base of every model: frozen, unknown keys refused, camelCase in files, attribute names in Python."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=False,
        hide_input_in_errors=True,
    )

    _written_keys: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls._written_keys = frozenset(
            field.alias or name
            for name, field in cls.model_fields.items()
            if (field.alias or name) != name and any(map(_has_unit, (*field.metadata, field.annotation)))
        )

    @model_validator(mode="before")
    @classmethod
    def _wrap_written(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: mark_written(value) if key in cls._written_keys else value for key, value in data.items()}

    def replaced(self, **changes: Any) -> Self:
        """A copy with some attributes changed (attribute names and units), validated again."""
        return type(self).model_validate({**dict(self), **changes}, by_name=True)


def with_short_form(schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler, short: dict[str, Any]) -> Any:
    """JSON Schema of a model that can also be written in a short form."""
    result = handler(schema)
    definition = handler.resolve_ref_schema(result)
    long = dict(definition)
    definition.clear()
    definition.update({"anyOf": [short, long]})
    return result


def _has_unit(annotation: Any) -> bool:
    """Whether a type such as `Milliseconds | None` or `dict[str, Milliseconds]` holds a unit."""
    if isinstance(annotation, (Unit, ResourceUnit)):
        return True
    return any(map(_has_unit, (*get_args(annotation), *getattr(annotation, "__metadata__", ()))))


def problem(message: str, allowed: str = "", key: str = "") -> PydanticCustomError:
    """An error for a validator to raise; `key` names a field below the one that is validated."""
    return PydanticCustomError("capsim", "{text}", {"text": message, "allowed": allowed, "key": key})
