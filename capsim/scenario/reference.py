"""The reference page of scenario files, from the models' own descriptions.

python -m capsim.scenario.reference > docs/reference/scenario.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from capsim.scenario.event import Scale
from capsim.scenario.kubernetes.hpa import Hpa
from capsim.scenario.kubernetes.resource_quota import ResourceQuota
from capsim.scenario.kubernetes.workload import Workload
from capsim.scenario.model import CPU, DURATION, MEMORY, ResourceUnit, Text, Unit
from capsim.scenario.scenario import ScenarioFile
from capsim.scenario.series import FORMS, Point, Series
from capsim.scenario.series.instant import TRACE_TIME
from capsim.scenario.series.packed import Numbers
from capsim.scenario.series.recorded import PlayedSeries

FIRST_KEYS = ("apiVersion", "extends", "manifests", "objects")
SERIES_INTRODUCTION = """\
## Series

Values over time, under `traffic` and `usage`: a number, or a mapping whose form is named by one of the keys below.
Series stand within others (`sum`, `product`, `noise`) as deeply as wanted. Times are times since the start of the run,
but in `crop`. See [the guide](../guide/traffic.md) for examples.
"""
TABLE_HEAD = "| key | value | default | meaning |\n|---|---|---|---|"
READ_AS_OBJECTS = (Workload, Hpa, ResourceQuota, Scale)
"""Stand in place of Kubernetes objects."""
INTRODUCTION = """\
# Scenario files

Generated from the models by `python -m capsim.scenario.reference > docs/reference/scenario.md`; do not edit.
The same texts are in the JSON Schema, `capsim/scenario/capsim-v1.schema.json`, which editors use for completion.

A scenario is one YAML (or JSON) file with `apiVersion: capsim/v1`; a folder that holds a `scenario.yaml` is a scenario
too. Unknown keys are errors. An empty (null) value means the default.

**Quantities** are written as in Kubernetes: CPU in cores (`2`, `500m`), memory and storage in bytes (`512Mi`, `8Gi`).
**Durations** are written as `250ms`, `15s`, `10m`, `1h30m`, `2d`, or as a number of seconds.

**Names** under `services`, `workloads`, `traffic`, `usage` and in events may be `name`, `namespace/name` or
`namespace/Kind/name`, as long as only one object fits.

**Merging.** Files under `extends`, then the file itself, then overlays (`-f`), then `--set`, as Helm merges values:
mappings deep, scalars and lists replaced, `null` deletes. Lists whose elements have a `name` merge by name. A series
under `traffic` or `usage` is replaced as a whole. Elements of `objects` are merged over the object of the same kind,
name and namespace, whether it comes from `manifests` or from another file. `$patch: delete` removes a named element or
an object, `$patch: replace` replaces a mapping instead of merging it.

**`--set key.key=value`** reaches any key; the value is typed like a YAML scalar. Named elements of lists are addressed
by their name, others by index, and a dot within a key is written `\\.`:

    --set duration=2h
    --set nodeGroups.workers.max=6
    --set workloads.app10.containers.app.cpuPerRequest=40m
    --set events[0].at=5m
    --set objects.HorizontalPodAutoscaler.app10.spec.maxReplicas=6
    --set objects.Deployment.shop/cart.spec.template.spec.containers.app.resources.requests.cpu=750m

**Nodes.** The nodes of a group are named `<group>-1`, `<group>-2`, …; Node objects keep their names. Groups and Node
objects may stand together: a Node object is neither added nor removed, unless its label `capsim.io/node-group` names a
group; then it is one of that group's initial nodes.

