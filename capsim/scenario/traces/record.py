"""From a `file` series to the samples that it plays."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from capsim.errors import Problem, ScenarioError
from capsim.scenario.series.base import ANYWHERE, LARGEST, Origin
from capsim.scenario.series.file import FileSeries
from capsim.scenario.series.instant import epoch_ms
from capsim.scenario.series.recorded import MOST_POINTS, RecordedSeries, Recording
from capsim.scenario.series.stepwise import Samples, cropped, grid, resampled
from capsim.scenario.traces.clean import Cleaned, Mending, cleaned
from capsim.scenario.traces.columns import choose, names_of, suggestion
from capsim.scenario.traces.header import read_header
from capsim.scenario.traces.table import Table, Wanted, read_table
from capsim.scenario.traces.where import Where, listed
from capsim.units import format_duration

COUNTS = re.compile(r"(^|[^a-z])(counts?|requests?|reqs?|hits|calls|tweets|events|rpm|rph)|per[ _-]?(min|hour)", re.I)
PER_SECOND = re.compile(r"rps|qps|per[ _-]?sec|/s\b", re.I)
PER_MS = {"rps": 1000, "value": 1000, "rpm": 60_000, "rph": 3_600_000}


@dataclass(frozen=True)
class Played:
    """A series with its samples, and what is worth a note about it."""

    series: RecordedSeries
    guessed: str
    end_ms: int
    """When it ends in a run, if it is not repeated."""


def recorded(series: FileSeries, origin: Origin = ANYWHERE) -> RecordedSeries:
    """The series with the samples that its file holds, the whole file. Raises ScenarioError with every problem."""
    where = Where(series.file)
    header = read_header(where)
    wanted, column = choose(header, series, origin.name, where)
    table = read_table(header, wanted, where)
    return record(series, table, wanted, column, origin, where).series


def record(
    series: FileSeries, table: Table, wanted: Wanted, column: str, origin: Origin, where: Where, kind: str = "traffic"
) -> Played:
    """The samples of one column, cleaned, cropped, resampled. Raises ScenarioError with every problem."""
    check_digest(series, where)
    if series.unit == "events":
        trace, per_ms = counted(series, table, origin, where)
    else:
        trace = _with_unit(series, table, column, origin, where, kind)
        per_ms = _per_ms(series, trace, where)
    _check_size(trace.samples, per_ms, column, where)
    crop_ms, samples = _cropped(series, trace, table.is_clock, where)
    samples = _resampled(series, samples, trace, where)
    offset_ms, samples = _aligned(series, samples, trace.start_ms + crop_ms, table.is_clock, origin, where)
    interval_ms = series.resample.step_ms if series.resample else trace.interval_ms
    return Played(
        series=_played(series, samples, per_ms, column, interval_ms, offset_ms),
        guessed=_guessed(series, wanted, trace, table),
        end_ms=offset_ms + round(samples.end_ms * series.time_scale),
    )


def _cleaned(series: FileSeries, table: Table, column: str, origin: Origin, where: Where) -> Cleaned:
    values, times = table.columns[column], table.times_ms
    lines: np.ndarray[tuple[int], np.dtype[np.int64]] | int = table.header.first_line
    if times is None:
        assert series.interval_ms is not None
        times = np.arange(table.rows, dtype=np.int64) * series.interval_ms
    if table.service_of_row is not None:
        rows = np.flatnonzero(table.service_of_row == _service(series, table, origin, where))
        times, values, lines = times[rows], values[rows], rows + table.header.first_line
    mending = Mending(series.gaps, series.duplicates, series.sort)
    return cleaned(times, values, lines, series.interval_ms, mending, where)


def _service(series: FileSeries, table: Table, origin: Origin, where: Where) -> int:
    """Number of the service whose rows are meant."""
    wanted = [series.service] if series.service is not None else names_of(origin.name)
    for name in wanted:
        if name in table.services:
            return table.services.index(name)
    last = wanted[-1] if wanted else ""
    message = f"no rows of service {last!r}{suggestion(last, table.services)}"
    key = "service" if series.service is not None else ""
    raise ScenarioError(where.in_scenario(message, key, "", listed(table.services)))


def counted(series: FileSeries, table: Table, origin: Origin, where: Where) -> tuple[Cleaned, int]:
    """Rows counted by interval (default 1 s), which begins at a multiple of itself."""
    times = table.times_ms
    assert times is not None
    if table.service_of_row is not None:
        times = times[table.service_of_row == _service(series, table, origin, where)]
    step = series.interval_ms or 1000
    bins = times // step
    first = int(bins.min())
    count = int(bins.max()) - first + 1
    if count > MOST_POINTS:
        found = f"{count:,} intervals of {format_duration(step)}"
        raise ScenarioError(where.in_scenario("too many intervals", "interval", found, f"at most {MOST_POINTS:,}"))
    values = np.bincount(bins - first, minlength=count).astype(np.float64)
    return Cleaned(Samples(grid(count * step, step), values, count * step), first * step, step, True), step


def _with_unit(series: FileSeries, table: Table, column: str, origin: Origin, where: Where, kind: str) -> Cleaned:
    """The cleaned samples; their problems, and that of a unit that was not said, at once."""
    problems: list[Problem] = []
    if series.unit is None and kind == "traffic" and COUNTS.search(column) and not PER_SECOND.search(column):
        allowed = "requests (a count for each interval), rpm, rph, rps"
        found = f"column {column!r}, which does not sound like requests per second"
        problems.append(where.in_scenario("the unit is not said", "unit", found, allowed))
    try:
        trace = _cleaned(series, table, column, origin, where)
    except ScenarioError as error:
        raise ScenarioError([*problems, *error.problems]) from None
    if problems:
        raise ScenarioError(problems)
    return trace


def _per_ms(series: FileSeries, trace: Cleaned, where: Where) -> int:
    """The time to which a value belongs."""
    if series.unit != "requests":
        return PER_MS[series.unit or "rps"]
    if not trace.even:
        allowed = "rows at even distances, or interval: the time that a count belongs to"
        raise ScenarioError(where.in_scenario("counts without an interval", "unit", "uneven rows", allowed))
    return trace.interval_ms


def _check_size(samples: Samples, per_ms: int, column: str, where: Where) -> None:
    largest = float(samples.values.max()) * 1000 / per_ms
    if largest > LARGEST:
        found = f"{largest:.3g} per second in column {column!r}"
        raise ScenarioError(where.in_trace("values too large, perhaps in another unit", None, found, "at most 1e12"))


def _cropped(series: FileSeries, trace: Cleaned, is_clock: bool, where: Where) -> tuple[int, Samples]:
    crop, end_ms = series.crop, trace.samples.end_ms
    if crop is None:
        return 0, trace.samples
    problems: list[Problem] = []
    ends = []
    for key, value, default in (("from", crop.from_time, 0), ("to", crop.to_time, end_ms)):
        if isinstance(value, str) and not is_clock:
            allowed = "a time since the first row: the file's own times are no wall-clock times"
            problems.append(where.in_scenario("a wall-clock time", f"crop.{key}", value, allowed))
        ends.append(epoch_ms(value) - trace.start_ms if isinstance(value, str) else default if value is None else value)
    from_ms, to_ms = ends
    if not problems and not 0 <= from_ms < to_ms <= end_ms:
        found = f"from {format_duration(from_ms)} to {format_duration(to_ms)} after the first row"
        allowed = f"from below to, within 0s and {format_duration(end_ms)}"
        problems.append(where.in_scenario("not within the trace", "crop", found, allowed))
    if problems:
        raise ScenarioError(problems)
    return from_ms, cropped(trace.samples, from_ms, to_ms)


def _resampled(series: FileSeries, samples: Samples, trace: Cleaned, where: Where) -> Samples:
    if series.resample is None:
        return samples
    step_ms = series.resample.step_ms
    if step_ms < trace.interval_ms:
        found = f"{format_duration(step_ms)}, rows every {format_duration(trace.interval_ms)}"
        allowed = "a longer step; interpolate: linear draws lines between rows"
        raise ScenarioError(where.in_scenario("finer than the rows", "resample.step", found, allowed))
    return resampled(samples, step_ms, series.resample.keep)


def _aligned(
    series: FileSeries, samples: Samples, start_ms: int, is_clock: bool, origin: Origin, where: Where
) -> tuple[int, Samples]:
    """Where in the run the samples begin, without those before the run."""
    if series.align == "start":
        return series.offset_ms, samples
    if not is_clock:
        allowed = "align: start, or a file with ISO or epoch times"
        raise ScenarioError(where.in_scenario("the file's own times are no wall-clock times", "align", "", allowed))
    offset_ms = series.offset_ms + start_ms - origin.start_ms
    if offset_ms >= 0:
        return offset_ms, samples
    if -offset_ms >= samples.end_ms:
        found = f"its end is {format_duration(-offset_ms - samples.end_ms)} before the start of the run"
        raise ScenarioError(where.in_scenario("the trace ends before the run starts", "align", found, "another start"))
    return 0, cropped(samples, -offset_ms, samples.end_ms)


def _played(
    series: FileSeries, samples: Samples, per_ms: int, column: str, interval_ms: int, offset_ms: int
) -> RecordedSeries:
    playing = {**series.playing(), "offset_ms": offset_ms}
    if series.interpolate == "linear" and series.step_ms is None:
        playing["step_ms"] = max(1, round(interval_ms * series.time_scale) // 10)
    source = f"{series.file}, " + (f"column {column}" if column else "rows counted")
    return RecordedSeries(recorded=Recording.of(samples, per_ms, source), **playing)


def _guessed(series: FileSeries, wanted: Wanted, trace: Cleaned, table: Table) -> str:
    text = f"values in {series.unit or 'rps'}, a row every {format_duration(trace.interval_ms)}"
    text += "" if trace.even else " or so"
    if wanted.time:
        text += f", times from column {wanted.time!r} ({table.time_format}"
        text += f", {series.zone})" if table.time_format == "iso" and "" in table.zones else ")"
    return text


def check_digest(series: FileSeries, where: Where) -> None:
    """Refuses a file with another content than that which a resolved scenario was made of."""
    if series.sha256 is not None and (found := digest(where.path)) != series.sha256:
        raise ScenarioError(where.in_trace("the file has changed", None, f"sha256 {found}", series.sha256))


def digest(path: str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
