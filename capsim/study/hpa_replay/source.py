"""The rows of a metrics file: times, a column for each metric, and replica counts, cleaned as traces are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from capsim.errors import Problem, ScenarioError
from capsim.scenario.traces.clean import Mending, cleaned
from capsim.scenario.traces.columns import suggestion
from capsim.scenario.traces.findings import find
from capsim.scenario.traces.header import Header, read_header
from capsim.scenario.traces.table import Table, Wanted, read_table
from capsim.scenario.traces.where import Where, listed
from capsim.units import format_duration

if TYPE_CHECKING:
    from capsim.study.hpa_replay.recording import MetricsFile

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
NONE = "none"
MISSING = "missing"
OF_TIMES = ("rows that go back in time", "times that come twice", "missing rows")
OTHER_UNIT = re.compile(r"(^|[^a-z])(ms|millis|milliseconds|min|mins|minutes|hours?|hrs?|days?)[^a-z]*$", re.I)
"""Names of time columns that say another unit than seconds."""


@dataclass(frozen=True)
class Rows:
    """Cleaned rows; values as written, NaN where the metrics API is to have no value (gaps: missing)."""

    times_ms: I64
    """[rows + 1]: since the first row; the last is the end of the last row."""
    values: dict[str, F64]
    columns: dict[str, str]
    replicas: F64 | None
    start_ms: int
    is_clock: bool
    interval_ms: int
    even: bool
    first_line: int
    lines: I64 | None = None
    notes: list[str] = field(default_factory=list)

    def line(self, row: int) -> int | None:
        """Line of the file of a row, where rows and lines still correspond."""
        return int(self.lines[row]) if self.lines is not None else None


def read_rows(options: MetricsFile, chosen: Mapping[str, str], replicas: str | None) -> Rows:
    """The rows of a file. Raises ScenarioError with every problem of columns, then of cells, then of rows."""
    where = Where(options.path)
    header = read_header(where)
    columns, wanted = _columns(header, options, chosen, replicas, where)
    table = read_table(header, wanted, where)
    kept = _kept(table, options)
    names = list(dict.fromkeys([*columns.values(), *([replicas] if replicas else [])]))
    return _assembled(table, kept, names, columns, options, replicas)


def _columns(
    header: Header, options: MetricsFile, chosen: Mapping[str, str], replicas: str | None, where: Where
) -> tuple[dict[str, str], Wanted]:
    """Column of each metric that has one, and what to read."""
    problems: list[Problem] = []
    for option, name in (
        ("--time", options.time),
        ("--service-column", options.service_column),
        ("--replicas", replicas),
    ):
        if name is not None and name not in header.kinds:
            problems.append(_no_column(where, option, name, header))
    time = options.time or header.time_name()
    if time is None and options.interval_ms is None:
        allowed = f"--time with one of {listed(header.names)}, or --interval 1m, say, for evenly spaced rows"
        problems.append(Problem("no column of times", where.path, 1, found=listed(header.names), allowed=allowed))
    taken = {time, options.service_column, replicas}
    columns = {}
    for key, column in chosen.items():
        if column == NONE:
            continue
        found = _column(header, key, column, taken, len(chosen) == 1, where, problems)
        if found:
            columns[key] = found
    if not columns and not problems:
        problems.append(Problem("no metric has a column", where.path, key="--column", allowed="at least one"))
    if problems:
        raise ScenarioError(problems)
    names = dict.fromkeys([*columns.values(), *([replicas] if replicas else [])])
    return columns, Wanted(tuple(names), time, options.service_column, "auto", options.zone)


def _column(
    header: Header, key: str, column: str, taken: set[str | None], single: bool, where: Where, problems: list[Problem]
) -> str:
    if column:
        if column in header.kinds:
            return column
        problems.append(_no_column(where, f"--column {key}", column, header))
        return ""
    others = [name for name in header.names if name not in taken]
    if key in others:
        return key
    numbers = [name for name in others if header.kinds[name] == "number"]
    if single and len(numbers) == 1:
        return numbers[0]
    message = f"no column holds the metric {key!r}{suggestion(key, others)}"
    allowed = f"--column {key}=COLUMN, or --column {key}=none if it was not recorded (the HPA then fails to get it)"
    problems.append(Problem(message, where.path, 1, found=listed(others) or "no other columns", allowed=allowed))
    return ""


def _no_column(where: Where, option: str, name: str, header: Header) -> Problem:
    message = f"no such column{suggestion(name, header.names)}"
    return Problem(message, where.path, 1, option, repr(name), listed(header.names))


def _kept(table: Table, options: MetricsFile) -> I64:
    """Rows of the service that is meant."""
    if table.service_of_row is None:
        return np.arange(table.rows)
    if options.service not in table.services:
        message = f"no rows of service {options.service!r}{suggestion(options.service or '', table.services)}"
        raise ScenarioError(Problem(message, options.path, key="--service", allowed=listed(table.services)))
    return np.flatnonzero(table.service_of_row == table.services.index(options.service))


def _assembled(
    table: Table, kept: I64, names: list[str], columns: dict[str, str], options: MetricsFile, replicas: str | None
) -> Rows:
    times = _times(table, kept, options)
    lines = kept + table.header.first_line
    held = "hold" if options.gaps == MISSING else options.gaps
    mending = Mending(cast(Literal["refuse", "hold", "zero", "linear"], held))
    series: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in names:
        where = Where(options.path, f"column {name!r}")
        try:
            series[name] = cleaned(times, table.columns[name][kept], lines, options.interval_ms, mending, where)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(_once(problems))
    first = next(iter(series.values()))
    starts, interval_ms = first.samples.times_ms, first.interval_ms
    ends = np.append(starts, first.samples.end_ms)
    values = {key: series[name].samples.values for key, name in columns.items()}
    notes: list[str] = []
    if options.gaps == MISSING:
        ends, values, picked = _with_holes(table, kept, times, columns, values, ends, interval_ms, notes)
    else:
        picked = np.arange(len(starts))
    counts = series[replicas].samples.values[picked] if replicas else None
    whole = lines if len(lines) == len(ends) - 1 else None
    return Rows(
        ends, values, columns, counts, first.start_ms, table.is_clock, interval_ms, first.even,
        table.header.first_line, whole, notes,
    )  # fmt: skip


def _times(table: Table, kept: I64, options: MetricsFile) -> I64:
    """Times of the rows in ms; plain numbers are seconds, unless the option or nobody says otherwise."""
    if table.times_ms is None:
        return kept * (options.interval_ms or 1)
    times = table.times_ms[kept]
    if table.time_format != "seconds":
        return times
    name = options.time or table.header.time_name() or ""
    if options.time_unit_ms is None and OTHER_UNIT.search(name):
        message = f"column {name!r} does not sound like seconds"
        found = f"{times[0] / 1000:g} … {times[-1] / 1000:g}"
        allowed = "--time-unit 1m, say, or --time-unit 1s if it is in seconds"
        raise ScenarioError(Problem(message, options.path, 1, "--time", found, allowed))
    return np.asarray(times * (options.time_unit_ms or 1000) // 1000, np.int64)


def _with_holes(
    table: Table, kept: I64, times: I64, columns: dict[str, str], values: dict[str, F64], ends: I64, step_ms: int,
    notes: list[str],
) -> tuple[I64, dict[str, F64], I64]:  # fmt: skip
    """Rows without a value, and stretches without rows, as NaN: the metrics API answers nothing then."""
    findings = find(times, np.zeros(len(times)), step_ms)
    starts = ends[:-1]
    after = np.flatnonzero(np.diff(ends) > 1.5 * step_ms) if findings.gaps.count else np.zeros(0, np.int64)
    new_starts = np.concatenate([starts, starts[after] + step_ms])
    order = np.argsort(new_starts, kind="stable")
    picked = np.concatenate([np.arange(len(starts)), after])[order]
    hole = np.concatenate([np.zeros(len(starts), np.bool_), np.ones(len(after), np.bool_)])[order]
    found = {}
    for key, name in columns.items():
        raw = table.columns[name][kept]
        held = np.where(np.isnan(raw), np.nan, values[key])[picked]
        found[key] = np.where(hole, np.nan, held)
    if len(after):
        longest = format_duration(findings.longest_gap_ms)
        notes.append(f"{len(after)} gaps in which the metrics API has no value, the longest {longest}")
    return np.append(new_starts[order], ends[-1]), found, picked


def _once(problems: list[Problem]) -> list[Problem]:
    """Problems of the times come with every column: they are told once."""
    found: dict[tuple[str, int | None, str], Problem] = {}
    for one in problems:
        found.setdefault((one.message, one.line, "" if one.message in OF_TIMES else one.key), one)
    return list(found.values())
