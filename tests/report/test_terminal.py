"""The terminal summary."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from capsim.report.terminal import show
from capsim.scenario import Inventory, Line
from tests.result import story


def shown(result, width=100):
    text = io.StringIO()
    show(result, Console(file=text, width=width), Path("runs/app10"))
    return text.getvalue()


def test_it_fits_on_a_screen_and_ends_with_the_folder():
    lines = shown(story.result()).splitlines()
    assert len(lines) <= 24
    assert lines[0].startswith("app10  1h simulated, seed 1")
    assert lines[-1].strip() == "Files: runs/app10/"


def test_what_is_not_modelled_is_said_once():
    entries = [Line(field="affinity.podAffinity", text="…"), Line(field="affinity.podAffinity", text="…")]
    scenario = story.scenario().model_copy(update={"inventory": Inventory(not_modelled=entries)})
    text = shown(story.result(scenario=scenario))
    assert "Simplified, may matter: scheduler, workloads, kubelet" in text
    assert "Not modelled, may matter: affinity.podAffinity (2 in run.json)" in text


def test_partial_runs_say_so():
    text = shown(story.result(facts={**story.facts(), "reached_ms": 600_000, "partial": True}))
    assert "10m simulated" in text
    assert "PARTIAL" in text
