"""What a trace file holds: span, step, oddities, peaks and cycles of every series in it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capsim.errors import ScenarioError
from capsim.scenario.series.base import ANYWHERE
from capsim.scenario.series.file import FileSeries
from capsim.scenario.series.stepwise import Samples
from capsim.scenario.traces.clean import Mending, cleaned
from capsim.scenario.traces.columns import suggestion
from capsim.scenario.traces.cycles import HOUR_MS, Cycles, cycles
from capsim.scenario.traces.findings import Findings, Rows, find
from capsim.scenario.traces.header import Header, read_header
from capsim.scenario.traces.peaks import highest
from capsim.scenario.traces.record import counted
from capsim.scenario.traces.table import Table, Wanted, read_table
from capsim.scenario.traces.where import Where, listed
from capsim.units import format_duration

PEAKS = 5
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Oddity:
    """How many rows are odd in one way, and the lines of the first few."""

    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Peak:
    """One of the highest values: when (ISO 8601, or time since the first row) and how high."""

    at_ms: int
    time: str
    value: float


@dataclass(frozen=True)
class SeriesFacts:
    """One series of a file; values in the file's own unit."""

    name: str
    rows: int
    start: str
    end: str
    since_first_ms: int
    """When its first row is, after the first row of the file."""
    span_ms: int
    interval_ms: int
    even: bool
    oddities: dict[str, Oddity]
    longest_gap_ms: int
    mean: float
    peak_to_mean_ratio: float
    peaks: tuple[Peak, ...]
    busiest_hour: int | None
    quietest_hour: int | None
    day_repeats_ratio: float | None
    week_repeats_ratio: float | None
    weekend_factor: float | None
    samples: Samples | None = field(default=None, repr=False, compare=False)
    cycles: Cycles | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The facts without arrays, for JSON."""
        plain = {key: _or_none(value) for key, value in self.__dict__.items() if key not in ("samples", "cycles")}
        plain["oddities"] = {key: asdict(value) for key, value in self.oddities.items()}
        plain["peaks"] = [asdict(peak) for peak in self.peaks]
        return plain


@dataclass(frozen=True)
class Inspection:
    """A whole file."""

    file: str
    format: str
    rows: int
    time_column: str | None
    time_format: str
    zones: tuple[str, ...]
    is_clock: bool
    zone: str
    """The zone in which times are read that name none."""
    other_columns: tuple[str, ...]
    """Columns that hold no numbers."""
    start_ms: int
    series: tuple[SeriesFacts, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything but arrays, for JSON."""
        plain = {key: value for key, value in self.__dict__.items() if key not in ("series", "start_ms")}
        plain |= {"zones": list(self.zones), "other_columns": list(self.other_columns)}
        return {**plain, "series": [facts.as_dict() for facts in self.series]}


def inspect(options: FileSeries) -> Inspection:
    """Looks at a file: `options` say what cannot be told from it (columns, zone, interval).

    Oddities are counted, not refused. Raises ScenarioError when the file cannot be read as a table.
    """
    where = Where(options.file)
    header = read_header(where)
    wanted = _wanted(header, options, where)
    table = read_table(header, wanted, where)
    times = table.times_ms
    if times is None:
        times = np.arange(table.rows, dtype=np.int64) * (options.interval_ms or 1)
    each = _counted(options, table, where) if options.unit == "events" else _each(table, times)
    start_ms = min(int(one[1].min()) for one in each)
    return Inspection(
        file=options.file,
        format="Parquet" if header.is_parquet else "CSV, gzip" if header.is_gzip else "CSV",
        rows=table.rows,
        time_column=wanted.time,
        time_format=table.time_format,
        zones=table.zones if table.time_format == "iso" else (),
        is_clock=table.is_clock,
        zone=options.zone,
        other_columns=_others(header, wanted, options),
        start_ms=start_ms,
        series=tuple(_facts(one, start_ms, options, table, where) for one in each),
    )


def _wanted(header: Header, options: FileSeries, where: Where) -> Wanted:
    time = options.time or header.time_name()
    for key, name in (("time", options.time), ("column", options.column), ("service", options.service_column)):
        if name is not None and name not in header.kinds:
            message = f"no such column{suggestion(name, header.names)}"
            raise ScenarioError(where.in_scenario(message, f"--{key}", repr(name), listed(header.names)))
    if time is not None and options.unit == "events":
        return Wanted((), time, options.service_column, options.time_format, options.zone)
    if time is None and options.interval_ms is None:
        allowed = "--time COLUMN, or --interval 1m, say, for evenly spaced rows"
        raise ScenarioError(where.in_trace("no column of times", 1, listed(header.names), allowed))
    taken = (time, options.service_column)
    numbers = [name for name, kind in header.kinds.items() if kind in ("number", "empty") and name not in taken]
    columns = [options.column] if options.column else numbers
    if not columns:
        raise ScenarioError(
            where.in_trace("no column of numbers", 1, listed(header.names), "a column besides the times")
        )
    return Wanted(tuple(columns), time, options.service_column, options.time_format, options.zone)


