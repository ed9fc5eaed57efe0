"""Random numbers: the same in every mode and version, evenly spread, independent of one another."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from capsim.jit import entry
from capsim.rng import draw, mix32, name_hash, normal, uniform

pytestmark = [pytest.mark.plain]


@entry
def fill_uniform(out, seed, stream, entity):
    for k in range(out.shape[0]):
        out[k] = uniform(seed, stream, entity, k)


@entry
def fill_normal(out, seed, stream, entity):
    for k in range(out.shape[0]):
        out[k] = normal(seed, stream, entity, k)


def test_known_values():
    """Pinned: a change would change every run with the same seed."""
    assert [int(mix32(x)) for x in (0, 1, 0xFFFFFFFF)] == [0, 3585424194, 2065770111]
    assert [int(draw(1, 2, 3, k)) for k in range(4)] == [2162921425, 2258516644, 2572818011, 3503478509]
    assert name_hash("default/Deployment/app10") == zlib.crc32(b"default/Deployment/app10") & 0x7FFFFFFF


def test_uniform_is_even():
    out = np.zeros(4000)
    fill_uniform(out, 7, 1, 42)
    assert out.min() > 0.0
    assert out.max() < 1.0
    counts, _ = np.histogram(out, bins=10, range=(0.0, 1.0))
    assert ((counts - 400) ** 2 / 400).sum() < 27.9  # chi-squared, 9 degrees of freedom, 0.1 %


def test_normal_has_mean_and_deviation():
    out = np.zeros(4000)
    fill_normal(out, 7, 1, 42)
    assert abs(out.mean()) < 0.06
    assert abs(out.std() - 1.0) < 0.05


@pytest.mark.parametrize("change", [(8, 1, 42), (7, 2, 42), (7, 1, 43)])
def test_streams_are_independent(change):
    a, b = np.zeros(2000), np.zeros(2000)
    fill_uniform(a, 7, 1, 42)
    fill_uniform(b, *change)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.08
