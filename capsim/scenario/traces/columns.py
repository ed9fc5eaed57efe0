"""Which column of a trace file is meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from capsim.errors import Problem, ScenarioError
from capsim.scenario.series.file import FileSeries
from capsim.scenario.traces.header import Header
from capsim.scenario.traces.table import Wanted
from capsim.scenario.traces.where import Where, listed


def names_of(key: str) -> list[str]:
    """What a service or workload may be called in a file: `shop/cart` -> shop/cart, cart.

    >>> names_of("shop/Deployment/cart")
    ['shop/Deployment/cart', 'shop/cart', 'cart']
    """
    parts = key.split("/")
    return list(dict.fromkeys([key, f"{parts[0]}/{parts[-1]}", parts[-1]])) if key else []


def choose(header: Header, series: FileSeries, key: str, where: Where) -> tuple[Wanted, str]:
    """What to read for a series of the service (or workload) `key`, and the column of its values ("" for events).

    Raises ScenarioError with every column that does not exist or cannot be told.
    """
    problems: list[Problem] = []
    time = _time(header, series, where, problems)
    if series.service_column is not None:
        _named(header, series.service_column, "serviceColumn", where, problems)
    taken = [name for name in (time, series.service_column) if name]
    column = "" if series.unit == "events" else _values(header, series, key, taken, where, problems)
    if problems:
        raise ScenarioError(problems)
    columns = (column,) if column else ()
    return Wanted(columns, time, series.service_column, series.time_format, series.zone), column


def _time(header: Header, series: FileSeries, where: Where, problems: list[Problem]) -> str | None:
    if series.time is not None:
        return _named(header, series.time, "time", where, problems)
    if (found := header.time_name()) is not None and found != series.column:
        return found
    if series.unit == "events" or series.interval_ms is None:
        allowed = f"time: one of {listed(header.names)}"
        allowed += "" if series.unit == "events" else ", or interval: 1m, say, for evenly spaced rows"
        problems.append(where.in_trace("no column of times", 1, listed(header.names), allowed))
    return None


def _values(
    header: Header, series: FileSeries, key: str, taken: Sequence[str], where: Where, problems: list[Problem]
) -> str:
    if series.column is not None:
        return _named(header, series.column, "column", where, problems) or ""
    others = [name for name in header.names if name not in taken]
    for name in names_of(key):
        if name in others:
            return name
    numbers = [name for name in others if header.kinds[name] != "text"] or others
    if len(numbers) == 1:
        return numbers[0]
    short = names_of(key)[-1] if key else ""
    hint = suggestion(short, others)
    message = f"no column is named like {short!r}{hint}" if short else "the file has several columns"
    found = listed(others) or "no column besides the times"
    problems.append(where.in_trace(message, 1, found, "column: one of these, or a column named like the service"))
    return ""


def _named(header: Header, name: str, key: str, where: Where, problems: list[Problem]) -> str | None:
    if name in header.kinds:
        return name
    message = f"no such column{suggestion(name, header.names)}"
    problems.append(where.in_scenario(message, key, repr(name), listed(header.names)))
    return None


def suggestion(word: str, known: Sequence[str]) -> str:
    """`, did you mean "x"?` when something known is close, else nothing."""
    lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
    return f', did you mean "{lower[close[0]]}"?' if close else ""
