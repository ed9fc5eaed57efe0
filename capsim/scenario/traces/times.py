"""Columns of times to milliseconds: numbers or ISO 8601 text, batch by batch."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from capsim.errors import Problem, ScenarioError
from capsim.scenario.traces.where import Where

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
MISSING = np.iinfo(np.int64).min
ALLOWED_ISO = "ISO 8601 times such as 1998-04-30T21:30:00Z, or 1998-04-30 21:30:00 in one zone"
ALLOWED_ZONES = "a name such as Europe/Paris or an offset such as +02:00"
_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d|(?<=\d)[+-]\d\d)$")
_DATE_END = re.compile(r"-\d\d-\d\d")
_EARLIEST = {"epochNs": 1e17, "epochUs": 1e14, "epochMs": 1e11, "epoch": 1e8}
_PER_MS = {"epochNs": 1e-6, "epochUs": 1e-3, "epochMs": 1.0, "epoch": 1e3, "seconds": 1e3}


class IsoTimes:
    """Parses batches of timestamps or text; remembers the zones that were named, and where."""

    def __init__(self, where: Where, zone: str, first_line: int) -> None:
        self.where, self.zone, self._line = where, _arrow_zone(zone, where), first_line
        self.zones: dict[str, int] = {}

    def take(self, batch: pa.Array) -> I64:
        """Milliseconds since 1970 of a batch; `MISSING` where there is no value."""
        if pa.types.is_dictionary(batch.type):
            batch = batch.dictionary_decode()
        if pa.types.is_string(batch.type) or pa.types.is_large_string(batch.type):
            batch = self._from_text(batch)
        elif getattr(batch.type, "tz", None):
            self.zones.setdefault(batch.type.tz, self._line)
        else:
            self.zones.setdefault("", self._line)
            batch = self._zoned(batch.cast(pa.timestamp("ms"), safe=False))
        self._line += len(batch)
        plain = batch.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.int64())
        times: I64 = plain.fill_null(MISSING).to_numpy(zero_copy_only=False)
        return times

    def _zoned(self, naive: pa.Array) -> pa.Array:
        """Naive times in the stated zone; an hour that is missing in spring or doubled in autumn is the earlier one."""
        if self.zone == "UTC":
            return naive.cast(pa.timestamp("ms", "UTC"))
        return pc.assume_timezone(naive, self.zone, ambiguous="earliest", nonexistent="earliest")

    def _from_text(self, batch: pa.Array) -> pa.Array:
        batch = pc.utf8_trim_whitespace(batch)
        self._note_zones(batch)
        zoned = any(self.zones)
        if zoned and "" in self.zones:
            lines = {zone or "none": line for zone, line in self.zones.items()}
            found = ", ".join(f"{zone} (line {line})" for zone, line in lines.items())
            allowed = "a zone on every time, or on none (then zone: says which)"
            raise ScenarioError(self.where.in_trace("mixed time zones", max(lines.values()), found, allowed))
        kind = pa.timestamp("ns", "UTC") if zoned else pa.timestamp("ns")
        try:
            parsed = batch.cast(kind)
        except pa.ArrowInvalid:
            raise ScenarioError(self._not_times(batch, kind)) from None
        return parsed if zoned else self._zoned(parsed.cast(pa.timestamp("ms"), safe=False))

    def _note_zones(self, batch: pa.Array) -> None:
        tails = pc.dictionary_encode(pc.utf8_slice_codeunits(batch, -6))
        for index, tail in enumerate(tails.dictionary.to_pylist()):
            match = None if _DATE_END.fullmatch(tail) else _ZONE.search(tail)
            zone = match[0] if match else ""
            if zone not in self.zones:
                first = pc.index(tails.indices, pa.scalar(index, tails.indices.type)).as_py()
                self.zones[zone] = self._line + first

    def _not_times(self, batch: pa.Array, kind: pa.DataType) -> list[Problem]:
        problems = []
        for index, text in enumerate(batch.to_pylist()):
            try:
                pa.array([text], pa.string()).cast(kind)
            except pa.ArrowInvalid:
                problems.append(self.where.in_trace("not a time", self._line + index, repr(text), ALLOWED_ISO))
            if len(problems) == 5:
                break
        return problems


def _arrow_zone(zone: str, where: Where) -> str:
    zone = "UTC" if zone in ("", "Z") else zone
    try:
        pc.assume_timezone(pa.array([0], pa.timestamp("ms")), zone)
    except (pa.ArrowInvalid, KeyError):
        raise ScenarioError(where.in_scenario("no such time zone", "zone", repr(zone), ALLOWED_ZONES)) from None
    return zone


def from_numbers(values: F64, time_format: str, where: Where, first_line: int) -> tuple[I64, str]:
    """Milliseconds of numbers, and the format that they have: seconds, epoch, epochMs, epochUs, epochNs."""
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        found = f"{len(bad)} rows without one"
        raise ScenarioError(where.in_trace("no time", first_line + int(bad[0]), found, "a time in every row"))
    if time_format == "auto":
        largest = float(np.abs(values).max()) if len(values) else 0.0
        time_format = next((name for name, least in _EARLIEST.items() if largest >= least), "seconds")
    milliseconds = values * _PER_MS[time_format]
    if len(values) and np.abs(milliseconds).max() > 1e15:
        found = f"{values[int(np.abs(milliseconds).argmax())]:g} read as {time_format}"
        raise ScenarioError(where.in_scenario("times out of range", "timeFormat", found, "times before the year 33658"))
    return np.rint(milliseconds, out=milliseconds).astype(np.int64), time_format


def check_present(times_ms: I64, where: Where, first_line: int) -> None:
    """Refuses rows without a time."""
    bad = np.flatnonzero(times_ms == MISSING)
    if len(bad):
        found = f"{len(bad)} rows without one"
        raise ScenarioError(where.in_trace("no time", first_line + int(bad[0]), found, "a time in every row"))