def _others(header: Header, wanted: Wanted, options: FileSeries) -> tuple[str, ...]:
    if options.column is not None or options.unit == "events":
        return ()
    return tuple(name for name in header.names if name not in (*wanted.columns, wanted.time, wanted.service))


def _counted(options: FileSeries, table: Table, where: Where) -> list[tuple[str, NDArray[np.int64], F64, Any]]:
    """Rows per interval."""
    trace, per_ms = counted(options, table, ANYWHERE, where)
    times = trace.samples.times_ms + trace.start_ms
    return [(f"rows per {format_duration(per_ms)}", times, trace.samples.values, np.zeros(len(times), np.int64))]


def _each(table: Table, times: NDArray[np.int64]) -> list[tuple[str, NDArray[np.int64], F64, Any]]:
    """Name, times, values and lines of every series."""
    first = table.header.first_line
    if table.service_of_row is None:
        return [(name, times, values, first) for name, values in table.columns.items()]
    found = []
    values = next(iter(table.columns.values()))
    for number, service in enumerate(table.services):
        rows = np.flatnonzero(table.service_of_row == number)
        found.append((service, times[rows], values[rows], rows + first))
    return found


def _facts(
    one: tuple[str, NDArray[np.int64], F64, Any], first_ms: int, options: FileSeries, table: Table, where: Where
) -> SeriesFacts:
    name, times, values, lines = one
    findings = find(times, values, options.interval_ms)
    start, end = int(times.min()), int(times.max()) + findings.spacing.interval_ms
    samples = _mended(times, values, findings, options, where)
    found = cycles(samples, start if table.is_clock else 0) if samples is not None else None
    mean = float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
    at = _clock if table.is_clock else _since
    peaks = _peaks(samples, start, at, table.is_clock) if samples is not None else ()
    return SeriesFacts(
        name=name,
        rows=len(values),
        start=at(start, start),
        end=at(end, start),
        since_first_ms=start - first_ms,
        span_ms=end - start,
        interval_ms=findings.spacing.interval_ms,
        even=findings.spacing.even,
        oddities=_oddities(findings, lines),
        longest_gap_ms=findings.longest_gap_ms,
        mean=mean,
        peak_to_mean_ratio=peaks[0].value / mean if peaks and mean > 0 else float("nan"),
        peaks=peaks,
        **_cycle_facts(found, table.is_clock),
        samples=samples,
        cycles=found,
    )


def _mended(
    times: NDArray[np.int64], values: F64, findings: Findings, options: FileSeries, where: Where
) -> Samples | None:
    """The samples with every oddity mended, for peaks and cycles; None where nothing is left."""
    usable = np.where(np.isfinite(values) & (values >= 0), values, np.nan)
    if np.isnan(usable).all() or not findings.spacing.interval_ms:
        return None
    return cleaned(times, usable, 0, options.interval_ms, Mending("hold", "mean", True), where).samples


def _peaks(samples: Samples, start_ms: int, at: Any, is_clock: bool) -> tuple[Peak, ...]:
    apart_ms = max(HOUR_MS if samples.end_ms > 12 * HOUR_MS else 0, samples.end_ms // 100)
    return tuple(
        Peak(int(samples.times_ms[i]), at(start_ms + int(samples.times_ms[i]), start_ms), float(samples.values[i]))
        for i in highest(samples, PEAKS, apart_ms)
    )


def _oddities(findings: Findings, lines: Any) -> dict[str, Oddity]:
    named = {
        "unsorted": findings.unsorted,
        "duplicates": findings.duplicates,
        "gaps": findings.gaps,
        "empty": findings.missing,
        "negative": findings.negative,
        "infinite": findings.not_finite,
    }
    return {name: Oddity(rows.count, _lines(rows, lines)) for name, rows in named.items()}


def _lines(rows: Rows, lines: Any) -> tuple[int, ...]:
    return tuple(int(lines[row]) if isinstance(lines, np.ndarray) else lines + row for row in rows.first)


def _cycle_facts(found: Cycles | None, is_clock: bool) -> dict[str, Any]:
    """Hours are those of UTC, or hours after the first row; weeks need wall-clock times."""
    if found is None:
        names = ("busiest_hour", "quietest_hour", "day_repeats_ratio", "week_repeats_ratio", "weekend_factor")
        return dict.fromkeys(names)
    weekday, weekend = np.nanmean(found.week.means[:5]), found.week.means[5:]
    known = not np.isnan(weekend).any() and not np.isnan(found.week.means[:5]).all() and weekday > 0
    return {
        "busiest_hour": int(np.nanargmax(found.day.means)),
        "quietest_hour": int(np.nanargmin(found.day.means)),
        "day_repeats_ratio": found.day.repeats_ratio,
        "week_repeats_ratio": found.week.repeats_ratio,
        "weekend_factor": float(weekend.mean() / weekday) if known and is_clock else None,
    }


def _or_none(value: Any) -> Any:
    """JSON has no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _clock(time_ms: int, start_ms: int) -> str:
    text = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(
        timespec="milliseconds" if time_ms % 1000 else "seconds"
    )
    return text.replace("+00:00", "Z")


def _since(time_ms: int, start_ms: int) -> str:
    return format_duration(time_ms - start_ms)
