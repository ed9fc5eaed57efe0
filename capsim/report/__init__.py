"""What people read: the summary in words, the picture, and the run folder with both."""

from __future__ import annotations

from capsim.report.folder import save
from capsim.report.words import headline, words

__all__ = ["headline", "save", "words"]
