"""The documented columns are those of the frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from capsim.result import frames
from tests.result import story

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "frames.md"


ASKED_FOR = ('series["responses"]', 'series["objectives"]', 'series["balance"]', 'series["network"]')
"""Of runs that ask for them only: tests/world/test_calls.py and tests/cli/test_stories.py have them."""


@pytest.mark.parametrize("name", [name for name in frames.FRAMES if name not in ASKED_FOR])
def test_the_hand_written_story_has_exactly_the_documented_columns(name):
    result = story.result()
    frame = result.series[name.split('"')[1]] if name.startswith("series") else getattr(result, name)
    assert set(frame.columns) == {column.name for column in frames.FRAMES[name][1]}


def test_reference_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == frames.markdown(), (
        "python -m capsim.result.frames > docs/reference/frames.md"
    )
