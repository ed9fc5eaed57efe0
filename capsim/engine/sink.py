"""What a run has recorded so far: drained buffers, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from capsim.engine.state import State
from capsim.state.tables import F64, I64


@dataclass
class Sink:
    """Chunks of samples and of the three logs."""

    sample_ms: list[I64] = field(default_factory=list)
    samples: list[F64] = field(default_factory=list)
    responses: list[F64] = field(default_factory=list)
    balance: list[F64] = field(default_factory=list)
    events: list[I64] = field(default_factory=list)
    pods: list[I64] = field(default_factory=list)
    nodes: list[I64] = field(default_factory=list)
    messages: dict[int, str] = field(default_factory=dict)
    """Texts of scheduling failures that say more than their counts: what the search for victims found."""
    notes: list[str] = field(default_factory=list)
    """What broke, in words."""

    def drain_samples(self, s: State) -> None:
        """Take the recorder's samples and empty its buffer."""
        count = int(s.samples.count[0])
        if count:
            self.sample_ms.append(s.samples.out_ms[:count].copy())
            self.samples.append(s.samples.out[:count].copy())
            self.responses.append(s.calls.out[:count].copy())
            self.balance.append(s.connections.out[:count].copy())
            s.samples.count[0] = 0

    def drain_log(self, s: State, name: str, column: int) -> None:
        """Take one buffer of the log (``events``, ``pods``, ``nodes``) and empty it."""
        count = int(s.log.count[column])
        if count:
            getattr(self, name).append(getattr(s.log, name)[:count].copy())
            s.log.count[column] = 0

    def drain(self, s: State) -> None:
        """Take everything."""
        self.drain_samples(s)
        for column, name in enumerate(("events", "pods", "nodes")):
            self.drain_log(s, name, column)

    def copy(self) -> Sink:
        """Another sink with the same chunks (chunks are never changed)."""
        return Sink(
            list(self.sample_ms),
            list(self.samples),
            list(self.responses),
            list(self.balance),
            list(self.events),
            list(self.pods),
            list(self.nodes),
            dict(self.messages),
            list(self.notes),
        )

    def rows(self, name: str, width: int) -> I64:
        """All drained rows of one log."""
        chunks = getattr(self, name)
        return np.concatenate(chunks) if chunks else np.zeros((0, width), np.int64)