**Manifests alone.** `capsim run deploy.yaml --nodes 3x2cpu-8Gi --rps 500` needs no scenario file. `3..6x2cpu-8Gi` is a
group that can grow, `2x4cpu-16Gi-100Gi` gives the disk too, several shapes are separated by commas.
"""


def reference() -> str:
    """The whole page in Markdown."""
    models: dict[type[BaseModel], list[str]] = {}
    _collect("", ScenarioFile, models)
    tables = [line for model, paths in models.items() for line in _section(model, paths)]
    return "\n".join([INTRODUCTION, *tables, *_series_section()])


def _collect(path: str, model: type[BaseModel], found: dict[type[BaseModel], list[str]]) -> None:
    """Every model below `path`, in the order of the page, with the keys where it stands."""
    first = model not in found
    found.setdefault(model, []).append(path)
    for key, field in _keys(model) if first else ():
        for inner in _models(field.annotation):
            if not issubclass(inner, (Series, *READ_AS_OBJECTS)) or (inner is Scale and key == "scale"):
                prefix = f"{path}." if path else ""
                _collect(f"{prefix}{key}{_brackets(field.annotation)}", inner, found)


def _keys(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    keys = [(field.alias or name, field) for name, field in model.model_fields.items()]
    return sorted(keys, key=lambda item: item[0] not in FIRST_KEYS)


def _section(model: type[BaseModel], paths: list[str]) -> Iterator[str]:
    """A table of the keys of a model."""
    title = ", ".join(f"`{path}`" for path in paths) if paths != [""] else "Top level"
    summary = (model.__doc__ or "").strip().splitlines()[0]
    yield f"## {title}\n\n{summary}\n\n{TABLE_HEAD}"
    for key, field in _keys(model):
        yield f"| `{key}` | {_form(field)} | {_default(field)} | {_escaped(field.description or '')} |"
    yield ""


def _series_section() -> Iterator[str]:
    yield SERIES_INTRODUCTION
    for name, model in FORMS.items():
        yield f"### `{name}`\n\n{inspect.cleandoc(model.__doc__ or '')}\n\n{TABLE_HEAD}"
        yield from _series_rows(model, "")
        yield ""
    fields = " ".join(f"`{f.alias or n}`: {f.description}" for n, f in Point.model_fields.items())
    yield f"A point is `[at, value]` or `{{at: …, value: …}}`. {fields}\n"


def _series_rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """The keys of a series, with those of the mappings in it; the key that names the form first."""
    played = PlayedSeries.model_fields if issubclass(model, PlayedSeries) else {}
    for name, field in sorted(model.model_fields.items(), key=lambda item: item[0] in played):
        key = f"{prefix}{field.alias or name}"
        inner = [m for m in _models(field.annotation) if not issubclass(m, (Series, Point))]
        if inner:
            yield from _series_rows(inner[0], f"{key}.")
        else:
            yield f"| `{key}` | {_form(field)} | {_default(field)} | {_escaped(field.description or '')} |"


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return list(dict.fromkeys(m for inner in get_args(annotation) for m in _models(inner)))


def _brackets(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is list:
        return "[]"
    return ".<name>" if origin is dict else ""


def _form(field: FieldInfo) -> str:
    units = [m for m in field.metadata if isinstance(m, (Unit, ResourceUnit))]
    return _escaped(_unit(units[0]) if units else _type(field.annotation))


def _unit(unit: Any) -> str:
    if unit is DURATION:
        return "duration"
    if unit is TRACE_TIME:
        return "time"
    if isinstance(unit, ResourceUnit):
        return "quantity by resource"
    return {id(CPU): "cores", id(MEMORY): "bytes"}.get(id(unit), "CPU-seconds or cores")


def _type(annotation: Any) -> str:
    metadata = getattr(annotation, "__metadata__", ())
    if units := [m for m in metadata if isinstance(m, (Unit, ResourceUnit))]:
        return _unit(units[0])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if metadata:
        return _type(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is list:
        inner = _type(arguments[0])
        return inner if inner == "points" else f"list of {inner}"
    if annotation == dict[Text, Any]:
        return "object"
    if origin is dict:
        return f"{_type(arguments[1])} by name"
    if arguments:
        return " or ".join(dict.fromkeys(_type(inner) for inner in arguments if inner is not type(None)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "series" if issubclass(annotation, Series) else _model_form(annotation)
    if annotation is Numbers:
        return "numbers"
    if annotation is datetime:
        return "time with zone"
    simple = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return simple.get(annotation, "object" if annotation is Any else str(getattr(annotation, "__name__", annotation)))


def _model_form(model: type[BaseModel]) -> str:
    return {"Distribution": "duration or mapping", "Point": "points"}.get(model.__name__, "mapping")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.default
    if value is None or value in ("", [], {}):
        return ""
    units = [m for m in field.metadata if isinstance(m, Unit)]
    if units:
        return f"`{units[0].write(value)}`"
    if isinstance(value, BaseModel):
        written: object = value.model_dump(by_alias=True)
        return f"`{written}`" if isinstance(written, str) else ""
    if isinstance(value, datetime):
        return f"`{value:%Y-%m-%dT%H:%M:%SZ}`"
    if isinstance(value, dict):
        return ", ".join(f"`{key}: {item}`" for key, item in value.items())
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Writes the page to standard output."""
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(reference())


if __name__ == "__main__":
    main()
