"""A calendar of rare things: what is due when, by name and with plain numbers, so that it can be copied."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field


@dataclass(order=True)
class Entry:
    """One thing that is due; those of one instant come in the order in which they were written down."""

    at_ms: int
    order: int
    what: str
    args: tuple[int | str, ...]


@dataclass
class Agenda:
    """Everything that is due, the next first."""

    entries: list[Entry] = field(default_factory=list)
    written: int = 0

    def add(self, at_ms: int, what: str, *args: int | str) -> None:
        """Write down what is due at ``at_ms``."""
        heapq.heappush(self.entries, Entry(int(at_ms), self.written, what, args))
        self.written += 1

    def next_ms(self) -> int | None:
        """When the next thing is due."""
        return self.entries[0].at_ms if self.entries else None

    def take(self, now_ms: int) -> Entry | None:
        """The next thing that is due by now."""
        if self.entries and self.entries[0].at_ms <= now_ms:
            return heapq.heappop(self.entries)
        return None
