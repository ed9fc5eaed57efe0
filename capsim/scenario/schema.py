"""The JSON Schema of scenario files. `python -m capsim.scenario.schema` writes it beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from capsim.scenario.scenario import ScenarioFile

FILE = Path(__file__).with_name("capsim-v1.schema.json")


def build() -> dict[str, Any]:
    """JSON Schema (2020-12) of a scenario file; the text of each key is its documentation."""
    schema = ScenarioFile.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)
    schema["title"] = "capsim scenario"
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": "capsim-v1.schema.json", **schema}


class _Generator(GenerateJsonSchema):
    """Leaves out titles that only repeat the key."""

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
