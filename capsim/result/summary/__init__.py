"""The summary of a run, computed from its frames."""

from __future__ import annotations

from capsim.result.summary.build import summarise
from capsim.result.summary.model import Summary

__all__ = ["Summary", "summarise"]
