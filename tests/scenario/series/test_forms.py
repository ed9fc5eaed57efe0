"""Every form: written, read back, refused; and how sums, products and scaling behave."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from capsim.errors import ScenarioError
from capsim.scenario import Scenario
from capsim.scenario.series import FORMS, FileSeries, Origin, ProductSeries, RecordedSeries, SumSeries
from capsim.scenario.series.stepwise import held

FORMS_WRITTEN = {
    "constant": 500,
    "steps": {"steps": [["0s", 1], ["5m", 2]]},
    "ramp": {"ramp": [["0s", 1], ["5m", 2]]},
    "file": {
        "file": "week.csv",
        "crop": {"from": "1998-06-29T12:00:00+02:00", "to": "40d"},
        "resample": {"step": "5m"},
    },
    "diurnal": {"diurnal": "2k", "peakRatio": 3.0, "weekendFactor": 0.5},
    "spike": {"spike": 900, "at": "2h", "rise": "1m", "hold": "10m"},
    "noise": {"noise": {"diurnal": 400}, "cv": 0.2},
    "sum": {"sum": [5, {"noise": 3, "kind": "poisson"}, {"product": [2, {"spike": 3, "base": 1, "at": 1, "hold": 9}]}]},
    "product": {"product": [5, {"constant": 2}]},
    "recorded": {"recorded": {"interval": "1m", "length": "3m", "values": [1, 2, 3]}, "scale": 2.0, "repeat": True},
}


def series(data):
    return Scenario.model_validate({"traffic": {"a": data}}, by_alias=True, by_name=False).traffic["a"]


def test_every_form_has_a_sample():
    assert FORMS_WRITTEN.keys() == FORMS.keys()


@pytest.mark.parametrize("form", FORMS_WRITTEN)
def test_written_and_read_again(form):
    made = series(FORMS_WRITTEN[form])
    assert type(made) is FORMS[form]
    again = series(made.model_dump(by_alias=True, exclude_none=True))
    assert again == made


@pytest.mark.parametrize("form", sorted(FORMS_WRITTEN.keys() - {"file"}))
@given(duration_ms=st.integers(1, 20 * 3_600_000))
def test_points_increase_from_zero_within_the_run(form, duration_ms):
    made = series(FORMS_WRITTEN[form])
    times, values = made.points(duration_ms)
    assert (times.dtype, values.dtype) == (np.int64, np.float64)
    assert len(times) == len(values)
    assert times[0] == 0
    assert (np.diff(times) > 0).all()
    assert times[-1] < duration_ms
    assert (values >= 0).all()
    assert values.max() <= made.peak() * (1 + 1e-12)


@given(
    st.lists(st.sampled_from([f for f in FORMS_WRITTEN if f not in ("file", "noise", "sum")]), min_size=1, max_size=3),
    st.lists(st.integers(0, 7_199_999), min_size=1, max_size=20),
    st.booleans(),
)
def test_sums_and_products_are_pointwise(forms, at, is_sum):
    parts = [series(FORMS_WRITTEN[form]) for form in forms]
    whole = SumSeries(terms=parts) if is_sum else ProductSeries(factors=parts)
    moments = np.array(at)
    values = [held(part.points(7_200_000), moments) for part in parts]
    expected = np.sum(values, axis=0) if is_sum else np.prod(values, axis=0)
    assert held(whole.points(7_200_000), moments) == pytest.approx(expected)


@given(st.floats(0, 100), st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.sampled_from(["hold", "linear"]))
def test_scaling_is_linear(scale, values, interpolate):
    recorded = {
        "recorded": {"interval": "1m", "length": f"{len(values)}m", "values": values},
        "interpolate": interpolate,
    }
    moments = np.arange(0, 3_600_000, 7000)
    plain = held(series(recorded).points(3_600_000), moments)
    assert held(series({**recorded, "scale": scale}).points(3_600_000), moments) == pytest.approx(plain * scale)


def test_a_file_that_was_not_read_says_so():
    with pytest.raises(ScenarioError, match=r"week\.csv: the trace is not read yet"):
        FileSeries(file="week.csv").points(1000)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"sum": []}, "at least 1"),
        ({"sum": 5}, "list"),
        ({"product": [1e12, 2]}, "can grow above 1e12"),
        ({"noise": {"nothing": 1}, "cv": 0.1}, "not a series"),
        ({"recorded": {"interval": "1m", "length": "3m", "values": [1, -2, 3]}}, "no rates"),
        ({"recorded": {"interval": "1m", "length": "1m", "values": [1, 2, 3]}}, "do not fit"),
        ({"recorded": {"length": "1m", "values": [1]}}, "spaced"),
        ({"recorded": {"interval": "1m", "length": "3m", "values": "u1.zlib:xx"}}, "damaged"),
        ({"recorded": {"interval": "1m", "length": "3m", "values": [[1]]}}, "not a list of numbers"),
        ({"file": "a.csv", "align": "clock", "repeat": True}, "cannot be repeated"),
        ({"file": "a.csv", "service": "x"}, "serviceColumn"),
        ({"file": "a.csv", "crop": {"from": "1998-05-01"}}, "has no zone"),
        ({"file": "a.csv", "crop": {"from": "yesterday"}}, "not a time"),
        ({"file": "a.csv", "scale": -1.0}, "greater than or equal to 0"),
    ],
)
def test_bad_forms(data, message):
    with pytest.raises(ValidationError, match=message):
        series(data)


def test_messages_name_the_place_and_the_keys_of_the_form(folder):
    problems = folder.problems(
        "usage:\n  app: {memory: {sum: [{diurnal: 4, peakRaito: 2}, {noise: {spike: 4, at: x}}, {sums: [1]}]}}\n"
    )
    keys = [problem.split(": ", 2)[1] for problem in problems]
    assert keys == [
        "usage.default/Deployment/app.memory.sum[0].peakRaito",
        "usage.default/Deployment/app.memory.sum[1].noise.at",
        "usage.default/Deployment/app.memory.sum[2]",
    ]
    assert "not a series" in problems[2]
    assert "allowed: diurnal, peakRatio, peakHour, weekendFactor, step" in problems[0]


def test_recorded_is_played(tmp_path):
    recorded = {"interval": "1m", "length": "3m", "values": [60, 120, 0], "per": "1m"}
    made = series({"recorded": recorded, "offset": "1m", "timeScale": 0.5, "repeat": True})
    assert isinstance(made, RecordedSeries)
    times, values = made.points(180_000, Origin())
    assert times.tolist() == [0, 60_000, 90_000, 120_000, 150_000]
    assert values.tolist() == [0, 1, 2, 0, 1]
