"""Which column holds which metric, and what one unit of it is: the options ``--column``, ``--unit`` and ``--per``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from capsim.controllers.hpa.grouping import NO_REQUEST
from capsim.errors import Problem, ScenarioError
from capsim.scenario.merge import suggestion
from capsim.units import parse_quantity

NONE = "none"
UNIT_FORMS = (
    "the metric's amount in one unit of the column, such as 1, 10m, 1Mi; percent or ratio (of the pod's request), "
    "limit-percent; in front of it requests* (counts for each interval) or counter* (a running total)"
)
COUNTER_NAME = re.compile(r"_total$", re.I)


@dataclass(frozen=True)
class Unit:
    """One unit of a column: ``milli`` milli-units of the metric, per second where ``kind`` is requests or counter."""

    milli: float
    kind: Literal["level", "requests", "counter"] = "level"


@dataclass(frozen=True)
class ColumnChoice:
    """The options of one metric; empty texts where nothing was said."""

    column: str = ""
    unit: str = ""
    per: str = ""


def choices(
    keys: Sequence[str], columns: Sequence[str], units: Sequence[str], pers: Sequence[str]
) -> dict[str, ColumnChoice]:
    """The options of each metric. A text without ``METRIC=`` is for all of them. Raises ScenarioError."""
    problems: list[Problem] = []
    found = {
        option: _by_metric(option, texts, keys, problems)
        for option, texts in (("--column", columns), ("--unit", units), ("--per", pers))
    }
    for key, per in found["--per"].items():
        if per not in ("pod", "total"):
            problems.append(Problem("not a kind of value", key=f"--per {key}", found=repr(per), allowed="pod, total"))
    if problems:
        raise ScenarioError(problems)
    return {
        key: ColumnChoice(found["--column"].get(key, ""), found["--unit"].get(key, ""), found["--per"].get(key, ""))
        for key in keys
    }


def _by_metric(option: str, texts: Sequence[str], keys: Sequence[str], problems: list[Problem]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if separator and key in keys:
            found[key] = value
        elif separator and option != "--column":
            message = f"the HPA has no metric {key!r}{suggestion(key, list(keys))}"
            problems.append(Problem(message, key=option, found=repr(text), allowed=", ".join(keys)))
        else:
            found.update({one: text for one in keys if one not in found})
    return found


def unit_of(text: str, key: str, request_milli: int, limit_milli: int) -> Unit:
    """The unit that a text describes, for pods with this request and limit. Raises ScenarioError."""
    prefix, separator, amount = text.partition("*")
    if not separator:
        prefix, amount = (text, "1") if text in ("requests", "counter") else ("level", text)
    if prefix not in ("level", "requests", "counter"):
        raise ScenarioError(Problem("not a unit", key=f"--unit {key}", found=repr(text), allowed=UNIT_FORMS))
    milli = _milli(amount, text, key, request_milli, limit_milli)
    return Unit(milli, prefix)  # type: ignore[arg-type]


def _milli(amount: str, text: str, key: str, request_milli: int, limit_milli: int) -> float:
    shares = {"percent": (request_milli, 100), "ratio": (request_milli, 1), "limit-percent": (limit_milli, 100)}
    if amount in shares:
        whole_milli, parts = shares[amount]
        if whole_milli <= 0:
            what = "limit" if amount.startswith("limit") else "request"
            found = "no container's request" if request_milli == NO_REQUEST else f"no {what} of {key}"
            allowed = f"--pods with a {what}, or another unit"
            raise ScenarioError(
                Problem(f"a share of the pod's {what}", key=f"--unit {key}", found=found, allowed=allowed)
            )
        return whole_milli / parts
    try:
        quantity = float(parse_quantity(amount or "1"))
    except ValueError:
        quantity = 0.0
    if quantity <= 0:
        raise ScenarioError(Problem("not a unit", key=f"--unit {key}", found=repr(text), allowed=UNIT_FORMS))
    return quantity * 1000.0
