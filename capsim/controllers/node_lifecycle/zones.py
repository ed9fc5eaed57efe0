"""States of zones, and how fast nodes of a zone are tainted NoExecute.

Source: kubernetes v1.36 pkg/controller/nodelifecycle (ComputeZoneState, handleDisruption, setLimiterInZone) and its
scheduler.RateLimitedTimedQueue.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from capsim.scenario.control_plane import KubeControllerManagerSpec

NORMAL, PARTIAL, FULL = "Normal", "PartialDisruption", "FullDisruption"
PASS_MS = 100
"""nodeEvictionPeriod: how often the queues are looked at."""


def zone_state(ready: int, not_ready: int, threshold_ratio: float) -> str:
    """State of a zone by how many of its nodes are Ready; a zone with no more than two bad nodes is never partial."""
    if ready == 0 and not_ready > 0:
        return FULL
    if not_ready > 2 and not_ready / (not_ready + ready) >= threshold_ratio:
        return PARTIAL
    return NORMAL


def eviction_rate(state: str, nodes: int, flags: KubeControllerManagerSpec) -> float:
    """Nodes per second that may be tainted in a zone of ``nodes`` nodes, while other zones work.

    A zone that is all down is evicted at the normal rate; one that is partly down slower, a small one not at all.
    """
    if state != PARTIAL:
        return flags.node_eviction_rate
    return flags.secondary_node_eviction_rate if nodes > flags.large_cluster_size_threshold else 0.0


@dataclass
class ZoneQueue:
    """Nodes of a zone that wait for their NoExecute taint, behind a token bucket of burst 1."""

    rate: float
    waiting: list[int] = field(default_factory=list)
    """Uids of nodes, in order."""
    next_ms: float = 0.0
    """When the bucket holds its token again."""

    def swap(self, rate: float, now_ms: int) -> None:
        """Another rate: a bucket that was empty stays empty."""
        if rate != self.rate:
            empty = self.next_ms > now_ms
            self.next_ms = now_ms + 1000.0 / rate if empty and rate > 0 else float(now_ms)
            self.rate = rate

    def due_ms(self, now_ms: int) -> int | None:
        """When the next node is tainted, None: none waits, or the rate is 0."""
        if not self.waiting or self.rate <= 0:
            return None
        return max(now_ms, -(-int(self.next_ms) // PASS_MS) * PASS_MS)

    def take(self, now_ms: int) -> int:
        """The node that is tainted now."""
        self.next_ms = now_ms + 1000.0 / self.rate
        return self.waiting.pop(0)
