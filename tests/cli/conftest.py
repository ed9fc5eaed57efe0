"""The command line in the same process, with or without an engine behind it."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from capsim.cli import app
from tests.result import story


@pytest.fixture
def capsim(tmp_path, monkeypatch):
    """Call it with the words of a command line; the current directory is an empty one."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def engine(monkeypatch):
    """A stand-in for the engine that returns the hand-written story; change its ``facts`` to see other ends."""
    fake = SimpleNamespace(
        series=story.series(), pods=story.pods(), nodes=story.nodes(), events=story.events(), facts=story.facts()
    )
    fake.run_scenario = lambda scenario, **_: fake
    monkeypatch.setitem(sys.modules, "capsim.engine.run", fake)
    return fake
