"""How long a group rests after a failed scale-up: 5 minutes, doubling to 30, forgotten after 3 hours.

Source: cluster-autoscaler utils/backoff/exponential_backoff.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Rest:
    """The state of one group that failed."""

    duration_ms: int
    until_ms: int
    failed_ms: int


@dataclass
class Backoff:
    """Groups that failed, by group."""

    initial_ms: int
    longest_ms: int
    reset_ms: int
    groups: dict[int, Rest] = field(default_factory=dict)

    def fail(self, group: int, now_ms: int) -> None:
        """A scale-up of the group failed; failures within a backoff do not make it longer."""
        before = self.groups.get(group)
        duration = self.initial_ms
        if before is not None:
            duration = before.duration_ms
            if before.until_ms < now_ms:
                duration = min(2 * duration, self.longest_ms)
        self.groups[group] = Rest(duration, now_ms + duration, now_ms)

    def active(self, group: int, now_ms: int) -> bool:
        """Whether the group rests."""
        rest = self.groups.get(group)
        return rest is not None and rest.until_ms >= now_ms

    def forget_stale(self, now_ms: int) -> None:
        """Forget failures of long ago."""
        self.groups = {g: rest for g, rest in self.groups.items() if rest.failed_ms + self.reset_ms >= now_ms}
