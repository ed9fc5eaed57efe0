"""From a file to samples: formats, columns, units, cleaning, cropping, resampling, alignment."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsim.scenario.series import FileSeries, Origin
from capsim.scenario.series.file import Crop, Resample
from capsim.scenario.traces.record import recorded

EVERY_MINUTE = [0, 60_000, 120_000]


@pytest.mark.parametrize(
    "text",
    [
        "time,app\n0,1\n60,2\n120,3\n",
        "time;app\n0;1\n60;2\n120;3\n",
        "app\ttime\n1\t0\n2\t60\n3\t120\n",
        "\ufefftime,app\r\n0,1\r\n60,2\r\n120,3\r\n",
        "ts,app\n893971800,1\n893971860,2\n893971920,3\n",
        "epoch,app\n893971800000,1\n893971860000,2\n893971920000,3\n",
        "t,app\n893971800.5,1\n893971860.5,2\n893971920.5,3\n",
        "when,app\n1998-04-30T21:30:00Z,1\n1998-04-30T21:31:00Z,2\n1998-04-30T21:32:00Z,3\n",
        "timestamp,app\n1998-04-30 21:30:00,1\n1998-04-30 21:31:00.000,2\n1998-04-30T21:32:00,3\n",
        "timestamp,app\n1998-04-30T23:30:00+02:00,1\n1998-04-30T21:31:00Z,2\n1998-04-30T21:32+00:00,3\n",
        'timestamp,other,app\n"1998-04-30 21:30",x,1\n1998-04-30 21:31,y,2\n1998-04-30 21:32,z,3\n',
    ],
)
def test_forms_of_times_and_text(read, text):
    assert read(text) == (EVERY_MINUTE, [1, 2, 3])


def test_compressed_and_parquet(write, tmp_path):
    text = "time,app\n0,1\n60,2\n120,3\n"
    zipped = FileSeries(file=write(gzip.compress(text.encode()), "t.csv.gz"))
    table = pa.table({"at": pa.array([0, 60_000, 120_000], pa.timestamp("ms", "Europe/Paris")), "app": [1, 2, 3]})
    pq.write_table(table, tmp_path / "t.parquet")
    for series in (zipped, FileSeries(file=str(tmp_path / "t.parquet"))):
        samples = recorded(series, Origin("default/app")).recorded.samples()
        assert samples.times_ms.tolist() == EVERY_MINUTE
        assert samples.values.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [(None, 120), ("rps", 120), ("rpm", 2), ("rph", 120 / 3600), ("requests", 2), ("value", 120)],
)
def test_units(read, unit, expected):
    assert read("time,app\n0,120\n60,120\n", unit=unit)[1] == [expected, expected]


def test_requests_take_the_stated_interval(read):
    assert read("app\n60\n120\n", unit="requests", interval_ms=30_000) == ([0, 30_000], [2, 4])


def test_events_are_counted(read):
    text = "at,size\n2023-11-16 18:17:03.9,5\n2023-11-16 18:17:05.1,7\n2023-11-16 18:17:05.0,7\n"
    assert read(text, unit="events", time="at") == ([0, 1000, 2000], [1, 0, 2])
    assert read(text, unit="events", time="at", interval_ms=60_000) == ([0], [3 / 60])


@pytest.mark.parametrize(
    ("key", "options", "expected"),
    [
        ("shop/cart", {}, 2),
        ("shop/Deployment/cart", {}, 2),
        ("default/orders", {}, 3),
        ("default/x", {"column": "cart"}, 2),
    ],
)
def test_wide_files_have_a_column_for_each_service(read, key, options, expected):
    text = "time,cart,default/orders,orders\n0,2,3,4\n60,2,3,4\n"
    assert read(text, key=key, **options)[1] == [expected, expected]


def test_long_files_have_rows_of_services(read):
    text = "time,svc,rps\n0,cart,1\n0,orders,5\n60,cart,2\n60,orders,6\n120,,9\n"
    assert read(text, key="shop/cart", service_column="svc", column="rps") == ([0, 60_000], [1, 2])
    assert read(text, key="shop/x", service_column="svc", service="orders") == ([0, 60_000], [5, 6])


@pytest.mark.parametrize(
    ("gaps", "times", "values"),
    [
        ("hold", [0, 60, 240], [1, 1, 4]),
        ("zero", [0, 60, 120, 240], [1, 0, 0, 4]),
        ("linear", [0, 60, 120, 180, 240], [1, 1.75, 2.5, 3.25, 4]),
    ],
)
def test_gaps_and_empty_values_are_mended_as_told(read, gaps, times, values):
    assert read("time,app\n0,1\n60,\n240,4\n", gaps=gaps, interval_ms=60_000) == ([t * 1000 for t in times], values)


def test_empty_values_at_the_start_take_the_first_there_is(read):
    assert read("time,app\n0,\n60,NaN\n120,4\n", gaps="hold")[1] == [4, 4, 4]


@pytest.mark.parametrize(
    ("how", "value"), [("first", 1), ("last", 5), ("mean", 3), ("max", 5), ("sum", 6)]
)  # fmt: skip
def test_duplicates_are_mended_as_told(read, how, value):
    assert read("time,app\n0,1\n0,5\n60,7\n", duplicates=how) == ([0, 60_000], [value, 7])


def test_rows_are_sorted_when_told(read):
    assert read("time,app\n120,3\n0,1\n60,2\n", sort=True) == (EVERY_MINUTE, [1, 2, 3])


def test_local_times_in_a_zone_over_the_change_of_clocks(read):
    text = "time,app\n" + "".join(f"2026-03-29T{hour}:00:00,{hour}\n" for hour in ("00", "01", "03", "04"))
    assert read(text, zone="Europe/Paris")[0] == [0, 3_600_000, 7_200_000, 10_800_000]


def test_uneven_rows_hold_until_the_next(read):
    assert read("time,app\n0,1\n7,2\n100,3\n") == ([0, 7000, 100_000], [1, 2, 3])


@pytest.mark.parametrize(
    ("crop", "times"),
    [
        ({"from": "1m"}, [0, 60_000]),
        ({"to": "90s"}, [0, 60_000]),
        ({"from": "30s", "to": "2m30s"}, [0, 30_000, 90_000]),
        ({"from": "1998-04-30T21:31:00Z"}, [0, 60_000]),
    ],
)
def test_crop(read, crop, times):
    text = "time,app\n1998-04-30T21:30:00Z,1\n1998-04-30T21:31:00Z,2\n1998-04-30T21:32:00Z,3\n"
    assert read(text, crop=Crop.model_validate(crop))[0] == times


def test_resample(read):
    text = "time,app\n0,1\n60,3\n120,5\n"
    assert read(text, resample=Resample(step_ms=120_000)) == ([0, 120_000], [2, 5])
    assert read(text, resample=Resample(step_ms=120_000, keep="max")) == ([0, 120_000], [3, 5])


@pytest.mark.parametrize(("seconds", "offset_ms", "first"), [(0, 60_000, 1), (60, 0, 1), (90, 0, 1), (120, 0, 2)])
def test_aligned_by_the_clock(write, seconds, offset_ms, first):
    path = write("time,app\n1998-04-30T21:31:00Z,1\n1998-04-30T21:32:00Z,2\n")
    start_ms = 893_971_800_000 + seconds * 1000
    series = recorded(FileSeries(file=path, align="clock"), Origin("default/app", start_ms=start_ms))
    assert series.offset_ms == offset_ms
    assert series.recorded.values.values[0] == first


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=30), st.sampled_from([1, 15, 60, 3600]))
def test_counts_are_conserved(tmp_path_factory, values, step_s):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text("time,app\n" + "".join(f"{i * step_s},{v!r}\n" for i, v in enumerate(values)))
    samples = recorded(FileSeries(file=str(path), unit="requests"), Origin("default/app")).recorded.samples()
    assert (samples.values * step_s).sum() == pytest.approx(sum(values))
    assert samples.end_ms == len(values) * step_s * 1000
