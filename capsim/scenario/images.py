"""Images: what nodes have to pull before a container starts."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core.core_schema import CoreSchema

from capsim.scenario.model import Bytes, Model, Text, Written, problem, with_short_form


class ImageSpec(Model):
    """Size of an image as it is pulled, or its layers, which images may share."""

    size_bytes: Bytes | None = Field(None, alias="size", description="Bytes to pull, compressed.")
    layers: dict[Text, Bytes] = Field({}, description="Layers by name; a layer of one name is pulled once per node.")

    @model_validator(mode="before")
    @classmethod
    def _from_size(cls, data: Any) -> Any:
        return {"size": data.value if isinstance(data, Written) else data} if not isinstance(data, dict) else data

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.size_bytes is None) == (not self.layers):
            raise problem("not one of size and layers", "400Mi, or {layers: {base: 200Mi, app: 50Mi}}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return with_short_form(schema, handler, {"type": ["string", "number"]})

    def parts(self, name: str) -> dict[str, int]:
        """Layer -> bytes; an image of one size has a layer of its own."""
        return dict(self.layers) if self.size_bytes is None else {f"image {name}": self.size_bytes}
