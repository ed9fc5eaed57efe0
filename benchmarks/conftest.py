"""Fixtures of the benchmarks."""

from __future__ import annotations

import time

import pytest

from benchmarks.measure import Measure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """CPU time of this process, unless a benchmark names another clock: other users of the machine matter less."""
    for item in items:
        if item.get_closest_marker("benchmark") is None:
            item.add_marker(pytest.mark.benchmark(timer=time.process_time))


@pytest.fixture
def measure(benchmark) -> Measure:
    """Measures, see ``Measure``."""
    return Measure(benchmark)
