"""A scenario that runs in milliseconds: app10's rush hour."""

from __future__ import annotations

from pathlib import Path

import pytest

APP10 = Path(__file__).resolve().parents[2] / "scenarios" / "app10.yaml"


@pytest.fixture
def app10() -> Path:
    return APP10


@pytest.fixture
def variants(tmp_path) -> list[Path]:
    """Two scenario files: app10 as it is, and with a fourth worker."""
    text = f"apiVersion: capsim/v1\nextends: {APP10}\nduration: 20m\n"
    small, large = tmp_path / "small.yaml", tmp_path / "large.yaml"
    small.write_text(text)
    large.write_text(text + "nodeGroups:\n  - {name: worker, initial: 4, max: 4}\n")
    return [small, large]
