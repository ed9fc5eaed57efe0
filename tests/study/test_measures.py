"""Measures by name, and their units."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from capsim.study.measures import HEADLINES, measures_of, number_text, unit_of
from tests.result import story


def test_every_number_of_a_summary_but_echoes():
    found = measures_of(story.result().summary.model_dump())
    assert found["pending.pods"] == 2
    assert found[f"workloads[{story.APP}].peak_desired"] == 10
    assert found["cost.groups[worker].node_hours"] == 3
    assert "seed" not in found
    assert "partial" not in found
    assert all(isinstance(value, float) for value in found.values())


def test_headlines_exist():
    found = measures_of(story.result().summary.model_dump())
    assert {headline.key for headline in HEADLINES} <= set(found)


def test_null_is_left_out():
    assert measures_of({"zero_pending": {"nodes": None, "estimate": True, "note": "x"}}) == {}


def test_units_are_those_of_the_headlines():
    for headline in HEADLINES:
        assert headline.unit in {unit_of(headline.key), "pods", "nodes"}


def test_units_of_products():
    assert unit_of("pending.pod_seconds") == "pod × s"
    assert unit_of("traffic.backlog_request_seconds") == "request × s"
    assert unit_of("traffic.backlog_seconds") == "s"
    assert unit_of(f"workloads[{story.APP}].lost_requests") == "requests"


@given(
    st.floats(-1e15, 1e15, allow_nan=False),
    st.sampled_from(["s", "ms", "ratio", "USD", "bytes", "", "requests", "mCPU"]),
)
def test_any_number_has_a_short_text(value, unit):
    text = number_text(value, unit)
    assert 0 < len(text) < 40
    assert "nan" not in text
    assert text.startswith("-") == (value < 0)


@given(st.dictionaries(st.text("abc_", min_size=1), st.floats(allow_nan=False) | st.integers() | st.none() | st.text()))
def test_measures_are_the_finite_numbers_of_any_flat_summary(summary):
    found = measures_of(summary)
    assert set(found) == {k for k, v in summary.items() if isinstance(v, (int, float)) and k not in {"seed"}}
    assert not any(math.isnan(value) for value in found.values())
