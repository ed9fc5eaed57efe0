"""Checks an object against the fields that Kubernetes knows: unknown names, wrong types, fields without effect here."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from capsim.errors import Problem
from capsim.scenario.document import SourceList, SourceMap, describe, mark_of
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.merge import suggestion
from capsim.units import QUANTITY_FORMS, parse_quantity

MODELLED: dict[str, frozenset[str]] = {}
"""Type -> fields that the simulation reads. A type that is not listed has no notes of its own."""
NOT_MODELLED: dict[str, dict[str, str]] = {}
"""Type -> field -> why it may matter. All other known fields have no effect on capacity."""


def coverage(type_name: str, modelled: str, not_modelled: dict[str, str] | None = None) -> None:
    """Says which fields of a type are simulated (names separated by blanks) and which may matter but are not."""
    MODELLED[type_name] = frozenset(modelled.split())
    NOT_MODELLED[type_name] = not_modelled or {}


@cache
def field_types() -> dict[str, dict[str, str]]:
    """Type -> field -> type reference (`[]T` list, `{}T` mapping), from the official client's models."""
    types: dict[str, dict[str, str]] = json.loads(
        files("capsim.scenario.kubernetes").joinpath("fields.json").read_text(encoding="utf-8")
    )["types"]
    return types


FORMER_FIELDS = {
    "DaemonSetSpec": ("templateGeneration",),
    "DeploymentSpec": ("rollbackTo",),
    "ServiceSpec": ("topologyKeys", "ipFamily"),
}
"""Fields of earlier releases that dumps of old clusters still hold; they had no effect on capacity."""

UNKNOWN = "unknown field"
_EXPECTED: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "text (in quotes if it looks like a number or true)"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
}


class FieldCheck:
    """Walks one object. `ok` tells whether the types are right, so that it can be read further."""

    def __init__(self, reading: Reading, object_name: str) -> None:
        self.reading = reading
        self.object_name = object_name
        self.ok = True

    def check(self, value: Any, type_name: str, container: Any, key: Any, path: str, noting: bool = True) -> None:
        """Checks `value`, which stands in `container` under `key`, against a type reference."""
        if value is None or type_name == "any":
            return
        if type_name.startswith("[]"):
            self._list(value, type_name[2:], container, key, path, noting)
        elif type_name.startswith("{}"):
            self._mapping(value, type_name[2:], container, key, path)
        elif type_name == "quantity":
            self._quantity(value, container, key, path)
        elif type_name in _EXPECTED:
            allowed_types, allowed = _EXPECTED[type_name]
            if not isinstance(value, allowed_types) or (isinstance(value, bool) and type_name != "boolean"):
                self._problem("wrong type", container, key, path, value, allowed)
        else:
            self._fields(value, type_name, container, key, path, noting)

    def _list(self, value: Any, item_type: str, container: Any, key: Any, path: str, noting: bool) -> None:
        if not isinstance(value, SourceList):
            self._problem("wrong type", container, key, path, value, "a list")
            return
        for index, item in enumerate(value):
            label = item.get("name") if isinstance(item, SourceMap) else None
            inner = f"{path}.{label}" if isinstance(label, str) else f"{path}[{index}]"
            if item is None:
                self._problem("empty list item", value, index, inner, item, "no empty items")
            self.check(item, item_type, value, index, inner, noting)

    def _mapping(self, value: Any, item_type: str, container: Any, key: Any, path: str) -> None:
        if not isinstance(value, SourceMap):
            self._problem("wrong type", container, key, path, value, "a mapping")
            return
        for name, item in value.items():
            self.check(item, item_type, value, name, f"{path}.{name}", noting=False)

    def _quantity(self, value: Any, container: Any, key: Any, path: str) -> None:
        try:
            negative = parse_quantity(value) < 0
        except (ValueError, TypeError):
            self._problem("not a quantity", container, key, path, value, QUANTITY_FORMS)
            return
        if negative:
            self._problem("negative quantity", container, key, path, value, QUANTITY_FORMS)

    def _fields(self, value: Any, type_name: str, container: Any, key: Any, path: str, noting: bool) -> None:
        if not isinstance(value, SourceMap):
            self._problem("wrong type", container, key, path, value, "a mapping")
            return
        known = field_types()[type_name]
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            if name not in known and (type_name == "NodeStatus" or name in FORMER_FIELDS.get(type_name, ())):
                continue
            if name not in known:
                allowed = "fields of " + type_name.removeprefix("V1").removeprefix("V2")
                self._problem(f"{UNKNOWN}{suggestion(name, list(known))}", value, name, inner, None, allowed)
            elif item is not None:
                modelled = self._note(type_name, name, value, noting)
                self.check(item, known[name], value, name, inner, noting and modelled)

    def _note(self, type_name: str, name: str, container: SourceMap, noting: bool) -> bool:
        """Lists a field that is not simulated; True when what is inside it is to be looked at."""
        if not noting or type_name not in MODELLED or name in MODELLED[type_name]:
            return True
        field = f"{type_name.removeprefix('V1').removeprefix('V2')}.{name}"
        mark = mark_of(container, name)
        if (reason := NOT_MODELLED[type_name].get(name)) is not None:
            if container[name] not in ({}, [], "", False, 0):
                self.reading.note("not_modelled", field, reason, mark, self.object_name)
        else:
            self.reading.note("ignored", field, "no effect on capacity", mark, self.object_name)
        return False

    def _problem(self, message: str, container: Any, key: Any, path: str, value: Any, allowed: str) -> None:
        self.ok = self.ok and message.startswith(UNKNOWN)
        # Values of environment variables may be secrets: only their type is shown.
        secret = ".env." in path or ".env[" in path
        found = "" if value is None else _type_of(value) if secret else describe(value)
        mark = mark_of(container, key)
        self.reading.problems.append(
            Problem(message, mark.file, mark.line or None, f"{self.object_name}: {path}", found, allowed)
        )


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return (
        "a number"
        if isinstance(value, (int, float))
        else describe(value)
        if isinstance(value, (dict, list))
        else "text"
    )
