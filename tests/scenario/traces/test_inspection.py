"""Facts about a trace: span, step, oddities, peaks, cycles."""

from __future__ import annotations

import json

import numpy as np
import pytest

from capsim.errors import ScenarioError
from capsim.scenario.series import DiurnalSeries, FileSeries, Origin
from capsim.scenario.series.stepwise import Samples
from capsim.scenario.traces.cycles import cycles
from capsim.scenario.traces.findings import usual_spacing
from capsim.scenario.traces.inspection import inspect
from capsim.scenario.traces.peaks import highest

MONDAY_MS = 1_767_571_200_000


def weeks(count=2, **options):
    """A diurnal trace of some weeks from a Monday."""
    series = DiurnalSeries(mean=100, peak_hour=15.5, step_ms=300_000, **options)
    times, values = series.points(count * 7 * 86_400_000, Origin(start_ms=MONDAY_MS))
    return Samples(times, values, count * 7 * 86_400_000)


def test_the_day_and_the_week_are_found():
    found = cycles(weeks(weekend_factor=0.5), MONDAY_MS)
    assert found.day.means.argmax() == 15
    assert found.week.repeats_ratio == pytest.approx(1)
    assert found.weekend_hours[15] == pytest.approx(found.weekday_hours[15] / 2, rel=0.01)
    assert found.week.means[:5].min() > 1.5 * found.week.means[5:].max()
    assert 0.5 < found.day.repeats_ratio < 1


def test_cycles_begin_at_whole_hours_of_the_clock():
    samples = weeks()
    shifted = cycles(samples, MONDAY_MS + 1_800_000)
    assert shifted.day.means.argmax() in (15, 16)
    assert cycles(Samples(np.array([0]), np.array([1.0]), 3_600_000), 0) is None
    assert cycles(weeks(1), MONDAY_MS).week.repeats_ratio is None


def test_peaks_are_apart():
    values = np.array([1.0, 9, 8, 1, 1, 7, 1])
    samples = Samples(np.arange(7) * 1000, values, 7000)
    assert highest(samples, 5, 1000) == [1, 5, 3]
    assert highest(samples, 2, 0) == [1, 2]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [([], (0, False)), ([0], (0, False)), ([60], (60, True)), ([60, 60, 120], (60, True)), ([1, 2, 3, 4], (3, False)),
     ([120, 60, 60, 0, -60], (60, True))],
)  # fmt: skip
def test_the_usual_spacing(steps, expected):
    found = usual_spacing(np.array(steps, np.int64))
    assert (found.interval_ms, found.even) == expected


def test_oddities_are_counted_with_their_lines(write):
    path = write("time,app,text\n0,1,x\n60,-3,x\n120,,x\n120,inf,x\n60,2,x\n600,4,x\n")
    found = inspect(FileSeries(file=path))
    odd = {name: (oddity.count, oddity.lines) for name, oddity in found.series[0].oddities.items()}
    assert odd == {
        "unsorted": (1, (6,)),
        "duplicates": (2, (6, 5)),
        "gaps": (1, (7,)),
        "empty": (1, (4,)),
        "negative": (1, (3,)),
        "infinite": (1, (5,)),
    }
    assert found.other_columns == ("text",)
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_column_without_any_number(write):
    found = inspect(FileSeries(file=write("time,app\n0,\n60,\n")))
    assert found.series[0].peaks == ()
    json.dumps(found.as_dict(), allow_nan=False)


def test_services_of_a_long_file(write):
    path = write("time,svc,v\n0,a,1\n60,a,2\n60,b,5\n120,b,7\n")
    found = inspect(FileSeries(file=path, service_column="svc"))
    assert [(facts.name, facts.since_first_ms, facts.peaks[0].value) for facts in found.series] == [
        ("a", 0, 2),
        ("b", 60_000, 7),
    ]


def test_events(write):
    found = inspect(FileSeries(file=write("t,x\n1,a\n1,b\n3,c\n"), unit="events"))
    assert found.series[0].name == "rows per 1s"
    assert found.series[0].peaks[0].value == 2


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b\n1,2\n", {}, "--time COLUMN, or --interval"),
        ("time,b\n1,x\n", {}, "no column of numbers"),
        ("time,b\n1,2\n", {"column": "bb"}, "no such column"),
        ("time,b\n1,2\n2,x\n", {"column": "b"}, "not a number"),
    ],
)
def test_what_cannot_be_inspected(write, text, options, message):
    with pytest.raises(ScenarioError, match=message):
        inspect(FileSeries(file=write(text), **options))
