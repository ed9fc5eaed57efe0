"""Errors that capsim raises on purpose: a list of problems, each with file, line, key, what was found, what is allowed.

The command line prints them without a traceback and leaves with the class's `exit_code`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where. `line` counts from 1; empty fields are left out of the text."""

    message: str
    file: str = ""
    line: int | None = None
    key: str = ""
    found: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file and self.line else self.file
        text = ": ".join(part for part in (where, self.key, self.message) if part)
        if self.found:
            text += f"; found {self.found}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        return text


class CapsimError(Exception):
    """Base of all errors that name their cause. `problems` holds every one of them, not only the first."""

    exit_code = 1

    def __init__(self, problems: Problem | str | Iterable[Problem | str]) -> None:
        if isinstance(problems, (Problem, str)):
            problems = [problems]
        self.problems: list[Problem] = [Problem(p) if isinstance(p, str) else p for p in problems]
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[CapsimError], tuple[list[Problem]]]:
        # Exceptions cross process borders when a study runs scenarios in parallel.
        return type(self), (self.problems,)


class ScenarioError(CapsimError):
    """The input files are wrong or cannot be read."""

    exit_code = 2


class RunError(CapsimError):
    """The simulation could not go on (an endless loop of events, a custom controller that failed, …)."""

    exit_code = 3


class OutputError(CapsimError):
    """The results could not be written (no permission, disk full, …)."""

    exit_code = 4
