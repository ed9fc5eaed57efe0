"""Reads a table of recorded pods: times, quantities and names, each cell that is wrong with its line and column."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from capsim.errors import Problem, ScenarioError
from capsim.scenario.lifetimes import PodsFile, QuantityColumn
from capsim.scenario.model import quantity_of
from capsim.scenario.traces.columns import suggestion
from capsim.scenario.traces.header import Header, read_header
from capsim.scenario.traces.table import text_columns
from capsim.scenario.traces.times import MISSING, IsoTimes, from_numbers
from capsim.scenario.traces.where import Where, listed

I64 = NDArray[np.int64]
_DATE = re.compile(r"\s*\d{4}-\d\d")
MOST_SHOWN = 5
"""Problems of one kind in one column."""


@dataclass(frozen=True)
class PodTable:
    """One row a pod, in the order of the file."""

    created_ms: I64
    """Milliseconds since the start of the run; -1: before it."""
    deleted_ms: I64
    """-1: not within the record."""
    workload: list[tuple[str, ...]]
    amounts: dict[tuple[str, str], list[int]]
    """Base units by ("requests" or "limits", resource); 0: nothing."""
    most: list[int]
    """The most pods of its workload on one node; 0: no limit."""
    nodes: list[str]
    """Node at the start, where a column names it."""
    lines: list[int]


def read_pods(spec: PodsFile, where: Where, start: datetime) -> PodTable:
    """The table that ``spec`` names. Raises ScenarioError with every column and cell that is wrong."""
    header = read_header(where)
    reading = _Reading(spec, where, header, text_columns(header, _columns(spec, header, where), where))
    table = reading.table(start)
    if reading.problems:
        raise ScenarioError(reading.problems)
    return table


def _columns(spec: PodsFile, header: Header, where: Where) -> list[str]:
    """Names of all columns that are read. Raises ScenarioError for those that are not there."""
    workload = spec.workload_columns()
    wanted = [("created", spec.created), ("deleted", spec.deleted), *(("workload", name) for name in workload)]
    wanted += [(f"{kind}.{resource}", column.column) for kind, resource, column in spec.quantity_columns()]
    wanted += [(key, name) for key, name in (("maxPerNode", spec.max_per_node), ("node", spec.node)) if name]
    problems = [
        where.in_scenario(f"no such column{suggestion(name, header.names)}", key, repr(name), listed(header.names))
        for key, name in wanted
        if name not in header.kinds
    ]
    if not workload:
        problems.append(where.in_scenario("no column", "workload", "an empty list", listed(header.names)))
    if problems:
        raise ScenarioError(problems)
    return list(dict.fromkeys(name for _, name in wanted))


class _Reading:
    """Cells to values; problems are collected."""

    def __init__(self, spec: PodsFile, where: Where, header: Header, cells: dict[str, list[str | None]]) -> None:
        self.spec, self.where, self.header, self.cells = spec, where, header, cells
        self.problems: list[Problem] = []

    def table(self, start: datetime) -> PodTable:
        """All rows that live at or after the start."""
        count = len(self.cells[self.spec.created])
        created, deleted = self._times(start)
        self._order(created, deleted)
        amounts = {(kind, name): self._amounts(name, column) for kind, name, column in self.spec.quantity_columns()}
        most = self._limits(self.spec.max_per_node) if self.spec.max_per_node else [0] * count
        workload = [self.cells[name] for name in self.spec.workload_columns()]
        for name in self.spec.workload_columns():
            self._complain(name, [i for i, text in enumerate(self.cells[name]) if not text], "empty", "a name")
        nodes = [text or "" for text in self.cells[self.spec.node]] if self.spec.node else []
        kept = [i for i in range(count) if not (deleted[i] != MISSING and deleted[i] < 0)]
        ends = [np.array([-1 if values[i] < 0 else values[i] for i in kept], np.int64) for values in (created, deleted)]
        return PodTable(
            created_ms=ends[0],
            deleted_ms=ends[1],
            workload=[tuple(column[i] or "" for column in workload) for i in kept],
            amounts={key: [values[i] for i in kept] for key, values in amounts.items()},
            most=[most[i] for i in kept],
            nodes=[nodes[i] for i in kept] if nodes else [],
            lines=[self.header.first_line + i for i in kept],
        )

    def _complain(self, column: str, rows: list[int], message: str, allowed: str) -> None:
        for i in rows[:MOST_SHOWN]:
            found = "nothing" if self.cells[column][i] is None else repr(self.cells[column][i])
            line = self.header.first_line + i
            self.problems.append(self.where.in_trace(f"{message} in column {column!r}", line, found, allowed))
        if len(rows) > MOST_SHOWN:
            text = f"{message} in column {column!r}: {len(rows) - MOST_SHOWN} more such rows"
            self.problems.append(self.where.in_trace(text, None, "", allowed))

    def _times(self, start: datetime) -> tuple[I64, I64]:
        """Both columns in ms since the start, ``MISSING`` where they are empty."""
        names = (self.spec.created, self.spec.deleted)
        texts = [self.cells[name] for name in names]
        first = next((text for column in texts for text in column if text), "0")
        is_iso = self.spec.time_format == "iso" or (self.spec.time_format == "auto" and _DATE.match(first) is not None)
        columns = [self._iso(name) if is_iso else self._seconds(name) for name in names]
        if is_iso:
            zero_ms = round(start.timestamp() * 1000)
            return tuple(np.where(c == MISSING, MISSING, c - zero_ms) for c in columns)  # type: ignore[return-value]
        present = [~np.isnan(values) for values in columns]
        values = np.concatenate([values[there] for values, there in zip(columns, present, strict=True)])
        times, form = from_numbers(values, self.spec.time_format, self.where, self.header.first_line)
        if form != "seconds":
            times = times - round(start.timestamp() * 1000)
        found = []
        for there, part in zip(present, np.split(times, [int(present[0].sum())]), strict=True):
            column = np.full(there.size, MISSING, np.int64)
            column[there] = part
            found.append(column)
        return found[0], found[1]

    def _seconds(self, name: str) -> NDArray[np.float64]:
        """Numbers, NaN where there is none."""
        cells = self.cells[name]
        wrong = [i for i, text in enumerate(cells) if text and not _is_number(text)]
        self._complain(name, wrong, "not a time", "a number, or ISO 8601 times in the whole column, or nothing")
        bad = set(wrong)
        return np.array([float(text) if text and i not in bad else np.nan for i, text in enumerate(cells)])

    def _iso(self, name: str) -> I64:
        cells = pa.array([text or None for text in self.cells[name]], pa.string())
        try:
            return IsoTimes(self.where, self.spec.zone, self.header.first_line).take(cells)
        except ScenarioError as error:
            said = [replace(p, message=f"{p.message} in column {name!r}") for p in error.problems]
            self.problems += said
            return np.full(len(cells), MISSING, np.int64)

    def _order(self, created: I64, deleted: I64) -> None:
        wrong = np.flatnonzero((created != MISSING) & (deleted != MISSING) & (deleted < created)).tolist()
        allowed = f"a time at or after that in column {self.spec.created!r}"
        self._complain(self.spec.deleted, wrong, "deleted before it was created", allowed)

    def _amounts(self, resource: str, column: QuantityColumn) -> list[int]:
        """Base units; each distinct text is read once."""
        unit, cells = quantity_of(resource), self.cells[column.column]
        known: dict[str | None, int] = {None: 0, "": 0}
        wrong: dict[str, int] = {}
        for i, text in enumerate(cells):
            if text in known or text is None:
                continue
            try:
                amount = int(unit.parse(f"{text.strip()}{column.unit}"))
            except (ValueError, TypeError):
                amount = -1
            known[text] = max(0, amount)
            if amount < 0:
                wrong[text] = i
        suffix = f", in {column.unit}" if column.unit else ""
        self._complain(column.column, list(wrong.values()), f"not a {unit.name}", unit.allowed + suffix)
        return [known[text] for text in cells]

    def _limits(self, name: str) -> list[int]:
        cells = self.cells[name]
        wrong = [i for i, text in enumerate(cells) if text and not (_is_number(text) and float(text).is_integer())]
        self._complain(name, wrong, "not a limit", "a whole number; empty or not positive: no limit")
        bad = set(wrong)
        return [max(0, int(float(text))) if text and i not in bad else 0 for i, text in enumerate(cells)]


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
