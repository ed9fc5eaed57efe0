"""The cycle of days and weeks, and the spike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from capsim.scenario.series import DiurnalSeries, Origin, SpikeSeries

DAY_MS = 86_400_000
MONDAY = Origin(start_ms=1_767_571_200_000)  # 2026-01-05T00:00:00Z


@given(
    st.floats(0, 1e6),
    st.floats(1, 20),
    st.floats(0, 23.9),
    st.floats(0, 3),
    st.integers(0, 10 * DAY_MS),
    st.sampled_from([60_000, 300_000, 3_600_000]),
)
def test_a_week_has_the_stated_mean_and_peak(mean, peak_ratio, peak_hour, weekend_factor, start_ms, step_ms):
    series = DiurnalSeries(
        mean=mean, peak_ratio=peak_ratio, peak_hour=peak_hour, weekend_factor=weekend_factor, step_ms=step_ms
    )
    times, values = series.points(7 * DAY_MS, Origin(start_ms=start_ms))
    assert len(times) == 7 * DAY_MS // step_ms
    assert (values >= 0).all()
    assert values.mean() == pytest.approx(mean, rel=0.01, abs=1e-9)
    assert values.max() <= series.peak() * (1 + 1e-9)


def test_the_peak_is_at_its_hour_and_weekends_are_lower():
    series = DiurnalSeries(mean=100, peak_ratio=3, peak_hour=15.5, weekend_factor=0.5, step_ms=60_000)
    _, values = series.points(7 * DAY_MS, MONDAY)
    days = values.reshape(7, 1440)
    assert days.argmax(axis=1).tolist() == [15 * 60 + 30] * 7
    assert days[5:].max() == pytest.approx(days[:5].max() / 2)
    assert days[0].max() == pytest.approx(series.peak())


def test_a_day_has_the_stated_ratio_of_peak_to_mean():
    _, values = DiurnalSeries(mean=100, peak_ratio=3, peak_hour=12).points(DAY_MS, MONDAY)
    assert values.max() / values.mean() == pytest.approx(3)


def test_a_ratio_of_one_is_flat():
    _, values = DiurnalSeries(mean=100, peak_ratio=1).points(DAY_MS, MONDAY)
    assert values == pytest.approx(100)


def test_samples_of_an_odd_step_are_those_of_the_formula():
    fine = DiurnalSeries(mean=100, step_ms=1000).points(3 * DAY_MS, MONDAY)[1]
    odd_times, odd = DiurnalSeries(mean=100, step_ms=7000).points(3 * DAY_MS, MONDAY)
    assert odd == pytest.approx(fine[odd_times // 1000])


@pytest.mark.parametrize("change", [{"peak_ratio": 0.5}, {"peak_hour": 24.0}, {"mean": 1e12, "peak_ratio": 5.0}])
def test_bad_cycles(change):
    with pytest.raises(ValidationError):
        DiurnalSeries(**{"mean": 1, **change})


def test_a_spike_rises_holds_and_falls():
    spike = SpikeSeries(height=100, at_ms=10_000, rise_ms=10_000, hold_ms=30_000, fall_ms=20_000, step_ms=5000)
    times, values = spike.points(200_000)
    assert dict(zip(times.tolist(), values.tolist())) == {
        0: 0, 10_000: 0, 15_000: 50, 20_000: 100, 50_000: 100, 55_000: 75, 60_000: 50, 65_000: 25, 70_000: 0,
    }  # fmt: skip


@given(*[st.integers(0, 20_000)] * 4, st.integers(1, 60_000), st.floats(0, 1e6), st.floats(0, 1e6))
def test_spikes_stay_between_base_and_height(at_ms, rise_ms, hold_ms, fall_ms, duration_ms, height, base):
    if not rise_ms + hold_ms + fall_ms:
        return
    spike = SpikeSeries(height=height, base=base, at_ms=at_ms, rise_ms=rise_ms, hold_ms=hold_ms, fall_ms=fall_ms)
    times, values = spike.points(duration_ms)
    assert times[0] == 0
    assert (np.diff(times) > 0).all()
    assert times[-1] < duration_ms
    low, high = sorted((base, height))
    assert (values >= low - 1e-9 * high).all()
    assert (values <= high * (1 + 1e-9)).all()


def test_a_spike_has_a_length():
    with pytest.raises(ValidationError, match="without length"):
        SpikeSeries(height=1, at_ms=5)
