"""Quantities and durations: upstream's forms, upstream's rounding, and back."""

from __future__ import annotations

import doctest
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim import units


def test_doctests():
    assert doctest.testmod(units).failed == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"), ("100m", "0.1"), ("0.1", "0.1"), ("1", "1"), (".5", "0.5"), ("5.", "5"), ("+3", "3"), ("-2", "-2"),
        ("1k", "1000"), ("1M", "1e6"), ("1G", "1e9"), ("1T", "1e12"), ("1P", "1e15"), ("1E", "1e18"),
        ("1Ki", "1024"), ("1.5Gi", str(3 * 2**29)), ("2Ei", str(2**61)), ("1e3", "1000"), ("1E3", "1000"),
        ("12e-1", "1.2"), ("3u", "0.000003"), ("7n", "0.000000007"),
    ],
)  # fmt: skip
def test_quantities_of_kubernetes(text, value):
    assert units.parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 Gi", "1K", "1gi", "Gi", "1mi", "1.2.3", "--1", "1e", "0x10", "1_000", "NaN", "inf", "10E", "1e999"],
)
def test_what_the_api_server_refuses(text):
    with pytest.raises(ValueError):
        units.parse_quantity(text)


@pytest.mark.parametrize("value", [True, None, [], math.nan, math.inf, 1e30])
def test_values_that_are_no_quantity(value):
    with pytest.raises(ValueError):
        units.parse_quantity(value)


@pytest.mark.parametrize(
    ("text", "milli"), [("100m", 100), ("0.1", 100), (1, 1000), (0.5, 500), ("0.0001", 1), ("1.0001", 1001), ("0", 0)]
)
def test_cpu_rounds_up_to_a_milli(text, milli):
    assert units.cpu_milli(text) == milli


def test_memory_rounds_up_to_a_byte():
    assert units.memory_bytes("1500m") == 2
    assert units.memory_bytes("8Gi") == 8 * 2**30
    assert units.memory_bytes("128974848") == 128974848


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("15s", 15_000), ("250ms", 250), ("1h30m", 5_400_000), ("2d", 172_800_000), ("1.5h", 5_400_000), (0, 0),
        (15, 15_000), (0.25, 250), ("15", 15_000), ("0", 0), ("1m0.5s", 60_500), ("100us", 1), ("1ns", 1), ("3µs", 1),
    ],
)  # fmt: skip
def test_durations(text, duration_ms):
    assert units.parse_duration_ms(text) == duration_ms


@pytest.mark.parametrize(
    "text", ["", "s", "-5s", "5 s", "1h30", "1w", "1:30", "5S", True, None, -1, math.nan, "300000d"]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):
        units.parse_duration_ms(text)


@given(st.integers(0, 2**43))
def test_durations_come_back(duration_ms):
    assert units.parse_duration_ms(units.format_duration(duration_ms)) == duration_ms


@given(st.integers(0, 2**62))
def test_quantities_come_back(value):
    assert units.memory_bytes(units.quantity_bytes(value)) == value
    if value < 2**53:
        assert units.cpu_milli(units.format_milli(value)) == value


@pytest.mark.parametrize(
    ("value_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1023, "1 KiB"), (1536, "1.5 KiB"), (8 * 2**30, "8 GiB"), (-(2**20), "-1 MiB")],
)
def test_bytes_for_people(value_bytes, text):
    assert units.format_bytes(value_bytes) == text
