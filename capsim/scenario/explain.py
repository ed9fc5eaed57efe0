"""Turns pydantic's errors into problems with file, line, key, what was found and what is allowed."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from capsim.errors import Problem
from capsim.scenario.document import SourceList, SourceMap, describe, mark_of
from capsim.scenario.merge import suggestion
from capsim.scenario.model import Written
from capsim.scenario.scenario import RUN_NAME, Scenario, ScenarioFile
from capsim.scenario.series import FORMS, TAG

SERIES_FORMS = f"a number, or a mapping with one of the keys {', '.join(name for name in FORMS if name != 'recorded')}"
_TYPES = {
    "int_type": ("wrong type", "a whole number"),
    "int_from_float": ("wrong type", "a whole number"),
    "int_parsing": ("wrong type", "a whole number"),
    "float_type": ("wrong type", "a number"),
    "bool_type": ("wrong type", "true or false"),
    "string_type": ("wrong type", "text (in quotes if it looks like a number or true)"),
    "dict_type": ("wrong type", "a mapping"),
    "model_type": ("wrong type", "a mapping"),
    "model_attributes_type": ("wrong type", "a mapping"),
    "list_type": ("wrong type", "a list"),
    "finite_number": ("not a number", "a finite number"),
    "string_too_short": ("empty", "text"),
    "capsim_form": ("not a series", SERIES_FORMS),
}
_BOUNDS = {"greater_than": "more than {gt}", "greater_than_equal": "{ge} or more", "less_than_equal": "{le} or less"}
_PATTERNS = {RUN_NAME: "text without / and \\", r"^\d+:\d+$": "min:max, such as 0:100"}
SHOWN_KEYS = 20
NAME_FORM = "lower-case letters, digits, - and ., starting and ending with a letter or digit"


class Place:
    """Where a pydantic location is in the source: key as people write it, container and key for the mark."""

    def __init__(self, root: SourceMap, location: tuple[int | str, ...], missing: bool = False) -> None:
        self.container: Any = root
        self.key: Any = ""
        self.value: Any = root
        self.path = ""
        self.exact = True
        for index, part in enumerate(location):
            self._step(part, missing and index == len(location) - 1)

    def _step(self, part: int | str, missing: bool) -> None:
        if isinstance(self.value, SourceList) and isinstance(part, int) and part < len(self.value):
            item = self.value[part]
            name = item.get("name") if isinstance(item, SourceMap) else None
            self._enter(part, f".{name}" if isinstance(name, str) else f"[{part}]")
        elif isinstance(self.value, SourceMap) and (part in self.value or missing):
            self._enter(part, f".{part}" if self.path else str(part))

    def _enter(self, key: Any, label: str) -> None:
        self.container, self.key, self.path = self.value, key, self.path + label
        self.value = self.value[key] if isinstance(self.value, SourceList) else self.value.get(key)


def problems_of(error: ValidationError, root: SourceMap, model: type[BaseModel]) -> list[Problem]:
    """One problem for each error; errors that only follow from another one at the same place are left out."""
    problems: dict[tuple[str, int | None, str], Problem] = {}
    for details in error.errors(include_url=False):
        problem = _problem(details, root, model)
        problems.setdefault((problem.file, problem.line, problem.key), problem)
    return list(problems.values())


def _problem(details: ErrorDetails, root: SourceMap, model: type[BaseModel]) -> Problem:
    kind, context = details["type"], details.get("ctx") or {}
    location = tuple(details["loc"])
    if context.get("key"):
        location = (*location, context["key"])
    place = Place(root, location, missing=kind == "missing")
    mark = mark_of(place.container, place.key)
    message, allowed = _wording(kind, context, details)
    found = _found(kind, place, details)
    if kind == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        message, found = f"unknown key{suggestion(str(location[-1]), known)}", ""
        allowed = ", ".join(known[:SHOWN_KEYS]) + (f" and {len(known) - SHOWN_KEYS} more" * (len(known) > SHOWN_KEYS))
    elif kind == "missing":
        allowed = _description(model, location)
    return Problem(message, mark.file, mark.line or None, place.path, found, allowed)


def _wording(kind: str, context: dict[str, Any], details: ErrorDetails) -> tuple[str, str]:
    if kind == "capsim":
        return details["msg"], str(context.get("allowed", ""))
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in _BOUNDS:
        return "out of range", _BOUNDS[kind].format(**context)
    if kind == "literal_error":
        return "unknown value", str(context.get("expected", "")).replace("'", "")
    if kind == "missing":
        return "missing", ""
    if kind == "string_pattern_mismatch":
        return "wrong form", _PATTERNS.get(str(context.get("pattern")), NAME_FORM)
    return details["msg"], ""


def _found(kind: str, place: Place, details: ErrorDetails) -> str:
    if kind == "missing":
        return ""
    value = details.get("input")
    value = value.value if isinstance(value, Written) else value
    if isinstance(place.value, (str, int, float)) or isinstance(value, (SourceMap, SourceList)):
        value = place.value
    return "" if isinstance(value, dict) and kind == "capsim" else describe(value)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[list[type[BaseModel]], Any]:
    """The models that may stand at a location, and the last field on the way."""
    models: list[type[BaseModel]] = [model]
    last = None
    for part in location:
        if isinstance(part, str) and part.startswith(TAG):
            models = [FORMS[part.removeprefix(TAG)]]
            continue
        for candidate in models:
            for name, field in candidate.model_fields.items():
                if part == (field.alias or name):
                    inner = _models_in(field.annotation)
                    models, last = inner or models, field
                    break
            else:
                continue
            break
    return models, last


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    models, _ = _fields_at(model, location)
    models = [ScenarioFile] if models == [Scenario] else models
    keys = [field.alias or name for candidate in models for name, field in candidate.model_fields.items()]
    return list(dict.fromkeys(keys))


def _description(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    _, field = _fields_at(model, location)
    return str(field.description).rstrip(".") if field is not None else ""
