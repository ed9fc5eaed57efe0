"""Series that are read from a trace file: which numbers they are, and what is done about holes in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from capsim.errors import Problem, ScenarioError
from capsim.scenario.model import Milliseconds, Model, Switch, Text, problem
from capsim.scenario.series.base import ANYWHERE, Origin, Series
from capsim.scenario.series.instant import TraceTime
from capsim.scenario.series.recorded import PlayedSeries

if TYPE_CHECKING:
    from capsim.scenario.series.base import Points

NOT_READ = "the trace is not read yet: capsim.scenario.load reads it, or capsim.scenario.traces.record.recorded"
Unit = Literal["rps", "rpm", "rph", "requests", "events", "value"]
TimeFormat = Literal["auto", "seconds", "iso", "epoch", "epochMs"]
Gaps = Literal["refuse", "hold", "zero", "linear"]
Duplicates = Literal["refuse", "first", "last", "mean", "max", "sum"]


class Crop(Model):
    """The part of a trace that is used."""

    from_time: TraceTime | None = Field(None, alias="from", description="Where it begins; default the first row.")
    to_time: TraceTime | None = Field(None, alias="to", description="Where it ends; default the end of the last row.")


class Resample(Model):
    """Coarser rows."""

    step_ms: Milliseconds = Field(gt=0, alias="step", description="Length of the new intervals.")
    keep: Literal["mean", "max"] = Field(
        "mean", description="`mean` conserves the number of requests, `max` the highest rate of each interval."
    )


class FileSeries(PlayedSeries):
    """A trace file: `{file: traces/week.csv, unit: requests}`.

    CSV (plain or .gz) or Parquet; wide (a column for each service) or long (a column with the service's name). Order of
    work: rows are read, cleaned, cropped, resampled; then played: timeScale, interpolate, repeat, offset, scale.
    """

    file: Text = Field(description="The trace file, relative to the scenario file: .csv, .csv.gz or .parquet.")
    column: Text | None = Field(
        None, description="Column of the values; default the one named like the service, or the only one."
    )
    service_column: Text | None = Field(None, description="Long files: the column that names the service of each row.")
    service: Text | None = Field(None, description="Long files: whose rows these are; default the service's own name.")
    time: Text | None = Field(None, description="Column of the times; default found by name (time, timestamp, …).")
    time_format: TimeFormat = Field(
        "auto", description="`seconds` since any moment, `iso` 8601, `epoch` in s, `epochMs`; `auto`: by its values."
    )
    zone: Text = Field("UTC", description="Time zone of ISO times that do not name one: Europe/Paris, +02:00.")
    interval_ms: Milliseconds | None = Field(
        None, gt=0, alias="interval", description="Time from row to row; default the usual one of the time column."
    )
    unit: Unit | None = Field(
        None,
        description="`rps`, `rpm`, `rph`: requests per second, minute, hour; `requests`: a count for each interval; "
        "`events`: every row is one request; `value`: as it stands (usage). Default rps, unless the column's name "
        "sounds like counts.",
    )
    gaps: Gaps = Field(
        "refuse", description="Missing rows and empty values: an error, the value before, 0, or a straight line."
    )
    duplicates: Duplicates = Field("refuse", description="Rows of the same time: an error, or one value of them.")
    sort: Switch = Field(False, description="Rows may come in any order.")
    crop: Crop | None = Field(None, description="Only a part of the file: `{from: 40d, to: 47d}`.")
    resample: Resample | None = Field(None, description="Coarser rows: `{step: 5m, keep: mean}`.")
    align: Literal["start", "clock"] = Field(
        "start",
        description="The first row is at the start of the run, or (`clock`) each row at its own wall-clock time.",
    )
    sha256: Text | None = Field(None, description="Refuse the file when its content has another SHA-256.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.align == "clock" and (self.repeat or self.time_scale != 1):
            raise problem("wall-clock times cannot be repeated or stretched", "align: start", key="align")
        if self.service is not None and self.service_column is None:
            raise problem("service needs serviceColumn, the column that holds names of services", key="service")
        return self

    def reading(self) -> dict[str, Any]:
        """The settings of how the file is read, by attribute; those of how it is played left out."""
        return {name: getattr(self, name) for name in FileSeries.model_fields if name not in PlayedSeries.model_fields}

    def points(self, duration_ms: int, origin: Origin = ANYWHERE) -> Points:
        raise ScenarioError(Problem(NOT_READ, self.file))

    def peak(self) -> float:
        return math.inf


class TraceFile(FileSeries):
    """A file with the traffic of several services: each column (or name in serviceColumn) gives one its `traffic`."""

    services: dict[Text, Text] | None = Field(
        None,
        description="Column, or name in serviceColumn, of each service; default: all, named like the services.",
    )


def is_file(series: Series) -> bool:
    """Whether a series names a file, itself or in a part of it."""
    return isinstance(series, FileSeries) or any(map(is_file, series.parts()))
