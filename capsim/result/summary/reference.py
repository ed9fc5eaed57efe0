"""Prints docs/reference/summary.md: ``python -m capsim.result.summary.reference > docs/reference/summary.md``."""

from __future__ import annotations

import sys
from typing import Any, get_args

from pydantic import BaseModel

from capsim.result.summary.model import Summary

HEAD = """# summary.json

<!-- Written by `python -m capsim.result.summary.reference` from the descriptions in capsim/result/summary/model.py. -->

Every number of a run's summary, with its unit. Times are milliseconds since the start of the run unless they say s.
In Python the same is `result.summary` (`result.summary.pending.longest_s`). "Mean of one sample interval" refers to the
`sampleInterval` of the scenario (1 min unless set).
"""


def markdown() -> str:
    """The whole page."""
    parts = [HEAD]
    for model, path in _models(Summary, ""):
        parts.append(f"\n## {path or 'Summary'}\n\n{_first_line(model)}\n\n| key | what it is |\n|---|---|")
        parts += [f"| `{name}` | {field.description} |" for name, field in model.model_fields.items()]
    return "\n".join(parts) + "\n"


def _models(model: type[BaseModel], path: str) -> list[tuple[type[BaseModel], str]]:
    found = [(model, path)]
    for name, field in model.model_fields.items():
        nested = _model_in(field.annotation)
        if nested is not None:
            found += _models(nested[0], f"{path}.{name}{nested[1]}".removeprefix("."))
    return found


def _model_in(annotation: Any) -> tuple[type[BaseModel], str] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    for part in get_args(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part, "[]"
    return None


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    sys.stdout.write(markdown())
