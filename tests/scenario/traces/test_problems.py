"""Bad traces: file, line or column, what was found, what is allowed; all problems at once; never a traceback."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.errors import ScenarioError
from capsim.scenario.series import FileSeries, Origin
from capsim.scenario.series.file import Crop, Resample
from capsim.scenario.traces.record import recorded

ISO = "time,app\n1998-04-30T21:30:00{},1\n1998-04-30T21:31:00{},2\n1998-04-30T21:32:00{},3\n"


def test_all_problems_of_the_rows_at_once(problems):
    text = "time,app\n0,1\n60,-3\n120,\n120,inf\n60,2\n600,4\n660,5\n720,6\n780,6\n840,6\n"
    assert [problem.split(";")[0] for problem in problems(text)] == [
        "trace.csv:6: rows that go back in time",
        "trace.csv:6: times that come twice",
        "trace.csv:7: missing rows",
        "trace.csv:4: empty values",
        "trace.csv:3: negative values",
        "trace.csv:5: infinite values",
    ]


def test_messages_say_what_was_found_and_what_is_allowed(problems):
    assert problems("time,app\n0,1\n60,2\n120,3\n600,4\n") == [
        "trace.csv:5: missing rows; found 1, the longest 8m; allowed: a row every 1m, or gaps: hold, zero, linear"
    ]
    assert problems("time,app\n0,1\n60,x\n120,3 rps\n") == [
        "trace.csv:3: not a number in column 'app'; found 'x'; allowed: a number",
        "trace.csv:4: not a number in column 'app'; found '3 rps'; allowed: a number",
    ]
    assert problems("time,app\n0,1\n60,2,5\n120\n180,4\n") == [
        "trace.csv:3: a row of another length; found 3 cells; allowed: 2 as in the first line",
        "trace.csv:4: a row of another length; found 1 cells; allowed: 2 as in the first line",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file holds no rows"),
        (b"time,app\n", "the file holds no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a table but binary data; found bytes 89 50 4e 47"),
        (b"\xff\xfet\x00i\x00", "not a table but binary data"),
        (gzip.compress(b"time,app\n0,1\n60,2\n" * 9, mtime=0)[:-20], "damaged or cut short"),
        (b"\x1f\x8bnot really", "damaged gzip data"),
        (gzip.compress(b"", mtime=0), "the file holds no rows"),
        (b"PAR1not really", "damaged Parquet file"),
        (b"0,1\n60,2\n", "no names of columns; found 0, 1"),
        (b"time,app,app\n0,1,2\n", "two columns of one name; found app"),
        (b"a,app\n1,2\n", "no column of times; found a, app"),
        (b"time,app\n0,\n60,\n", "no values at all"),
        (b"time,app\n0,1\n,2\n", "no time"),
        (b"time,app\n5,1\n", "its interval cannot be told; found 1 row of one time"),
        (b"time,app\n0,1e300\n60,1\n", "values too large, perhaps in another unit"),
    ],
)
def test_files_that_are_no_traces(problems, content, message):
    (problem,) = problems(content)
    assert message in problem


def test_missing_files(tmp_path):
    with pytest.raises(ScenarioError, match=r"cannot be read: no such file or directory; found .*nothere\.csv"):
        recorded(FileSeries(file=str(tmp_path / "nothere.csv")))
    with pytest.raises(ScenarioError, match="cannot be read: is a directory"):
        recorded(FileSeries(file=str(tmp_path)))


def test_mixed_time_zones(problems):
    for text in (ISO.format("Z", "", "Z"), ISO.format("", "", "+02:00")):
        (problem,) = problems(text)
        assert "mixed time zones" in problem
        assert "allowed: a zone on every time, or on none" in problem
        assert "none (line " in problem


@pytest.mark.parametrize("zone", ["Z", ""])
def test_cells_that_are_no_times(problems, zone):
    (problem,) = problems(ISO.format(zone, zone, zone).replace("21:31:00", "25:31:00"))
    assert problem.startswith(f"trace.csv:3: not a time; found '1998-04-30T25:31:00{zone}'")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "tiem"}, "time: no such column, did you mean \"time\"?; found 'tiem'; allowed: time, app, cart"),
        ({"column": "crat"}, 'column: no such column, did you mean "cart"?'),
        ({"service_column": "svc"}, "serviceColumn: no such column"),
        ({"key": "shop/carts"}, "no column is named like 'carts', did you mean \"cart\"?; found app, cart"),
        ({"key": ""}, "the file has several columns"),
        ({"column": "app", "zone": "Mars"}, "zone: no such time zone; found 'Mars'"),
        ({"column": "app", "crop": Crop(from_time=600_000)}, "crop: not within the trace; found from 10m to 3m"),
        ({"column": "app", "crop": Crop(to_time="2026-01-01T00:00:00Z")}, "crop.to: a wall-clock time"),
        (
            {"column": "app", "resample": Resample(step_ms=1000)},
            "resample.step: finer than the rows; found 1s, row",
        ),
        ({"column": "app", "align": "clock"}, "align: the file's own times are no wall-clock times"),
        ({"column": "app", "sha256": "00"}, "the file has changed; found sha256 "),
        ({"column": "app", "service_column": "cart"}, "no rows of service 'app'"),
    ],
)
def test_settings_that_do_not_fit_the_file(problems, options, message):
    (problem,) = problems("time,app,cart\n0,1,2\n60,1,2\n120,1,2\n", **options)
    assert message in problem


def test_counts_need_a_unit_and_even_rows(problems, read):
    for column in ("count", "requests", "Requests per minute", "http_requests", "rpm"):
        assert "the unit is not said" in problems(f"time,{column}\n0,1\n60,1\n", key="default/app")[0]
    assert read("time,requests_per_second\n0,1\n60,1\n", key="default/app")[1] == [1, 1]
    (problem,) = problems("time,app\n0,1\n60,1\n100,2\n", unit="requests")
    assert "counts without an interval" in problem


def test_the_unit_and_the_rows_are_reported_together(problems):
    assert len(problems("time,count\n0,1\n60,-1\n")) == 2


def test_the_trace_is_over_before_the_run(write):
    series = FileSeries(file=write(ISO.format("Z", "Z", "Z")), align="clock")
    with pytest.raises(ScenarioError, match="align: the trace ends before the run starts"):
        recorded(series, Origin("default/app"))


@settings(max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text("0123456789,.-:TZ+\n\"' ex;", max_size=200).map(lambda text: b"time,app\n" + text.encode()),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    )
)
def test_anything_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes(content)
    for options in ({}, {"gaps": "linear", "duplicates": "mean", "sort": True}):
        try:
            samples = recorded(FileSeries(file=str(path), **options), Origin("default/app")).recorded.samples()
        except ScenarioError:
            continue
        assert len(samples.times_ms) == len(samples.values)
