"""The JSON Schema of scenario files. `python -m capsim.scenario.schema` writes it beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from capsim.scenario.model import Unit
from capsim.scenario.scenario import ScenarioFile

FILE = Path(__file__).with_name("capsim-v1.schema.json")


def build() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file; the text of each key is its documentation."""
    schema = ScenarioFile.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)
    schema["title"] = "capsim scenario"
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": "capsim-v1.schema.json", **schema}


class _Generator(GenerateJsonSchema):
    """Leaves out titles that only repeat the key, and what is required: another file may give it."""

    def default_schema(self, schema: Any) -> dict[str, Any]:
        """Defaults as people write them: 10s, not 10000."""
        result: dict[str, Any] = super().default_schema(schema)
        serializer = schema["schema"].get("serialization", {}).get("function")
        unit = getattr(serializer, "__self__", None)
        if isinstance(unit, Unit) and isinstance(schema.get("default"), (int, float)):
            result["default"] = unit.write(schema["default"])
        return result

    def generate_inner(self, schema: Any) -> dict[str, Any]:
        result: dict[str, Any] = super().generate_inner(schema)
        result.pop("required", None)
        return result

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def text() -> str:
    """The schema as the shipped file holds it."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Writes capsim-v1.schema.json."""
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
