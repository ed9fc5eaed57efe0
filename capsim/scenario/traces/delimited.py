"""CSV as a stream of typed batches; when a cell cannot be converted, a second pass finds which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from capsim.errors import Problem, ScenarioError
from capsim.scenario.traces.header import Header
from capsim.scenario.traces.where import Where

BLOCK_BYTES = 4 << 20
MOST_SHOWN = 5
Time = tuple[str, bool]
"""Name of the column of times, and whether it holds numbers."""


def batches(
    header: Header, columns: Sequence[str], time: Time | None, service: str | None, where: Where
) -> Iterator[pa.RecordBatch]:
    """Batches with float64 values; times as float64, timestamps or text; services as a dictionary.

    Raises ScenarioError with the cells that are no numbers and the rows of another length.
    """
    types: dict[str, Any] = dict.fromkeys(columns, pa.float64())
    if time:
        naive = pa.timestamp("ns") if header.kinds[time[0]] == "time" else pa.string()
        types[time[0]] = pa.float64() if time[1] else naive
    if service:
        types[service] = pa.dictionary(pa.int32(), pa.string())
    try:
        yield from _stream(header, types)
    except pa.ArrowInvalid as error:
        problems = _diagnosed(header, types, where)
        if time and not time[1] and not problems and header.kinds[time[0]] == "time":
            problems = _diagnosed_times(header, time[0], where)
        raise ScenarioError(problems or where.in_trace("cannot be read", found=_first_line(error))) from None


def text_batches(header: Header, columns: Sequence[str], where: Where) -> Iterator[pa.RecordBatch]:
    """Batches of text. Raises ScenarioError with the rows of another length."""
    types: dict[str, Any] = dict.fromkeys(columns, pa.string())
    try:
        yield from _stream(header, types)
    except pa.ArrowInvalid as error:
        problems = _diagnosed(header, types, where)
        raise ScenarioError(problems or where.in_trace("cannot be read", found=_first_line(error))) from None


def _stream(header: Header, types: dict[str, Any], parse: dict[str, Any] | None = None) -> Iterator[pa.RecordBatch]:
    options = pa.csv.ConvertOptions(include_columns=list(types), column_types=types, strings_can_be_null=True)
    with pa.input_stream(header.path, compression="gzip" if header.is_gzip else None) as stream:
        reader = pa.csv.open_csv(
            stream,
            read_options=pa.csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=not parse),
            parse_options=pa.csv.ParseOptions(delimiter=header.delimiter, **(parse or {})),
            convert_options=options,
        )
        yield from reader


def _diagnosed(header: Header, types: dict[str, Any], where: Where) -> list[Problem]:
    """Rows of another length, and cells that are no numbers."""
    problems: list[Problem] = []

    def skip(row: Any) -> str:
        if len(problems) < MOST_SHOWN:
            found, allowed = f"{row.actual_columns} cells", f"{row.expected_columns} as in the first line"
            problems.append(where.in_trace("a row of another length", row.number, found, allowed))
        return "skip"

    numbers = [name for name, kind in types.items() if kind == pa.float64()]
    counts = dict.fromkeys(numbers, 0)
    line = header.first_line
    for batch in _stream(header, dict.fromkeys(types, pa.string()), {"invalid_row_handler": skip}):
        for name in numbers:
            problems += _bad_cells(batch.column(name), name, line, counts, where)
        line += len(batch)
    return problems


def _bad_cells(column: pa.Array, name: str, line: int, counts: dict[str, int], where: Where) -> list[Problem]:
    try:
        column.cast(pa.float64())
        return []
    except pa.ArrowInvalid:
        problems = []
    for index, text in enumerate(column.to_pylist()):
        if counts[name] >= MOST_SHOWN:
            break
        if text is not None and not _is_number(text):
            counts[name] += 1
            problems.append(where.in_trace(f"not a number in column {name!r}", line + index, repr(text), "a number"))
    return problems


def _is_number(text: str) -> bool:
    try:
        pa.array([text]).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _diagnosed_times(header: Header, name: str, where: Where) -> list[Problem]:
    from capsim.scenario.traces.times import IsoTimes

    times = IsoTimes(where, "UTC", header.first_line)
    try:
        for batch in _stream(header, {name: pa.string()}):
            times.take(batch.column(name))
    except ScenarioError as error:
        return error.problems
    return []


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
