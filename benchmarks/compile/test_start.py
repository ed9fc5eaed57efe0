"""Starts, warm: wall time, as whoever types the command feels it."""

from __future__ import annotations

import pytest

from benchmarks import children, reference
from benchmarks.measure import between

ROUNDS = 7


def measured(measure, target_s: float, arguments: list[str]) -> str:
    """Wall seconds of a command; returns what it prints."""
    marks: list[float] = []
    outputs: list[str] = []

    def setup():
        marks.append(reference.wall_seconds(reference.interpreted, 10))

    def run():
        finished = children.run(["-m", "capsim", *arguments])
        outputs.append(finished.output)
        children.spend(finished.wall_s)

    children.run(["-m", "capsim", *arguments])
    measure.benchmark.pedantic(run, setup=setup, rounds=ROUNDS)
    marks.append(reference.wall_seconds(reference.interpreted, 10))
    if not measure.benchmark.disabled:
        measure.note("s", 1, target_s, between(marks))
    return outputs[-1]


@pytest.mark.benchmark(timer=children.ledger)
def test_help(measure):
    assert "Usage" in measured(measure, 0.3, ["--help"])


@pytest.mark.benchmark(timer=children.ledger)
def test_app10_with_figure(measure, tmp_path):
    """A whole ``capsim run``: load, simulate, summarise, write the folder and its figure."""
    folder = tmp_path / "run"
    assert "10 pods" in measured(measure, 2.0, ["run", "scenarios/app10.yaml", "--out", str(folder)])
    assert (folder / "figures" / "overview.png").stat().st_size > 10_000
