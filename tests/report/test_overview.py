"""The picture: drawn, of the size it should have, the same each time, and fast."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from capsim.report.axis import POINTS, thin, time_axis
from capsim.report.overview import draw
from tests.result import story


def test_picture_of_a_run(tmp_path):
    draw(story.result(), tmp_path / "a.png")
    draw(story.result(), tmp_path / "b.png")
    picture = imread(tmp_path / "a.png")
    assert picture.shape[:2] == (1056, 1100)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_picture_of_a_run_that_was_interrupted_at_once(tmp_path):
    series = {name: frame[frame["time_ms"] < 0] for name, frame in story.series().items()}
    draw(story.result(series=series, facts={**story.facts(), "reached_ms": 0, "partial": True}), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0


def test_a_month_is_thinned_to_what_a_picture_shows():
    frame = pd.DataFrame({"time_ms": np.arange(43_200) * 60_000, "rps": 5.0, "cost_usd": 1.0})
    shown = thin(frame)
    assert len(shown) <= POINTS
    assert shown["cost_usd"].sum() == pytest.approx(43_200)
    assert (shown["rps"] == 5.0).all()
    assert shown["time_ms"].iloc[0] == 0


@pytest.mark.parametrize(
    ("end_ms", "unit"), [(60_000, "s"), (3_600_000, "min"), (86_400_000, "h"), (30 * 86_400_000, "days")]
)
def test_unit_of_the_axis(end_ms, unit):
    assert time_axis(end_ms).unit == unit
