"""A scaled series is the series times a factor, noise included."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from capsim.scenario.series import AnySeries
from capsim.scenario.series.base import Origin
from capsim.scenario.series.scaled import scaled

SERIES = TypeAdapter(AnySeries)
FORMS = [
    100,
    {"steps": [["0s", 10], ["10m", 50]]},
    {"ramp": [["0s", 10], ["30m", 50]]},
    {"diurnal": 300, "peakRatio": 2, "peakHour": 20},
    {"spike": 900, "at": "10m", "hold": "5m"},
    {"sum": [{"diurnal": 30}, 5]},
    {"product": [{"diurnal": 30}, 5, {"noise": 1, "cv": 0.2}]},
    {"noise": {"sum": [{"noise": 100, "cv": 0.3}, 5]}, "cv": 0.5},
    {"recorded": {"interval": "1m", "length": "3m", "values": [1, 2, 3]}, "repeat": True},
]


@pytest.mark.parametrize("form", FORMS, ids=[str(form)[:30] for form in FORMS])
def test_a_scaled_series_is_the_series_times_the_factor_with_the_same_noise(form):
    series = SERIES.validate_python(form)
    origin = Origin("shop/cart", seed=7)
    times, values = series.points(3_600_000, origin)
    again, larger = scaled(series, 2.5).points(3_600_000, origin)
    assert (times == again).all()
    np.testing.assert_allclose(larger, 2.5 * values, rtol=1e-12)
