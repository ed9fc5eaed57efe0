"""Values over time: traffic in requests per second, recorded CPU in cores, recorded memory in bytes."""

from capsim.scenario.series.base import ANYWHERE, LARGEST, Origin, Series, Value
from capsim.scenario.series.combine import ProductSeries, SumSeries
from capsim.scenario.series.corners import ConstantSeries, Point, RampSeries, StepsSeries
from capsim.scenario.series.file import FileSeries, TraceFile, is_file
from capsim.scenario.series.forms import FORMS, TAG, AnySeries
from capsim.scenario.series.noise import NoiseSeries
from capsim.scenario.series.recorded import RecordedSeries, Recording
from capsim.scenario.series.shapes import DiurnalSeries, SpikeSeries

__all__ = [
    "ANYWHERE",
    "FORMS",
    "LARGEST",
    "TAG",
    "AnySeries",
    "ConstantSeries",
    "DiurnalSeries",
    "FileSeries",
    "NoiseSeries",
    "Origin",
    "Point",
    "ProductSeries",
    "RampSeries",
    "RecordedSeries",
    "Recording",
    "Series",
    "SpikeSeries",
    "StepsSeries",
    "SumSeries",
    "TraceFile",
    "Value",
    "is_file",
]
