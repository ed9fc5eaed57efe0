"""Where a trace is named and where its rows stand, for problems with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capsim.errors import Problem

SHOWN = 20


@dataclass(frozen=True)
class Where:
    """A trace file as named by a scenario: `key` of the series, `file` and `line` of the scenario that names it."""

    path: str
    key: str = ""
    file: str = ""
    line: int | None = None

    def in_trace(self, message: str, line: int | None = None, found: str = "", allowed: str = "") -> Problem:
        """A problem with the content of the trace file."""
        return Problem(message, self.path, line, self.key, found, allowed)

    def in_scenario(self, message: str, key: str = "", found: str = "", allowed: str = "") -> Problem:
        """A problem with what the scenario says about the trace."""
        whole = ".".join(part for part in (self.key, key) if part)
        return Problem(message, self.file or self.path, self.line if self.file else None, whole, found, allowed)


def listed(names: Sequence[str]) -> str:
    """Names for a message, not more than people read."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
