"""Cron expressions: the forms that Kubernetes takes, and those that it does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from capsim.scenario.cron_jobs import fields_of, times_ms

HOUR_MS = 3_600_000
START = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
"""A Saturday; the night in which Berlin's clocks go from 2 to 3."""


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("0 * * * *", [0, 1, 2, 3, 4, 5]),
        ("@hourly", [0, 1, 2, 3, 4, 5]),
        ("30 */2 * * *", [0.5, 2.5, 4.5]),
        ("0 0 * * SUN", [2]),
        ("0 0 * * 1-5", []),
        ("0 1 29 MAR ?", [3]),
        ("0,15 23 * * *", [1, 1.25]),
        ("@daily", [2]),
        ("@every 1h30m", [1.5, 3, 4.5]),
    ],
)
def test_times_of_a_schedule(schedule, hours):
    assert times_ms(schedule, "Etc/UTC", START, 6 * HOUR_MS) == [int(hour * HOUR_MS) for hour in hours]


def test_a_time_zone_shifts_it_and_summer_time_does_too():
    assert times_ms("0 1 * * *", "Europe/Berlin", START, 30 * HOUR_MS) == [2 * HOUR_MS, 25 * HOUR_MS]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * *", "6 fields"),
        ("60 * * * *", "minute"),
        ("* * * * MOO", "day-of-week"),
        ("*/0 * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("@noon", "descriptor"),
        ("@every 0s", "interval"),
        ("* * L * *", "not a field"),
        ("* * * * 5L", "not a field"),
        ("* * * * 5#2", "not a field"),
        ("TZ=UTC * * * * *", "timeZone"),
        ("hello", "1 fields"),
    ],
)
def test_what_is_no_schedule(schedule, words):
    with pytest.raises(ValueError, match=words):
        fields_of(schedule)
