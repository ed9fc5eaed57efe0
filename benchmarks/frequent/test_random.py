"""Random draws."""

from __future__ import annotations

import pytest

from capsim.jit import entry
from capsim.rng import draw, normal, uniform

DRAWS = 500_000


@entry
def sum_of_draws(count):
    """Sum of uniform draws."""
    total = 0.0
    for k in range(count):
        total += uniform(1, 2, 3, k)
    return total


@entry
def sum_of_normals(count):
    """Sum of normal draws."""
    total = 0.0
    for k in range(count):
        total += normal(1, 2, 3, k)
    return total


def test_uniform(measure):
    assert sum_of_draws(100) == pytest.approx(sum((draw(1, 2, 3, k) + 0.5) / 2**32 for k in range(100)))
    total = measure(sum_of_draws, prepare=lambda: (DRAWS,), amount=DRAWS, unit="draws/s")
    assert total / DRAWS == pytest.approx(0.5, abs=0.005)


def test_normal(measure):
    total = measure(sum_of_normals, prepare=lambda: (DRAWS,), amount=DRAWS, unit="draws/s")
    assert total / DRAWS == pytest.approx(0, abs=0.01)
