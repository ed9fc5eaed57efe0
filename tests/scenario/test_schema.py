"""What ships beside the models is up to date: the JSON Schema and the reference page."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from capsim.scenario import json_schema, schema
from capsim.scenario.reference import reference
from tests.scenario.samples import SCENARIO

ROOT = Path(__file__).resolve().parents[2]


def test_the_shipped_schema_is_up_to_date():
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run: python -m capsim.scenario.schema"


def test_the_reference_page_is_up_to_date():
    page = ROOT / "docs" / "reference" / "scenario.md"
    command = "python -m capsim.scenario.reference > docs/reference/scenario.md"
    assert page.read_text(encoding="utf-8") == reference(), f"run: {command}"


def test_every_key_is_documented():
    bare = []
    for name, definition in {"file": json_schema(), **json_schema()["$defs"]}.items():
        for key, entry in definition.get("properties", {}).items():
            if not entry.get("description") and "$ref" not in entry:
                bare.append(f"{name}.{key}")
    assert bare == []


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_valid_by_the_schema(path):
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), json_schema())


@pytest.mark.parametrize(
    "change",
    [("nodeGroups", "nodegroups"), ("max: 6", "max: six"), ("app: 100", "app: []"), ("capsim/v1", "capsim/v2")],
)
def test_the_schema_refuses_what_loading_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(SCENARIO.replace(*change)), json_schema())
