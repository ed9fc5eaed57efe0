"""Reads label selectors, with the API server's checks."""

from __future__ import annotations

from typing import Any

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.labels import OPERATORS
from capsim.scenario.kubernetes.pod_reading import plain
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source


def read_selector(source: Source, path: tuple[str, ...], reading: Reading) -> dict[str, Any] | None:
    """The LabelSelector at `path`, empty when there is none; None after a problem."""
    raw = source.get(*path) or {}
    for index, expression in enumerate(raw.get("matchExpressions") or []):
        operator, values = expression.get("operator"), expression.get("values") or []
        where = f"{'.'.join(path)}.matchExpressions[{index}]"
        if operator not in OPERATORS:
            at = (expression, "operator")
            allowed = ", ".join(OPERATORS)
            reading.problem(
                source.object_name, f"{where}.operator", "unknown operator", at, describe(operator), allowed
            )
            return None
        if (operator in ("In", "NotIn")) != bool(values):
            allowed = "values with In and NotIn, none with Exists and DoesNotExist"
            reading.problem(source.object_name, f"{where}.values", "wrong values", (expression, "values"), "", allowed)
            return None
    selector: dict[str, Any] = plain(raw)
    return selector
