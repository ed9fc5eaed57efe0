"""Reads the trace files of a scenario: every `file` series becomes the samples that its run can play.

Each file is read once for all series that name it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from capsim.errors import ScenarioError
from capsim.scenario.document import Mark, SourceList, SourceMap, mark_of
from capsim.scenario.files import relative_to
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.scenario import Scenario
from capsim.scenario.series.base import Origin, Series
from capsim.scenario.series.file import FileSeries
from capsim.scenario.series.recorded import RecordedSeries, Recording
from capsim.scenario.series.stepwise import Samples
from capsim.scenario.traces.columns import choose
from capsim.scenario.traces.header import Header, read_header
from capsim.scenario.traces.record import Played, digest, record
from capsim.scenario.traces.table import Table, Wanted, read_table
from capsim.scenario.traces.where import Where
from capsim.units import format_duration

Found = TypeVar("Found")
INLINED = 5_000_000
"""Samples of one series beyond this are not written into a resolved scenario: it names the file and its SHA-256."""


@dataclass(frozen=True)
class Slot:
    """A series of the scenario that comes from a file: where it stands and what it is read for."""

    series: FileSeries
    where: Where
    origin: Origin
    kind: str
    """`traffic`, `usage` or `metrics`."""


@dataclass(frozen=True)
class Chosen:
    """What is read for a slot."""

    slot: Slot
    header: Header
    wanted: Wanted
    column: str

    @property
    def pass_key(self) -> tuple[Any, ...]:
        """Slots with the same key are read in one pass."""
        return (self.header.path, replace(self.wanted, columns=()))


def with_traces(scenario: Scenario, root: SourceMap, reading: Reading) -> Scenario:
    """The scenario with the samples of its trace files; problems, guesses and warnings go to `reading`.

    `root` is the tree that the scenario was read from: paths are relative to the file that names them.
    """
    slots = list(_slots(scenario, root))
    if not slots:
        return scenario
    attaching = _Attaching(scenario.duration_ms, reading)
    attaching.read(slots)
    return _replaced(scenario, lambda key, series: attaching.series.get(key, series))


class _Attaching:
    """Reads slots; problems are collected over all files."""

    def __init__(self, duration_ms: int, reading: Reading) -> None:
        self.duration_ms, self.reading = duration_ms, reading
        self.series: dict[str, Series] = {}
        self._recordings: dict[tuple[Any, ...], Recording] = {}

    def read(self, slots: list[Slot]) -> None:
        """Reads every file once and records every slot."""
        passes: dict[tuple[Any, ...], list[Chosen]] = {}
        for slot in slots:
            if (chosen := self._attempt(_chosen, slot)) is not None:
                passes.setdefault(chosen.pass_key, []).append(chosen)
        for members in passes.values():
            columns = tuple(dict.fromkeys(m.column for m in members if m.column))
            first = members[0]
            wanted = replace(first.wanted, columns=columns)
            table = self._attempt(read_table, first.header, wanted, first.slot.where)
            if table is not None:
                for chosen in members:
                    self._record(chosen, table)

    def _attempt(self, action: Callable[..., Found], *arguments: Any) -> Found | None:
        try:
            return action(*arguments)
        except ScenarioError as error:
            self.reading.problems += error.problems
            return None

    def _record(self, chosen: Chosen, table: Table) -> None:
        slot = chosen.slot
        arguments = (slot.series, table, chosen.wanted, chosen.column, slot.origin, slot.where, slot.kind)
        played = self._attempt(record, *arguments)
        if played is None:
            return
        self.series[slot.where.key] = self._finished(chosen, played)
        mark = Mark(slot.where.file, slot.where.line or 0)
        text = f"{os.path.basename(slot.where.path)}: {played.guessed}"
        self.reading.note("guessed", slot.where.key, text, mark)
        if played.end_ms < self.duration_ms and not slot.series.repeat:
            ends = f"{format_duration(played.end_ms)} of {format_duration(self.duration_ms)}"
            text = f"the trace ends at {ends}: 0 from then on (repeat: true begins it again)"
            self.reading.note("warnings", slot.where.key, text, mark)

    def _finished(self, chosen: Chosen, played: Played) -> RecordedSeries:
        series = played.series
        samples = series.recorded.samples()
        count = _needed(series, samples, self.duration_ms)
        if count > INLINED:
            return series.referring(_reference(chosen))
        reading = chosen.slot.series.reading()
        key = (chosen.pass_key, chosen.column, count, repr(reading))
        if key not in self._recordings:
            self._recordings[key] = _first(series.recorded, count)
        return series.model_copy(update={"recorded": self._recordings[key]})


def _needed(series: RecordedSeries, samples: Samples, duration_ms: int) -> int:
    """How many samples a run can play, and one more, for the line to it."""
    left_ms = max(1, duration_ms - series.offset_ms)
    if series.repeat and samples.end_ms * series.time_scale < left_ms:
        return len(samples.times_ms)
    return min(len(samples.times_ms), int(np.searchsorted(samples.times_ms * series.time_scale, left_ms)) + 2)


def _first(recording: Recording, count: int) -> Recording:
    """The first samples of a recording."""
    times_ms, _, _ = recording.samples()
    if count == len(times_ms):
        return recording
    part = Samples(times_ms[:count], recording.values.values[:count], int(times_ms[count]))
    return Recording.of(part, recording.per_ms, recording.source)


def _reference(chosen: Chosen) -> FileSeries:
    """How a series is written that is too long for a scenario: the file by its full path, and what it must hold."""
    changes = {
        "file": os.path.abspath(chosen.header.path),
        "sha256": digest(chosen.header.path),
        "column": chosen.column or None,
    }
    return chosen.slot.series.model_copy(update=changes)


def _chosen(slot: Slot) -> Chosen:
    header = read_header(slot.where)
    wanted, column = choose(header, slot.series, slot.origin.name, slot.where)
    return Chosen(slot, header, wanted, column)


def _replaced(scenario: Scenario, change: Callable[[str, Series], Series]) -> Scenario:
    traffic = {key: _changed(f"traffic.{key}", series, change) for key, series in scenario.traffic.items()}
    usage = {
        key: spec.model_copy(
            update={
                what: _changed(f"usage.{key}.{what}", series, change)
                for what in ("cpu", "memory")
                if (series := getattr(spec, what)) is not None
            }
        )
        for key, spec in scenario.usage.items()
    }
    metrics = {
        name: spec.model_copy(update={"series": _changed(f"metrics.{name}.series", spec.series, change)})
        if spec.series is not None
        else spec
        for name, spec in scenario.metrics.items()
    }
    return scenario.model_copy(update={"traffic": traffic, "usage": usage, "metrics": metrics})


def _changed(path: str, series: Series, change: Callable[[str, Series], Series]) -> Series:
    parts = series.parts()
    if parts:
        named = zip(series.part_keys(), parts)
        return series.with_parts(tuple(_changed(f"{path}.{key}", part, change) for key, part in named))
    return change(path, series)


def _slots(scenario: Scenario, root: SourceMap) -> Iterator[Slot]:
    """Every series that names a file, down through sums, products and noise."""
    start_ms = round(scenario.start.timestamp() * 1000)
    for kind in ("traffic", "usage"):
        section = root.get(kind)
        for key, entry in getattr(scenario, kind).items():
            written = section.get(key) if isinstance(section, SourceMap) else None
            origin = Origin(key, scenario.seed, start_ms)
            if kind == "traffic":
                yield from _within(entry, written, f"traffic.{key}", origin, kind)
                continue
            for what in ("cpu", "memory"):
                if (series := getattr(entry, what)) is not None:
                    inner = written.get(what) if isinstance(written, SourceMap) else None
                    yield from _within(series, inner, f"usage.{key}.{what}", origin, kind)
    section = root.get("metrics")
    for name, spec in scenario.metrics.items():
        if spec.series is not None:
            written = section.get(name) if isinstance(section, SourceMap) else None
            inner = written.get("series") if isinstance(written, SourceMap) else None
            origin = Origin(name, scenario.seed, start_ms)
            yield from _within(spec.series, inner, f"metrics.{name}.series", origin, "metrics")


def _within(series: Series, written: Any, path: str, origin: Origin, kind: str) -> Iterator[Slot]:
    if isinstance(series, FileSeries):
        mark = mark_of(written, "file")
        where = Where(relative_to(mark, series.file), path, mark.file, mark.line or None)
        yield Slot(series, where, origin, kind)
    for index, (key, part) in enumerate(zip(series.part_keys(), series.parts())):
        yield from _within(part, _part_of(written, index), f"{path}.{key}", origin, kind)


def _part_of(written: Any, index: int) -> Any:
    """How a part of a series is written."""
    for key in ("noise", "sum", "product") if isinstance(written, SourceMap) else ():
        inner = written.get(key)
        if isinstance(inner, SourceList) and index < len(inner):
            return inner[index]
        if inner is not None:
            return inner
    return None
