"""`capsim traces inspect`."""

from __future__ import annotations

import json

import pytest

WEEK = "time,app,cart\n" + "".join(
    f"{1_767_571_200 + 3600 * i},{100 + 50 * (i % 24 in range(8, 20))},{i % 5}\n" for i in range(14 * 24)
)


@pytest.fixture
def trace(tmp_path):
    (tmp_path / "week.csv").write_text(WEEK, encoding="utf-8")
    return "week.csv"


def test_words_and_a_picture(capsim, trace, tmp_path):
    done = capsim("traces", "inspect", trace)
    assert done.exit_code == 0, done.output
    assert "week.csv: CSV, 336 rows, times from column 'time', epoch" in done.output
    assert "span    2026-01-05T00:00:00Z to 2026-01-19T00:00:00Z (14d), a row every 1h" in done.output
    assert "the mean day explains 100% of the variation" in done.output
    assert "picture: week.csv.png" in done.output
    assert (tmp_path / "week.csv.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [["--column", "app"], ["--events"], ["--interval", "1h"]])
def test_the_picture_goes_where_it_is_told(capsim, trace, tmp_path, words):
    done = capsim("traces", "inspect", trace, "--out", "p.png", *words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "p.png").stat().st_size > 5000


def test_json(capsim, trace, tmp_path):
    done = capsim("traces", "inspect", trace, "--json", "--no-figure")
    facts = json.loads(done.stdout)
    assert [series["name"] for series in facts["series"]] == ["app", "cart"]
    assert facts["series"][0]["peak_to_mean_ratio"] == pytest.approx(150 / 125)
    assert not (tmp_path / "week.csv.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothere.csv"], "nothere.csv"),
        (["week.csv", "--column", "ap"], 'did you mean "app"?'),
        (["week.csv", "--interval", "soon"], "--interval: not a duration"),
        (["week.csv", "--interval", "0s"], "--interval"),
        (["week.csv", "--zone", "Mars"], "no such time zone"),
    ],
)
def test_mistakes(capsim, trace, words, message):
    done = capsim("traces", "inspect", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_a_place_that_cannot_be_written(capsim, trace):
    done = capsim("traces", "inspect", trace, "--out", "no/such/folder.png")
    assert done.exit_code == 4
    assert "--out" in done.stderr
