"""The head of a trace file: format, names of columns, and what they seem to hold."""

from __future__ import annotations

import csv
import gzip
import os
import re
import zlib
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from capsim.errors import ScenarioError
from capsim.scenario.traces.where import Where

SNIFFED_BYTES = 1 << 18
TIME_NAMES = re.compile(r"(.*[_ .-])?(time|timestamp|datetime|date|ts|t|epoch|seconds?)([_ .-].*)?", re.I)
ALLOWED_FORMATS = "CSV text with a line of column names (plain or .gz), or Parquet"
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True)
class Header:
    """Columns of a file by name, as written, and the kind of each: `number`, `time`, `zoned` time, `text`, `empty`."""

    path: str
    is_parquet: bool
    kinds: dict[str, str]
    delimiter: str = ","
    is_gzip: bool = False

    @property
    def names(self) -> list[str]:
        """All names, in the order of the file."""
        return list(self.kinds)

    @property
    def first_line(self) -> int:
        """Number of the first row of data, as messages count: lines of a CSV, rows of a Parquet file."""
        return 1 if self.is_parquet else 2

    def time_name(self) -> str | None:
        """The column that looks like the times: by name, else the first if it holds times."""
        named = [name for name in self.kinds if TIME_NAMES.fullmatch(name)]
        temporal = [name for name, kind in self.kinds.items() if kind in ("time", "zoned")]
        filled = [name for name in named if self.kinds[name] != "empty"]
        return next(iter([*(name for name in named if name in temporal), *filled, *named, *temporal]), None)


def read_header(where: Where) -> Header:
    """The head of a file. Raises ScenarioError when there is none, or the file is no table."""
    try:
        with open(where.path, "rb") as file:
            start = file.read(SNIFFED_BYTES)
        if not start:
            raise ScenarioError(where.in_trace("the file is empty", allowed=ALLOWED_FORMATS))
        if start[:4] == _PARQUET:
            return _parquet_header(where)
        is_gzip = start[:2] == _GZIP
        return _csv_header(where, _unzipped(start, where) if is_gzip else start, is_gzip)
    except OSError as error:
        reason = (error.strerror or "I/O error").lower()
        raise ScenarioError(where.in_scenario(f"the trace cannot be read: {reason}", "file", where.path)) from None


def _unzipped(start: bytes, where: Where) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(start, SNIFFED_BYTES)
    except (zlib.error, gzip.BadGzipFile):
        raise ScenarioError(where.in_trace("damaged gzip data", allowed=ALLOWED_FORMATS)) from None


def _csv_header(where: Where, start: bytes, is_gzip: bool) -> Header:
    lines = _text(where, start).splitlines()
    if not any(line.strip() for line in lines):
        raise ScenarioError(where.in_trace("the file holds no rows", allowed=ALLOWED_FORMATS))
    delimiter = max(",;\t", key=lines[0].count)
    names = next(csv.reader(lines[:1], delimiter=delimiter))
    _check_names(where, names)
    header = Header(where.path, False, dict.fromkeys(names, "text"), delimiter, is_gzip)
    sample = "\n".join(lines[: -1 if len(lines) > 2 and len(start) >= SNIFFED_BYTES else None])
    return Header(where.path, False, _kinds_of_text(sample, header), delimiter, is_gzip)


def _text(where: Where, start: bytes) -> str:
    try:
        text = start.decode("utf-8-sig", errors="strict" if len(start) < SNIFFED_BYTES else "ignore")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        found = f"bytes {start[:8].hex(' ')} …"
        raise ScenarioError(where.in_trace("not a table but binary data", found=found, allowed=ALLOWED_FORMATS))
    return text


def _check_names(where: Where, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise ScenarioError(where.in_trace("two columns of one name", 1, ", ".join(twice), "different names"))
    if all(re.fullmatch(r"[-+.:\dTZ eE]*\d[-+.:\dTZ eE]*", name.strip()) for name in names):
        found = ", ".join(names[:5])
        raise ScenarioError(where.in_trace("no names of columns", 1, found, "a first line such as time,requests"))


def _kinds_of_text(sample: str, header: Header) -> dict[str, str]:
    """Kinds by the first rows; text where they cannot be told."""
    options = pa.csv.ParseOptions(delimiter=header.delimiter, invalid_row_handler=lambda row: "skip")
    try:
        table = pa.csv.read_csv(pa.BufferReader(sample.encode()), parse_options=options)
    except pa.ArrowInvalid:
        return header.kinds
    return {name: _kind(table.schema.field(i).type) for i, name in enumerate(header.names)}


def _parquet_header(where: Where) -> Header:
    try:
        schema = pa.parquet.read_schema(where.path)
    except (pa.ArrowException, OSError):
        raise ScenarioError(where.in_trace("damaged Parquet file", allowed=ALLOWED_FORMATS)) from None
    return Header(where.path, True, {field.name: _kind(field.type) for field in schema})


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "zoned" if kind.tz else "time"
    if pa.types.is_date(kind):
        return "time"
    if pa.types.is_null(kind):
        return "empty"
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return "number" if is_number else "text"


def identity(path: str) -> tuple[str, int, int]:
    """What tells one state of a file from another without reading it."""
    status = os.stat(path)
    return os.path.realpath(path), status.st_size, status.st_mtime_ns
