"""The rows of a trace file as arrays: one streaming pass over the columns that are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from capsim.errors import ScenarioError
from capsim.scenario.traces import delimited
from capsim.scenario.traces.header import Header
from capsim.scenario.traces.times import IsoTimes, check_present, from_numbers
from capsim.scenario.traces.where import Where

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Wanted:
    """What to read: the column of times, columns of values, the column of services, and what the times are."""

    columns: tuple[str, ...]
    time: str | None = None
    service: str | None = None
    time_format: str = "auto"
    zone: str = "UTC"


@dataclass(frozen=True)
class Table:
    """Columns of a file; values are float64 with NaN where there is none, times int64 milliseconds."""

    header: Header
    rows: int
    columns: dict[str, F64]
    times_ms: I64 | None
    """Since 1970 if `is_clock`, else since any moment; None without a column of times."""
    is_clock: bool
    time_format: str
    zones: tuple[str, ...]
    """Zones that ISO times name; empty text: none."""
    services: tuple[str, ...] = ()
    service_of_row: NDArray[np.int32] | None = None


def read_table(header: Header, wanted: Wanted, where: Where) -> Table:
    """Reads a file once. Raises ScenarioError with every cell that cannot be read (the first five of each column)."""
    reading = _Reading(header, wanted, where)
    try:
        for batch in reading.batches():
            reading.take(batch)
    except pa.ArrowException as error:
        raise ScenarioError(where.in_trace("cannot be read", found=str(error).splitlines()[0][:200])) from None
    except OSError as error:
        text = str(error).splitlines()[0][:200]
        raise ScenarioError(where.in_trace("damaged or cut short", found=text, allowed="the whole file")) from None
    return reading.table()


def _parquet_batches(header: Header, names: list[str]) -> Iterator[pa.RecordBatch]:
    with pa.parquet.ParquetFile(header.path) as file:
        yield from file.iter_batches(batch_size=1 << 19, columns=names)


def text_columns(header: Header, names: list[str], where: Where) -> dict[str, list[str | None]]:
    """Columns as texts, None where a cell is empty. Raises ScenarioError with the rows of another length."""
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    batches = _parquet_batches(header, names) if header.is_parquet else delimited.text_batches(header, names, where)
    try:
        for batch in batches:
            for name, cells in columns.items():
                column = batch.column(name)
                cells.extend(column.cast(pa.string()).to_pylist())
    except pa.ArrowException as error:
        raise ScenarioError(where.in_trace("cannot be read", found=str(error).splitlines()[0][:200])) from None
    except OSError as error:
        text = str(error).splitlines()[0][:200]
        raise ScenarioError(where.in_trace("damaged or cut short", found=text, allowed="the whole file")) from None
    if not columns[names[0]]:
        raise ScenarioError(where.in_trace("the file holds no rows", allowed="a row for each pod"))
    return columns


class _Reading:
    """Collects batches."""

    def __init__(self, header: Header, wanted: Wanted, where: Where) -> None:
        self.header, self.wanted, self.where = header, wanted, where
        self.time = (wanted.time, _is_number(header, wanted)) if wanted.time else None
        first = (wanted.time, wanted.service)
        self.names = [name for name in first if name] + [c for c in wanted.columns if c not in first]
        self._iso = IsoTimes(where, wanted.zone, header.first_line)
        self._times: list[NDArray[Any]] = []
        self._values: dict[str, list[F64]] = {name: [] for name in wanted.columns}
        self._services: dict[str, int] = {}
        self._service_of_row: list[NDArray[np.int32]] = []
        self._rows = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The file in pieces."""
        if self.header.is_parquet:
            return _parquet_batches(self.header, self.names)
        return delimited.batches(self.header, self.wanted.columns, self.time, self.wanted.service, self.where)

    def take(self, batch: pa.RecordBatch) -> None:
        """Converts one batch."""
        if self.time:
            column = batch.column(self.time[0])
            self._times.append(_numbers(column) if self.time[1] else self._iso.take(column))
        for name, parts in self._values.items():
            parts.append(self._numbers_of(name, batch.column(name)))
        if self.wanted.service:
            self._service_of_row.append(self._services_of(batch.column(self.wanted.service)))
        self._rows += len(batch)

    def _numbers_of(self, name: str, column: pa.Array) -> F64:
        try:
            return _numbers(column)
        except pa.ArrowException:
            found = f"column {name!r} of type {column.type}"
            raise ScenarioError(self.where.in_trace("not numbers", found=found, allowed="numbers")) from None

    def _services_of(self, column: pa.Array) -> NDArray[np.int32]:
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        names = [str(name) for name in encoded.dictionary.to_pylist()]
        numbers = [self._services.setdefault(name, len(self._services)) for name in names]
        rows: NDArray[np.int32] = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        return np.array([*numbers, -1], np.int32)[rows]

    def table(self) -> Table:
        """All batches together."""
        if not self._rows:
            raise ScenarioError(self.where.in_trace("the file holds no rows", allowed="a row for each interval"))
        times, time_format = self._all_times()
        return Table(
            header=self.header,
            rows=self._rows,
            columns={name: np.concatenate(parts) for name, parts in self._values.items()},
            times_ms=times,
            is_clock=times is not None and time_format != "seconds",
            time_format=time_format,
            zones=tuple(self._iso.zones),
            services=tuple(self._services),
            service_of_row=np.concatenate(self._service_of_row) if self.wanted.service else None,
        )

    def _all_times(self) -> tuple[I64 | None, str]:
        """The times, and what they are."""
        if not self.time:
            return None, ""
        parts, self._times = self._times, []
        times = np.concatenate(parts)
        if self.time[1]:
            return from_numbers(times, self.wanted.time_format, self.where, self.header.first_line)
        check_present(times, self.where, self.header.first_line)
        return times, "iso"


def _is_number(header: Header, wanted: Wanted) -> bool:
    if wanted.time_format != "auto":
        return wanted.time_format != "iso"
    return header.kinds[wanted.time or ""] == "number"


def _numbers(column: pa.Array) -> F64:
    values: F64 = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values
