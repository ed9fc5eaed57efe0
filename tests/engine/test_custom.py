"""A Python controller can stand in for a built-in one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import capsim
from capsim.examples.custom_hpa import hpa

APP10 = Path(__file__).resolve().parents[2] / "scenarios" / "app10.yaml"


@pytest.mark.plain
def test_an_hpa_in_python_gives_the_bytes_of_the_built_in_one():
    scenario = capsim.load(APP10)
    built_in = capsim.run(scenario)
    python = capsim.run(scenario, custom=[hpa("default/app10", "default/Deployment/app10", 2, 10, 75)])
    for name in ("pods", "nodes", "events"):
        pd.testing.assert_frame_equal(getattr(built_in, name), getattr(python, name), check_exact=True)
    for name, frame in built_in.series.items():
        pd.testing.assert_frame_equal(frame, python.series[name], check_exact=True)
