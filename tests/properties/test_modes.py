"""Compiled code and plain Python give the same bytes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.jit import PLAIN
from capsim.scenario import load
from tests.properties.child import digests
from tests.properties.scenarios import scenarios

ROOT = Path(__file__).resolve().parents[2]
STORIES = ("app10", "app10-autoscaled", "app10-manual", "app10-selfmanaged", "single-host")


def in_plain_python(listed, folder):
    (folder / "scenarios.pickle").write_bytes(pickle.dumps(listed))
    done = subprocess.run(
        [sys.executable, "-m", "tests.properties.child", str(folder / "scenarios.pickle")],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(PLAIN, reason="compares compiled code with plain Python: this process is plain")
@given(st.lists(scenarios(), min_size=10, max_size=10))
@settings(max_examples=2)
def test_compiled_equals_plain_on_random_scenarios(tmp_path_factory, listed):
    assert digests(listed) == in_plain_python(listed, tmp_path_factory.mktemp("modes"))


@pytest.mark.skipif(PLAIN, reason="compares compiled code with plain Python: this process is plain")
def test_compiled_equals_plain_on_the_stories(tmp_path):
    listed = [load(ROOT / "scenarios" / f"{name}.yaml") for name in STORIES]
    assert digests(listed) == in_plain_python(listed, tmp_path)
