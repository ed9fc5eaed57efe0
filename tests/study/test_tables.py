"""The tables of a batch, against their definition."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.study.tables import RUN_COLUMNS, SUMMARY_COLUMNS, runs_table, summary_table
from capsim.study.work import Outcome

NUMBER = st.floats(-1e9, 1e9, allow_nan=False)
MEASURES = st.dictionaries(st.sampled_from(["cost.run_usd", "peaks.pods", "pending.longest_s"]), NUMBER)
OUTCOMES = st.lists(
    st.builds(
        Outcome, st.sampled_from(["a", "b"]), st.integers(1, 9), st.sampled_from(["done", "kept"]), measures=MEASURES
    ),
    max_size=12,
)


@given(OUTCOMES)
def test_spread_is_what_it_says(outcomes):
    table = summary_table(outcomes)
    assert list(table.columns) == list(SUMMARY_COLUMNS)
    for row in table.itertuples():
        values = [o.measures[row.measure] for o in outcomes if o.scenario == row.scenario and row.measure in o.measures]
        assert row.runs == len(values)
        assert (row.min, row.max) == (min(values), max(values))
        assert row.min <= row.mean <= row.max
        assert row.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-6)
        assert row.std == pytest.approx(statistics.stdev(values) if len(values) > 1 else 0.0, rel=1e-6, abs=1e-3)
    assert len(table) == len({(o.scenario, key) for o in outcomes for key in o.measures})


@given(OUTCOMES)
def test_a_row_per_run(outcomes):
    table = runs_table(outcomes)
    assert list(table.columns[: len(RUN_COLUMNS)]) == list(RUN_COLUMNS)
    assert table["scenario"].tolist() == [outcome.scenario for outcome in outcomes]


def test_failures_have_rows_without_measures():
    table = runs_table([Outcome("a", None, "failed", message="no such file"), Outcome("b", 1, "done", {"x_s": 1.0})])
    assert table["status"].tolist() == ["failed", "done"]
    assert table["x_s"].isna().tolist() == [True, False]
    assert summary_table([Outcome("a", None, "failed", message="no")]).empty
