"""Trace files of a few lines, and the shared folder of real ones."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from capsim.errors import ScenarioError
from capsim.scenario.series import FileSeries, Origin
from capsim.scenario.traces.record import recorded

SHARED = Path(os.environ.get("CAPSIM_SHARED", Path(__file__).resolve().parents[3].parent / "shared"))


@pytest.fixture
def write(tmp_path):
    """Writes a file and returns its path."""

    def write(text, name="trace.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


@pytest.fixture
def read(write):
    """Samples of a text of CSV, as (times_ms, values per second)."""

    def read(text, name="trace.csv", key="default/app", **options):
        series = recorded(FileSeries(file=write(text, name), **options), Origin(key))
        samples = series.recorded.samples()
        return samples.times_ms.tolist(), samples.values.tolist()

    return read


@pytest.fixture
def problems(write):
    """Problems of a text of CSV, without the folder."""

    def problems(text, name="trace.csv", key="default/app", **options):
        path = write(text, name)
        with pytest.raises(ScenarioError) as caught:
            recorded(FileSeries(file=path, **options), Origin(key))
        return [str(problem).replace(path, name) for problem in caught.value.problems]

    return problems


@pytest.fixture
def real():
    """Path of a real trace in the shared folder; skips where it is absent."""

    def real(name):
        path = SHARED / "data" / name
        if not path.is_file():
            pytest.skip(f"{path} is absent: the real traces are in a folder beside the repository (or $CAPSIM_SHARED)")
        return str(path)

    return real


def minutes(count, value=1.0):
    """Text of a trace of a row every minute."""
    values = np.broadcast_to(value, count)
    return "time,app\n" + "".join(f"{60 * i},{v:g}\n" for i, v in enumerate(values))
